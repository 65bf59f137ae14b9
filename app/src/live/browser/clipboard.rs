//! The clipboard.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ClipboardEvent, Element, HtmlDocument, HtmlElement, HtmlTextAreaElement};

use super::page::{closest, find_all, focus_on};

/// Puts text on the clipboard. The answer is true when it got there. What needs the person's click is done before this
/// returns.
pub fn copy(text: &str) -> impl Future<Output = bool> + use<> {
    let writing = has_clipboard().then(|| window().navigator().clipboard().write_text(text));
    let is_copied = writing.is_none() && copy_selected(text).is_some();
    async move {
        match writing {
            Some(writing) => JsFuture::from(writing).await.is_ok(),
            None => is_copied,
        }
    }
}

/// Browsers have none on plain HTTP beyond this machine.
fn has_clipboard() -> bool {
    js_sys::Reflect::get(&window().navigator(), &"clipboard".into()).is_ok_and(|clipboard| !clipboard.is_undefined())
}

/// Copies as a person would: from a text box that has the text selected, and that is gone afterwards.
fn copy_selected(text: &str) -> Option<()> {
    let document: HtmlDocument = document().unchecked_into();
    let before = document.active_element();
    // Outside of an open dialog nothing can be selected.
    let dialog = before.as_ref().and_then(|element| closest(element, "dialog"));
    let around: HtmlElement = dialog.map_or_else(|| document.body(), |dialog| dialog.dyn_into().ok())?;
    let field: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
    field.set_value(text);
    field.set_read_only(true);
    field.set_class_name("visually-hidden");
    around.append_child(&field).ok()?;
    field.select();
    let is_copied = document.exec_command("copy");
    field.remove();
    if let Some(before) = before {
        focus_on(&before);
    }
    is_copied.ok().filter(|is_copied| *is_copied).map(drop)
}

/// Everything in an element that this selector means and that is selected, also in part, in the page's order.
#[must_use]
pub fn find_selected(element: &Element, selector: &str) -> Vec<Element> {
    let Ok(Some(selection)) = window().get_selection() else { return Vec::new() };
    let mut found = find_all(element, selector);
    found.retain(|one| selection.contains_node_with_allow_partial_containment(one, true).unwrap_or(false));
    found
}

/// Puts text on the clipboard instead of what is being copied; true when that was done.
pub fn set_copied(event: &ClipboardEvent, text: &str) -> bool {
    event.clipboard_data().is_some_and(|data| data.set_data("text/plain", text).is_ok())
}
