//! The page: focus, positions, dialogs.

use std::sync::OnceLock;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{
    Element, HtmlDialogElement, HtmlElement, HtmlInputElement, HtmlTextAreaElement, MouseEvent, ResizeObserver,
    ShowPopoverOptions,
};

/// Sets or removes an empty attribute of the document's root, for styles and tests to see.
pub fn toggle_root_attribute(attribute: &str, set: bool) {
    if let Some(root) = document().document_element() {
        let _ = root.toggle_attribute_with_force(attribute, set);
    }
}

/// Target element of an event.
#[must_use]
pub fn target(event: &web_sys::Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// The element itself or the nearest around it that this selector means.
#[must_use]
pub fn closest(element: &Element, selector: &str) -> Option<Element> {
    element.closest(selector).ok().flatten()
}

/// The address of a clicked link that the router follows: it shows the other page in this document, and the browser asks
/// nothing before.
#[must_use]
pub fn routed_address(event: &MouseEvent) -> Option<String> {
    let opens_elsewhere =
        event.button() != 0 || event.meta_key() || event.alt_key() || event.ctrl_key() || event.shift_key();
    let link = "a[href]:not([target], [rel~=external])";
    let clicked = target(event).filter(|_| !opens_elsewhere)?;
    closest(&clicked, link)?.get_attribute("href")
}

/// The element of this id.
#[must_use]
pub fn by_id(id: &str) -> Option<Element> {
    document().get_element_by_id(id)
}

/// Everything in an element that this selector means, in the page's order.
#[must_use]
pub fn find_all(element: &Element, selector: &str) -> Vec<Element> {
    let Ok(found) = element.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|i| found.item(i)?.dyn_into().ok()).collect()
}

/// Gives an element the focus.
pub fn focus_on(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.focus();
    }
}

/// Gives the element of this id the focus.
pub fn focus(id: &str) {
    if let Some(element) = by_id(id) {
        focus_on(&element);
    }
}

/// Gives the text field of this id the focus and selects all of it.
pub fn select(id: &str) {
    if let Some(Ok(field)) = by_id(id).map(JsCast::dyn_into::<HtmlInputElement>) {
        let _ = field.focus();
        field.select();
    }
}

/// Puts text into an empty text field, and opens the details around it.
pub fn fill_if_empty(field: &HtmlInputElement, text: &str) {
    if field.value().is_empty() && !text.is_empty() {
        field.set_value(text);
        if let Some(details) = closest(field, "details") {
            let _ = details.toggle_attribute_with_force("open", true);
        }
    }
}

/// The text field of this name in an element.
#[must_use]
pub fn field(element: &Element, name: &str) -> Option<HtmlInputElement> {
    element.query_selector(&format!("[name={name}]")).ok()??.dyn_into().ok()
}

/// True for an element that takes space on the page; false where it, or what holds it, is not displayed.
#[must_use]
pub fn is_displayed(element: &Element) -> bool {
    element.get_bounding_client_rect().width() > 0.0
}

/// Takes the focus off what is not there any more, so that Tab goes on from the top of the page.
pub fn restart_focus() {
    if !is_focus_lost() {
        return;
    }
    if let Some(body) = document().body() {
        // A browser remembers the place of an element that had the focus, until another one gets it.
        body.set_tab_index(-1);
        focus_on(&body);
        let _ = body.remove_attribute("tabindex");
    }
    window().scroll_to_with_x_and_y(0.0, 0.0);
}

/// True if the focus came by the keyboard, and is to be seen.
#[must_use]
pub fn is_keyboard_focus(element: &Element) -> bool {
    element.matches(":focus-visible").unwrap_or(false)
}

/// The day in the date field of this id, in days since 1970-01-01.
#[must_use]
pub fn day_of(id: &str) -> Option<i64> {
    let day = by_id(id)?.dyn_into::<HtmlInputElement>().ok()?.value_as_number() / 86_400_000.0;
    day.is_finite().then_some(day as i64)
}

/// Height of an element, in whole CSS pixels.
#[must_use]
pub fn height_of(element: &Element) -> i32 {
    element.get_bounding_client_rect().height() as i32
}

/// Distance of an element from the top of the screen, in whole CSS pixels.
#[must_use]
pub fn top_of(element: &Element) -> i32 {
    element.get_bounding_client_rect().top() as i32
}

/// Distance of an element from the top of one around it, in whole CSS pixels: to write fractions takes 8 KB of program.
#[must_use]
pub fn top_within(element: &Element, around: &Element) -> i32 {
    (element.get_bounding_client_rect().top() - around.get_bounding_client_rect().top()) as i32
}

/// Space from the left edge of the element around to the right edge of this one, or from its right edge to this one's left,
/// in whole CSS pixels that hold it.
#[must_use]
pub fn width_beside(element: &Element, around: &Element, from_left: bool) -> i32 {
    let (element, around) = (element.get_bounding_client_rect(), around.get_bounding_client_rect());
    let width = if from_left { element.right() - around.left() } else { around.right() - element.left() };
    width as i32 + 1
}

/// Calls `changed` whenever the size of the element changes, until the reactive owner is cleaned up.
pub fn observe_size(element: &Element, changed: impl Fn() + 'static) {
    let changed = Closure::<dyn Fn()>::new(changed);
    let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) else { return };
    observer.observe(element);
    let observing = StoredValue::new_local((observer, changed));
    on_cleanup(move || observing.read_value().0.disconnect());
}

