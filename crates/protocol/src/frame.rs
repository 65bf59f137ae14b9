//! The whole conversation in two enums.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::event::{Delivered, Proposal};
use super::fault::Code;
use super::ids::{EventId, MemberId};
use super::json::{FromJson, deserialize_as_read, maybe, need, read_struct};
use super::limits::Limits;
use super::name::DisplayName;
use super::position::{Position, Seq};
use super::room_code::RoomCode;

/// Names of the members that events mention.
pub type Names = BTreeMap<MemberId, DisplayName>;

/// A frame of a client. Its reader is in `envelope`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame, within five seconds.
    Hello {
        /// The protocol version.
        v: u32,
        /// What the client has already seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        position: Option<Position>,
    },
    /// Append this to the log. Its echo is the acknowledgement.
    Append {
        /// The event's id, minted by the client, the same at every resend.
        id: EventId,
        /// What to append.
        event: Proposal,
    },
    /// End this member's stay now, on every connection.
    Leave,
    /// For the others to see now, and never stored. Best effort.
    Signal {
        /// Whether the member is writing.
        typing: bool,
    },
    /// Answered by `pong`.
    Ping {
        /// Comes back.
        n: u64,
    },
    /// A frame of a later version: ignored once the connection is greeted.
    Unknown,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to `hello`.
    Welcome(Box<Welcome>),
    /// Events, live and replayed alike, in the log's order. Empty ones are a sign of life.
    Events {
        /// At most 200 or 64 KiB of them.
        events: Vec<Delivered>,
        /// Names of those mentioned who may no longer be members.
        #[serde(skip_serializing_if = "Names::is_empty")]
        names: Names,
        /// Whether the replay goes on in a further frame.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    /// What is true of a member now, and was never stored. Best effort.
    Signal {
        /// Whose.
        member: MemberId,
        /// Whether the member is writing; said again every few seconds while it is so.
        #[serde(skip_serializing_if = "Option::is_none")]
        typing: Option<bool>,
        /// Whether the member has no connection; the seat is kept for a while.
        #[serde(skip_serializing_if = "Option::is_none")]
        away: Option<bool>,
        /// Until when, in UTC milliseconds by the server's clock.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
    },
    /// An append was refused.
    Rejected {
        /// Which one.
        id: EventId,
        /// Why.
        code: Code,
        /// When a retry makes sense, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
    /// The answer to `ping`.
    Pong {
        /// What the ping carried.
        n: u64,
    },
    /// Said just before the connection is closed.
    Bye {
        /// The close code that follows.
        code: u16,
        /// A few words for developers.
        reason: String,
        /// When to come back, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
    /// A frame of a later version: a sign of life, and nothing else.
    Unknown,
}

impl FromJson for ServerFrame {
    fn from_json(json: &Value) -> Option<Self> {
        Some(match json.get("type")?.as_str()? {
            "welcome" => Self::Welcome(Box::new(Welcome::from_json(json)?)),
            "events" => Self::Events {
                events: need(json, "events")?,
                names: maybe(json, "names")?.unwrap_or_default(),
                more: maybe(json, "more")?.unwrap_or_default(),
            },
            "signal" => Self::Signal {
                member: need(json, "member")?,
                typing: maybe(json, "typing")?,
                away: maybe(json, "away")?,
                until: maybe(json, "until")?,
            },
            "rejected" => {
                Self::Rejected { id: need(json, "id")?, code: need(json, "code")?, retry_ms: maybe(json, "retry_ms")? }
            }
            "pong" => Self::Pong { n: need(json, "n")? },
            "bye" => Self::Bye {
                code: need(json, "code")?,
                reason: need(json, "reason")?,
                retry_ms: maybe(json, "retry_ms")?,
            },
            _ => Self::Unknown,
        })
    }
}

impl FromJson for Names {
    fn from_json(json: &Value) -> Option<Self> {
        let read = |(member, name): (&String, _)| Some((MemberId(member.parse().ok()?), DisplayName::from_json(name)?));
        json.as_object()?.iter().map(read).collect()
    }
}

read_struct! {
    Welcome { member, position, recovered, room, members, oldest, limits, build }
    RoomInfo { code, capacity; locked }
    Member { member, name; away }
}
deserialize_as_read!(ServerFrame);

/// Where the client stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Welcome {
    /// Who the client is in this room.
    pub member: MemberId,
    /// The log's head when `members` was read.
    pub position: Position,
    /// Whether what follows continues the client's own position. If not, the client drops its timeline and takes what follows.
    pub recovered: bool,
    /// The room.
    pub room: RoomInfo,
    /// Who has a seat.
    pub members: Vec<Member>,
    /// The first event still in the log, `Seq(0)` when there is none.
    pub oldest: Seq,
    /// What the server enforces.
    pub limits: Limits,
    /// The server's build: a page of another one offers to reload.
    pub build: String,
}

/// What a room is apart from its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomInfo {
    /// Its code.
    pub code: RoomCode,
    /// How many may be inside.
    pub capacity: u32,
    /// Whether it takes nobody in at present.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
}

/// Someone with a seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Who.
    pub member: MemberId,
    /// What the member is called.
    pub name: DisplayName,
    /// Whether the member has no connection at present; the seat is kept for a while.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
}
