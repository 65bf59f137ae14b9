//! The WASM entry.

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server rendered. The boot script calls it, once.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    app::hydrate();
}

/// Draws the page anew, in an instance of its own. The boot script calls it where `hydrate` failed.
#[wasm_bindgen]
pub fn mount() {
    console_error_panic_hook::set_once();
    app::mount();
}
