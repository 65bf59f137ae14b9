//! Checks a whole file: SQLite's integrity check, and the invariants that this store maintains in its rows.

use std::path::Path;

use protocol::{DisplayName, EventKind, RoomCode, RoomName, codec};
use rusqlite::Transaction;
use store::{NameKeys, StoreError};

use super::error::Failure;
use super::{file, rooms, schema};

/// Invariants: the description of a violation, and the query that counts the violations.
const INVARIANTS: &[(&str, &str)] = &[
    ("other number of key sets than one", "SELECT COUNT(*) <> 1 FROM store"),
    (
        "rooms that count their events or bytes wrongly",
        "SELECT COUNT(*) FROM rooms WHERE (events, bytes) <>
            (SELECT COUNT(*), COALESCE(SUM(octet_length(kind)), 0) FROM events WHERE events.room = rooms.room)",
    ),
    (
        "rooms with a hole in their log",
        "SELECT COUNT(*) FROM rooms WHERE (head - trimmed, trimmed + 1, head) <>
            (SELECT COUNT(*), COALESCE(MIN(seq), trimmed + 1), COALESCE(MAX(seq), head)
             FROM events WHERE events.room = rooms.room)",
    ),
    (
        "rooms with a hole in the ids that they know",
        "SELECT COUNT(*) FROM rooms WHERE head <>
            (SELECT COUNT(*) + COALESCE(MIN(seq), 1) - 1 FROM ids WHERE ids.room = rooms.room)",
    ),
    (
        "events whose id leads elsewhere",
        "SELECT COUNT(*) FROM events LEFT JOIN ids USING (room, id) WHERE ids.seq IS NOT events.seq",
    ),
    (
        "rooms with more members than seats",
        "SELECT COUNT(*) FROM rooms WHERE capacity < (SELECT COUNT(*) FROM seats WHERE seats.room = rooms.room)",
    ),
    (
        "seats of members without a name",
        "SELECT COUNT(*) FROM seats LEFT JOIN names USING (room, member) WHERE name IS NULL",
    ),
    (
        "rooms whose host has no seat",
        "SELECT COUNT(*) FROM rooms LEFT JOIN seats ON seats.room = rooms.room AND seats.member = rooms.host
         WHERE seats.room IS NULL AND rooms.room IN (SELECT room FROM seats)",
    ),
    ("names whose number or hue is none", "SELECT COUNT(*) FROM names WHERE number < 1 OR hue NOT BETWEEN 0 AND 11"),
    ("names that no event mentions", "SELECT COUNT(*) FROM names JOIN rooms USING (room) WHERE gone <= trimmed"),
    (
        "rows of rooms that ended",
        "SELECT COUNT(*) FROM (SELECT room FROM events
             UNION ALL SELECT room FROM ids WHERE room NOT IN (SELECT room FROM ended)
             UNION ALL SELECT room FROM seats UNION ALL SELECT room FROM names)
         WHERE room NOT IN (SELECT room FROM rooms)",
    ),
];

/// Result of [`run`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegrityReport {
    /// Number of rooms checked.
    pub rooms: usize,
    /// Number of events checked.
    pub events: usize,
    /// Descriptions of what is wrong. They contain no message text.
    pub faults: Vec<String>,
}

/// Checks the integrity of a whole file. A server may use it meanwhile.
///
/// # Errors
/// `Unavailable` when the file cannot be opened; `Corrupt` when it is damaged or not this program's.
pub fn run(store: &Path) -> Result<IntegrityReport, StoreError> {
    Ok(examine(store)?)
}

fn examine(store: &Path) -> Result<IntegrityReport, Failure> {
    let mut conn = schema::open_newest(&file::resolve(store)?)?;
    let tx = conn.transaction()?;
    let mut found = IntegrityReport { faults: damage(&tx)?, ..IntegrityReport::default() };
    // Queries over damaged pages would return meaningless counts.
    if !found.faults.is_empty() {
        return Ok(found);
    }
    for (what, query) in INVARIANTS {
        match tx.query_row(query, [], |row| row.get::<_, i64>(0))? {
            0 => {}
            count => found.faults.push(format!("{count} {what}")),
        }
    }
    let unidentified = rooms::ids(&tx)?.iter().filter(|(_, id)| id.is_none()).count();
    let (rooms, uncoded) = count_invalid(&tx, "SELECT code FROM rooms", |text| text.parse::<RoomCode>().is_ok())?;
    found.rooms = rooms;
    let (events, unread) =
        count_invalid(&tx, "SELECT kind FROM events", |text| codec::decode::<EventKind>(text).is_ok())?;
    found.events = events;
    let (_, unnamed) = count_invalid(&tx, "SELECT name FROM names", |text| text.parse::<DisplayName>().is_ok())?;
    let (_, unreadable) = count_invalid(&tx, "SELECT name FROM rooms", |text| text.parse::<RoomName>().is_ok())?;
    let (_, keyless) = count_invalid(&tx, "SELECT keys FROM seats", |text| codec::decode::<NameKeys>(text).is_ok())?;
    for (count, what) in [
        (keyless, "seats whose keys cannot be read"),
        (unreadable, "rooms whose name cannot be read"),
        (unidentified, "rooms whose id cannot be read"),
        (uncoded, "rooms whose code cannot be read"),
        (unread, "events that cannot be read"),
        (unnamed, "names that cannot be read"),
    ] {
        if count > 0 {
            found.faults.push(format!("{count} {what}"));
        }
    }
    Ok(found)
}

fn damage(tx: &Transaction<'_>) -> rusqlite::Result<Vec<String>> {
    let mut lines: Vec<String> =
        tx.prepare("PRAGMA integrity_check")?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    lines.retain(|line| line != "ok");
    Ok(lines)
}

/// Counts the texts that the query returns, and those among them that are not valid by `is_so`.
fn count_invalid(tx: &Transaction<'_>, query: &str, is_so: impl Fn(&str) -> bool) -> Result<(usize, usize), Failure> {
    let mut query = tx.prepare(query)?;
    let mut rows = query.query([])?;
    let (mut all, mut wrong) = (0, 0);
    while let Some(row) = rows.next()? {
        all += 1;
        wrong += usize::from(!row.get_ref(0)?.as_str().is_ok_and(&is_so));
    }
    Ok((all, wrong))
}
