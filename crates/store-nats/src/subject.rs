//! Names of the streams and subjects.

use ::store::Lease;
use protocol::{MemberId, RoomId};
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

    pub(super) fn secret_stream(&self) -> String {
        format!("{}_secrets", self.store)
    }

    /// Wildcards for all subjects of the stream of secrets.
    pub(super) fn secrets(&self) -> [String; 2] {
        [self.room_secrets(), format!("{}.codes.*", self.store)]
    }

    pub(super) fn room_secrets(&self) -> String {
        format!("{}.secret.*", self.store)
    }

    pub(super) fn room_secret(&self, id: RoomId) -> String {
        format!("{}.secret.{}", self.store, id.0.simple())
    }

    /// Subject of probes of the stream of secrets, under which no message is ever stored.
    pub(super) fn secret_probe(&self) -> String {
        format!("{}.secret.probe", self.store)
    }

    /// Subject of the secret under which codes are hashed.
    pub(super) fn code_secret(&self) -> String {
        format!("{}.codes.secret", self.store)
    }

    /// Subject of the message that says for a while that a node stores its secrets again.
    pub(super) fn restoring(&self) -> String {
        format!("{}.codes.restoring", self.store)
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
        let shard = shard_of(id.0);
        RoomSubjects { stream: self.shard_stream(shard), prefix: format!("{}.{shard}.{}", self.store, id.0.simple()) }
    }

    /// Stream and subject of the message that points from a code, by its hash, to its room's id.
    pub(super) fn code(&self, code: Uuid) -> (String, String) {
        let shard = shard_of(code);
        (self.shard_stream(shard), format!("{}.{shard}.code.{}", self.store, code.simple()))
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

    /// Subject of an event's id, by its hash.
    pub(super) fn id(&self, id: Uuid) -> String {
        format!("{}.id.{}", self.prefix, id.simple())
    }

    /// Wildcard for the subjects of all ids.
    pub(super) fn ids(&self) -> String {
        format!("{}.id.*", self.prefix)
    }

    /// Subject of the name of a former member, by the hash of the member's id.
    pub(super) fn name(&self, member: Uuid) -> String {
        format!("{}.name.{}", self.prefix, member.simple())
    }
}

/// Returns the room's id in the subject of a room, lease or secret: its third token.
pub(super) fn id_of(subject: &str) -> Option<RoomId> {
    Uuid::parse_str(subject.split('.').nth(2)?).ok().map(RoomId)
}

/// Returns the shard in a room's subject: its second token.
pub(super) fn shard_in(subject: &str) -> Option<u8> {
    subject.split('.').nth(1)?.parse().ok()
}

/// Returns the shard of a room's id, or of the hash of a code, by its last bits. It must never change.
pub(super) fn shard_of(id: Uuid) -> u8 {
    (id.as_u128() % u128::from(SHARDS)) as u8
}
