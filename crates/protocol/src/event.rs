//! Events of a room's log. How they are written and read is in `fields`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::body::MessageBody;
use super::emoji::Emoji;
use super::ids::{EventId, MemberId};
use super::name::ShownName;
use super::position::Seq;
use super::room_code::RoomCode;
use super::room_name::RoomName;

/// One committed entry of a room's log, as every reader receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log.
    pub seq: Seq,
    /// The place of the event before it, `Seq(0)` for the first: a reader whose position is another has missed
    /// something.
    pub prev: Seq,
    /// Its unique id.
    pub id: EventId,
    /// The server's clock when it was committed, in UTC milliseconds. For display; `seq` decides order.
    pub at: u64,
    /// Member who caused it.
    pub by: MemberId,
    /// Kind and content.
    pub kind: EventKind,
}

impl Event {
    /// Takes back what a later event of the same room took back: after `edited` and `deleted` the old words are
    /// nowhere. True when that changed this event.
    pub fn amend(&mut self, later: &EventKind) -> bool {
        let (target, new) = match later {
            EventKind::Edited { target, body: Some(body) } => (*target, Some(body)),
            EventKind::Deleted { target } => (*target, None),
            _ => return false,
        };
        match &mut self.kind {
            EventKind::Message { body, edited, .. } if self.id == target && body.is_some() => {
                *edited = new.is_some();
                *body = new.cloned();
                true
            }
            EventKind::Edited { target: same, body } if *same == target => body.take().is_some(),
            _ => false,
        }
    }
}

/// Kind of an event, with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A member took a seat.
    Joined {
        /// The member.
        member: MemberId,
        /// The member's name.
        name: ShownName,
    },
    /// A member chose another name.
    Renamed {
        /// The member.
        member: MemberId,
        /// The new name.
        name: ShownName,
        /// The name before: the event that gave it may be in the log no more.
        was: ShownName,
    },
    /// The host changed the room.
    Settings(RoomChange),
    /// The host gave the room another code. The one before leads to it for its members alone.
    Code {
        /// The new code.
        code: RoomCode,
    },
    /// A member became the room's host: the one before has left, or handed over.
    Host {
        /// The member.
        member: MemberId,
    },
    /// The host ended the room. It is the last event.
    Ended,
    /// A member's seat was freed. By the member, or by the host who removed the member.
    Left {
        /// The member.
        member: MemberId,
        /// Reason.
        why: LeaveReason,
    },
    /// A member said something.
    Message {
        /// Current text; `None` once it was deleted.
        body: Option<MessageBody>,
        /// The message it answers.
        reply_to: Option<EventId>,
        /// True if it was edited.
        edited: bool,
    },
    /// An author changed a message.
    Edited {
        /// The message.
        target: EventId,
        /// New text; `None` once that was edited or deleted again.
        body: Option<MessageBody>,
    },
    /// An author took a message back.
    Deleted {
        /// The message.
        target: EventId,
    },
    /// A member put an emoji on a message, or took it away.
    Reacted {
        /// The message.
        target: EventId,
        /// The emoji.
        emoji: Emoji,
        /// True if it was added, false if it was removed.
        on: bool,
    },
    /// A kind of a later version: it moves the position and shows nothing.
    Unknown,
}

impl EventKind {
    /// A message as it is first said.
    #[must_use]
    pub fn message(body: MessageBody) -> Self {
        Self::Message { body: Some(body), reply_to: None, edited: false }
    }

    /// The message that this changes, deletes or reacts to.
    #[must_use]
    pub fn target(&self) -> Option<EventId> {
        match self {
            Self::Edited { target, .. } | Self::Deleted { target } | Self::Reacted { target, .. } => Some(*target),
            Self::Joined { .. }
            | Self::Renamed { .. }
            | Self::Settings(_)
            | Self::Code { .. }
            | Self::Host { .. }
            | Self::Ended
            | Self::Left { .. }
            | Self::Message { .. }
            | Self::Unknown => None,
        }
    }
}

/// Reason why a seat was freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// The member chose to leave.
    Choice,
    /// The member had no connection for the grace period.
    Vanished,
    /// The host removed the member, who cannot come back to this room.
    Removed,
}

