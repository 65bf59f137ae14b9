//! Builds the state of all rooms from the database and the keys file: one scan of each table. Only the records of rooms
//! and members are decrypted, not the events.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use protocol::Seq;
use rusqlite::{Connection, OptionalExtension as _};
use store::{Keys, StoreError};

use super::error::Failure;
use super::keys::{self, Slot};
use super::log::{Kept, Log};
use super::rows;
use super::seal::{Keyring, Table};
use super::state::{Person, RoomState, Roster, Rows};

/// Something in the database that is damaged. Its room is named by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
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

/// A room whose record cannot be decrypted, because that or the key is damaged or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) room: i64,
    /// Slot that it names. `None` if it names none.
    pub(super) slot: Option<u32>,
    /// True if the slot has a secret that was drawn before the room was made, or is not there yet: so the keys file is of
    /// an earlier moment.
    is_newer_than_its_key: bool,
}

/// Everything that a store has at start.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Keys of the store itself; `None` if it has none yet.
    pub(super) keys: Option<Keys>,
    pub(super) rooms: Vec<RoomState>,
    /// Rooms that ended or cannot be read, with the rows that are left of them.
    pub(super) ended: Vec<Rows>,
    pub(super) unreadable: Vec<Unreadable>,
    /// The rooms that can be read, by their slots in the keys file.
    pub(super) slots: HashMap<u32, i64>,
    pub(super) faults: Vec<Fault>,
    /// Highest number that a room has ever had, and highest row of the other tables.
    pub(super) last_room: i64,
    pub(super) last_row: i64,
    index: HashMap<i64, Index>,
    /// Slots that rooms name.
    named: HashSet<u32>,
}

/// Place in [`Loaded`] of the rows of a room.
#[derive(Clone, Copy, Debug)]
enum Index {
    /// In `Loaded::rooms`.
    Room(usize),
    /// In `Loaded::ended`.
    Ended(usize),
}

/// Reads a whole store, whose tables must exist.
///
/// # Errors
/// `Corrupt` when a page of the database is damaged, or the keys file is not the one of this database; `Unavailable` when
/// a record is not understood.
pub(super) fn load(conn: &Connection, slots: &[Slot]) -> Result<Loaded, Failure> {
    let mut loaded = Loaded::default();
    loaded.read_store(conn, slots)?;
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

/// Reads the rooms alone.
///
/// # Errors
/// `Corrupt` when a page of the database is damaged; `Unavailable` when a record is not understood.
pub(super) fn rooms(conn: &Connection, slots: &[Slot]) -> Result<Loaded, Failure> {
    let mut loaded = Loaded::default();
    loaded.read_rooms(conn, slots)?;
    Ok(loaded)
}

impl Loaded {
    /// Checks that the keys file is of the same moment as the database, as far as rooms could be lost otherwise. A crash
    /// leaves nothing else.
    ///
    /// # Errors
    /// `Unavailable` when it has keys of rooms that the database never had, which a start would overwrite, or lacks keys
    /// of rooms that are newer, which a start would end.
    pub(super) fn check_moment(&self, database: &Path, keys: &Path, slots: &[Slot]) -> Result<(), StoreError> {
        let (database, keys) = (database.display(), keys.display());
        let why = if keys::newest_room(slots) > self.last_room {
            if self.keys.is_none() {
                return Err(StoreError::unavailable(format!(
                    "{database} is missing or empty, and {keys} has keys of rooms: put the database back, or remove the \
                     keys, too, to begin anew"
                )));
            }
            format!("{keys} has keys of rooms that {database} never had")
        } else if self.unreadable.iter().any(|room| room.is_newer_than_its_key) {
            format!("{keys} is older than rooms of {database}")
        } else {
            return Ok(());
        };
        Err(StoreError::unavailable(format!(
            "{why}: put back the one that belongs to the other, or start on a copy made by `flasky backup`, which has the \
             rooms that both have"
        )))
    }

    fn read_store(&mut self, conn: &Connection, slots: &[Slot]) -> Result<(), Failure> {
        let row = conn.query_row("SELECT sealed, last_room FROM store WHERE place = 1", [], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))
        });
        let Some((sealed, last_room)) = row.optional()? else { return Ok(()) };
        let keys = Keyring::new(keys::store_secret(slots)?).open_store(&sealed);
        self.keys = Some(keys.map_err(|_| StoreError::corrupt("the keys file is not the one of this database"))?);
        self.last_room = last_room;
        Ok(())
    }

    fn read_rooms(&mut self, conn: &Connection, slots: &[Slot]) -> Result<(), Failure> {
        let mut query = conn.prepare("SELECT room, slot, sealed FROM rooms")?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let number: i64 = row.get(0)?;
            let slot: Option<i64> = row.get(1)?;
            let sealed: Option<Vec<u8>> = row.get(2)?;
            self.last_room = self.last_room.max(number);
            let index = match (slot, sealed) {
                (None, None) => self.end(number),
                (Some(slot), Some(sealed)) => self.read_room(number, slot, &sealed, slots)?,
                _ => {
                    self.unreadable.push(Unreadable { room: number, slot: None, is_newer_than_its_key: false });
                    self.end(number)
                }
            };
            self.index.insert(number, index);
        }
        Ok(())
    }

    fn end(&mut self, number: i64) -> Index {
        self.ended.push(Rows { room: number, ..Rows::default() });
        Index::Ended(self.ended.len() - 1)
    }

    fn read_room(&mut self, number: i64, slot: i64, sealed: &[u8], slots: &[Slot]) -> Result<Index, Failure> {
        let slot = u32::try_from(slot).unwrap_or(u32::MAX);
        if !self.named.insert(slot) {
            self.faults.push(Fault::Slot(number));
        }
        let found = slots.get(slot as usize);
        let keys = found.map(|slot| Keyring::new(&slot.secret));
        let record = keys.as_ref().map(|keys| keys.open_room(number, sealed)).transpose()?.flatten();
        let (Some(keys), Some(record)) = (keys, record) else {
            // There are never many more slots than there were rooms. A row that names a far one is damaged.
            let could_be = i64::from(slot) <= number.saturating_add(2 * i64::from(keys::POOL));
            let is_newer_than_its_key = found.map_or(could_be, |slot| slot.is_older_than(number));
            self.unreadable.push(Unreadable { room: number, slot: Some(slot), is_newer_than_its_key });
            return Ok(self.end(number));
        };
        self.slots.insert(slot, number);
        self.rooms.push(RoomState {
            number,
            slot,
            keys: Arc::new(keys),
            record: Arc::new(record),
            roster: Arc::new(Roster::default()),
            log: Log::default(),
        });
        Ok(Index::Room(self.rooms.len() - 1))
    }

    /// Notes a fault of a whole room.
    fn fault_once(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Returns where a row of this room belongs. Notes a row that belongs nowhere.
    fn index(&mut self, row: i64, room: i64) -> Option<Index> {
        let index = self.index.get(&room).copied();
        match index {
            Some(_) => self.last_row = self.last_row.max(row),
            None => self.faults.push(Fault::Stray(room)),
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
                    match room.keys.open_member(number, place, rows::blob(row, 2)?)? {
                        Some(record) => Arc::make_mut(&mut room.roster).insert(Person { row: place, record }),
                        None => self.faults.push(Fault::Member(number)),
                    }
                }
                Some(Index::Ended(at)) => self.ended[at].rows.push((Table::Members, place)),
                None => {}
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
                None => {}
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
                None => {}
            }
        }
        Ok(())
    }
}
