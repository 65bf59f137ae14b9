//! A room as a page first gets it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::Event;
use super::frame::{Member, Names, RoomInfo};
use super::ids::{MemberId, RoomId};
use super::position::{Position, Seq};

/// State that a page is drawn from before it has a connection, all of one moment. Its `hello` then carries the
/// position, so nothing is missed between the page and the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The reader's member id.
    pub member: MemberId,
    /// The log's head.
    pub position: Position,
    /// The room.
    pub room: RoomInfo,
    /// Members of the room.
    pub members: Vec<Member>,
    /// The last events up to `position`, oldest first.
    pub events: Vec<Event>,
    /// Names of those the events mention.
    pub names: Names,
    /// Messages that replies among the events answer, and that are not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quoted: Vec<Event>,
    /// The first event still in the log, `Seq(0)` when there is none.
    pub oldest: Seq,
}

impl Snapshot {
    /// The room's id. The epoch, which is as random, stands for one that the server does not tell.
    #[must_use]
    pub fn room_id(&self) -> RoomId {
        self.room.id.unwrap_or(RoomId(Uuid::from_u64_pair(self.position.epoch.0, 0)))
    }
}
