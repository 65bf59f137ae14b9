//! What the browser gives: clocks, entropy, storage, forms, the address bar. Called from Effects and events only.
//!
//! Storage can be full or forbidden; the page works without it.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Element, EventTarget, FormData, HtmlButtonElement, HtmlDialogElement, HtmlElement, HtmlFormElement,
    HtmlInputElement, HtmlTextAreaElement, KeyboardEvent, ShowPopoverOptions, Storage, SubmitEvent, VisibilityState,
};

use crate::protocol::codec;

const NAME: &str = "flasky.name";

fn window() -> Option<web_sys::Window> {
    web_sys::window()
}

/// Hears what happens to something, for as long as it is there.
pub fn hear(target: &EventTarget, event: &str, listener: impl Fn(&web_sys::Event) + 'static) {
    hear_boxed(target, event, Box::new(move |event| listener(&event)));
}

fn hear_boxed(target: &EventTarget, event: &str, listener: Box<dyn Fn(web_sys::Event)>) {
    let listener = Closure::wrap(listener).into_js_value();
    let _ = target.add_event_listener_with_callback(event, listener.unchecked_ref());
}

/// Hears what happens to the page.
pub fn hear_page(event: &str, listener: impl Fn(&web_sys::Event) + 'static) {
    if let Some(window) = window() {
        hear(&window, event, listener);
    }
}

/// Something that the browser does later.
pub struct Later(i32);

impl Later {
    /// Not any more.
    pub fn call_off(self) {
        if let Some(window) = window() {
            window.clear_timeout_with_handle(self.0);
        }
    }
}

/// Does something after this many milliseconds.
pub fn later(ms: i32, run: impl FnOnce() + 'static) -> Option<Later> {
    let run = once(Box::new(run));
    window()?.set_timeout_with_callback_and_timeout_and_arguments_0(run.unchecked_ref(), ms).ok().map(Later)
}

/// Does something before the page is painted again.
pub fn next_frame(run: impl FnOnce() + 'static) {
    if let Some(window) = window() {
        let _ = window.request_animation_frame(once(Box::new(run)).unchecked_ref());
    }
}

fn once(run: Box<dyn FnOnce()>) -> JsValue {
    Closure::once_into_js(run)
}

/// Whether the page comes out of the browser's page cache.
#[must_use]
pub fn is_awake_again(event: &web_sys::Event) -> bool {
    event.dyn_ref::<web_sys::PageTransitionEvent>().is_some_and(web_sys::PageTransitionEvent::persisted)
}

/// Milliseconds since the page began; never goes back.
#[must_use]
pub fn now_ms() -> u64 {
    window().and_then(|window| window.performance()).map_or(0, |clock| clock.now() as u64)
}

/// UTC milliseconds since 1970.
#[must_use]
pub fn unix_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// Random bytes of the browser's cryptographic source.
#[must_use]
pub fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Some(crypto) = window().and_then(|window| window.crypto().ok()) {
        // Fails above 64 KiB only.
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    bytes
}

/// Whether the browser believes it has a network.
#[must_use]
pub fn is_online() -> bool {
    window().is_none_or(|window| window.navigator().on_line())
}

/// Whether the page can be seen.
#[must_use]
pub fn is_visible() -> bool {
    window()
        .and_then(|window| window.document())
        .is_none_or(|document| document.visibility_state() == VisibilityState::Visible)
}

/// Whether fingers are what the page is used with: there, Enter breaks the line and the button sends.
#[must_use]
pub fn is_touch() -> bool {
    window()
        .and_then(|window| window.match_media("(pointer: coarse)").ok().flatten())
        .is_some_and(|query| query.matches())
}

/// Asks a question that can be answered with yes or no.
#[must_use]
pub fn confirm(question: &str) -> bool {
    window().is_none_or(|window| window.confirm_with_message(question).unwrap_or(true))
}

/// Goes to another page of this site.
pub fn go(path: &str) {
    if let Some(window) = window() {
        let _ = window.location().assign(path);
    }
}

/// `ws://` or `wss://`, as this page itself was reached. Older Safari takes no relative socket address.
#[must_use]
pub fn socket_address(path: &str) -> Option<String> {
    let location = window()?.location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}{path}", location.host().ok()?))
}

/// The address of this site, for links to give away.
#[must_use]
pub fn origin() -> String {
    window().and_then(|window| window.location().origin().ok()).unwrap_or_default()
}

/// Sets or removes an empty attribute of the document's root, for styles and tests to see.
pub fn mark_document(attribute: &str, set: bool) {
    if let Some(root) = window().and_then(|window| window.document()).and_then(|document| document.document_element()) {
        let _ = root.toggle_attribute_with_force(attribute, set);
    }
}

