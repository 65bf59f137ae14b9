//! What one person did and saw, in order.

use client::{DraftEvent, Ending};
use protocol::{Code, EventId, MemberId, Position, Seq};

/// What a person asks the log to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Message(String),
    Edited { target: EventId, body: String },
    Deleted { target: EventId },
    Reacted { target: EventId },
}

impl From<&DraftEvent> for Said {
    fn from(event: &DraftEvent) -> Self {
        match event {
            DraftEvent::Message { body, .. } => Self::Message(body.as_str().to_owned()),
            DraftEvent::Edit { target, body } => Self::Edited { target: *target, body: body.as_str().to_owned() },
            DraftEvent::Deletion { target } => Self::Deleted { target: *target },
            DraftEvent::Reaction { target, .. } => Self::Reacted { target: *target },
        }
    }
}

impl Said {
    /// The words it brings into the room.
    pub(crate) fn words(&self) -> Option<&str> {
        match self {
            Self::Message(body) | Self::Edited { body, .. } => Some(body),
            Self::Deleted { .. } | Self::Reacted { .. } => None,
        }
    }

    /// Whether it leaves words as they are.
    pub(crate) fn is_reaction(&self) -> bool {
        matches!(self, Self::Reacted { .. })
    }

    /// The message that it changes or reacts to.
    pub(crate) fn target(&self) -> Option<EventId> {
        match self {
            Self::Message(_) => None,
            Self::Edited { target, .. } | Self::Deleted { target } | Self::Reacted { target } => Some(*target),
        }
    }
}

/// One thing that a person did, that their screen showed, or that their connection said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The person sent this.
    Sent { id: EventId, said: Said },
    /// The client stopped showing it as on its way, without the person's doing: it is said to be in the log.
    Acked { id: EventId },
    /// The server refused it: the screen says "not sent", or shows again what was there before.
    Refused { id: EventId, code: Code },
    /// The server refused it for now.
    Deferred { id: EventId, code: Code },
    /// The person took a refused message off the screen, or something that was to change it went with it.
    Discarded { id: EventId },
    /// A connection was welcomed, which asked to go on from there.
    Welcomed { asked: Option<Position>, head: Position, recovered: bool },
    /// The replay of the connection is over: it brought everything up to here.
    Replayed { upto: Seq },
    /// The connection brought this event; with its words, where it has some.
    Heard { seq: Seq, id: EventId, words: Option<String> },
    /// The connection, which stood at `at`, brought an event that follows another one.
    Gap { at: Seq, prev: Seq, seq: Seq },
    /// The connection ended with this code, or the page gave it up, and nothing explains it.
    Dropped { close: Option<u16> },
    /// The screen shows the next event of the log; with what it says then, where it says something.
    Shown { seq: Seq, id: EventId, body: Option<String> },
    /// The screen begins anew: the server said that it cannot continue, or the page was loaded again.
    Reset,
    /// Two rows of the screen have this key.
    Doubled { key: String },
}

/// Something that came into the log: when it was sent and when its echo came, in monotonic milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) sent: u64,
    pub(crate) acked: u64,
}

/// How a page was when it was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Connected, so that it must show everything: exactly these people, and messages as they are now.
    Live { roster: Vec<Seated>, shows: Vec<(EventId, Option<String>)> },
    /// Without a connection, or without a screen.
    Away,
    /// Over for ever.
    Ended(Ending),
}

/// Who has a seat, and what they are called.
pub(crate) type Seated = (MemberId, String);

/// Everything one page (and its reloads) did and saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) who: String,
    pub(crate) member: MemberId,
    pub(crate) facts: Vec<Fact>,
    /// In the order they came.
    pub(crate) acks: Vec<Ack>,
    /// On the screen at the end as "sending" or "not sent".
    pub(crate) unsent: Vec<EventId>,
    /// Whether the member left by choice, on this page or on another one.
    pub(crate) left: bool,
    pub(crate) end: End,
}
