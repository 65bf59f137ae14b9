//! Builds the state of all rooms from the database and the keys file: one scan of each table. Only the records of rooms
//! and members are decrypted, not the events.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::Seq;
use rusqlite::{Connection, OptionalExtension as _};
use store::{Keys, StoreError};

use super::error::Failure;
use super::keys::{self, Readable, Slot};
use super::log::{Kept, Log};
use super::rows;
use super::seal::{Keyring, Table};
use super::state::{Person, RoomState, Roster, Rows};

/// Something in the database that is damaged. Its room is named by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The record of the room cannot be read, so the room is lost.
    Room(i64),
    /// A member of the room cannot be read, and is gone.
    Member(i64),
    /// Events of the room are missing, or stand in a wrong order.
    Log(i64),
    /// Ids of the room are missing, or stand in a wrong order.
    Ids(i64),
    /// Another room names the same slot of the keys file.
    Slot(i64),
    /// A row of a room that does not exist.
    Stray(i64),
}

/// Everything that a store has at start.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Keys of the store itself; `None` if it has none yet.
    pub(super) keys: Option<Keys>,
    pub(super) rooms: Vec<RoomState>,
    /// Rooms that ended, with the rows that are left of them.
    pub(super) ended: Vec<Rows>,
    /// Rooms that have not ended, by their slots in the keys file.
    pub(super) slots: HashMap<u32, (i64, Readable)>,
    pub(super) faults: Vec<Fault>,
    /// Highest number of a room, and highest row of the other tables.
    pub(super) last_room: i64,
    pub(super) last_row: i64,
    index: HashMap<i64, Index>,
}

/// Place in [`Loaded`] of the rows of a room.
#[derive(Clone, Copy, Debug)]
enum Index {
    /// In `Loaded::rooms`.
    Room(usize),
    /// In `Loaded::ended`.
    Ended(usize),
    /// Nowhere: the room cannot be read.
    Damaged,
}

/// Reads a whole store, whose tables must exist.
///
/// # Errors
/// `Corrupt` when a page of the database is damaged, or the keys file is not the one of this database.
pub(super) fn load(conn: &Connection, slots: &[Slot]) -> Result<Loaded, Failure> {
    let mut loaded = Loaded { keys: store_keys(conn, slots)?, ..Loaded::default() };
    loaded.read_rooms(conn, slots)?;
    loaded.read_members(conn)?;
    loaded.read_ids(conn)?;
    loaded.read_events(conn)?;
    let mut faults = Vec::new();
    for room in &mut loaded.rooms {
        if !room.log.begins_after_its_ids() {
            faults.push(Fault::Ids(room.number));
        }
    }
    faults.into_iter().for_each(|fault| loaded.fault_once(fault));
    if loaded.keys.is_none() && !loaded.index.is_empty() {
        return Err(StoreError::corrupt("the keys of the store are missing").into());
    }
    Ok(loaded)
}

/// Returns the rooms that have not ended, by their slots.
///
/// # Errors
/// `Corrupt` when a page of the database is damaged.
pub(super) fn slots(conn: &Connection, slots: &[Slot]) -> Result<HashMap<u32, (i64, Readable)>, Failure> {
    let mut loaded = Loaded::default();
    loaded.read_rooms(conn, slots)?;
    Ok(loaded.slots)
}

fn store_keys(conn: &Connection, slots: &[Slot]) -> Result<Option<Keys>, Failure> {
    let sealed: Option<Vec<u8>> =
        conn.query_row("SELECT sealed FROM store WHERE place = 1", [], |row| row.get(0)).optional()?;
    let Some(sealed) = sealed else { return Ok(None) };
    let keys = Keyring::new(keys::store_secret(slots)?).open_store(&sealed);
    Ok(Some(keys.map_err(|_| StoreError::corrupt("the keys file is not the one of this database"))?))
}

