//! The sound and the notification of the desktop.
//!
//! Of several tabs of a room one rings, and none while one of them is looked at: see [`claims`](super::claims).

use std::mem;
use std::time::Duration;

use client::{Row, RowKey};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{EventId, MessageBody};

use super::claims::{CLAIM_MS, Claims, DONE};
use super::{Notices, Setting};
use crate::components::room::log::row::{author, excerpt, mentions_reader};
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::notices::{self, DesktopNotification, TabChannel};
use crate::live::room::Room;
use crate::live::signal::set_if_new;
use crate::{markup, text};

/// Rings for new messages, as set on this device, until the reactive owner is cleaned up.
pub(in crate::components::room) fn ring_for(notices: Notices) {
    let room = notices.room;
    let mut code = room.code;
    effect(move || {
        let now = room.rules.with(|rules| rules.code);
        notices::move_setting(mem::replace(&mut code, now), now);
        notices::keep_setting(now);
        notices.read_settings();
    });
    let number = u32::from_le_bytes(browser::entropy()).max(DONE + 1);
    let this = Ringer {
        room,
        setting: notices.setting,
        notified: RwSignal::new(None),
        shown: StoredValue::new_local(None),
        tabs: StoredValue::new_local(None),
        number,
        claims: StoredValue::new(Claims::new(number)),
    };
    this.tabs.set_value(TabChannel::of(&room.id.to_string(), move |words| this.hear(&words)));
    browser::on_window_event(ev::storage, move |_| notices.read_settings());
    browser::on_window_event(ev::visibilitychange, move |_| {
        if browser::is_visible() {
            // All that has come meanwhile, and at least the last: another tab may still show it.
            let mut messages = messages_since(room, None);
            messages.truncate(room.unread.get_untracked().max(1));
            this.look(&messages);
        }
    });
    on_cleanup(move || this.close());
    let mut last = None;
    effect(move || {
        if let Some(block) = room.log.blocks.read().last() {
            block.rows.track();
        }
        let mut new = messages_since(room, last);
        last = new.first().map(|message| message.id).or(last);
        if browser::is_visible() {
            this.look(&new);
        } else {
            // An older page, and what came before the tools did, may be among them.
            new.truncate(room.unread.get_untracked());
            this.consider(new);
        }
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
    claims: StoredValue<Claims>,
}

impl Ringer {
    /// Takes note that these messages are looked at, and tells the other tabs.
    fn look(self, messages: &[NewMessage]) {
        if !messages.is_empty() {
            let messages = ids(messages);
            self.close();
            self.claims.update_value(|claims| claims.hear(DONE, &messages));
            self.say(DONE, &messages);
        }
    }

    /// Claims those of these new messages, the last first, that this device gives notice of.
    fn consider(self, mut new: Vec<NewMessage>) {
        if new.is_empty() || self.setting.get_untracked() == Setting::Off {
            return;
        }
        spawn_local(async move {
            for message in &new {
                markup::wait_for_parser(message.body.as_str()).await;
            }
            // The page may be gone, or looked at, by now.
            let Some(setting) = self.setting.try_get_untracked().filter(|_| !browser::is_visible()) else { return };
            new.reverse();
            new.retain(|NewMessage { id, body }| match setting {
                Setting::Off => false,
                Setting::Mentions => mentions_reader(self.room, *id, body),
                Setting::All => true,
            });
            let due = browser::now_ms() + CLAIM_MS;
            let claimed = self.claims.try_update_value(|claims| claims.claim(ids(&new), due)).unwrap_or_default();
            if !claimed.is_empty() {
                self.say(self.number, &claimed);
                set_timeout(move || self.decide(due), Duration::from_millis(CLAIM_MS));
            }
        });
    }

    /// Rings for what this tab has claimed before all others.
    fn decide(self, due: u64) {
        let now = browser::now_ms().max(due);
        let won = self.claims.try_update_value(|claims| claims.decide(now)).unwrap_or_default();
        if let Some(last) = won.last() {
            self.say(DONE, &won);
            self.ring(*last);
        }
    }

    fn ring(self, id: EventId) {
        let room = self.room;
        let Some((message, body)) = room.message(id).and_then(|message| Some((message.clone(), message.body?))) else {
            return;
        };
        notices::play();
        let name = author(&message);
        let words = excerpt(room, id, &body);
        let words = if mentions_reader(room, id, &body) {
            text::notice_of_mention(&name, &words)
        } else {
            text::notice(&name, &words)
        };
        // One at a time: the one before goes.
        self.shown.set_value(notices::show(id, &untrack(|| room.label()), &words));
        self.notified.set(Some(id));
    }

    fn say(self, number: u32, messages: &[EventId]) {
        let mut words = number.to_string();
        for id in messages {
            words.push(' ');
            words.push_str(&id.to_string());
        }
        if let Some(Some(tabs)) = self.tabs.try_read_value().as_deref() {
            tabs.post(&words);
        }
    }

    /// Another tab claims messages, or has dealt with them.
    fn hear(self, words: &str) {
        let mut words = words.split(' ');
        let Some(Ok(number)) = words.next().map(str::parse) else { return };
        let messages: Vec<_> = words.filter_map(|id| id.parse().ok().map(EventId)).collect();
        if number == DONE {
            self.close();
        }
        self.claims.try_update_value(|claims| claims.hear(number, &messages));
    }

    /// Closes the notification.
    fn close(self) {
        self.shown.try_set_value(None);
        set_if_new(self.notified, None);
    }
}

/// A message of somebody else.
struct NewMessage {
    id: EventId,
    body: MessageBody,
}

fn ids(messages: &[NewMessage]) -> Vec<EventId> {
    messages.iter().map(|message| message.id).collect()
}

/// Messages of others after this one, the last first; all that are shown for `None`.
fn messages_since(room: Room, known: Option<EventId>) -> Vec<NewMessage> {
    let mut messages = Vec::new();
    room.log.find_back(|message| {
        if Some(message.id) == known {
            return Some(());
        }
        if let Some(body) = message.body.clone().filter(|_| !message.own) {
            messages.push(NewMessage { id: message.id, body });
        }
        None
    });
    messages
}
