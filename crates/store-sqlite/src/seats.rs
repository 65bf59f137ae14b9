//! Seats of a room, and the names of its members and of whoever its log mentions.

use protocol::{DisplayName, Member, MemberId, Names, Seq, ShownName, codec};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Result, Row};
use store::{Distinct, NameKeys};
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

/// Takes a seat, or replaces the name of a member who has one.
pub(super) fn put(conn: &Connection, room: i64, member: MemberId, named: &Distinct, joined: Seq) -> Result<()> {
    let Distinct { name, keys } = named;
    conn.prepare_cached(
        "INSERT INTO seats (room, member, joined, keys) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (room, member) DO UPDATE SET keys = excluded.keys",
    )?
    .execute((room, member.0, integer(joined), codec::encode(keys)))?;
    conn.prepare_cached(
        "INSERT INTO names (room, member, name, number, hue) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (room, member)
         DO UPDATE SET name = excluded.name, number = excluded.number, hue = excluded.hue, gone = NULL",
    )?
    .execute((room, member.0, name.name.as_str(), name.number, name.hue))?;
    Ok(())
}

/// Returns hue and keys of everyone with a seat but this member.
pub(super) fn others(conn: &Connection, room: i64, member: MemberId) -> Result<Vec<(u8, NameKeys)>> {
    conn.prepare_cached("SELECT hue, keys FROM seats JOIN names USING (room, member) WHERE room = ?1 AND member <> ?2")?
        .query_map((room, member.0), |row| {
            let keys = codec::decode(row.get_ref(1)?.as_str()?);
            let keys =
                keys.map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error)))?;
            Ok((row.get(0)?, keys))
        })?
        .collect()
}

/// Returns the member with a seat who took it first.
pub(super) fn first(conn: &Connection, room: i64) -> Result<Option<MemberId>> {
    conn.prepare_cached("SELECT member FROM seats WHERE room = ?1 ORDER BY joined LIMIT 1")?
        .query_row([room], |row| row.get(0).map(MemberId))
        .optional()
}

/// Returns the name of a member with a seat.
pub(super) fn name_of(conn: &Connection, room: i64, member: MemberId) -> Result<Option<ShownName>> {
    Ok(names(conn, room, [member])?.remove(&member))
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
        "SELECT name, number, hue, member FROM seats JOIN names USING (room, member) WHERE room = ?1 ORDER BY joined",
    )?
    .query_map([room], |row| Ok(Member { member: MemberId(row.get(3)?), name: name(row)?, away: false }))?
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
    let mut query = conn.prepare_cached("SELECT name, number, hue FROM names WHERE room = ?1 AND member = ?2")?;
    for member in members {
        if !names.contains_key(&member)
            && let Some(name) = query.query_row((room, member.0), name).optional()?
        {
            names.insert(member, name);
        }
    }
    Ok(names)
}

/// Reads a name from the columns `name`, `number` and `hue`, the first of a row.
fn name(row: &Row<'_>) -> Result<ShownName> {
    let name = row.get::<_, String>(0)?.parse::<DisplayName>();
    let name = name.map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))?;
    Ok(ShownName { name, number: row.get(1)?, hue: row.get(2)? })
}