impl Loaded {
    fn read_rooms(&mut self, conn: &Connection, slots: &[Slot]) -> Result<(), Failure> {
        let mut query = conn.prepare("SELECT room, slot, sealed FROM rooms")?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let number: i64 = row.get(0)?;
            let slot: Option<i64> = row.get(1)?;
            let sealed: Option<Vec<u8>> = row.get(2)?;
            self.last_room = self.last_room.max(number);
            let index = match (slot, sealed) {
                (None, None) => {
                    self.ended.push(Rows { room: number, ..Rows::default() });
                    Index::Ended(self.ended.len() - 1)
                }
                (Some(slot), Some(sealed)) => self.read_room(number, slot, &sealed, slots),
                _ => self.damaged(number),
            };
            self.index.insert(number, index);
        }
        Ok(())
    }

    fn read_room(&mut self, number: i64, slot: i64, sealed: &[u8], slots: &[Slot]) -> Index {
        let slot = u32::try_from(slot).unwrap_or(u32::MAX);
        let keys = slots.get(slot as usize).map(|slot| Keyring::new(&slot.secret));
        let opened = keys.and_then(|keys| Some((keys.open_room(number, sealed).ok()?, keys)));
        let readable = if opened.is_some() { Readable::Yes } else { Readable::No };
        if self.slots.insert(slot, (number, readable)).is_some() {
            self.faults.push(Fault::Slot(number));
        }
        let Some((record, keys)) = opened else { return self.damaged(number) };
        self.rooms.push(RoomState {
            number,
            slot,
            keys: Arc::new(keys),
            record: Arc::new(record),
            roster: Arc::new(Roster::default()),
            log: Log::default(),
        });
        Index::Room(self.rooms.len() - 1)
    }

    fn damaged(&mut self, number: i64) -> Index {
        self.faults.push(Fault::Room(number));
        Index::Damaged
    }

    /// Notes a fault of a whole room.
    fn fault_once(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Returns where a row of this room belongs. Notes a row that belongs nowhere.
    fn index(&mut self, row: i64, room: i64) -> Option<Index> {
        self.last_row = self.last_row.max(row);
        let index = self.index.get(&room).copied();
        if index.is_none() {
            self.last_room = self.last_room.max(room);
            self.faults.push(Fault::Stray(room));
        }
        index
    }

    fn read_members(&mut self, conn: &Connection) -> Result<(), Failure> {
        let mut query = conn.prepare("SELECT place, room, sealed FROM members")?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let (place, number): (i64, i64) = (row.get(0)?, row.get(1)?);
            match self.index(place, number) {
                Some(Index::Room(at)) => {
                    let room = &mut self.rooms[at];
                    match room.keys.open_member(number, place, rows::blob(row, 2)?) {
                        Ok(record) => Arc::make_mut(&mut room.roster).insert(Person { row: place, record }),
                        Err(_) => self.faults.push(Fault::Member(number)),
                    }
                }
                Some(Index::Ended(at)) => self.ended[at].rows.push((Table::Members, place)),
                Some(Index::Damaged) | None => {}
            }
        }
        Ok(())
    }

    fn read_ids(&mut self, conn: &Connection) -> Result<(), Failure> {
        let mut query = conn.prepare("SELECT place, room, first, hashes FROM ids")?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let (place, number): (i64, i64) = (row.get(0)?, row.get(1)?);
            match self.index(place, number) {
                Some(Index::Room(at)) => {
                    let first = Seq(row.get::<_, i64>(2)?.cast_unsigned());
                    if !self.rooms[at].log.restore_ids(place, first, rows::hashes(rows::blob(row, 3)?)) {
                        self.fault_once(Fault::Ids(number));
                    }
                }
                Some(Index::Ended(at)) => self.ended[at].rows.push((Table::Ids, place)),
                Some(Index::Damaged) | None => {}
            }
        }
        Ok(())
    }

    fn read_events(&mut self, conn: &Connection) -> Result<(), Failure> {
        let mut query = conn.prepare("SELECT place, room, seq, id, edits, length FROM events")?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let (place, number): (i64, i64) = (row.get(0)?, row.get(1)?);
            match self.index(place, number) {
                Some(Index::Room(at)) => {
                    let seq = Seq(row.get::<_, i64>(2)?.cast_unsigned());
                    let edits = row.get::<_, Option<i64>>(4)?.map(|seq| Seq(seq.cast_unsigned()));
                    let kept = Kept::new(place, rows::length(rows::blob(row, 5)?));
                    if !self.rooms[at].log.restore(rows::hash(rows::blob(row, 3)?), seq, kept, edits) {
                        self.fault_once(Fault::Log(number));
                    }
                }
                Some(Index::Ended(at)) => self.ended[at].rows.push((Table::Events, place)),
                Some(Index::Damaged) | None => {}
            }
        }
        Ok(())
    }
}
