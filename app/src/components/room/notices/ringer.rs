//! The sound and the notification of the desktop.
//!
//! Of several tabs of a room one rings, and none while one of them is looked at: each says to the others which message it
//! takes care of, and under which number. The lowest number does it; whoever looks has 0.

use std::time::Duration;

use client::{Row, RowKey};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{EventId, MessageBody, ShownName};

use super::{Notices, Setting};
use crate::components::room::log::row::excerpt;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::notices::{self, DesktopNotification, TabChannel};
use crate::live::room::Room;
use crate::live::signal::set_if_new;
use crate::{markup, text};

/// Time in which other tabs say that they take care of a message.
const OTHERS: Duration = Duration::from_millis(250);
/// Number of a tab that is looked at.
const LOOKING: u32 = 0;

/// Turns notices on, or off again. Only here the browser is asked for its permission.
pub(in crate::components::room) fn toggle(notices: Notices) {
    if notices.setting.get_untracked() == Setting::Off {
        // The page may be gone when the answer comes; then setting it does nothing.
        spawn_local(async move { notices.setting.set(notices::turn_on().await) });
    } else {
        notices::turn_off();
        notices.setting.set(Setting::Off);
    }
}

/// Rings for new messages, as set on this device, until the reactive owner is cleaned up.
pub(in crate::components::room) fn ring_for(notices: Notices) {
    let room = notices.room;
    let this = Ringer {
        room,
        setting: notices.setting,
        notified: RwSignal::new(None),
        shown: StoredValue::new_local(None),
        tabs: StoredValue::new_local(None),
        number: u32::from_le_bytes(browser::entropy()).max(LOOKING + 1),
        claimed: StoredValue::new(None),
        taken: StoredValue::new(None),
    };
    this.tabs.set_value(TabChannel::of(&room.code.to_string(), move |words| this.heard(&words)));
    browser::on_window_event(ev::visibilitychange, move |_| this.look());
    on_cleanup(move || this.close());
    effect(move || {
        room.log.newest.track();
        this.look();
    });
    // Also for what came before the tools did.
    let mut before = 0;
    effect(move || {
        let unread = room.unread.get();
        if unread > before && !browser::is_visible() {
            this.claim();
        }
        before = unread;
    });
    effect(move || {
        let handle = this.notified.get().and_then(|id| room.log.find(RowKey::Event(id)));
        if handle.is_some_and(|handle| matches!(&**handle.row.read(), Row::Message(said) if said.body.is_none())) {
            this.close();
        }
    });
}

/// Sound and notification of one tab. A handle.
#[derive(Clone, Copy)]
struct Ringer {
    room: Room,
    setting: RwSignal<Setting>,
    /// The message that the notification is about.
    notified: RwSignal<Option<EventId>>,
    /// The notification.
    shown: StoredValue<Option<DesktopNotification>, LocalStorage>,
    /// The other tabs.
    tabs: StoredValue<Option<TabChannel>, LocalStorage>,
    /// This tab's number.
    number: u32,
    /// The message that this tab would ring for, and the lowest number of those that would.
    claimed: StoredValue<Option<(EventId, u32)>>,
    /// The last message that another tab takes care of.
    taken: StoredValue<Option<EventId>>,
}

impl Ringer {
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
        let number = self.number;
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

    fn say(self, id: EventId, number: u32) {
        if let Some(Some(tabs)) = self.tabs.try_read_value().as_deref() {
            tabs.post(&format!("{number} {id}"));
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
                self.shown.try_set_value(notices::show(&untrack(|| room.label()), &words));
                self.notified.set(Some(id));
            });
        }
    }

    /// Closes the notification.
    fn close(self) {
        self.shown.try_set_value(None);
        set_if_new(self.notified, None);
    }
}

/// The newest message of somebody else, with name and text.
fn newest(room: Room) -> Option<(EventId, String, MessageBody)> {
    room.log.find_back(|message| {
        let name = message.name.as_ref().map_or(text::SOMEBODY.into(), ShownName::text);
        (!message.own).then(|| Some((message.id, name.into_owned(), message.body.clone()?))).flatten()
    })
}
