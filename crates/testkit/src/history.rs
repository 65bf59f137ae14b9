//! History of one user: actions, frames and screens, in order.

use client::{DraftEvent, Ending};
use protocol::{ErrorCode, EventId, MemberId, Position, RoomInfo, Seq};

/// Content of an event that a user sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Message(String),
    Edited {
        target: EventId,
        body: String,
    },
    Deleted {
        target: EventId,
    },
    Reacted {
        target: EventId,
    },
    /// A name of the user.
    Named(String),
    /// A name of the room.
    RoomNamed(String),
}

impl From<&DraftEvent> for Said {
    fn from(event: &DraftEvent) -> Self {
        match event {
            DraftEvent::Message { body, .. } => Self::Message(body.as_str().to_owned()),
            DraftEvent::Edit { target, body } => Self::Edited { target: *target, body: body.as_str().to_owned() },
            DraftEvent::Deletion { target } => Self::Deleted { target: *target },
            DraftEvent::Reaction { target, .. } => Self::Reacted { target: *target },
            DraftEvent::Name { name } => Self::Named(name.to_string()),
            DraftEvent::RoomName { name } => Self::RoomNamed(name.to_string()),
        }
    }
}

impl Said {
    /// Text that it brings into the room.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Message(body) | Self::Edited { body, .. } => Some(body),
            Self::Deleted { .. } | Self::Reacted { .. } | Self::Named(_) | Self::RoomNamed(_) => None,
        }
    }

    /// True for a name, of the user or of the room.
    pub fn is_name(&self) -> bool {
        matches!(self, Self::Named(_) | Self::RoomNamed(_))
    }

    /// True for a reaction, which changes no text.
    pub fn is_reaction(&self) -> bool {
        matches!(self, Self::Reacted { .. })
    }

    /// The message that it changes or reacts to.
    pub fn target(&self) -> Option<EventId> {
        match self {
            Self::Message(_) | Self::Named(_) | Self::RoomNamed(_) => None,
            Self::Edited { target, .. } | Self::Deleted { target } | Self::Reacted { target } => Some(*target),
        }
    }
}

/// One action of the user, change of the screen, or frame of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The user sent this.
    Sent { id: EventId, said: Said },
    /// The client shows it as pending no more, and the user did not discard it: it must be in the log.
    Acked { id: EventId },
    /// The server refused it: the screen says "not sent", or shows the state before again.
    Refused { id: EventId, error: ErrorCode },
    /// The server refused it for now.
    Deferred { id: EventId, error: ErrorCode },
    /// The user discarded a refused message, and with it what would have changed it; or took another name before this
    /// one was sent.
    Discarded { id: EventId },
    /// A connection was welcomed that had asked to resume from `asked`.
    Welcomed { asked: Option<Position>, head: Position, recovered: bool },
    /// The connection's replay is over: it delivered everything up to this sequence number.
    Replayed { upto: Seq },
    /// The connection delivered this event, with its text if it has one.
    Heard { seq: Seq, id: EventId, words: Option<String> },
    /// The connection delivered an event whose `prev` is not `at`, the event delivered before.
    Gap { at: Seq, prev: Seq, seq: Seq },
    /// The connection ended with this close code, or the page gave it up (`None`), without a reason.
    Dropped { close: Option<u16> },
    /// The screen shows the next event of the log, with its text at that moment if it has one.
    Shown { seq: Seq, id: EventId, body: Option<String> },
    /// The screen begins anew: the server could not resume, or the page was loaded again.
    Reset,
    /// Two rows of the screen have this key.
    Doubled { key: String },
}

/// Times, in monotonic milliseconds, when an event was sent and when its echo came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    pub sent: u64,
    pub acked: u64,
}

/// State of a page when it was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Connected: it must show exactly the roster, the state of the room and the current text of every message.
    Live { roster: Vec<Seated>, room: Option<RoomInfo>, shows: Vec<(EventId, Option<String>)> },
    /// Connecting or reconnecting.
    Away,
    /// Ended for good.
    Ended(Ending),
}

/// Member with a seat, and the member's name.
pub type Seated = (MemberId, String);

/// Everything one page (and its reloads) did and saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub who: String,
    pub member: MemberId,
    pub facts: Vec<Fact>,
    /// In order of arrival.
    pub acks: Vec<Ack>,
    /// Drafts that are "sending" or "not sent" at the end.
    pub unsent: Vec<EventId>,
    /// True if the member left by choice, on this page or on another one, or was removed.
    pub left: bool,
    pub end: End,
}