/// Sets or removes an empty attribute of the element of this id.
pub fn toggle(id: &str, attribute: &str, set: bool) {
    if let Some(element) = by_id(id) {
        let _ = element.toggle_attribute_with_force(attribute, set);
    }
}

/// What the reader's clock adds to UTC at present, in minutes.
#[must_use]
pub fn zone() -> i32 {
    -js_sys::Date::new_0().get_timezone_offset() as i32
}

thread_local! {
    /// Making one takes longer than a hundred uses of it.
    static CLOCK: js_sys::Intl::DateTimeFormat = format_of(&[("hour", "numeric"), ("minute", "2-digit")]);
    static CALENDAR: js_sys::Intl::DateTimeFormat = format_of(&[("weekday", "long"), ("day", "numeric"), ("month", "long")]);
}

fn format_of(parts: &[(&str, &str)]) -> js_sys::Intl::DateTimeFormat {
    let options = js_sys::Object::new();
    for (part, style) in parts {
        let _ = js_sys::Reflect::set(&options, &(*part).into(), &(*style).into());
    }
    js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &options)
}

fn formatted(format: &js_sys::Intl::DateTimeFormat, unix_ms: u64) -> String {
    let date = js_sys::Date::new(&(unix_ms as f64).into());
    format.format().call1(format, &date).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// A local clock time such as `14:02`, in the reader's language and zone.
#[must_use]
pub fn local_time(unix_ms: u64) -> String {
    CLOCK.with(|clock| formatted(clock, unix_ms))
}

/// A local date such as `Wednesday, 25 November`, in the reader's language and zone.
#[must_use]
pub fn local_date(unix_ms: u64) -> String {
    CALENDAR.with(|calendar| formatted(calendar, unix_ms))
}

/// Today, in days since 1970-01-01 in the reader's zone.
#[must_use]
pub fn today() -> i64 {
    (unix_ms() as i64 + i64::from(zone()) * 60_000).div_euclid(86_400_000)
}

/// Whether there is a clipboard: browsers have none on plain HTTP beyond this machine.
#[must_use]
pub fn can_copy() -> bool {
    window().is_some_and(|window| {
        js_sys::Reflect::get(&window.navigator(), &"clipboard".into()).is_ok_and(|clipboard| !clipboard.is_undefined())
    })
}

/// Puts text on the clipboard; whether it got there.
pub async fn copy(text: &str) -> bool {
    let Some(window) = window() else { return false };
    wasm_bindgen_futures::JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}

fn local_storage() -> Option<Storage> {
    window()?.local_storage().ok()?
}

/// What this device keeps under this key.
#[must_use]
pub fn remembered(key: &str) -> Option<String> {
    local_storage()?.get_item(key).ok()?
}

/// Keeps this on this device, or forgets it.
pub fn remember(key: &str, text: Option<&str>) {
    if let Some(storage) = local_storage() {
        let _ = text.map_or_else(|| storage.remove_item(key), |text| storage.set_item(key, text));
    }
}

/// Keeps the name for the next room on this device.
pub fn remember_name(name: &str) {
    remember(NAME, Some(name));
}

/// Fills an empty name field with the name used last on this device.
pub fn recall_name() {
    if let Some(Ok(input)) = by_id("name").map(JsCast::dyn_into::<HtmlInputElement>)
        && input.value().is_empty()
        && let Some(name) = remembered(NAME)
    {
        input.set_value(&name);
    }
}

fn session_storage() -> Option<Storage> {
    window()?.session_storage().ok()?
}

/// What this tab keeps over a reload under this key, empty if nothing; `None` when that cannot be read.
#[must_use]
pub fn kept(key: &str) -> Option<String> {
    session_storage()?.get_item(key).ok().map(Option::unwrap_or_default)
}

/// Keeps this over a reload of this tab; empty text is forgotten. Whether that was done.
pub fn keep(key: &str, text: &str) -> bool {
    session_storage().is_some_and(|storage| {
        if text.is_empty() { storage.remove_item(key).is_ok() } else { storage.set_item(key, text).is_ok() }
    })
}

/// The fields of a form, and the button that sent it.
pub struct FormFields {
    data: FormData,
    pressed: Option<HtmlButtonElement>,
}

impl FormFields {
    /// A field's text; empty when there is none of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> String {
        match &self.pressed {
            Some(button) if button.name() == name => button.value(),
            _ => self.data.get(name).as_string().unwrap_or_default(),
        }
    }
}

