//! Events of a room's log, and their ids.

use protocol::{Event, EventId, EventKind, MemberId, Seq, codec};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::rooms::RoomRow;
use super::{integer, seats};

const COLUMNS: &str = "seq, id, at, author, kind";
/// Place and size of a room's events before a place.
const OLDEST_FIRST: &str = "SELECT seq, octet_length(kind) FROM events WHERE room = ?1 AND seq < ?2 ORDER BY seq";

/// Returns the seq of the event with this id, even if the event has been trimmed. `None` also if the id is forgotten.
pub(super) fn seq_of(conn: &Connection, room: i64, id: EventId) -> Result<Option<Seq>> {
    conn.prepare_cached("SELECT seq FROM ids WHERE room = ?1 AND id = ?2")?
        .query_row((room, id.0), |row| row.get::<_, i64>(0))
        .optional()
        .map(|seq| seq.map(|seq| Seq(seq.cast_unsigned())))
}

pub(super) fn event(conn: &Connection, room: i64, seq: Seq) -> Result<Option<Event>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE room = ?1 AND seq = ?2"))?
        .query_row((room, integer(seq)), row)
        .optional()
}

/// Appends the event to the log and updates `room`, which the caller must store.
pub(super) fn push(conn: &Connection, room: &mut RoomRow, event: &Event) -> Result<()> {
    let kind = codec::encode(&event.kind);
    conn.prepare_cached(
        "INSERT INTO events (room, seq, id, at, author, kind, target) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute((
        room.room,
        integer(event.seq),
        event.id.0,
        event.at.cast_signed(),
        event.by.0,
        &kind,
        event.kind.target().map(|target| target.0),
    ))?;
    conn.prepare_cached("INSERT INTO ids (room, id, seq, at) VALUES (?1, ?2, ?3, ?4)")?.execute((
        room.room,
        event.id.0,
        integer(event.seq),
        event.at.cast_signed(),
    ))?;
    room.head = event.seq;
    room.events += 1;
    room.bytes += kind.len();
    Ok(())
}

/// Returns the message with this id if it is in the log, deleted or not.
pub(super) fn message_even_if_deleted(conn: &Connection, room: i64, id: EventId) -> Result<Option<Event>> {
    let Some(seq) = seq_of(conn, room, id)? else { return Ok(None) };
    Ok(event(conn, room, seq)?.filter(|event| matches!(event.kind, EventKind::Message { .. })))
}

/// Returns the message with this id if it is in the log and not deleted.
pub(super) fn message(conn: &Connection, room: i64, id: EventId) -> Result<Option<Event>> {
    Ok(message_even_if_deleted(conn, room, id)?
        .filter(|event| matches!(event.kind, EventKind::Message { body: Some(_), .. })))
}

/// Applies the edit or deletion `later` to its message, and removes the replaced text from earlier edits of that
/// message. Updates `room`, which the caller must store.
pub(super) fn amend(conn: &Connection, room: &mut RoomRow, message: Event, later: &EventKind) -> Result<()> {
    let mut earlier: Vec<Event> = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE room = ?1 AND target = ?2"))?
        .query_map((room.room, message.id.0), row)?
        .collect::<Result<_>>()?;
    earlier.push(message);
    for mut event in earlier {
        if event.amend(later) {
            rewrite(conn, room, &event)?;
        }
    }
    Ok(())
}

fn rewrite(conn: &Connection, room: &mut RoomRow, event: &Event) -> Result<()> {
    let place = (room.room, integer(event.seq));
    let before: i64 = conn
        .prepare_cached("SELECT octet_length(kind) FROM events WHERE room = ?1 AND seq = ?2")?
        .query_row(place, |row| row.get(0))?;
    let kind = codec::encode(&event.kind);
    conn.prepare_cached("UPDATE events SET kind = ?3 WHERE room = ?1 AND seq = ?2")?
        .execute((place.0, place.1, &kind))?;
    room.bytes = room.bytes + kind.len() - before as usize;
    Ok(())
}

