//! Announcements of new messages for screen readers. The log itself is no live region: it would announce older pages, and
//! reactions and edits, which are announced only [where this is asked for](super::changes).

use std::mem;
use std::time::Duration;

use client::{Row, RowKey};
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{EventId, MessageBody};

use super::row::excerpt;
use crate::components::room::toast::Notes;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::{markup, text};

/// Time after which an announcement leaves the page: it has been read by then, and is not to be found there.
pub(super) const ANNOUNCED: Duration = Duration::from_secs(3);
/// Maximum number of messages that are read out one by one; more are announced as a count.
pub(super) const MAX_READ_OUT: usize = 3;
/// Maximum number of notes that are looked after: more than are there within [`ANNOUNCED`].
const MAX_NOTES: usize = 16;

/// A new message.
#[derive(Clone)]
pub(super) struct NewMessage {
    /// The message.
    pub(super) id: EventId,
    /// The name of who said it.
    pub(super) by: String,
    /// The message.
    pub(super) body: MessageBody,
}

/// Announcements of new messages. A handle.
#[derive(Clone, Copy)]
pub(in crate::components::room) struct Announcer {
    pub(super) room: Room,
    pub(super) notes: Notes,
    pub(super) pending: StoredValue<Vec<NewMessage>>,
    /// The last notes, and the messages whose words they hold.
    said: RwSignal<Vec<(u32, Vec<NewMessage>)>>,
}

impl Announcer {
    pub(super) fn new(room: Room) -> Self {
        Self { room, notes: Notes::new(), pending: StoredValue::default(), said: RwSignal::default() }
    }

    /// Announces how many messages are pending. Does nothing once the page is gone.
    pub(super) fn count_out(self) {
        let count = self.pending.try_write_value().map_or(0, |mut pending| mem::take(&mut *pending).len());
        if count > 0 {
            self.notes.add(text::new_messages(count), ANNOUNCED);
        }
    }
}

/// Takes back what was announced of messages that are deleted or edited meanwhile, until the reactive owner is cleaned up.
pub(super) fn withdraw(announcer: Announcer) {
    effect(move || {
        for (id, said) in &*announcer.said.read() {
            if !said.iter().all(|news| is_still_said(announcer.room, news)) {
                announcer.notes.remove(*id);
            }
        }
    });
}

/// Announces words of these messages.
pub(super) fn say(announcer: Announcer, words: &[String], messages: Vec<NewMessage>) {
    let id = announcer.notes.add(words.join(". "), ANNOUNCED);
    announcer.said.update(|said| {
        said.push((id, messages));
        let excess = said.len().saturating_sub(MAX_NOTES);
        said.drain(..excess);
    });
}

/// Announces the pending messages. Does nothing once the page is gone.
pub(in crate::components::room) fn announce_new(announcer: Announcer) {
    let Announcer { room, pending, .. } = announcer;
    if pending.try_read_value().is_none_or(|pending| pending.len() > MAX_READ_OUT) {
        return announcer.count_out();
    }
    let mut pending = mem::take(&mut *pending.write_value());
    spawn_local(async move {
        for news in &pending {
            markup::wait_for_parser(news.body.as_str()).await;
        }
        pending.retain(|news| {
            let message = room.message(news.id);
            message.is_none_or(|message| message.body.as_ref() == Some(&news.body))
        });
        let words = |NewMessage { id, by, body }: &NewMessage| format!("{by}: {}", excerpt(room, *id, body));
        let words: Vec<_> = pending.iter().map(words).collect();
        if !words.is_empty() {
            say(announcer, &words, pending);
        }
    });
}

/// True while the message says the same. Tracked.
fn is_still_said(room: Room, news: &NewMessage) -> bool {
    let handle = room.log.find(RowKey::Event(news.id));
    handle.is_none_or(|handle| match &**handle.row.read() {
        Row::Message(message) => message.body.as_ref() == Some(&news.body),
        _ => true,
    })
}
