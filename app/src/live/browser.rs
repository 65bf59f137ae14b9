//! What the browser gives: clocks, entropy, storage, forms, the address bar. Called from Effects and events only.
//!
//! Storage can be full or forbidden; the page works without it, so those failures are dropped.

use leptos::ev::SubmitEvent;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlButtonElement, HtmlFormElement, HtmlInputElement, Storage, VisibilityState};

const NAME: &str = "flasky.name";

fn window() -> Option<web_sys::Window> {
    web_sys::window()
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

/// A local clock time such as `14:02`, in the reader's language and zone.
#[must_use]
pub fn local_time(unix_ms: u64) -> String {
    let options = js_sys::Object::new();
    let _ = js_sys::Reflect::set(&options, &"hour".into(), &"2-digit".into());
    let _ = js_sys::Reflect::set(&options, &"minute".into(), &"2-digit".into());
    let date = js_sys::Date::new(&(unix_ms as f64).into());
    date.to_locale_time_string_with_options("default", &options).into()
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

/// Keeps the name for the next room on this device.
pub fn remember_name(name: &str) {
    if let Some(storage) = local_storage() {
        let _ = storage.set_item(NAME, name);
    }
}

/// Fills an empty name field with the name used last on this device.
pub fn recall_name(input: &HtmlInputElement) {
    if input.value().is_empty()
        && let Some(name) = local_storage().and_then(|storage| storage.get_item(NAME).ok().flatten())
    {
        input.set_value(&name);
    }
}

fn session_storage() -> Option<Storage> {
    window()?.session_storage().ok()?
}

/// What this tab keeps over a reload under this key.
#[must_use]
pub fn kept(key: &str) -> Option<String> {
    session_storage()?.get_item(key).ok()?
}

/// Keeps this over a reload of this tab; empty text is forgotten.
pub fn keep(key: &str, text: &str) {
    if let Some(storage) = session_storage() {
        let _ = if text.is_empty() { storage.remove_item(key) } else { storage.set_item(key, text) };
    }
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
pub fn form_fields(event: &SubmitEvent) -> Option<FormFields> {
    let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
    let pressed = event.submitter().and_then(|submitter| submitter.dyn_into().ok());
    Some(FormFields { data: FormData::new_with_form(&form).ok()?, pressed })
}
