//! The statements on the tables that the writer and the reader use while the store is open.

use protocol::Seq;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Result};
use store::StoreError;

use super::error::Failure;
use super::record::EventRecord;
use super::seal::{HASH, IdHash, Keyring, Table};

/// Converts a seq to SQLite's signed integer. A larger seq, which a client may send, becomes one that no event has.
fn integer(seq: Seq) -> i64 {
    seq.0.try_into().unwrap_or(i64::MAX)
}

/// Puts the record of a room, new or not.
pub(super) fn put_room(conn: &Connection, room: i64, slot: u32, sealed: &[u8]) -> std::result::Result<(), Failure> {
    let query = "INSERT INTO rooms (room, slot, sealed) VALUES (?1, ?2, ?3)
        ON CONFLICT (room) DO UPDATE SET sealed = excluded.sealed";
    conn.prepare_cached(query)
        .and_then(|mut statement| statement.execute((room, slot, sealed)))
        .map(drop)
        .map_err(Failure::of_write)
}

/// Removes a room's record and the number of its slot. The row stays until the room's other rows are deleted.
pub(super) fn end_room(conn: &Connection, room: i64) -> std::result::Result<(), Failure> {
    conn.prepare_cached("UPDATE rooms SET slot = NULL, sealed = NULL WHERE room = ?1")
        .and_then(|mut statement| statement.execute([room]))
        .map(drop)
        .map_err(Failure::of_write)
}

/// Deletes the row of a room that ended.
pub(super) fn delete_room(conn: &Connection, room: i64) -> Result<()> {
    conn.prepare_cached("DELETE FROM rooms WHERE room = ?1 AND sealed IS NULL")?.execute([room]).map(drop)
}

/// Stores the highest number of the rooms whose rows are deleted.
pub(super) fn put_last_room(conn: &Connection, room: i64) -> Result<()> {
    conn.prepare_cached("UPDATE store SET last_room = ?1 WHERE last_room < ?1")?.execute([room]).map(drop)
}

/// Deletes the rows of rooms that do not exist.
pub(super) fn delete_strays(conn: &Connection) -> Result<()> {
    conn.execute_batch(
        "DELETE FROM members WHERE room NOT IN (SELECT room FROM rooms);
        DELETE FROM events WHERE room NOT IN (SELECT room FROM rooms);
        DELETE FROM ids WHERE room NOT IN (SELECT room FROM rooms);",
    )
}

/// Puts the record of a member, new or not.
pub(super) fn put_member(conn: &Connection, row: i64, room: i64, sealed: &[u8]) -> std::result::Result<(), Failure> {
    let query = "INSERT INTO members (place, room, sealed) VALUES (?1, ?2, ?3)
        ON CONFLICT (place) DO UPDATE SET sealed = excluded.sealed";
    conn.prepare_cached(query)
        .and_then(|mut statement| statement.execute((row, room, sealed)))
        .map(drop)
        .map_err(Failure::of_write)
}

/// Deletes a row of one of the tables that have several for a room.
pub(super) fn delete(conn: &Connection, table: Table, row: i64) -> Result<()> {
    let query = match table {
        Table::Members => "DELETE FROM members WHERE place = ?1",
        Table::Events => "DELETE FROM events WHERE place = ?1",
        Table::Ids => "DELETE FROM ids WHERE place = ?1",
        Table::Store | Table::Rooms => return Ok(()),
    };
    conn.prepare_cached(query)?.execute([row]).map(drop)
}

/// Row of the table `events`.
#[derive(Debug)]
pub(super) struct EventRow<'a> {
    pub(super) row: i64,
    pub(super) room: i64,
    pub(super) seq: Seq,
    pub(super) hash: IdHash,
    /// Message whose text this event edits.
    pub(super) edits: Option<Seq>,
    /// Length of the event's encoded kind.
    pub(super) length: usize,
    pub(super) sealed: &'a [u8],
}

pub(super) fn insert_event(conn: &Connection, event: &EventRow<'_>) -> std::result::Result<(), Failure> {
    let query = "INSERT INTO events (place, room, seq, id, length, edits, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let EventRow { row, room, seq, hash, edits, length, sealed } = event;
    let (seq, edits) = (integer(*seq), edits.map(integer));
    conn.prepare_cached(query)
        .and_then(|mut statement| statement.execute((row, room, seq, hash.as_slice(), encode(*length), edits, sealed)))
        .map(drop)
        .map_err(Failure::of_write)
}

