//! The WASM entry.

// Its islands are exports of their own, which the boot script of the page calls.
use app as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// Gets ready to take over the islands of the page that the server rendered.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
