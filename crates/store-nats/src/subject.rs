//! Names of the streams and subjects.

use ::store::Lease;
use protocol::{EventId, MemberId, RoomCode, RoomId};
use uuid::Uuid;

/// Number of streams among which the rooms are divided. Each has one leader, which orders its writes. The number of an
/// existing store cannot change, because a room's id determines its stream.
pub(super) const SHARDS: u8 = 4;

/// Names of the streams and subjects of one store.
#[derive(Clone, Debug)]
pub(super) struct Names {
    store: String,
}

impl Names {
    pub(super) fn new(store: String) -> Self {
        Self { store }
    }

    pub(super) fn shard_stream(&self, shard: u8) -> String {
        format!("{}_{shard}", self.store)
    }

    /// Wildcard for all subjects of a shard's stream.
    pub(super) fn shard(&self, shard: u8) -> String {
        format!("{}.{shard}.>", self.store)
    }

    /// Source and destination of RePublish. The subject's last token, an event's slot or [`END`], is kept.
    pub(super) fn republish(&self, shard: u8) -> (String, String) {
        (
            format!("{}.{shard}.*.event.*", self.store),
            format!("{}.live.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}", self.store),
        )
    }

    /// Wildcard for the rosters of all rooms of a shard.
    pub(super) fn rosters(&self, shard: u8) -> String {
        format!("{}.{shard}.*.roster", self.store)
    }

    /// Subject of the store's keys, in the stream of the first shard.
    pub(super) fn keys(&self) -> String {
        format!("{}.0.keys", self.store)
    }

    /// Subject of the identity of this shard's stream: a recreated stream has another identity.
    pub(super) fn identity(&self, shard: u8) -> String {
        format!("{}.{shard}.identity", self.store)
    }

    /// Subject of probes, under which no message is ever stored.
    pub(super) fn probe(&self, shard: u8) -> String {
        format!("{}.{shard}.probe", self.store)
    }

    /// Subject of the record format's version, in the stream of the first shard.
    pub(super) fn format(&self) -> String {
        format!("{}.0.format", self.store)
    }

    pub(super) fn lease_stream(&self) -> String {
        format!("{}_leases", self.store)
    }

    /// Wildcards for all subjects of the stream of leases.
    pub(super) fn leases(&self) -> [String; 2] {
        [format!("{}.lease.>", self.store), format!("{}.beat.*", self.store)]
    }

    /// Subject of a process's heartbeats, which prove that leases can be renewed.
    pub(super) fn heartbeat(&self, process: &str) -> String {
        format!("{}.beat.{process}", self.store)
    }

    pub(super) fn lease(&self, lease: Lease) -> String {
        let Lease { room, member, id } = lease;
        format!("{}.lease.{}.{}.{}", self.store, room.0.simple(), member.0.simple(), id.simple())
    }

    pub(super) fn leases_of(&self, id: RoomId, member: MemberId) -> String {
        format!("{}.lease.{}.{}.*", self.store, id.0.simple(), member.0.simple())
    }

    pub(super) fn leases_in(&self, id: RoomId) -> String {
        format!("{}.lease.{}.>", self.store, id.0.simple())
    }

    pub(super) fn room(&self, id: RoomId) -> RoomSubjects {
        let shard = shard_of(id);
        RoomSubjects { stream: self.shard_stream(shard), prefix: format!("{}.{shard}.{}", self.store, id.0.simple()) }
    }

    /// Stream and subject of the message that points from a code to its room's id.
    pub(super) fn code(&self, code: RoomCode) -> (String, String) {
        let shard = shard_of_code(code);
        (self.shard_stream(shard), format!("{}.{shard}.code.{code}", self.store))
    }

    /// Wildcard for the subjects of a room's live delivery.
    pub(super) fn live(&self, id: RoomId) -> String {
        format!("{}.live.{}.*", self.store, id.0.simple())
    }

    pub(super) fn presence(&self, id: RoomId) -> String {
        format!("{}.live.{}.{PRESENCE}", self.store, id.0.simple())
    }

    pub(super) fn presence_request(&self, id: RoomId) -> String {
        format!("{}.live.{}.{PRESENCE_REQUEST}", self.store, id.0.simple())
    }
}

/// Last token of the subject of presence updates.
pub(super) const PRESENCE: &str = "signal";
/// Last token of the subject on which a node that has subscribed to a room asks the others for presence.
pub(super) const PRESENCE_REQUEST: &str = "rollcall";
/// Last token of the subject that records a room's end.
pub(super) const END: &str = "end";

/// True for the last token of an event's subject.
pub(super) fn is_slot(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_digit())
}

/// Stream and subjects of one room.
#[derive(Clone, Debug)]
pub(super) struct RoomSubjects {
    pub(super) stream: String,
    prefix: String,
}

impl RoomSubjects {
    pub(super) fn all(&self) -> String {
        format!("{}.>", self.prefix)
    }

    pub(super) fn head(&self) -> String {
        format!("{}.head", self.prefix)
    }

    pub(super) fn roster(&self) -> String {
        format!("{}.roster", self.prefix)
    }

    pub(super) fn event(&self, slot: u64) -> String {
        format!("{}.event.{slot}", self.prefix)
    }

    pub(super) fn end(&self) -> String {
        format!("{}.event.{END}", self.prefix)
    }

    pub(super) fn id(&self, id: EventId) -> String {
        format!("{}.id.{}", self.prefix, id.0.simple())
    }

    /// Wildcard for the subjects of all ids.
    pub(super) fn ids(&self) -> String {
        format!("{}.id.*", self.prefix)
    }

    pub(super) fn name(&self, member: MemberId) -> String {
        format!("{}.name.{}", self.prefix, member.0.simple())
    }
}

/// Returns the room's id in the subject of a room or lease: its third token.
pub(super) fn id_of(subject: &str) -> Option<RoomId> {
    Uuid::parse_str(subject.split('.').nth(2)?).ok().map(RoomId)
}

/// Returns the shard in a room's subject: its second token.
pub(super) fn shard_in(subject: &str) -> Option<u8> {
    subject.split('.').nth(1)?.parse().ok()
}

/// Returns a room's shard, by the last bits of its id. It must never change.
pub(super) fn shard_of(RoomId(id): RoomId) -> u8 {
    (id.as_u128() % u128::from(SHARDS)) as u8
}

/// Returns a code's shard, which is also the shard of the room that has the code, by a Fowler-Noll-Vo 1a hash of 32
/// bits, which distributes the codes. It must never change.
pub(super) fn shard_of_code(code: RoomCode) -> u8 {
    let hash =
        code.to_string().bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash % u32::from(SHARDS)) as u8
}