/// Removes the oldest events until the rest fits, but never the newest, and the names that no event mentions any more.
/// Updates `room`, which the caller must store.
pub(super) fn trim(conn: &Connection, room: &mut RoomRow, most_events: usize, most_bytes: usize) -> Result<()> {
    if room.events <= most_events && room.bytes <= most_bytes {
        return Ok(());
    }
    let mut oldest = conn.prepare_cached(OLDEST_FIRST)?;
    let mut rows = oldest.query((room.room, integer(room.head)))?;
    while (room.events > most_events || room.bytes > most_bytes)
        && let Some(row) = rows.next()?
    {
        room.trimmed = Seq(row.get::<_, i64>(0)?.cast_unsigned());
        room.events -= 1;
        room.bytes -= row.get::<_, i64>(1)? as usize;
    }
    conn.prepare_cached("DELETE FROM events WHERE room = ?1 AND seq <= ?2")?
        .execute((room.room, integer(room.trimmed)))?;
    seats::forget_names(conn, room.room, room.trimmed)
}

/// Forgets the oldest ids until the newest `known` are left, once per `stride` events and at most twice as many: an index
/// by seq would cost every append a page more than looking through the room's ids costs one in `stride`. Updates `room`,
/// which the caller must store.
pub(super) fn forget(conn: &Connection, room: &mut RoomRow, known: u64, stride: u64) -> Result<()> {
    let last = Seq(room.head.0.saturating_sub(known));
    if last == Seq(0) || !room.head.0.is_multiple_of(stride.max(1)) {
        return Ok(());
    }
    let query = "DELETE FROM ids WHERE room = ?1
        AND id IN (SELECT id FROM ids WHERE room = ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3) RETURNING at";
    let forgotten: Vec<i64> = conn
        .prepare_cached(query)?
        .query_map((room.room, integer(last), integer(Seq(2 * stride.max(1)))), |row| row.get(0))?
        .collect::<Result<_>>()?;
    if let Some(at) = forgotten.into_iter().max() {
        room.forgotten = room.forgotten.max(at.cast_unsigned());
    }
    Ok(())
}

/// Returns the first events after this seq.
pub(super) fn after(conn: &Connection, room: i64, seq: Seq, limit: usize) -> Result<Vec<Event>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE room = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"))?
        .query_map((room, integer(seq), limit as i64), row)?
        .collect()
}

/// Returns the last events before this seq, oldest first.
pub(super) fn before(conn: &Connection, room: i64, seq: Seq, limit: usize) -> Result<Vec<Event>> {
    let query = format!("SELECT {COLUMNS} FROM events WHERE room = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3");
    let mut events: Vec<Event> =
        conn.prepare_cached(&query)?.query_map((room, integer(seq), limit as i64), row)?.collect::<Result<_>>()?;
    events.reverse();
    Ok(events)
}

/// Returns the seq of the oldest event in the log, `Seq(0)` when the log is empty.
pub(super) fn oldest(conn: &Connection, room: i64) -> Result<Seq> {
    conn.prepare_cached("SELECT COALESCE(MIN(seq), 0) FROM events WHERE room = ?1")?
        .query_row([room], |row| row.get::<_, i64>(0))
        .map(|seq| Seq(seq.cast_unsigned()))
}

fn row(row: &Row<'_>) -> Result<Event> {
    let seq = row.get::<_, i64>(0)?.cast_unsigned();
    let kind: EventKind = codec::decode(row.get_ref(4)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, Box::new(error)))?;
    Ok(Event {
        seq: Seq(seq),
        // Seqs are dense in this store; callers must not rely on that.
        prev: Seq(seq.saturating_sub(1)),
        id: EventId(row.get(1)?),
        at: row.get::<_, i64>(2)?.cast_unsigned(),
        by: MemberId(row.get(3)?),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::OLDEST_FIRST;
    use crate::schema;

    #[test]
    fn statement_is_prepared_once_for_all_values() {
        let directory = tempfile::tempdir().unwrap();
        let conn = schema::open_writer(&directory.path().join("flasky.db")).unwrap();
        let mut statement = conn.prepare(OLDEST_FIRST).unwrap();
        for seq in 1..10 {
            assert!(statement.query((1, seq)).unwrap().next().unwrap().is_none());
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
