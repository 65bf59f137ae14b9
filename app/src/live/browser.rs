//! What the browser gives: clocks, entropy, storage, the page and what happens to it. Called from Effects and events
//! only.

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventTarget, VisibilityState};

mod clock;
mod dom;
mod storage;

pub use clock::{local_date, local_time, now_ms, today, unix_ms, zone};
pub use dom::*;
pub use storage::{keep, kept, recall_name, remember, remember_name, remembered};

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
