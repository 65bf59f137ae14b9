//! Notices for somebody who is looking elsewhere: the window's title and icon at once; a sound and a notification of the
//! desktop when this was asked for on this device.
//!
//! Of several tabs of a room one rings, and none while one of them is looked at: each says to the others which message it
//! takes care of, and under which number. The lowest number does it; whoever looks has 0.

use std::time::Duration;

use client::{Row, RowKey};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{EventId, MessageBody};

use super::log::row::excerpt;
use crate::live::effect::effect;
use crate::live::notices::{Shown, Tabs};
use crate::live::room::{Room, Status, set_if_new};
use crate::live::{browser, notices};
use crate::{markup, text};

pub(super) use crate::live::notices::Setting;

/// Time in which other tabs say that they take care of a message.
const OTHERS: Duration = Duration::from_millis(250);
/// Number of a tab that is looked at.
const LOOKING: u32 = 0;

/// The desktop and the other tabs. A handle.
#[derive(Clone, Copy)]
struct Device {
    shown: StoredValue<Option<Shown>, LocalStorage>,
    tabs: StoredValue<Option<Tabs>, LocalStorage>,
}

/// Notices of one room, and what this device was told to do about them. A context.
#[derive(Clone, Copy)]
pub(crate) struct Notices {
    room: Room,
    setting: RwSignal<Setting>,
    /// True while the page cannot be seen.
    hidden: RwSignal<bool>,
    /// The message that the notification is about.
    notified: RwSignal<Option<EventId>>,
    /// What the browser gives; none on the server.
    device: StoredValue<Option<Device>>,
    /// This tab's number.
    number: StoredValue<u32>,
    /// The message that this tab would ring for, and the lowest number of those that would.
    claimed: StoredValue<Option<(EventId, u32)>>,
    /// The last message that another tab takes care of.
    taken: StoredValue<Option<EventId>>,
}

impl Notices {
    /// Begins to tell of this room, as this device was told to, for as long as the owner is there.
    pub(crate) fn new(room: Room) -> Self {
        let this = Self {
            room,
            setting: RwSignal::new(Setting::Off),
            hidden: RwSignal::new(false),
            notified: RwSignal::new(None),
            device: StoredValue::new(None),
            number: StoredValue::new(LOOKING),
            claimed: StoredValue::new(None),
            taken: StoredValue::new(None),
        };
        effect(move || {
            this.setting.set(notices::setting());
            this.hidden.set(!browser::is_visible());
            this.number.set_value(u32::from_le_bytes(browser::entropy()).max(LOOKING + 1));
            let tabs = Tabs::of(&room.code.to_string(), move |words| this.heard(&words));
            this.device
                .set_value(Some(Device { shown: StoredValue::new_local(None), tabs: StoredValue::new_local(tabs) }));
            browser::on_window_event(ev::visibilitychange, move |_| {
                this.hidden.set(!browser::is_visible());
                this.look();
            });
            on_cleanup(move || {
                notices::mark_icon(false);
                this.close();
            });
        });
        effect(move || {
            room.log.newest.track();
            this.look();
        });
        let mut before = None;
        effect(move || {
            let unread = room.unread.get();
            if before.is_some_and(|before| unread > before) && !browser::is_visible() {
                this.claim();
            }
            before = Some(unread);
        });
        effect(move || {
            let handle = this.notified.get().and_then(|id| room.log.find(RowKey::Event(id)));
            if handle.is_some_and(|handle| matches!(&**handle.row.read(), Row::Message(said) if said.body.is_none())) {
                this.close();
            }
        });
        effect(move || notices::mark_icon(this.unseen() > 0));
        this
    }

    /// The setting of this device. Tracked.
    pub(crate) fn setting(self) -> Setting {
        self.setting.get()
    }

    /// Number of messages that came while the page is not on the screen; 0 while it is. Tracked.
    pub(crate) fn unseen(self) -> usize {
        let counts = self.hidden.get() && !matches!(self.room.status.get(), Status::Ended(_));
        if counts { self.room.unread.get() } else { 0 }
    }

    /// Turns notices on, or off again. Only here the browser is asked for its permission.
    pub(crate) fn toggle(self) {
        if self.setting.get_untracked() == Setting::Off {
            // The page may be gone when the answer comes; then setting it does nothing.
            spawn_local(async move { self.setting.set(notices::turn_on().await) });
        } else {
            notices::turn_off();
            self.setting.set(Setting::Off);
        }
    }

    /// While the page can be seen: nothing is to ring for what is there, in whichever tab.
    fn look(self) {
        if browser::is_visible() {
            self.close();
            if let Some((id, ..)) = newest(self.room) {
                self.say(id, LOOKING);
            }
        }
    }

    /// Rings for the newest message, unless another tab does.
    fn claim(self) {
        let Some((id, ..)) = newest(self.room) else { return };
        let is_taken = self.taken.get_value() == Some(id) || self.claimed.get_value().is_some();
        if self.setting.get_untracked() == Setting::Off || is_taken {
            return;
        }
        let number = self.number.get_value();
        self.claimed.set_value(Some((id, number)));
        self.say(id, number);
        let wait = move || {
            let claimed = self.claimed.try_update_value(Option::take).flatten();
            if claimed.is_some_and(|(_, lowest)| lowest == number) {
                self.ring();
            }
        };
        set_timeout(wait, OTHERS);
    }

    /// None on the server, and once the page is gone.
    fn device(self) -> Option<Device> {
        self.device.try_get_value().flatten()
    }

    fn say(self, id: EventId, number: u32) {
        if let Some(device) = self.device()
            && let Some(Some(tabs)) = device.tabs.try_read_value().as_deref()
        {
            tabs.say(&format!("{number} {id}"));
        }
    }

    /// Another tab takes care of a message.
    fn heard(self, words: &str) {
        let Some((number, id)) = words.split_once(' ') else { return };
        let (Ok(number), Ok(id)) = (number.parse::<u32>(), id.parse().map(EventId)) else { return };
        if number == LOOKING {
            self.close();
        }
        self.taken.try_set_value(Some(id));
        self.claimed.try_update_value(|claimed| {
            if let Some((_, lowest)) = claimed.as_mut().filter(|(claimed, _)| *claimed == id) {
                *lowest = number.min(*lowest);
            }
        });
    }

    fn ring(self) {
        notices::play();
        if self.setting.get_untracked() == Setting::Desktop
            && let Some((id, name, body)) = newest(self.room)
        {
            let room = self.room;
            spawn_local(async move {
                markup::wait_for_parser(body.as_str()).await;
                // The page may be gone, or looked at, by now.
                if self.notified.is_disposed() || browser::is_visible() {
                    return;
                }
                let words = text::notice(&name, &excerpt(room, id, &body));
                if let Some(device) = self.device() {
                    device.shown.try_set_value(notices::show(&room.code.to_string(), &words));
                    self.notified.set(Some(id));
                }
            });
        }
    }

    /// Closes the notification.
    fn close(self) {
        if let Some(device) = self.device() {
            device.shown.try_set_value(None);
        }
        set_if_new(self.notified, None);
    }
}

/// The newest message of somebody else, with name and text.
fn newest(room: Room) -> Option<(EventId, String, MessageBody)> {
    room.log.find_back(|message| {
        let name = message.name.as_ref().map_or(text::SOMEBODY, |name| name.as_str());
        (!message.own).then(|| Some((message.id, name.to_owned(), message.body.clone()?))).flatten()
    })
}
