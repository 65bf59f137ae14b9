//! The table `rooms`.

use protocol::{Epoch, MemberId, Position, RoomCode, RoomId, RoomName, Seq};
use rusqlite::types::{ToSql, ToSqlOutput, Type};
use rusqlite::{Connection, OptionalExtension as _, Result, Row};
use store::NewRoom;

use super::integer;

/// Column by which a room is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Id(RoomId),
    Code(RoomCode),
}

impl Key {
    fn column(self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::Code(_) => "code",
        }
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        match self {
            Self::Id(id) => id.0.to_sql(),
            Self::Code(code) => Ok(code.to_string().into()),
        }
    }
}

/// A row of the table `rooms`.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoomRow {
    /// Number of the room in the other tables. Reused only when no row contains it any more.
    pub(super) room: i64,
    pub(super) epoch: Epoch,
    pub(super) capacity: u32,
    pub(super) host: Option<MemberId>,
    pub(super) head: Seq,
    /// Highest seq that retention removed.
    pub(super) trimmed: Seq,
    /// Number of events in the log.
    pub(super) events: usize,
    /// Total length of their encoded kinds, in bytes.
    pub(super) bytes: usize,
    /// Time at which the newest event whose id is forgotten was appended, 0 if there is none.
    pub(super) forgotten: u64,
}

impl RoomRow {
    pub(super) fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.head }
    }
}

/// Inserts a room. False when the code is in use.
pub(super) fn create(conn: &Connection, id: RoomId, new: &NewRoom) -> Result<bool> {
    let made = conn
        .prepare_cached(
            "INSERT INTO rooms (room, id, code, epoch, capacity, name) VALUES (
                1 + MAX((SELECT COALESCE(MAX(room), 0) FROM rooms), (SELECT COALESCE(MAX(room), 0) FROM ended)),
                ?1, ?2, ?3, ?4, ?5
             ) ON CONFLICT (code) DO NOTHING",
        )?
        .execute((id.0, new.code.to_string(), new.epoch.0.cast_signed(), new.capacity, new.name.as_str()))?;
    Ok(made == 1)
}

pub(super) fn find(conn: &Connection, key: Key) -> Result<Option<RoomRow>> {
    conn.prepare_cached(&format!(
        "SELECT room, epoch, capacity, host, head, trimmed, events, bytes, forgotten FROM rooms WHERE {} = ?1",
        key.column()
    ))?
    .query_row([key], row)
    .optional()
}

/// Returns the id of the room with this code.
pub(super) fn resolve(conn: &Connection, code: RoomCode) -> Result<Option<RoomId>> {
    conn.prepare_cached("SELECT id FROM rooms WHERE code = ?1")?
        .query_row([code.to_string()], |row| row.get(0).map(RoomId))
        .optional()
}

/// Returns the id, the code and the name of a room that exists.
pub(super) fn identity(conn: &Connection, room: i64) -> Result<(RoomId, RoomCode, RoomName)> {
    conn.prepare_cached("SELECT id, code, name FROM rooms WHERE room = ?1")?.query_row([room], |row| {
        let code = row.get_ref(1)?.as_str()?.parse::<RoomCode>();
        let code = code.map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error)))?;
        let name = row.get_ref(2)?.as_str()?.parse::<RoomName>();
        let name = name.map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error)))?;
        Ok((RoomId(row.get(0)?), code, name))
    })
}

/// Names the room.
pub(super) fn set_name(conn: &Connection, room: i64, name: &RoomName) -> Result<()> {
    conn.prepare_cached("UPDATE rooms SET name = ?2 WHERE room = ?1")?.execute((room, name.as_str()))?;
    Ok(())
}

/// Stores what an append changed in the row.
pub(super) fn update(conn: &Connection, row: &RoomRow) -> Result<()> {
    let query = "UPDATE rooms SET head = ?2, trimmed = ?3, events = ?4, bytes = ?5, forgotten = ?6, host = ?7
        WHERE room = ?1";
    conn.prepare_cached(query)?.execute((
        row.room,
        integer(row.head),
        integer(row.trimmed),
        row.events as i64,
        row.bytes as i64,
        row.forgotten.cast_signed(),
        row.host.map(|host| host.0),
    ))?;
    Ok(())
}

/// Deletes the room and all its rows in the other tables except its ids, of which there may be many:
/// [`delete_ended`] does that.
pub(super) fn end(conn: &Connection, room: i64) -> Result<()> {
    for statement in [
        "DELETE FROM events WHERE room = ?1",
        "DELETE FROM seats WHERE room = ?1",
        "DELETE FROM names WHERE room = ?1",
        "DELETE FROM rooms WHERE room = ?1",
        "INSERT INTO ended (room) VALUES (?1)",
    ] {
        conn.prepare_cached(statement)?.execute([room])?;
    }
    Ok(())
}

/// Deletes at most `limit` ids and rows of rooms that ended. False if no such room is left.
pub(super) fn delete_ended(conn: &Connection, limit: usize) -> Result<bool> {
    let mut first = conn.prepare_cached("SELECT room FROM ended LIMIT 1")?;
    let mut some_ids =
        conn.prepare_cached("DELETE FROM ids WHERE room = ?1 AND id IN (SELECT id FROM ids WHERE room = ?1 LIMIT ?2)")?;
    let mut last = conn.prepare_cached("DELETE FROM ended WHERE room = ?1")?;
    let mut left = limit;
    while left > 0 {
        let Some(room) = first.query_row([], |row| row.get::<_, i64>(0)).optional()? else { break };
        left -= some_ids.execute((room, left as i64))?;
        if left > 0 {
            left -= last.execute([room])?;
        }
    }
    Ok(left < limit)
}

/// Returns the room's number, even if the rest of its row is damaged.
pub(super) fn number(conn: &Connection, key: Key) -> Result<Option<i64>> {
    conn.prepare_cached(&format!("SELECT room FROM rooms WHERE {} = ?1", key.column()))?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// Returns the number and the id of every room. The id is `None` if it cannot be read.
pub(super) fn ids(conn: &Connection) -> Result<Vec<(i64, Option<RoomId>)>> {
    conn.prepare("SELECT room, id FROM rooms")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1).ok().map(RoomId))))?
        .collect()
}

fn row(row: &Row<'_>) -> Result<RoomRow> {
    let unsigned = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
    Ok(RoomRow {
        room: row.get(0)?,
        epoch: Epoch(unsigned(1)?),
        capacity: row.get(2)?,
        host: row.get::<_, Option<_>>(3)?.map(MemberId),
        head: Seq(unsigned(4)?),
        trimmed: Seq(unsigned(5)?),
        events: unsigned(6)? as usize,
        bytes: unsigned(7)? as usize,
        forgotten: unsigned(8)?,
    })
}
