//! Elements that script gives the focus.

use leptos::web_sys::Element;

/// Lets script give the focus to an element: `use:focusable`. A view that is drawn again takes its own attributes off and
/// puts them on anew (with `erase_components`, leptos #4270), and what has the focus by one of them loses it; what a
/// directive has set stays.
pub(crate) fn focusable(element: Element) {
    let _ = element.set_attribute("tabindex", "-1");
}
