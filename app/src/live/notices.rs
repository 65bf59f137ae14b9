//! Sound, desktop notifications and the window's icon, and the settings of this device for them. Called from Effects and
//! events only.

use std::sync::atomic::{AtomicBool, Ordering};

use leptos::task::spawn_local;
use protocol::{EventId, RoomCode};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    BroadcastChannel, HtmlAudioElement, MessageEvent, Notification, NotificationOptions, NotificationPermission,
};

use super::browser;

/// The setting of rooms that have none of their own yet.
const DEFAULT: &str = "flasky.notices";
const SOUND: &str = "flasky.sound";
const CHANGES: &str = "flasky.changes";

/// True once this browser has refused to make a notification. Chrome on Android has the constructor, which throws.
static IS_UNABLE: AtomicBool = AtomicBool::new(false);

/// Messages of a room that this device gives notice of while nobody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// None.
    Off,
    /// Those that mention the reader.
    Mentions,
    /// All.
    All,
}

impl Setting {
    fn stored(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Mentions => "mentions",
            Self::All => "all",
        }
    }
}

fn room_key(code: RoomCode) -> String {
    format!("flasky.notices.{code}")
}

/// The setting of a room on this device.
#[must_use]
pub fn setting(code: RoomCode) -> Setting {
    match browser::local_item(&room_key(code)).or_else(|| browser::local_item(DEFAULT)).as_deref() {
        Some("all") => Setting::All,
        Some("mentions") => Setting::Mentions,
        _ => Setting::Off,
    }
}

/// Stores the setting of a room, with which later rooms begin.
pub fn set_setting(code: RoomCode, setting: Setting) {
    browser::set_local_item(DEFAULT, Some(setting.stored()));
    browser::set_local_item(&room_key(code), Some(setting.stored()));
}

/// Stores the setting with which a room begins as its own, which a choice in another room does not change.
pub fn keep_setting(code: RoomCode) {
    browser::set_local_item(&room_key(code), Some(setting(code).stored()));
}

/// Moves the setting of a room to the code that the room has now.
pub fn move_setting(from: RoomCode, to: RoomCode) {
    if let Some(stored) = browser::local_item(&room_key(from)).filter(|_| from != to) {
        browser::set_local_item(&room_key(to), Some(&stored));
        forget_setting(from);
    }
}

/// Removes the setting of a room in which the reader has no seat any more.
pub fn forget_setting(code: RoomCode) {
    browser::set_local_item(&room_key(code), None);
}

/// True if screen readers are told of reactions to the reader's messages, and of edits.
#[must_use]
pub fn announces_changes() -> bool {
    browser::local_item(CHANGES).is_some()
}

/// Sets that.
pub fn set_announces_changes(on: bool) {
    browser::set_local_item(CHANGES, on.then_some("on"));
}

/// Names of the sounds, as in `style/assets`; the first is what a device begins with. The last is none.
pub const SOUNDS: [&str; 4] = ["chime", "drop", "knock", "none"];

/// The sound of this device.
#[must_use]
pub fn sound() -> &'static str {
    let stored = browser::local_item(SOUND);
    SOUNDS.into_iter().find(|sound| stored.as_deref() == Some(sound)).unwrap_or(SOUNDS[0])
}

/// Chooses the sound of this device.
pub fn set_sound(sound: &str) {
    browser::set_local_item(SOUND, Some(sound));
}

/// Plays the sound of this device, if there is one. Browsers forbid it until the person has touched the page.
pub fn play() {
    let sound = sound();
    if sound != SOUNDS[3]
        && let Ok(Ok(playing)) =
            HtmlAudioElement::new_with_src(&format!("/sound-{sound}.wav")).map(|sound| sound.play())
    {
        spawn_local(async { drop(JsFuture::from(playing).await) });
    }
}

/// Permission of a page to show notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Given.
    Granted,
    /// Not asked for yet.
    NotAsked,
    /// Denied.
    Denied,
    /// The browser lets no page show any. Safari on a phone and Chrome on Android are such.
    Unable,
}

/// The permission of this page.
#[must_use]
pub fn permission() -> Permission {
    let is_known = js_sys::Reflect::has(&js_sys::global(), &"Notification".into()).unwrap_or(false);
    if !is_known || IS_UNABLE.load(Ordering::Relaxed) {
        return Permission::Unable;
    }
    match Notification::permission() {
        NotificationPermission::Granted => Permission::Granted,
        NotificationPermission::Denied => Permission::Denied,
        _ => Permission::NotAsked,
    }
}

/// Asks for the permission to show notifications, where it was neither given nor denied.
pub async fn ask_permission() {
    // Without permission this shows nothing, and tells whether it could ever show something.
    if permission() == Permission::NotAsked
        && create("", &NotificationOptions::new()).is_some()
        && let Ok(answer) = Notification::request_permission()
    {
        // The answer is what `permission` reads.
        let _ = JsFuture::from(answer).await;
    }
}

fn create(title: &str, options: &NotificationOptions) -> Option<Notification> {
    let notification = Notification::new_with_options(title, options).ok();
    if notification.is_none() {
        IS_UNABLE.store(true, Ordering::Relaxed);
    }
    notification
}

/// A notification on the desktop. Goes with this value.
pub struct DesktopNotification(Notification);

impl Drop for DesktopNotification {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Shows a notification of a message, where the page may. Silent: the page has a sound of its own.
#[must_use]
pub fn show(message: EventId, title: &str, words: &str) -> Option<DesktopNotification> {
    if permission() != Permission::Granted {
        return None;
    }
    let options = NotificationOptions::new();
    options.set_body(words);
    options.set_tag(&message.to_string());
    options.set_icon("/icon-192.png");
    options.set_silent(Some(true));
    let notification = create(title, &options)?;
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
