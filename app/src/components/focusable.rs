//! Elements that script gives the focus.

use leptos::web_sys::Element;

use crate::live::browser;

/// Lets script give the focus to an element: `use:focusable`. A view that is drawn again takes its own attributes off and
/// puts them on anew (with `erase_components`, leptos #4270), and what has the focus by one of them loses it; what a
/// directive has set stays.
pub(crate) fn focusable(element: Element) {
    let _ = element.set_attribute("tabindex", "-1");
}

/// The same, and while an element scrolls sideways it is in the order of Tab: what scrolls has to be within reach of the
/// keyboard (WCAG 2.1.1), and what does not would be one stop more on the way through.
pub(crate) fn tabbable_while_scrolling(element: Element) {
    focusable(element.clone());
    browser::observe_size(&element.clone(), move || {
        let scrolls = element.scroll_width() > element.client_width();
        let _ = element.set_attribute("tabindex", if scrolls { "0" } else { "-1" });
    });
}