/// Sets a style's custom property on an element. Not an attribute, which the content policy forbids.
pub fn set_custom_property(element: &Element, property: &str, value: &str) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.style().set_property(property, value);
    }
}

/// Sets an attribute of the element of this id.
pub fn set_attribute(id: &str, attribute: &str, value: &str) {
    if let Some(element) = by_id(id) {
        let _ = element.set_attribute(attribute, value);
    }
}

/// Takes an attribute from the elements that the selector means, and gives it to the element of this id, if there is one.
pub fn set_only_attribute(selector: &str, attribute: &str, id: Option<&str>) {
    for element in document().document_element().map(|root| find_all(&root, selector)).unwrap_or_default() {
        let _ = element.remove_attribute(attribute);
    }
    if let Some(id) = id {
        set_attribute(id, attribute, "true");
    }
}

/// Keeps what is scrolled to this far below the top of the scroller of this id, in CSS pixels.
pub fn set_scroll_padding(id: &str, pixels: i32) {
    if let Some(Ok(scroller)) = by_id(id).map(JsCast::dyn_into::<HtmlElement>) {
        let _ = scroller.style().set_property("scroll-padding-block-start", &format!("{pixels}px"));
    }
}

/// Brings the element of this id into the middle of its scroller, and shows that it is meant.
pub fn scroll_into_view(id: &str) {
    let Some(element) = by_id(id) else { return };
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Center);
    element.scroll_into_view_with_scroll_into_view_options(&options);
    // Once more when what is on the screen now has got its real size.
    let again = element.clone();
    request_animation_frame(move || again.scroll_into_view_with_scroll_into_view_options(&options));
    // The class begins an animation; it has to go before it can begin again.
    let classes = element.class_list();
    let _ = classes.remove_1("found");
    let _ = element.get_bounding_client_rect();
    let _ = classes.add_1("found");
}

/// Opens the `<dialog>` of this id above the page, if there is one.
pub fn open_dialog(id: &str) {
    if let Some(dialog) = dialog(id) {
        // Fails when it is open already.
        let _ = dialog.show_modal();
    }
}

/// Opens the `<dialog>` of this id beside the page, which can be used meanwhile.
pub fn show_dialog(id: &str) {
    if let Some(dialog) = dialog(id) {
        dialog.show();
    }
}

/// Closes the `<dialog>` of this id, if there is one.
pub fn close_dialog(id: &str) {
    if let Some(dialog) = dialog(id) {
        dialog.close();
    }
}

fn dialog(id: &str) -> Option<HtmlDialogElement> {
    by_id(id)?.dyn_into().ok()
}

/// Opens a popover, beside this element where the styles say so.
pub fn open_popover(popover: &HtmlElement, beside: Option<Element>) {
    let options = ShowPopoverOptions::new();
    if let Some(Ok(beside)) = beside.map(JsCast::dyn_into) {
        options.set_source(&beside);
    }
    let _ = popover.show_popover_with_options(&options);
}

/// Distance of an element from the left of what it is placed in, in whole CSS pixels.
#[must_use]
pub fn offset_left(element: &Element) -> i32 {
    element.dyn_ref::<HtmlElement>().map_or(0, HtmlElement::offset_left)
}

/// Runs a function that focuses the field with this id for a moment, and leaves the on-screen keyboard as it is.
pub fn without_keyboard(id: &str, run: impl FnOnce()) {
    let field = by_id(id);
    if let Some(field) = &field {
        let _ = field.set_attribute("inputmode", "none");
    }
    run();
    if let Some(field) = &field {
        let _ = field.remove_attribute("inputmode");
    }
}

/// True while a popover is open.
#[must_use]
pub fn is_open(popover: &Element) -> bool {
    popover.matches(":popover-open").unwrap_or(false)
}

/// Takes an attribute away from the element of this id, and returns it.
#[must_use]
pub fn take_attribute(id: &str, attribute: &str) -> Option<String> {
    let element = by_id(id)?;
    let value = element.get_attribute(attribute)?;
    let _ = element.remove_attribute(attribute);
    Some(value)
}

/// Distance from an element's top to the bottom of the page, in whole CSS pixels.
#[must_use]
pub fn distance_to_bottom(element: &Element) -> i32 {
    let height = document().document_element().map_or(0, |root| root.client_height());
    height - element.get_bounding_client_rect().top() as i32
}

/// Gives a text field as many rows as its text has. Where styles can say that (`field-sizing`), does nothing.
pub fn fit_rows(field: &HtmlTextAreaElement) {
    static STYLED: OnceLock<bool> = OnceLock::new();
    if *STYLED.get_or_init(|| web_sys::css::supports_with_value("field-sizing", "content").unwrap_or_default()) {
        return;
    }
    let height_of = |rows| {
        field.set_rows(rows);
        field.client_height()
    };
    let row = height_of(2) - height_of(1);
    if row > 0 {
        let more = field.scroll_height() - field.client_height();
        field.set_rows(1 + (more.max(0) as u32).div_ceil(row as u32));
    }
}

/// True if nothing on the page has the focus.
#[must_use]
pub fn is_focus_lost() -> bool {
    document().active_element().is_none_or(|element| element.tag_name() == "BODY")
}
