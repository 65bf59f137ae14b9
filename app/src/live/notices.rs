//! Sound, desktop notifications and the window's icon. Called from Effects and events only.

use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    BroadcastChannel, HtmlAudioElement, MessageEvent, Notification, NotificationOptions, NotificationPermission,
};

use super::browser;

const STORAGE_KEY: &str = "flasky.notices";

/// Setting of a device for messages that come while nobody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Neither sound nor notification.
    Off,
    /// A sound: the device must not, or cannot, show anything.
    Sound,
    /// A sound and a notification.
    Desktop,
}

/// The setting of this device.
#[must_use]
pub fn setting() -> Setting {
    if browser::local_item(STORAGE_KEY).is_some() { allowed() } else { Setting::Off }
}

/// Asks for the permission to show notifications, where it was neither given nor denied.
pub async fn turn_on() -> Setting {
    browser::set_local_item(STORAGE_KEY, Some("on"));
    if can_show()
        && Notification::permission() == NotificationPermission::Default
        && let Ok(answer) = Notification::request_permission()
    {
        // The answer is read below.
        let _ = JsFuture::from(answer).await;
    }
    allowed()
}

/// Turns notices off.
pub fn turn_off() {
    browser::set_local_item(STORAGE_KEY, None);
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

/// A notification on the desktop. Goes with this value.
pub struct DesktopNotification(Notification);

impl Drop for DesktopNotification {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Shows a notification instead of the one of this room before. Chrome on Android cannot, and then nothing is shown.
#[must_use]
pub fn show(room: &str, words: &str) -> Option<DesktopNotification> {
    let options = NotificationOptions::new();
    options.set_body(words);
    options.set_tag(room);
    options.set_icon("/icon-192.png");
    let notification = Notification::new_with_options(room, &options).ok()?;
    let to_page = Closure::<dyn FnMut()>::new(|| {
        if let Some(window) = web_sys::window() {
            let _ = window.focus();
        }
    });
    notification.set_onclick(Some(to_page.into_js_value().unchecked_ref()));
    Some(DesktopNotification(notification))
}

/// The way to the other tabs of a room. Closed with this value.
pub struct TabChannel {
    channel: BroadcastChannel,
    _heard: Closure<dyn Fn(MessageEvent)>,
}

impl TabChannel {
    /// Hears what the others say; `None` where the browser has no such channel.
    #[must_use]
    pub fn of(room: &str, on_message: impl Fn(String) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(&format!("flasky.{room}")).ok()?;
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            event.data().as_string().into_iter().for_each(&on_message);
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self { channel, _heard: on_message })
    }

    /// Says something to the others.
    pub fn post(&self, words: &str) {
        let _ = self.channel.post_message(&words.into());
    }
}

impl Drop for TabChannel {
    fn drop(&mut self) {
        self.channel.close();
    }
}

/// Gives the window's icon a mark for news, or takes it away.
pub fn mark_icon(news: bool) {
    if let Some(icon) = browser::by_id("icon") {
        let _ = icon.set_attribute("href", if news { "/favicon-news.svg" } else { "/favicon.svg" });
    }
}
