//! Local and session storage. Both can be full or forbidden; the page works without them.

use leptos::prelude::window;
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
