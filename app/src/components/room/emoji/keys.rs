//! The picker by keys.

use std::iter::successors;

use leptos::ev::KeyboardEvent;
use web_sys::{Element, Event};

use super::picker::{ID, SEARCH_ID, first};
use crate::language::Language;
use crate::live::browser;

/// Leads the focus: arrows go from emoji to emoji, and up from the first ones to the search, where letters go, too.
pub(super) fn on_key(event: &KeyboardEvent) {
    let (key, from) = (event.key(), button(event));
    let to = match (key.as_str(), &from) {
        ("ArrowLeft" | "ArrowRight", Some(from)) => {
            neighbour(from, (key == "ArrowRight") != Language::current().is_rtl())
        }
        ("ArrowDown", Some(from)) => below(from, true),
        ("ArrowUp", Some(from)) => below(from, false).or_else(|| browser::by_id(SEARCH_ID)),
        ("ArrowDown", None) => browser::by_id(ID).and_then(|panel| first(&panel)),
        (_, Some(_)) if key != " " && browser::is_printable(&key) && !browser::is_modified(event) => {
            // The browser goes on with the key there.
            browser::focus(SEARCH_ID);
            return;
        }
        _ => return,
    };
    event.prevent_default();
    if let Some(to) = to {
        browser::focus_on(&to);
    }
}

/// The nearest emoji in the same column of the rows below, or above.
fn below(from: &Element, forward: bool) -> Option<Element> {
    let column = browser::offset_left(from);
    successors(neighbour(from, forward), |at| neighbour(at, forward)).find(|at| browser::offset_left(at) == column)
}

/// The emoji after or before this one, in the next or the last group if need be.
fn neighbour(from: &Element, forward: bool) -> Option<Element> {
    let found = if forward {
        from.next_element_sibling().or_else(|| from.parent_element()?.next_element_sibling()?.first_element_child())
    } else {
        from.previous_element_sibling()
            .or_else(|| from.parent_element()?.previous_element_sibling()?.last_element_child())
    };
    found.filter(|found| found.tag_name() == "BUTTON")
}

/// The emoji that an event is about.
pub(super) fn button(event: &Event) -> Option<Element> {
    browser::closest(&browser::target(event)?, "button")
}
