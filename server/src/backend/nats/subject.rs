//! What is stored under which name.

use protocol::{EventId, MemberId, RoomCode};

use crate::backend::Lease;

/// Streams that share the rooms: each has one leader, and so one lane for writing. A store has as many as it was made
/// with, for a room's stream follows from its code.
pub(super) const SHARDS: u8 = 4;

/// The names of one store.
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

    /// Everything that a shard's stream stores.
    pub(super) fn shard(&self, shard: u8) -> String {
        format!("{}.{shard}.>", self.store)
    }

    /// What of it is told live, and under which name: the subject's last token, an event's slot or [`END`], stays.
    pub(super) fn republish(&self, shard: u8) -> (String, String) {
        (
            format!("{}.{shard}.*.event.*", self.store),
            format!("{}.live.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}", self.store),
        )
    }

    /// The rosters of all rooms of a shard.
    pub(super) fn rosters(&self, shard: u8) -> String {
        format!("{}.{shard}.*.roster", self.store)
    }

    /// The store's own keys, beside the rooms of the first shard.
    pub(super) fn keys(&self) -> String {
        format!("{}.0.keys", self.store)
    }

    /// Subject of the identity of this shard's stream: one that was made anew has another identity.
    pub(super) fn identity(&self, shard: u8) -> String {
        format!("{}.{shard}.identity", self.store)
    }

    /// Subject of probes, under which no message is ever stored.
    pub(super) fn probe(&self, shard: u8) -> String {
        format!("{}.{shard}.probe", self.store)
    }

    /// Which records the store has, beside its keys.
    pub(super) fn format(&self) -> String {
        format!("{}.0.format", self.store)
    }

    pub(super) fn lease_stream(&self) -> String {
        format!("{}_leases", self.store)
    }

    /// Everything that the stream of leases stores.
    pub(super) fn leases(&self) -> [String; 2] {
        [format!("{}.lease.>", self.store), format!("{}.beat.*", self.store)]
    }

    /// One process's proof that leases can be renewed.
    pub(super) fn beat(&self, process: &str) -> String {
        format!("{}.beat.{process}", self.store)
    }

    pub(super) fn lease(&self, lease: Lease) -> String {
        let Lease { code, member, id } = lease;
        format!("{}.lease.{code}.{}.{}", self.store, member.0.simple(), id.simple())
    }

    pub(super) fn leases_of(&self, code: RoomCode, member: MemberId) -> String {
        format!("{}.lease.{code}.{}.*", self.store, member.0.simple())
    }

    pub(super) fn leases_in(&self, code: RoomCode) -> String {
        format!("{}.lease.{code}.>", self.store)
    }

    pub(super) fn room(&self, code: RoomCode) -> Room {
        let shard = shard_of(code);
        Room { stream: self.shard_stream(shard), prefix: format!("{}.{shard}.{code}", self.store) }
    }

    /// What is told live of a room.
    pub(super) fn live(&self, code: RoomCode) -> String {
        format!("{}.live.{code}.*", self.store)
    }

    pub(super) fn signal(&self, code: RoomCode) -> String {
        format!("{}.live.{code}.{SIGNAL}", self.store)
    }

    pub(super) fn roll_call(&self, code: RoomCode) -> String {
        format!("{}.live.{code}.{ROLL_CALL}", self.store)
    }
}

/// The last token of a signal's subject.
pub(super) const SIGNAL: &str = "signal";
/// The last token of the subject in which a node says that it begins to listen.
pub(super) const ROLL_CALL: &str = "rollcall";
/// The last token of the subject that says that a room ended.
pub(super) const END: &str = "end";

/// True for the last token of an event's subject.
pub(super) fn is_slot(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_digit())
}

/// The names of one room.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) stream: String,
    prefix: String,
}

impl Room {
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

    pub(super) fn name(&self, member: MemberId) -> String {
        format!("{}.name.{}", self.prefix, member.0.simple())
    }
}

/// Which room a subject is of, if it is a shard's: its third token.
pub(super) fn code_of(subject: &str) -> Option<RoomCode> {
    subject.split('.').nth(2)?.parse().ok()
}

/// Which shard a room's subject is of: its second token.
pub(super) fn shard_in(subject: &str) -> Option<u8> {
    subject.split('.').nth(1)?.parse().ok()
}

/// Fowler-Noll-Vo 1a, 32 bits: spreads the codes, and the same for ever.
fn shard_of(code: RoomCode) -> u8 {
    let hash =
        code.to_string().bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash % u32::from(SHARDS)) as u8
}
