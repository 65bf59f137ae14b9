//! The WASM entry.

use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::WebSocket;

/// Fetches the chunks that the page needs to be drawn. The boot script waits for it before it calls one of the others.
///
/// # Errors
///
/// The browser has written to the console why a chunk did not come.
#[wasm_bindgen]
pub async fn fetch_chunks() -> Result<(), String> {
    if app::fetch_chunks().await { Ok(()) } else { Err("a chunk of the program did not come".to_owned()) }
}

/// Takes the socket that the boot script has begun to open for the room on the page.
#[wasm_bindgen]
pub fn take_socket(socket: Option<WebSocket>) {
    app::take_socket(socket);
}

/// Takes over the page that the server rendered. The boot script calls it, once.
///
/// It traps without a word where others have changed the page: the boot script knows what to do then, so the hook that
/// writes panics to the console comes after it.
#[wasm_bindgen]
pub fn hydrate() {
    app::hydrate();
    console_error_panic_hook::set_once();
}

/// Draws the page anew, in an instance of its own. The boot script calls it where [`hydrate`] has trapped.
#[wasm_bindgen]
pub fn mount() {
    console_error_panic_hook::set_once();
    app::mount();
}
