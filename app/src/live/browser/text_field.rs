//! Writing into a text field so that the browser's undo stays whole.
//!
//! Undo history belongs to the browser. `value` and `setRangeText` change a field behind its back: in Chromium the steps
//! before are then applied to a text that they were not made for, and double it. `execCommand`, deprecated and in every
//! browser, is the only way to add a step.

use std::sync::atomic::{AtomicBool, Ordering};

use js_sys::Intl::Segmenter;
use js_sys::{Array, Object, Reflect};
use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlTextAreaElement};

/// Lines from which on a text is not inserted by command: Chromium takes 80 ms for 100 lines, and 9 s for 2,000.
const MANY_LINES: usize = 50;

/// True while [`replace_text`] runs, whose `input` event is not the reader's.
static IS_REPLACING: AtomicBool = AtomicBool::new(false);

/// True while the program writes into a field, for listeners of `input`.
#[must_use]
pub fn is_replacing_text() -> bool {
    IS_REPLACING.load(Ordering::Relaxed)
}

/// Counts the extended grapheme clusters of a text (UAX #29). 0 where the browser cannot, as Firefox before 125: then the
/// server counts.
#[must_use]
pub fn count_graphemes(text: &str) -> usize {
    let intl = Reflect::get(&js_sys::global(), &"Intl".into());
    if intl.and_then(|intl| Reflect::has(&intl, &"Segmenter".into())) != Ok(true) {
        return 0;
    }
    let segments = Segmenter::new(&Array::new(), &Object::new()).segment(text);
    Array::from(&segments).length() as usize
}

/// Replaces a range of a field's text, in UTF-16 units, and puts the caret behind it: as a step that the browser can
/// undo where the field has the focus, otherwise as the beginning of a new history.
pub fn replace_text(field: &HtmlTextAreaElement, text: &str, start: u32, end: u32) {
    let length = text.encode_utf16().count() as u32;
    if start == end && length == 0 {
        return;
    }
    IS_REPLACING.store(true, Ordering::Relaxed);
    let expected = field.text_length() + length - (end - start);
    let is_done = document().active_element().as_deref() == Some(field.as_ref())
        && text.lines().count() < MANY_LINES
        && replace_by_command(field, text, start, end)
        && field.text_length() == expected;
    if !is_done {
        replace_without_history(field, text, start, end);
    }
    IS_REPLACING.store(false, Ordering::Relaxed);
    // Also ends the step: what is typed next is another one.
    let _ = field.set_selection_range(start + length, start + length);
}

fn replace_by_command(field: &HtmlTextAreaElement, text: &str, start: u32, end: u32) -> bool {
    let _ = field.set_selection_range(start, end);
    let command = if text.is_empty() { "delete" } else { "insertText" };
    let document = document().unchecked_into::<HtmlDocument>();
    document.exec_command_with_show_ui_and_value(command, false, text).unwrap_or(false)
}

/// Browsers forget the history of a field that is put into the page anew.
fn replace_without_history(field: &HtmlTextAreaElement, text: &str, start: u32, end: u32) {
    let had_focus = document().active_element().as_deref() == Some(field.as_ref());
    let _ = field.set_range_text_with_start_and_end(text, start, end);
    if let Some(parent) = field.parent_node() {
        let next = field.next_sibling();
        let _ = parent.remove_child(field);
        let _ = parent.insert_before(field, next.as_ref());
    }
    if had_focus {
        let _ = field.focus();
    }
}
