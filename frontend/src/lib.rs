//! The WASM entry.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server rendered. The boot script calls it, once.
///
/// # Errors
/// When the page is not one of this version.
#[wasm_bindgen]
pub fn hydrate() -> Result<(), JsValue> {
    console_error_panic_hook::set_once();
    if app::ui::hydrate() { Ok(()) } else { Err("the page is of another version".into()) }
}
