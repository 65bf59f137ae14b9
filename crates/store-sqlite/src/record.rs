//! Contents of the sealed records.

use protocol::{Epoch, Event, EventId, EventKind, MemberId, RoomCode, RoomId, RoomName, Seq, ShownName, codec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Keys, NameKeys, StoreError};
use uuid::Uuid;

use super::seal::{self, Keyring, Place, Random, Table};

/// Bytes of a sealed event beside its encoded kind: id, time and author, and the encryption's own.
const EVENT_OVERHEAD: usize = seal::OVERHEAD + 16 + 8 + 16;

/// Record of a room. What changes with every event is not in it: the log says that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RoomRecord {
    pub(super) id: RoomId,
    pub(super) code: RoomCode,
    pub(super) epoch: Epoch,
    pub(super) capacity: u32,
    /// Empty where the room has none.
    pub(super) name: RoomName,
    /// `None` before the first member.
    pub(super) host: Option<MemberId>,
    /// Time at which the newest event whose id is forgotten was appended, 0 if there is none.
    pub(super) forgotten: u64,
}

/// Record of a member, or of a former one whom the log still mentions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MemberRecord {
    pub(super) member: MemberId,
    pub(super) name: ShownName,
    /// A name looks like another one that has one of these.
    pub(super) keys: NameKeys,
    /// Seq of the event that took the seat.
    pub(super) joined: Seq,
    /// Seq of the event that freed the seat, which is the last one that mentions the member.
    pub(super) left: Option<Seq>,
}

/// Record of a pack: ids of consecutive events that were trimmed.
#[derive(Clone, Debug, Default)]
pub(super) struct PackRecord {
    /// Time at which the newest of them was appended.
    pub(super) newest: u64,
    pub(super) ids: Vec<EventId>,
}

/// Length of an event's encoded kind.
pub(super) fn kind_length(sealed: usize) -> usize {
    sealed.saturating_sub(EVENT_OVERHEAD)
}

impl Keyring {
    pub(super) fn seal_room(&self, random: &mut Random, room: i64, record: &RoomRecord) -> Result<Vec<u8>, StoreError> {
        self.seal_json(random, Place { table: Table::Rooms, room, row: room }, record)
    }

    pub(super) fn open_room(&self, room: i64, sealed: &[u8]) -> Result<RoomRecord, StoreError> {
        self.open_json(Place { table: Table::Rooms, room, row: room }, sealed)
    }

    pub(super) fn seal_member(
        &self,
        random: &mut Random,
        room: i64,
        row: i64,
        record: &MemberRecord,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal_json(random, Place { table: Table::Members, room, row }, record)
    }

    pub(super) fn open_member(&self, room: i64, row: i64, sealed: &[u8]) -> Result<MemberRecord, StoreError> {
        self.open_json(Place { table: Table::Members, room, row }, sealed)
    }

    pub(super) fn seal_event(
        &self,
        random: &mut Random,
        room: i64,
        row: i64,
        event: &Event,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal(random, Place { table: Table::Events, room, row }, |bytes| {
            bytes.extend_from_slice(event.id.0.as_bytes());
            bytes.extend_from_slice(&event.at.to_le_bytes());
            bytes.extend_from_slice(event.by.0.as_bytes());
            bytes.extend_from_slice(codec::encode(&event.kind).as_bytes());
        })
    }

    pub(super) fn open_event(&self, room: i64, row: i64, seq: Seq, sealed: &[u8]) -> Result<Event, StoreError> {
        let content = self.open(Place { table: Table::Events, room, row }, sealed)?;
        decode_event(seq, &content).ok_or_else(|| StoreError::corrupt("an event cannot be read"))
    }

    /// Returns the id of an event, and the time at which it was appended.
    pub(super) fn open_event_head(&self, room: i64, row: i64, sealed: &[u8]) -> Result<(EventId, u64), StoreError> {
        let content = self.open(Place { table: Table::Events, room, row }, sealed)?;
        let head = split_event(&content).map(|(id, at, _, _)| (id, at));
        head.ok_or_else(|| StoreError::corrupt("an event cannot be read"))
    }

    pub(super) fn seal_pack(
        &self,
        random: &mut Random,
        room: i64,
        row: i64,
        pack: &PackRecord,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal(random, Place { table: Table::Ids, room, row }, |bytes| {
            bytes.extend_from_slice(&pack.newest.to_le_bytes());
            pack.ids.iter().for_each(|id| bytes.extend_from_slice(id.0.as_bytes()));
        })
    }

    pub(super) fn open_pack(&self, room: i64, row: i64, sealed: &[u8]) -> Result<PackRecord, StoreError> {
        let content = self.open(Place { table: Table::Ids, room, row }, sealed)?;
        let (newest, ids) =
            content.split_first_chunk().ok_or_else(|| StoreError::corrupt("ids of a room cannot be read"))?;
        let ids = ids.as_chunks::<16>().0.iter().map(|id| EventId(Uuid::from_bytes(*id))).collect();
        Ok(PackRecord { newest: u64::from_le_bytes(*newest), ids })
    }

    pub(super) fn seal_store(&self, random: &mut Random, keys: &Keys) -> Result<Vec<u8>, StoreError> {
        self.seal(random, Place { table: Table::Store, room: 0, row: 1 }, |bytes| {
            bytes.extend_from_slice(&keys.signing);
            bytes.extend_from_slice(&keys.member);
        })
    }

    pub(super) fn open_store(&self, sealed: &[u8]) -> Result<Keys, StoreError> {
        let content = zeroize::Zeroizing::new(self.open(Place { table: Table::Store, room: 0, row: 1 }, sealed)?);
        let keys = content.split_first_chunk().and_then(|(signing, rest)| {
            Some(Keys { signing: *signing, member: *rest.first_chunk().filter(|key| key.len() == rest.len())? })
        });
        keys.ok_or_else(|| StoreError::corrupt("the keys of the store cannot be read"))
    }

    fn seal_json(&self, random: &mut Random, place: Place, record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
        self.seal(random, place, |bytes| bytes.extend_from_slice(codec::encode(record).as_bytes()))
    }

    fn open_json<T: DeserializeOwned>(&self, place: Place, sealed: &[u8]) -> Result<T, StoreError> {
        let content = self.open(place, sealed)?;
        let text = std::str::from_utf8(&content).map_err(StoreError::corrupt)?;
        codec::decode(text).map_err(StoreError::corrupt)
    }
}

/// Splits the content of an event into id, time, author and encoded kind.
fn split_event(content: &[u8]) -> Option<(EventId, u64, MemberId, &[u8])> {
    let (id, rest) = content.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let (by, kind) = rest.split_first_chunk()?;
    Some((EventId(Uuid::from_bytes(*id)), u64::from_le_bytes(*at), MemberId(Uuid::from_bytes(*by)), kind))
}

fn decode_event(seq: Seq, content: &[u8]) -> Option<Event> {
    let (id, at, by, kind) = split_event(content)?;
    let kind: EventKind = codec::decode(std::str::from_utf8(kind).ok()?).ok()?;
    // Seqs are dense in this store; callers must not rely on that.
    Some(Event { seq, prev: Seq(seq.0.saturating_sub(1)), id, at, by, kind })
}
