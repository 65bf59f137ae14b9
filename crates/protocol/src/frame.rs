//! The whole conversation in two enums.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::ErrorCode;
use super::event::{Delivered, Proposal};
use super::ids::{EventId, MemberId, RoomId};
use super::limits::Limits;
use super::name::ShownName;
use super::position::{Position, Seq};
use super::room_code::RoomCode;
use super::room_name::RoomName;

/// Names of the members that events mention.
pub type Names = BTreeMap<MemberId, ShownName>;

/// A frame of a client. Its reader is in `envelope`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame, within ten seconds.
    Hello {
        /// The protocol version.
        v: u32,
        /// Last position that the client has seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        position: Option<Position>,
    },
    /// Append this to the log. Its echo is the acknowledgement.
    Append {
        /// The event's id, minted by the client, the same at every resend.
        id: EventId,
        /// The event to append.
        event: Proposal,
    },
    /// End this member's stay now, on every connection.
    Leave,
    /// A signal to the other members, never stored. Best effort.
    Signal {
        /// True while the member is writing.
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

/// A frame of the server. Its reader is in `frame_fields`.
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
        /// True if the replay goes on in a further frame.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    /// Present state of a member, never stored. Best effort.
    Signal {
        /// The member.
        member: MemberId,
        /// True while the member is writing; sent again every few seconds while it is so.
        #[serde(skip_serializing_if = "Option::is_none")]
        typing: Option<bool>,
        /// True while the member has no connection; the seat is kept for the grace period.
        #[serde(skip_serializing_if = "Option::is_none")]
        away: Option<bool>,
        /// End of the grace period, in UTC milliseconds by the server's clock.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
    },
    /// An append was refused.
    Rejected {
        /// Id of the append.
        id: EventId,
        /// Reason.
        error: ErrorCode,
        /// Time after which a retry makes sense, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
    /// The answer to `ping`.
    Pong {
        /// Number of the ping.
        n: u64,
    },
    /// Announcement just before the connection is closed.
    Bye {
        /// The close code that follows.
        code: u16,
        /// A few words for developers.
        reason: String,
        /// Time to wait before reconnecting, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
    /// A frame of a later version: a sign of life, and nothing else.
    Unknown,
}

/// State of the room for a client that was greeted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Welcome {
    /// The client's member id.
    pub member: MemberId,
    /// The log's head when `members` was read.
    pub position: Position,
    /// True if what follows continues the client's own position. If not, the client drops its timeline and takes what
    /// follows.
    pub recovered: bool,
    /// The room.
    pub room: RoomInfo,
    /// Members of the room.
    pub members: Vec<Member>,
    /// The first event still in the log, `Seq(0)` when there is none.
    pub oldest: Seq,
    /// Limits that the server enforces.
    pub limits: Limits,
    /// The server's build: a page of another one offers to reload.
    pub build: String,
}

/// Properties of a room apart from its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// Its id, for members: a page stores under it what it keeps for the room. Servers before 0.1.0 do not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RoomId>,
    /// Its code, which may be replaced.
    pub code: RoomCode,
    /// Number of seats.
    pub capacity: u32,
    /// True while it is closed to newcomers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
    /// Its name, for members.
    #[serde(default, skip_serializing_if = "RoomName::is_empty")]
    pub name: RoomName,
    /// Its host, for members: who may change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<MemberId>,
    /// Minimum time between two messages of a member other than the host, in milliseconds; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub slow_ms: u32,
    /// True while only the host may write.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub host_only: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Someone with a seat. Its reader and writer are in `fields`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Id of the member.
    pub member: MemberId,
    /// Name of the member.
    pub name: ShownName,
    /// True while the member has no connection; the seat is kept for the grace period.
    pub away: bool,
}
