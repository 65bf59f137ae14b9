//! Reads a whole room from the files of a store, also while a server uses them.

use std::path::Path;

use protocol::{Event, EventId, Member, RoomCode, RoomInfo, Seq};
use rusqlite::Connection;
use store::StoreError;

use super::error::Failure;
use super::load;
use super::record::EventRecord;
use super::rows::Events;
use super::state::RoomState;
use super::{file, keys, rows, schema};

/// A room as the files have it.
#[derive(Clone, Debug, Default)]
pub struct StoredRoom {
    /// The room apart from its log; `None` if there is no room.
    pub info: Option<RoomInfo>,
    /// Every id that the room knows, also of trimmed events, in the order of the log.
    pub ids: Vec<(Seq, EventId)>,
    /// Every event that has not been deleted. The first ones may be trimmed.
    pub events: Vec<Event>,
    /// Members with a seat, in the order in which they joined.
    pub members: Vec<Member>,
}

/// Reads the room with this code. `None` if there is none.
///
/// # Errors
/// `Unavailable` when a file cannot be opened; `Corrupt` when the store or the room is damaged.
pub fn room(store: &Path, code: RoomCode) -> Result<Option<StoredRoom>, StoreError> {
    Ok(read(store, code)?)
}

fn read(store: &Path, code: RoomCode) -> Result<Option<StoredRoom>, Failure> {
    let path = file::resolve(store)?;
    let mut conn = schema::open_newest(&path)?;
    let keys = keys::open_read_only(&keys::path_of(&path))?;
    let tx = conn.transaction()?;
    let loaded = load::load(&tx, &keys::read_all(&keys)?)?;
    let Some(room) = loaded.rooms.iter().find(|room| room.record.settings.code == code) else { return Ok(None) };
    let mut ids = trimmed_ids(&tx, room)?;
    let mut events = Vec::new();
    let mut log = LogReader::new(&tx, room)?;
    for seq in room.log.deleted().0 + 1..=room.log.head.0 {
        events.push(log.event(Seq(seq))?);
    }
    ids.extend(events.iter().map(|event| (event.seq, event.id)));
    let room = room.room();
    Ok(Some(StoredRoom { info: Some(room.info()), ids, events, members: room.members }))
}

/// Reads the events of one room.
pub(super) struct LogReader<'a> {
    room: &'a RoomState,
    query: Events<'a>,
}

impl<'a> LogReader<'a> {
    pub(super) fn new(conn: &'a Connection, room: &'a RoomState) -> Result<Self, Failure> {
        Ok(Self { room, query: Events::prepare(conn)? })
    }

    /// Reads an event with its current text.
    ///
    /// # Errors
    /// `Corrupt` when it is missing or damaged.
    pub(super) fn event(&mut self, seq: Seq) -> Result<Event, Failure> {
        let edit = self.room.log.edit_of(seq).map(|edit| self.record(edit)).transpose()?;
        Ok(self.record(seq)?.with_text_of(edit).ok_or_else(|| StoreError::corrupt("a text is missing"))?)
    }

    fn record(&mut self, seq: Seq) -> Result<EventRecord, Failure> {
        let missing = || StoreError::corrupt("an event is missing");
        let row = self.room.log.kept(seq).ok_or_else(missing)?.row();
        Ok(self.query.event(&self.room.keys, self.room.number, row, seq)?.ok_or_else(missing)?)
    }
}

/// Reads the ids of trimmed events.
pub(super) fn trimmed_ids(conn: &Connection, room: &RoomState) -> Result<Vec<(Seq, EventId)>, Failure> {
    let mut ids = Vec::new();
    for pack in &room.log.packs {
        let sealed = rows::pack(conn, pack.row)?;
        let record = room.keys.open_pack(room.number, pack.row, &sealed)?;
        ids.extend((pack.first.0..).map(Seq).zip(record.ids));
    }
    Ok(ids)
}
