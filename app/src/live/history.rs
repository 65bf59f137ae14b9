//! Messages from before those on the page, asked for in a chunk of its own: most visits need none of it.

use std::pin::Pin;

use client::Input;
use protocol::{EventId, Position};

use super::room::Room;
use crate::api::{self, OlderPage};
use crate::chunk::chunk;

type Done = Pin<Box<dyn Future<Output = ()>>>;

/// Brings messages into the log.
#[derive(Clone, Copy)]
pub struct History {
    /// The page before this one.
    pub(super) older: fn(Room, Position) -> Done,
    /// The message that a reply answers.
    pub(super) quoted: fn(Room, EventId) -> Done,
}

chunk! {
    /// Brings messages that are not on the page.
    pub(crate) static HISTORY: History = history::fetched_history(History {
        older: |room, before| Box::pin(older(room, before)),
        quoted: |room, id| Box::pin(quoted(room, id)),
    });
}

async fn older(room: Room, before: Position) {
    let Ok(Some(page)) = api::older_page(room.code, before.seq).await else { return };
    let OlderPage { events, names, quoted, markup } = page;
    room.server_markup.insert(&[&events[..], &quoted].concat(), markup);
    for message in quoted {
        room.dispatch(Input::Quoted { id: message.id, message: Some(message), names: names.clone() });
    }
    room.dispatch(Input::OlderPage { before, events, names });
}

async fn quoted(room: Room, id: EventId) {
    let Ok(Some(page)) = api::quoted_message(room.code, id).await else { return };
    let OlderPage { events, names, markup, .. } = page;
    room.server_markup.insert(&events, markup);
    room.dispatch(Input::Quoted { id, message: events.into_iter().next(), names });
}