/// Longest time between two messages of a member that a host can ask for, in milliseconds: an hour.
pub const MAX_SLOW_MS: u32 = 3_600_000;

/// Change of a room's settings. What is `None` is unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomChange {
    /// Name; empty for none.
    pub name: Option<RoomName>,
    /// True to take nobody in.
    pub locked: Option<bool>,
    /// Number of seats, at least as many as there are members.
    pub capacity: Option<u32>,
    /// Minimum time between two messages of a member other than the host, in milliseconds; 0 for none.
    pub slow_ms: Option<u32>,
    /// True to let only the host write.
    pub host_only: Option<bool>,
}

impl From<RoomName> for RoomChange {
    fn from(name: RoomName) -> Self {
        Self { name: Some(name), ..Self::default() }
    }
}

/// Change of a room's settings that a client asks for: as [`RoomChange`], with the name as it was typed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProposedChange {
    /// Name; empty for none.
    pub name: Option<String>,
    /// As in [`RoomChange`].
    pub locked: Option<bool>,
    /// As in [`RoomChange`].
    pub capacity: Option<u32>,
    /// As in [`RoomChange`].
    pub slow_ms: Option<u32>,
    /// As in [`RoomChange`].
    pub host_only: Option<bool>,
}

impl From<String> for ProposedChange {
    fn from(name: String) -> Self {
        Self { name: Some(name), ..Self::default() }
    }
}

/// Event that a client asks to append. Unparsed: what is bad in it is rejected by its id instead of ending the
/// connection.
#[derive(Clone, PartialEq, Eq)]
pub enum Proposal {
    /// Say something.
    Message {
        /// The text as it was typed.
        body: String,
        /// The message it answers.
        reply_to: Option<EventId>,
    },
    /// Change an own message.
    Edited {
        /// The message.
        target: EventId,
        /// The text as it was typed.
        body: String,
    },
    /// Take an own message back.
    Deleted {
        /// The message.
        target: EventId,
    },
    /// Put an emoji on a message, or take it away.
    Reacted {
        /// The message.
        target: EventId,
        /// One emoji.
        emoji: String,
        /// True to add it, false to remove it.
        on: bool,
    },
    /// Choose another name.
    Renamed {
        /// The name as it was typed.
        name: String,
    },
    /// Change the room, as its host.
    Settings(ProposedChange),
    /// Give the room another code, which the server draws, as its host.
    Code,
    /// Make another member the host, as the host.
    Host {
        /// The member.
        member: MemberId,
    },
    /// Remove a member, as the host.
    Remove {
        /// The member.
        member: MemberId,
    },
    /// End the room, as its host.
    Ended,
    /// Seats are taken by the forms, and freed by the frame `leave`: not allowed here.
    NotAllowed,
    /// A kind that this version does not know, or a known one of another shape.
    Unsupported,
    /// A text that is none: it holds half a surrogate pair.
    BadText,
}

/// Texts and names never reach a log through `{:?}`.
impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { body, .. } => write!(f, "Message({} bytes)", body.len()),
            Self::Edited { target, body } => write!(f, "Edited({target}, {} bytes)", body.len()),
            Self::Deleted { target } => write!(f, "Deleted({target})"),
            Self::Reacted { target, on, .. } => write!(f, "Reacted({target}, {on})"),
            Self::Renamed { name } => write!(f, "Renamed({} bytes)", name.len()),
            Self::Settings(change) => {
                write!(f, "Settings({:?} bytes of a name)", change.name.as_ref().map(String::len))
            }
            Self::Code => f.write_str("Code"),
            Self::Host { member } => write!(f, "Host({member})"),
            Self::Remove { member } => write!(f, "Remove({member})"),
            Self::Ended => f.write_str("Ended"),
            Self::NotAllowed => f.write_str("NotAllowed"),
            Self::Unsupported => f.write_str("Unsupported"),
            Self::BadText => f.write_str("BadText"),
        }
    }
}

/// One item of an `events` frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// An event of the log.
    Event(Event),
    /// The answer to a resend whose first copy is stored but no longer in the log.
    Trimmed {
        /// Id of the duplicate append.
        id: EventId,
        /// Sequence number of the first copy.
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