/// Rewrites an event in its place.
pub(super) fn rewrite_event(
    conn: &Connection,
    row: i64,
    length: usize,
    sealed: &[u8],
) -> std::result::Result<(), Failure> {
    let query = "UPDATE events SET length = ?2, sealed = ?3 WHERE place = ?1";
    conn.prepare_cached(query)
        .and_then(|mut statement| statement.execute((row, encode(length), sealed)))
        .map(drop)
        .map_err(Failure::of_write)
}

/// A length as four bytes, so that the row is as long with another one.
fn encode(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// Reads a length. One that is damaged becomes 0.
pub(super) fn length(bytes: &[u8]) -> usize {
    bytes.try_into().map_or(0, u32::from_le_bytes) as usize
}

/// The query that reads events.
pub(super) struct Events<'conn>(CachedStatement<'conn>);

impl<'conn> Events<'conn> {
    pub(super) fn prepare(conn: &'conn Connection) -> Result<Self> {
        conn.prepare_cached("SELECT sealed FROM events WHERE place = ?1").map(Self)
    }

    /// Reads an event. `None` if there is no such row.
    ///
    /// # Errors
    /// `Corrupt` when the row cannot be read.
    pub(super) fn event(
        &mut self,
        keys: &Keyring,
        room: i64,
        row: i64,
        seq: Seq,
    ) -> std::result::Result<Option<EventRecord>, Failure> {
        let mut rows = self.0.query([row])?;
        let Some(found) = rows.next()? else { return Ok(None) };
        Ok(Some(keys.open_event(room, row, seq, blob(found, 0)?)?))
    }
}

/// Deletes an event. Returns the hash of its id and its sealed record, or `None` if there is no such row.
pub(super) fn take_event(conn: &Connection, row: i64) -> Result<Option<(IdHash, Vec<u8>)>> {
    conn.prepare_cached("DELETE FROM events WHERE place = ?1 RETURNING id, sealed")?
        .query_row([row], |row| Ok((hash(row.get_ref(0)?.as_blob().unwrap_or_default()), row.get(1)?)))
        .optional()
}

/// Inserts a pack of ids, the first of which is of the event at `first`.
pub(super) fn insert_pack(
    conn: &Connection,
    row: i64,
    room: i64,
    first: Seq,
    hashes: &[IdHash],
    sealed: &[u8],
) -> Result<()> {
    let query = "INSERT INTO ids (place, room, first, hashes, sealed) VALUES (?1, ?2, ?3, ?4, ?5)";
    conn.prepare_cached(query)?.execute((row, room, integer(first), hashes.as_flattened(), sealed)).map(drop)
}

/// Reads the sealed record of a pack of ids.
pub(super) fn pack(conn: &Connection, row: i64) -> Result<Vec<u8>> {
    conn.prepare_cached("SELECT sealed FROM ids WHERE place = ?1")?.query_row([row], |row| row.get(0))
}

/// Deletes a pack of ids. Returns their hashes and its sealed record, or `None` if there is no such row.
pub(super) fn take_pack(conn: &Connection, row: i64) -> Result<Option<(Vec<IdHash>, Vec<u8>)>> {
    conn.prepare_cached("DELETE FROM ids WHERE place = ?1 RETURNING hashes, sealed")?
        .query_row([row], |row| Ok((hashes(row.get_ref(0)?.as_blob().unwrap_or_default()), row.get(1)?)))
        .optional()
}

/// Reads a column of bytes.
///
/// # Errors
/// `Corrupt` when it is of another type.
pub(super) fn blob<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> std::result::Result<&'a [u8], Failure> {
    Ok(row.get_ref(column)?.as_blob().map_err(StoreError::corrupt)?)
}

/// Reads a hash. One of a wrong length, in a damaged row, becomes one that no id has.
pub(super) fn hash(bytes: &[u8]) -> IdHash {
    bytes.try_into().unwrap_or([0; HASH])
}

/// Reads the hashes of a pack.
pub(super) fn hashes(bytes: &[u8]) -> Vec<IdHash> {
    bytes.as_chunks::<HASH>().0.to_vec()
}
