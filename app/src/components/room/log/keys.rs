//! The log by keys: one tab stop, and inside it the arrows.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, KeyboardEvent};

use super::super::message;
use super::{Log, SCROLLER};
use crate::live::browser;

impl Log {
    /// One tab stop: the arrows go through the messages, and sideways through what is in them.
    pub(super) fn key(self, event: &Event) {
        let (Some(at), Some(event)) = (browser::target(event), event.dyn_ref::<KeyboardEvent>()) else { return };
        self.held.set(false);
        let row = row_of(&at);
        let in_bar = browser::closest(&at, "#actions").is_some();
        let to = match event.key().as_str() {
            "ArrowLeft" | "ArrowRight" if row.is_some() || in_bar => self.sideways(&at, event.key() == "ArrowRight"),
            "ArrowUp" if !in_bar => self.beside(row, false),
            "ArrowDown" if !in_bar && row.is_some() => self.beside(row, true),
            "Home" if !in_bar => self.all().into_iter().next(),
            "End" if !in_bar => self.all().pop(),
            "Enter" if row.as_ref() == Some(&at) => {
                event.prevent_default();
                self.point_at(Some(&at));
                let first = || browser::by_id("actions")?.first_element_child();
                if first().is_none() {
                    // It has to be drawn first.
                    browser::next_frame(move || {
                        if let Some(first) = first() {
                            browser::focus_on(&first);
                        }
                    });
                }
                first()
            }
            "Escape" if in_bar => self.target.get_untracked().and_then(|id| browser::by_id(&message::element_id(id))),
            "Escape" => {
                self.point_at(None);
                browser::by_id("body")
            }
            _ => None,
        };
        if let Some(to) = to {
            event.prevent_default();
            browser::focus_on(&to);
        }
    }

    fn all(self) -> Vec<Element> {
        browser::by_id(SCROLLER).map(|log| browser::find_all(&log, ".rows [data-message]")).unwrap_or_default()
    }

    /// The message before or after this row; without one, the last.
    fn beside(self, row: Option<Element>, forward: bool) -> Option<Element> {
        let mut all = self.all();
        let Some(row) = row else { return all.pop() };
        let at = all.iter().position(|other| *other == row)?;
        let to = if forward { at + 1 } else { at.checked_sub(1)? };
        (to < all.len()).then(|| all.swap_remove(to))
    }

    fn sideways(self, at: &Element, forward: bool) -> Option<Element> {
        let around = browser::closest(at, "#actions").or_else(|| row_of(at))?;
        let stops = browser::find_all(&around, "a, button, pre");
        let here = stops.iter().position(|stop| stop == at);
        match (here, forward) {
            (None, true) => stops.first().cloned(),
            (Some(here), true) => stops.get(here + 1).cloned(),
            (Some(0), false) if around.id() != "actions" => Some(around),
            (Some(here), false) => here.checked_sub(1).and_then(|before| stops.get(before)).cloned(),
            (None, false) => None,
        }
    }
}

/// The message's row that this stands in.
fn row_of(element: &Element) -> Option<Element> {
    browser::closest(element, ".rows [data-message]")
}
