//! Contents of the sealed records.

use protocol::{Epoch, Event, EventId, EventKind, MemberId, RoomId, Seq, ShownName, codec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Keys, NameKeys, Settings, StoreError};
use uuid::Uuid;

use super::seal::{self, Keyring, Place, Random, Table};

/// Record of a room. What changes with every event is not in it: the log says that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RoomRecord {
    pub(super) id: RoomId,
    pub(super) epoch: Epoch,
    pub(super) settings: Settings,
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

/// An event as its row has it.
#[derive(Clone, Debug)]
pub(super) struct EventRecord {
    pub(super) event: Event,
    /// True for a message whose current text is not here, but in the newest edit of it. So an edit never makes a row
    /// longer, and SQLite overwrites it in its place. A longer row would move others, and leave copies of them.
    pub(super) text_is_in_edit: bool,
    /// Length of the sealed record.
    pub(super) length: usize,
}

impl EventRecord {
    /// Returns the event with its current text, which this edit may have. `None` if the edit does not have it, which is
    /// no damage where the edit was found before this record was read: both have changed since.
    pub(super) fn with_text_of(self, edit: Option<Self>) -> Option<Event> {
        let Self { mut event, text_is_in_edit, .. } = self;
        if text_is_in_edit {
            let EventKind::Edited { body: text @ Some(_), .. } = edit?.event.kind else { return None };
            let EventKind::Message { body, edited, .. } = &mut event.kind else { return None };
            (*body, *edited) = (text, true);
        }
        Some(event)
    }
}

/// Length of an event's encoded kind, by which the size of a log is measured.
pub(super) fn kind_length(kind: &EventKind) -> usize {
    codec::encode(kind).len()
}

impl Keyring {
    pub(super) fn seal_room(&self, random: &mut Random, room: i64, record: &RoomRecord) -> Result<Vec<u8>, StoreError> {
        self.seal_json(random, Place { table: Table::Rooms, room, row: room }, record)
    }

    /// Decrypts the record of a room. `None` if that or the key is damaged.
    ///
    /// # Errors
    /// `Unavailable` when it is not understood.
    pub(super) fn open_room(&self, room: i64, sealed: &[u8]) -> Result<Option<RoomRecord>, StoreError> {
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

    /// Decrypts the record of a member. `None` if it is damaged.
    ///
    /// # Errors
    /// `Unavailable` when it is not understood.
    pub(super) fn open_member(&self, room: i64, row: i64, sealed: &[u8]) -> Result<Option<MemberRecord>, StoreError> {
        self.open_json(Place { table: Table::Members, room, row }, sealed)
    }

    /// Encrypts a new event. Returns the length of its encoded kind, too.
    pub(super) fn seal_new_event(
        &self,
        random: &mut Random,
        room: i64,
        row: i64,
        event: &Event,
    ) -> Result<(Vec<u8>, usize), StoreError> {
        let kind = codec::encode(&event.kind);
        let place = Place { table: Table::Events, room, row };
        let sealed = self.seal(random, place, |bytes| write_event(bytes, event, &kind, false))?;
        Ok((sealed, kind.len()))
    }

    /// Encrypts an event that takes the place of a record of the same or a greater length, and makes it as long.
    pub(super) fn seal_event(
        &self,
        random: &mut Random,
        room: i64,
        row: i64,
        EventRecord { event, text_is_in_edit, length }: &EventRecord,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal(random, Place { table: Table::Events, room, row }, |bytes| {
            write_event(bytes, event, &codec::encode(&event.kind), *text_is_in_edit);
            // White space after JSON means nothing. The nonce is in front already.
            bytes.resize(bytes.len().max(length.saturating_sub(seal::TAG)), b' ');
        })
    }

    pub(super) fn open_event(&self, room: i64, row: i64, seq: Seq, sealed: &[u8]) -> Result<EventRecord, StoreError> {
        let content = self.open(Place { table: Table::Events, room, row }, sealed)?;
        decode_event(seq, &content, sealed.len()).ok_or_else(|| StoreError::corrupt("an event cannot be read"))
    }

    /// Returns the id of an event, and the time at which it was appended.
    pub(super) fn open_event_head(&self, room: i64, row: i64, sealed: &[u8]) -> Result<(EventId, u64), StoreError> {
        let content = self.open(Place { table: Table::Events, room, row }, sealed)?;
        let head = split_event(&content).map(|(_, id, at, _, _)| (id, at));
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

    /// Decrypts a record. Damage cannot make one that is decrypted and not understood: another version of this program
    /// wrote it, or a fault. So the room is not given up.
    fn open_json<T: DeserializeOwned>(&self, place: Place, sealed: &[u8]) -> Result<Option<T>, StoreError> {
        let Ok(content) = self.open(place, sealed) else { return Ok(None) };
        let record = std::str::from_utf8(&content).ok().and_then(|text| codec::decode(text).ok());
        record.map(Some).ok_or_else(|| {
            let room = place.room;
            StoreError::unavailable(format!(
                "a record of room {room} is not understood: another version may have written it"
            ))
        })
    }
}

fn write_event(bytes: &mut Vec<u8>, event: &Event, kind: &str, text_is_in_edit: bool) {
    bytes.push(u8::from(text_is_in_edit));
    bytes.extend_from_slice(event.id.0.as_bytes());
    bytes.extend_from_slice(&event.at.to_le_bytes());
    bytes.extend_from_slice(event.by.0.as_bytes());
    bytes.extend_from_slice(kind.as_bytes());
}

/// Splits the content of an event into its mark, id, time, author and encoded kind.
fn split_event(content: &[u8]) -> Option<(u8, EventId, u64, MemberId, &[u8])> {
    let (mark, rest) = content.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let (by, kind) = rest.split_first_chunk()?;
    Some((*mark, EventId(Uuid::from_bytes(*id)), u64::from_le_bytes(*at), MemberId(Uuid::from_bytes(*by)), kind))
}

fn decode_event(seq: Seq, content: &[u8], length: usize) -> Option<EventRecord> {
    let (mark, id, at, by, kind) = split_event(content)?;
    let kind: EventKind = codec::decode(std::str::from_utf8(kind).ok()?).ok()?;
    // Seqs are dense in this store; callers must not rely on that.
    let event = Event { seq, prev: Seq(seq.0.saturating_sub(1)), id, at, by, kind };
    Some(EventRecord { event, text_is_in_edit: mark == 1, length })
}
