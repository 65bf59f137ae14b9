//! What a room's log holds.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::body::MessageBody;
use super::ids::{EventId, MemberId};
use super::name::DisplayName;
use super::position::Seq;

/// One committed entry of a room's log, as every reader receives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the log.
    pub seq: Seq,
    /// The place of the event before it, `Seq(0)` for the first: a reader whose position is another has missed something.
    pub prev: Seq,
    /// Its name.
    pub id: EventId,
    /// The server's clock when it was committed, in UTC milliseconds. For display; `seq` decides order.
    pub at: u64,
    /// Who caused it.
    pub by: MemberId,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What can happen in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A member took a seat.
    Joined {
        /// Whose seat it is.
        member: MemberId,
        /// What the member is called.
        name: DisplayName,
    },
    /// A member's seat was freed.
    Left {
        /// Whose seat it was.
        member: MemberId,
        /// By choice or not.
        why: LeaveReason,
    },
    /// A member said something.
    Message {
        /// What was said.
        body: MessageBody,
    },
    /// A kind of a later version: it moves the position and shows nothing.
    #[serde(other)]
    Unknown,
}

/// Why a seat was freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// The member said so.
    Choice,
    /// Nothing was heard of the member for the grace time.
    Vanished,
}

/// What a client asks to append. The body is unparsed: a bad one is rejected by its id instead of ending the connection.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proposal {
    /// Say something.
    Message {
        /// The text as it was typed.
        body: String,
    },
    /// Taking a seat is for the forms, and not allowed here.
    Joined {},
    /// Freeing one is the frame `leave`, and not allowed here.
    Left {},
    /// A kind this version does not know.
    #[serde(other)]
    Other,
}

/// Message text never reaches a log through `{:?}`, parsed or not.
impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { body } => write!(f, "Message({} bytes)", body.len()),
            Self::Joined {} => f.write_str("Joined"),
            Self::Left {} => f.write_str("Left"),
            Self::Other => f.write_str("Other"),
        }
    }
}

/// One item of an `events` frame.
// Unknown fields are refused in `Trimmed` alone: an event that this version cannot read has `id` and `seq` too, and
// taken for `Trimmed` it would be lost without a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Delivered {
    /// An event of the log.
    Event(Event),
    /// The answer to a resend whose first copy is stored but no longer in the log.
    Trimmed {
        /// What was sent again.
        id: EventId,
        /// Where its first copy stood.
        seq: Seq,
    },
}

impl Delivered {
    /// The id of what was appended.
    #[must_use]
    pub fn id(&self) -> EventId {
        match self {
            Self::Event(event) => event.id,
            Self::Trimmed { id, .. } => *id,
        }
    }
}
