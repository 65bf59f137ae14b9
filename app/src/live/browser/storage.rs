//! Local and session storage. Both can be full or forbidden; the page works without them.

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Storage;

const NAME: &str = "flasky.name";
const LOG_KEYS: &str = "flasky.log_keys";

fn local_storage() -> Option<Storage> {
    window().local_storage().ok()?
}

/// Item of the device's local storage.
#[must_use]
pub fn local_item(key: &str) -> Option<String> {
    local_storage()?.get_item(key).ok()?
}

/// Tells this page that the device's storage has changed, as the browser tells the others.
pub fn announce_storage() {
    if let (Some(window), Ok(event)) = (web_sys::window(), web_sys::Event::new("storage")) {
        let _ = window.dispatch_event(&event);
    }
}

/// Sets an item of the device's local storage, or removes it.
pub fn set_local_item(key: &str, text: Option<&str>) {
    if let Some(storage) = local_storage() {
        let _ = text.map_or_else(|| storage.remove_item(key), |text| storage.set_item(key, text));
    }
}

/// True unless the reader has switched the log's single-key shortcuts off on this device.
#[must_use]
pub fn has_log_keys() -> bool {
    local_item(LOG_KEYS).is_none()
}

/// Switches the log's single-key shortcuts on or off on this device.
pub fn set_log_keys(on: bool) {
    set_local_item(LOG_KEYS, (!on).then_some("off"));
}

/// Saves the name for the next room on this device.
pub fn save_name(name: &str) {
    set_local_item(NAME, Some(name));
}

/// The name used last on this device.
#[must_use]
pub fn saved_name() -> Option<String> {
    local_item(NAME).filter(|name| !name.trim().is_empty())
}

fn session_storage() -> Option<Storage> {
    window().session_storage().ok()?
}

/// Item of the tab's session storage, empty if there is none; `None` when that cannot be read.
#[must_use]
pub fn session_item(key: &str) -> Option<String> {
    session_storage()?.get_item(key).ok().map(Option::unwrap_or_default)
}

/// Sets an item of the tab's session storage; empty text removes it. True if that was done.
pub fn set_session_item(key: &str, text: &str) -> bool {
    session_storage().is_some_and(|storage| {
        if text.is_empty() { storage.remove_item(key).is_ok() } else { storage.set_item(key, text).is_ok() }
    })
}

/// All texts under this name in a text in JSON, however deep. None where it is no JSON.
#[must_use]
pub fn texts_in_json(json: &str, name: &str) -> Vec<String> {
    fn collect(value: &JsValue, name: &str, texts: &mut Vec<String>) {
        // An array is an object, too: its names are numbers.
        let Some(object) = value.dyn_ref::<js_sys::Object>() else { return };
        for name_and_value in js_sys::Object::entries(object) {
            let name_and_value: js_sys::Array = name_and_value.unchecked_into();
            let value = name_and_value.get(1);
            match value.as_string() {
                Some(text) if name_and_value.get(0) == *name => texts.push(text),
                _ => collect(&value, name, texts),
            }
        }
    }
    let mut texts = Vec::new();
    if let Ok(value) = js_sys::JSON::parse(json) {
        collect(&value, name, &mut texts);
    }
    texts
}
