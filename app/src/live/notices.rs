//! What the browser can do for somebody who is looking elsewhere. Called from Effects and events only.

use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlAudioElement, Notification, NotificationOptions, NotificationPermission};

use super::browser;

const KEPT: &str = "flasky.notices";

/// What a device was told to do about messages that come while nobody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Nothing.
    Off,
    /// To play a sound: it must not, or cannot, show anything.
    Sound,
    /// To play a sound and to show a notification.
    Desktop,
}

/// What this device was told.
#[must_use]
pub fn setting() -> Setting {
    if browser::remembered(KEPT).is_some() { allowed() } else { Setting::Off }
}

/// Asks for the permission to show notifications, where it was neither given nor denied.
pub async fn turn_on() -> Setting {
    browser::remember(KEPT, Some("on"));
    if can_show()
        && Notification::permission() == NotificationPermission::Default
        && let Ok(answer) = Notification::request_permission()
    {
        // The answer is read below.
        let _ = JsFuture::from(answer).await;
    }
    allowed()
}

/// Nothing is told any more.
pub fn turn_off() {
    browser::remember(KEPT, None);
}

fn allowed() -> Setting {
    if can_show() && Notification::permission() == NotificationPermission::Granted {
        Setting::Desktop
    } else {
        Setting::Sound
    }
}

/// Safari on a phone has no notifications unless the site was installed.
fn can_show() -> bool {
    js_sys::Reflect::has(&js_sys::global(), &"Notification".into()).unwrap_or(false)
}

/// Plays the short sound. Browsers forbid it until the person has touched the page.
pub fn play() {
    let Ok(Ok(playing)) = HtmlAudioElement::new_with_src("/notice.wav").map(|sound| sound.play()) else { return };
    spawn_local(async { drop(JsFuture::from(playing).await) });
}

/// Shows a notification instead of the one of this room before. Chrome on Android cannot, and then nothing is shown.
pub fn show(room: &str, words: &str) {
    let options = NotificationOptions::new();
    options.set_body(words);
    options.set_tag(room);
    options.set_icon("/icon-192.png");
    let Ok(notification) = Notification::new_with_options(room, &options) else { return };
    let to_page = Closure::<dyn FnMut()>::new(|| {
        if let Some(window) = web_sys::window() {
            let _ = window.focus();
        }
    });
    notification.set_onclick(Some(to_page.into_js_value().unchecked_ref()));
}

/// Gives the window's icon a mark for news, or takes it away.
pub fn mark_icon(news: bool) {
    if let Some(icon) = browser::by_id("icon") {
        let _ = icon.set_attribute("href", if news { "/favicon-news.svg" } else { "/favicon.svg" });
    }
}
