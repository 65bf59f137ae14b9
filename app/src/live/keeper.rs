//! What a room's page keeps over a reload, in this tab: messages not sent yet and the text in the composer.

use super::browser::{keep, kept};
use crate::client::{Ending, Outbox, Status};
use crate::protocol::{RoomCode, codec};

/// One room's place in the tab's storage.
pub(super) struct Keeper {
    outbox: String,
    code: RoomCode,
    written: String,
}

impl Keeper {
    /// For this room.
    pub(super) fn new(code: RoomCode) -> Self {
        let outbox = outbox_key(code);
        let written = kept(&outbox).unwrap_or_default();
        Self { outbox, code, written }
    }

    /// What an earlier page in this tab could not send.
    pub(super) fn outbox(&self) -> Outbox {
        codec::decode(&self.written).unwrap_or_default()
    }

    /// Keeps what is not sent. When the stay is over by choice or with the room, nothing stays behind.
    pub(super) fn keep(&mut self, outbox: &Outbox, status: Status) {
        let over = matches!(status, Status::Ended(Ending::Left | Ending::RoomEnded | Ending::NoSuchRoom));
        let text = if over || outbox.is_empty() { String::new() } else { codec::encode(outbox) };
        if over {
            keep_draft(self.code, "");
        }
        if text != self.written {
            keep(&self.outbox, &text);
            self.written = text;
        }
    }
}

fn outbox_key(code: RoomCode) -> String {
    format!("flasky.outbox.{code}")
}

fn draft_key(code: RoomCode) -> String {
    format!("flasky.draft.{code}")
}

/// Keeps the text in the composer.
pub(super) fn keep_draft(code: RoomCode, text: &str) {
    keep(&draft_key(code), text);
}

/// The text that was in the composer.
pub(super) fn kept_draft(code: RoomCode) -> Option<String> {
    kept(&draft_key(code))
}
