//! Elements that script gives the focus.

use leptos::web_sys::Element;

/// Lets script give the focus to an element: `use:focusable`. A view that is drawn again takes its own attributes off and
/// puts them on anew (with `erase_components`, leptos #4270), and what has the focus by one of them loses it; what a
/// directive has set stays.
pub(crate) fn focusable(element: Element) {
    let _ = element.set_attribute("tabindex", "-1");
}

/// Puts an element into the order of Tab, in the same way: `use:tabbable`.
pub(crate) fn tabbable(element: Element) {
    let _ = element.set_attribute("tabindex", "0");
}
