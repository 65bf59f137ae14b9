//! Messages from before those on the page, asked for in a chunk of its own: most visits need none of it.

use std::pin::Pin;

use client::{Input, QuotePlace, Row, Status};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use protocol::{EventId, Position};

use super::room::Room;
use crate::api::{self, OlderPage};
use crate::chunk::chunk;

/// Maximum number of answered messages that are requested at once.
const QUOTES_AT_ONCE: usize = 10;
/// Time until an older page or a quoted message that did not come is asked for again, in milliseconds.
const OLDER_AGAIN_MS: u32 = 2_000;

type Done<T> = Pin<Box<dyn Future<Output = T>>>;

/// Brings messages into the log.
#[derive(Clone, Copy)]
pub struct History {
    /// The page before this one; true when it came.
    older: fn(Room, Position) -> Done<bool>,
    /// The message that a reply answers.
    quoted: fn(Room, EventId) -> Done<()>,
}

chunk! {
    /// Brings messages that are not on the page.
    pub(crate) static HISTORY: History = history::fetched_history(History {
        older: |room, before| Box::pin(older(room, before)),
        quoted: |room, id| Box::pin(quoted(room, id)),
    });
}

impl Room {
    /// Brings the page of events before those shown.
    pub fn load_older(self) {
        let Some(Some(before)) = self.older.try_get_untracked() else { return };
        let is_requested = self.cells.try_update_value(|cells| cells.requested_older.replace(before) == Some(before));
        if is_requested != Some(false) {
            return;
        }
        leptos::task::spawn_local(async move {
            self.bring_older(before).await;
            // What did not come, or did not get into the log, is asked for again when the reader comes near again; not at
            // every step of theirs.
            TimeoutFuture::new(OLDER_AGAIN_MS).await;
            if let Some(mut cells) = self.cells.try_write_value() {
                cells.requested_older = None;
            }
        });
    }

    /// Brings the page of events before this position; true when it came.
    pub async fn bring_older(self, before: Position) -> bool {
        match HISTORY.load().await {
            Some(history) => (history.older)(self, before).await,
            None => false,
        }
    }

    /// Brings what replies on the page answer, where that is not known. Asked once each while there is a connection.
    pub(super) fn load_quoted(self, rows: &[Row]) {
        let is_live = self.status.get_untracked() == Status::Live;
        let Some(mut cells) = self.cells.try_write_value() else { return };
        if !is_live {
            return cells.requested_quotes.clear();
        }
        let unknown = rows.iter().filter_map(|row| match row {
            Row::Message(message) => message.reply.as_ref().filter(|quote| quote.place == QuotePlace::Unknown),
            _ => None,
        });
        let is_new = |id: &EventId| {
            let is_new = !cells.requested_quotes.contains(id);
            cells.requested_quotes.extend(is_new.then_some(*id));
            is_new
        };
        for id in unknown.map(|quote| quote.target).filter(is_new).take(QUOTES_AT_ONCE) {
            leptos::task::spawn_local(async move {
                if let Some(history) = HISTORY.load().await {
                    return (history.quoted)(self, id).await;
                }
                TimeoutFuture::new(OLDER_AGAIN_MS).await;
                if let Some(mut cells) = self.cells.try_write_value() {
                    cells.requested_quotes.retain(|requested| *requested != id);
                }
            });
        }
    }
}

async fn older(room: Room, before: Position) -> bool {
    let Ok(Some(page)) = api::older_page(room.present_code(), before.seq).await else { return false };
    let OlderPage { events, names, quoted, markup } = page;
    room.server_markup.insert(&[&events[..], &quoted].concat(), markup);
    for message in quoted {
        room.dispatch(Input::Quoted { id: message.id, message: Some(message), names: names.clone() });
    }
    room.dispatch(Input::OlderPage { before, events, names })
}

async fn quoted(room: Room, id: EventId) {
    let Ok(Some(page)) = api::quoted_message(room.present_code(), id).await else { return };
    let OlderPage { events, names, markup, .. } = page;
    room.server_markup.insert(&events, markup);
    room.dispatch(Input::Quoted { id, message: events.into_iter().next(), names });
}
