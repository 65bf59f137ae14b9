//! The log by keys: one tab stop, and inside it the arrows.

use leptos::prelude::*;
use protocol::EventId;
use web_sys::{Element, KeyboardEvent};

use super::ids::element_id;
use super::pointing::Pointing;
use crate::components::room::find::panel;
use crate::language::Language;
use crate::live::browser;

/// Leads the focus: the arrows go through the messages, and sideways through what is in them.
pub(in crate::components::room) fn on_key(pointing: Pointing, event: &KeyboardEvent) {
    let Some(at) = browser::target(event) else { return };
    pointing.cancelled();
    let with_command = event.ctrl_key() || event.meta_key();
    if with_command && event.shift_key() && event.key().eq_ignore_ascii_case("f") {
        event.prevent_default();
        return panel::open();
    }
    // With these, keys select, scroll and go back: the browser's business.
    if event.shift_key() || event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    let row = row_of(&at);
    let in_bar = browser::closest(&at, "#actions").is_some();
    let to = match event.key().as_str() {
        "ArrowLeft" | "ArrowRight" if row.is_some() || in_bar => {
            sideways(&at, (event.key() == "ArrowRight") != Language::current().is_rtl())
        }
        "ArrowUp" if !in_bar => beside(row, false),
        "ArrowDown" if !in_bar && row.is_some() => beside(row, true),
        "Home" if !in_bar => all().into_iter().next(),
        "End" if !in_bar => all().pop(),
        "Enter" if row.as_ref() == Some(&at) => {
            event.prevent_default();
            pointing.point_at(Some(&at));
            into_bar()
        }
        "Escape" if in_bar => pointing.target.try_get_untracked().flatten().and_then(row_of_message),
        "Escape" => {
            pointing.point_at(None);
            browser::by_id("body")
        }
        _ => None,
    };
    if let Some(to) = to {
        event.prevent_default();
        browser::focus_on(&to);
    }
}

/// The first button of the bar. Where it has to be drawn first, it gets the focus then.
fn into_bar() -> Option<Element> {
    let first = || stops_in(&browser::by_id("actions")?).into_iter().next();
    let there = first();
    if there.is_none() {
        request_animation_frame(move || {
            if let Some(first) = first() {
                browser::focus_on(&first);
            }
        });
    }
    there
}

/// Links, buttons and code in an element, without buttons that there is no space for.
fn stops_in(around: &Element) -> Vec<Element> {
    let mut found = browser::find_all(around, "a, button, pre");
    found.retain(browser::is_displayed);
    found
}

fn all() -> Vec<Element> {
    browser::by_id("log").map(|log| browser::find_all(&log, ".rows [data-message]")).unwrap_or_default()
}

/// The message before or after this row; without one, the last.
fn beside(row: Option<Element>, forward: bool) -> Option<Element> {
    let mut all = all();
    let Some(row) = row else { return all.pop() };
    let at = all.iter().position(|other| *other == row)?;
    let to = if forward { at + 1 } else { at.checked_sub(1)? };
    (to < all.len()).then(|| all.swap_remove(to))
}

fn sideways(at: &Element, forward: bool) -> Option<Element> {
    let around = browser::closest(at, "#actions").or_else(|| row_of(at))?;
    let stops = stops_in(&around);
    let here = stops.iter().position(|stop| stop == at);
    match (here, forward) {
        (None, true) => stops.first().cloned(),
        (Some(here), true) => stops.get(here + 1).cloned(),
        (Some(0), false) if around.id() != "actions" => Some(around),
        (Some(here), false) => here.checked_sub(1).and_then(|before| stops.get(before)).cloned(),
        (None, false) => None,
    }
}

/// The message's row that this stands in.
fn row_of(element: &Element) -> Option<Element> {
    browser::closest(element, ".rows [data-message]")
}

fn row_of_message(id: EventId) -> Option<Element> {
    browser::by_id(&element_id(id))
}