/// What a submitted form holds.
#[must_use]
pub fn form_fields(event: &web_sys::Event) -> Option<FormFields> {
    let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
    let pressed = event.dyn_ref::<SubmitEvent>()?.submitter().and_then(|submitter| submitter.dyn_into().ok());
    Some(FormFields { data: FormData::new_with_form(&form).ok()?, pressed })
}

fn document() -> Option<web_sys::Document> {
    window()?.document()
}

/// What an event happened to.
#[must_use]
pub fn target(event: &web_sys::Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// A new element, of this namespace or of HTML.
#[must_use]
pub fn new_element(tag: &str, namespace: Option<&str>) -> Option<Element> {
    let document = document()?;
    let element = match namespace {
        Some(_) => document.create_element_ns(namespace, tag),
        None => document.create_element(tag),
    };
    element.ok()
}

/// A new piece of text.
#[must_use]
pub fn new_text(text: &str) -> Option<web_sys::Text> {
    Some(document()?.create_text_node(text))
}

/// The element itself or the nearest around it that this selector means.
#[must_use]
pub fn closest(element: &Element, selector: &str) -> Option<Element> {
    element.closest(selector).ok().flatten()
}

/// The element of this id.
#[must_use]
pub fn by_id(id: &str) -> Option<Element> {
    document()?.get_element_by_id(id)
}

/// Everything on the page that this selector means, in its order.
#[must_use]
pub fn find_everywhere(selector: &str) -> Vec<Element> {
    document().and_then(|document| document.document_element()).map_or_else(Vec::new, |root| find_all(&root, selector))
}

/// What the server left in an attribute for the browser; `None` when it is not that.
#[must_use]
pub fn given<T: DeserializeOwned>(element: &Element, attribute: &str) -> Option<T> {
    codec::decode(&element.get_attribute(attribute)?).ok()
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

/// Whether the focus came by the keyboard, and is to be seen.
#[must_use]
pub fn is_keyboard_focus(element: &Element) -> bool {
    element.matches(":focus-visible").unwrap_or(false)
}

/// How far an element is below the top of one around it, in whole CSS pixels: to write fractions takes 8 KB of program.
#[must_use]
pub fn top_within(element: &Element, around: &Element) -> i32 {
    (element.get_bounding_client_rect().top() - around.get_bounding_client_rect().top()) as i32
}

/// Sets a style's custom property on an element. Not an attribute, which the content policy forbids.
pub fn set_property(element: &Element, property: &str, value: &str) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.style().set_property(property, value);
    }
}

/// Brings the element of this id into the middle of its scroller, gives it the focus and shows that it is meant.
pub fn reveal(id: &str) {
    let Some(element) = by_id(id) else { return };
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Center);
    element.scroll_into_view_with_scroll_into_view_options(&options);
    // Once more when what is on the screen now has got its real size.
    let again = element.clone();
    next_frame(move || again.scroll_into_view_with_scroll_into_view_options(&options));
    focus_on(&element);
    // The class begins an animation; it has to go before it can begin again.
    let classes = element.class_list();
    let _ = classes.remove_1("found");
    let _ = element.get_bounding_client_rect();
    let _ = classes.add_1("found");
}

/// Opens the `<dialog>` of this id above the page, if there is one.
pub fn open_dialog(id: &str) {
    if let Some(Ok(dialog)) = by_id(id).map(JsCast::dyn_into::<HtmlDialogElement>) {
        // Fails when it is open already.
        let _ = dialog.show_modal();
    }
}

/// Opens a popover, beside this element where the styles say so.
pub fn open_popover(popover: &HtmlElement, beside: Option<Element>) {
    let options = ShowPopoverOptions::new();
    if let Some(Ok(beside)) = beside.map(JsCast::dyn_into) {
        options.set_source(&beside);
    }
    let _ = popover.show_popover_with_options(&options);
}

/// Whether a popover is open.
#[must_use]
pub fn is_open(popover: &Element) -> bool {
    popover.matches(":popover-open").unwrap_or(false)
}

/// Whether a key is typed into something that takes text.
#[must_use]
pub fn is_writing(event: &KeyboardEvent) -> bool {
    target(event).is_some_and(|target| target.matches("input, textarea, select, [contenteditable]").unwrap_or(false))
}

/// Gives a text field as many rows as its text has. Where styles can say that (`field-sizing`), does nothing.
pub fn grow(field: &HtmlTextAreaElement) {
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

/// Whether nothing on the page has the focus.
#[must_use]
pub fn is_focus_lost() -> bool {
    document().and_then(|document| document.active_element()).is_none_or(|element| element.tag_name() == "BODY")
}
