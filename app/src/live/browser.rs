//! Browser APIs that leptos does not wrap: clocks, entropy, storage, and some of the page. Called from Effects and
//! events only.

use futures_util::{FutureExt, select_biased};
use gloo_timers::future::TimeoutFuture;
use leptos::ev::EventDescriptor;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, Response, ShareData, VisibilityState};

mod clipboard;
mod clock;
mod file;
mod highlight;
mod keyboard;
mod page;
mod storage;
mod text_field;

pub use clipboard::{copy, find_selected, set_copied};
pub use clock::{
    exact_time, local_date, local_time, now_ms, renew_formats, today, unix_ms, until_midnight_ms, utc_offset,
};
pub use file::save_file;
pub use highlight::{highlight, texts_in};
pub use keyboard::{is_composing, is_modified, is_printable, is_unclaimed};
pub use page::*;
pub use storage::{
    announce_storage, has_log_keys, local_item, save_name, saved_name, session_item, set_local_item, set_log_keys,
    set_session_item, texts_in_json,
};
pub use text_field::{count_graphemes, is_replacing_text, replace_text};

/// Longest time that a server may take to answer before it counts as away, in milliseconds.
const ANSWER_MS: u32 = 5_000;

/// Adds a listener to the window, until the reactive owner is cleaned up.
pub fn on_window_event<E>(event: E, listener: impl Fn(E::EventType) + 'static)
where
    E: EventDescriptor + 'static,
    E::EventType: JsCast,
{
    // One type of listener, so that what leptos does for it is compiled once.
    let listener: Box<dyn Fn(Event)> = Box::new(move |event| listener(event.unchecked_into()));
    let handle = window_event_listener_untyped(&event.name(), listener);
    on_cleanup(move || handle.remove());
}

/// Random bytes from the browser's cryptographic source.
#[must_use]
pub fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Ok(crypto) = window().crypto() {
        // Fails above 64 KiB only.
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    bytes
}

/// True while the browser believes it has a network.
#[must_use]
pub fn is_online() -> bool {
    window().navigator().on_line()
}

/// True while the page can be seen.
#[must_use]
pub fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}

/// True where fingers are what the page is used with: there, Enter breaks the line and the button sends.
#[must_use]
pub fn is_touch() -> bool {
    window().match_media("(pointer: coarse)").ok().flatten().is_some_and(|query| query.matches())
}

/// Waits, unless the task that does so is cancelled.
pub async fn sleep(ms: u32) {
    TimeoutFuture::new(ms).await;
}

/// True if the server answers at this path within five seconds. False also for an answer that is an error, as a proxy's
/// without its server.
pub async fn is_reachable(path: &str) -> bool {
    select_biased! {
        answers = answers(path).fuse() => answers,
        () = sleep(ANSWER_MS).fuse() => false,
    }
}

async fn answers(path: &str) -> bool {
    let Ok(answer) = JsFuture::from(window().fetch_with_str(path)).await else { return false };
    let Ok(answer) = answer.dyn_into::<Response>() else { return false };
    // Until its end: whoever loads the page then would break it off.
    match answer.text() {
        Ok(rest) => JsFuture::from(rest).await.is_ok() && answer.ok(),
        Err(_) => false,
    }
}

/// Build of the program that this document was made for.
#[must_use]
pub fn page_build() -> Option<String> {
    by_id("app")?.get_attribute("data-build")
}

/// `ws://` or `wss://`, as this page itself was reached. Older Safari takes no relative socket address.
#[must_use]
pub fn socket_address(path: &str) -> Option<String> {
    let location = location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}{path}", location.host().ok()?))
}

/// Loads this page again.
pub fn reload() {
    // Refused only where the page may not go anywhere.
    let _ = location().reload();
}

/// The address of this site, for links to give away.
#[must_use]
pub fn origin() -> String {
    location().origin().unwrap_or_default()
}

/// Hands an address to other programs of the device.
pub fn share(address: &str) {
    let data = ShareData::new();
    data.set_url(address);
    let sharing = window().navigator().share_with_data(&data);
    // Refused also when the person thinks better of it.
    leptos::task::spawn_local(async { drop(JsFuture::from(sharing).await) });
}
