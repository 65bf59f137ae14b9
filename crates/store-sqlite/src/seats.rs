//! Seats of a room, and the names of its members and of whoever its log mentions.

use protocol::{DisplayName, Member, MemberId, Names, Seq};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Result, Row};
use uuid::Uuid;

use super::integer;

/// True if the member has a seat.
pub(super) fn has(conn: &Connection, room: i64, member: MemberId) -> Result<bool> {
    conn.prepare_cached("SELECT 1 FROM seats WHERE room = ?1 AND member = ?2")?.exists((room, member.0))
}

/// Counts the taken seats.
pub(super) fn count(conn: &Connection, room: i64) -> Result<u32> {
    conn.prepare_cached("SELECT COUNT(*) FROM seats WHERE room = ?1")?.query_row([room], |row| row.get(0))
}

pub(super) fn take(conn: &Connection, room: i64, member: MemberId, name: &DisplayName, joined: Seq) -> Result<()> {
    conn.prepare_cached("INSERT INTO seats (room, member, joined) VALUES (?1, ?2, ?3)")?.execute((
        room,
        member.0,
        integer(joined),
    ))?;
    conn.prepare_cached(
        "INSERT INTO names (room, member, name) VALUES (?1, ?2, ?3)
         ON CONFLICT (room, member) DO UPDATE SET name = excluded.name, gone = NULL",
    )?
    .execute((room, member.0, name.as_str()))?;
    Ok(())
}

/// Frees the seat. The name stays until this `left`, the last event that mentions the member, is trimmed.
pub(super) fn free(conn: &Connection, room: i64, member: MemberId, left: Seq) -> Result<()> {
    conn.prepare_cached("DELETE FROM seats WHERE room = ?1 AND member = ?2")?.execute((room, member.0))?;
    conn.prepare_cached("UPDATE names SET gone = ?3 WHERE room = ?1 AND member = ?2")?.execute((
        room,
        member.0,
        integer(left),
    ))?;
    Ok(())
}

/// Deletes the names of former members whose last event is trimmed.
pub(super) fn forget_names(conn: &Connection, room: i64, trimmed: Seq) -> Result<()> {
    conn.prepare_cached("DELETE FROM names WHERE room = ?1 AND gone <= ?2")?.execute((room, integer(trimmed)))?;
    Ok(())
}

/// Returns the members with a seat, in the order in which they joined.
pub(super) fn members(conn: &Connection, room: i64) -> Result<Vec<Member>> {
    conn.prepare_cached(
        "SELECT member, name FROM seats JOIN names USING (room, member) WHERE room = ?1 ORDER BY joined",
    )?
    .query_map([room], |row| Ok(Member { member: MemberId(row.get(0)?), name: name(row, 1)?, away: false }))?
    .collect()
}

/// Returns the seq of the event that took the member's seat.
pub(super) fn joined(conn: &Connection, room: i64, member: MemberId) -> Result<Option<Seq>> {
    conn.prepare_cached("SELECT joined FROM seats WHERE room = ?1 AND member = ?2")?
        .query_row((room, member.0), |row| Ok(Seq(row.get::<_, i64>(0)?.cast_unsigned())))
        .optional()
}

/// Returns every seat of the store with its room's number. The member is `None` if it cannot be read.
pub(super) fn all(conn: &Connection) -> Result<Vec<(i64, Option<MemberId>)>> {
    conn.prepare("SELECT room, member FROM seats")?
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, Uuid>(1).ok().map(MemberId))))?
        .collect()
}

/// Returns the names of these members. A member who never had a seat has no name.
pub(super) fn names(conn: &Connection, room: i64, members: impl IntoIterator<Item = MemberId>) -> Result<Names> {
    let mut names = Names::new();
    let mut query = conn.prepare_cached("SELECT name FROM names WHERE room = ?1 AND member = ?2")?;
    for member in members {
        if !names.contains_key(&member)
            && let Some(name) = query.query_row((room, member.0), |row| name(row, 0)).optional()?
        {
            names.insert(member, name);
        }
    }
    Ok(names)
}

fn name(row: &Row<'_>, column: usize) -> Result<DisplayName> {
    row.get::<_, String>(column)?
        .parse::<DisplayName>()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
