//! Final state of a room, read from the server's file or from a cluster.

use std::path::Path;
use std::time::Duration;

use protocol::name::numbered;
use protocol::{ErrorCode, EventId, EventKind, MemberId, Position, RoomCode, Seq, codec};
use rusqlite::{Connection, OptionalExtension as _, Result};
use store::{ReadFrom, Store};
use uuid::Uuid;

use super::history::Seated;

/// One entry of a room's whole log, trimmed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: Seq,
    pub id: EventId,
    /// Kind of the event; `None` once it is trimmed.
    pub kind: Option<EventKind>,
}

impl Entry {
    /// Current text.
    pub fn words(&self) -> Option<&str> {
        self.kind.as_ref().and_then(words)
    }
}

/// Text of a message or of an edit.
pub fn words(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::Message { body, .. } | EventKind::Edited { body, .. } => body.as_ref().map(|body| body.as_str()),
        _ => None,
    }
}

/// Expected state that histories are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// In log order.
    pub log: Vec<Entry>,
    /// In the order in which they were taken.
    pub seats: Vec<Seated>,
    /// Number of events that the room keeps.
    pub keeps: usize,
    /// Codes with which the server had a reason to refuse events for now.
    pub defers: Vec<ErrorCode>,
}

impl Truth {
    /// Reads a room from a SQLite file, with the default retention and no reason for refusals.
    pub fn read(store: &Path, code: RoomCode) -> Result<Self> {
        let file = open(store)?;
        let room = file.query_row("SELECT room FROM rooms WHERE code = ?1", [code.to_string()], |row| row.get(0));
        let room: i64 = room.optional()?.unwrap_or(0);
        let keeps = protocol::Limits::default().events;
        Ok(Self { log: log(&file, room)?, seats: seats(&file, room)?, keeps, defers: Vec::new() })
    }

    /// Reads a room from a cluster. `keeps` is the number of events that it keeps, and more than were sent.
    pub async fn ask(store: &dyn Store, code: RoomCode, keeps: usize) -> Self {
        let room = store.find(code).await.unwrap();
        let start = ReadFrom::After(Position { epoch: room.position.epoch, seq: Seq(0) });
        let log = store.read(room.id, start, keeps).await.unwrap().events;
        Self {
            log: log.into_iter().map(|event| Entry { seq: event.seq, id: event.id, kind: Some(event.kind) }).collect(),
            seats: room.members.into_iter().map(|seated| (seated.member, seated.name.to_string())).collect(),
            keeps,
            defers: Vec::new(),
        }
    }
}

/// Reads the log from the table of ids, which has trimmed events too.
fn log(file: &Connection, room: i64) -> Result<Vec<Entry>> {
    let mut ids = file.prepare(
        "SELECT ids.seq, ids.id, kind FROM ids LEFT JOIN events USING (room, seq) WHERE room = ?1 ORDER BY ids.seq",
    )?;
    let entries = ids.query_map([room], |row| {
        let kind: Option<String> = row.get(2)?;
        Ok(Entry {
            seq: Seq(row.get::<_, i64>(0)?.cast_unsigned()),
            id: EventId(row.get::<_, Uuid>(1)?),
            kind: kind.map(|kind| codec::decode(&kind).expect("an event")),
        })
    })?;
    entries.collect()
}

fn seats(file: &Connection, room: i64) -> Result<Vec<Seated>> {
    let mut seats = file.prepare(
        "SELECT member, name, number FROM seats JOIN names USING (room, member) WHERE room = ?1 ORDER BY joined",
    )?;
    let seated = |row: &rusqlite::Row<'_>| {
        let name = numbered(&row.get::<_, String>(1)?, row.get(2)?);
        Ok((MemberId(row.get::<_, Uuid>(0)?), name))
    };
    seats.query_map([room], seated)?.collect()
}

/// Last sequence number of the room's log.
pub fn head(store: &Path, code: RoomCode) -> Result<Seq> {
    open(store)?
        .query_row("SELECT head FROM rooms WHERE code = ?1", [code.to_string()], |row| row.get::<_, i64>(0))
        .map(|head| Seq(head.cast_unsigned()))
}

fn open(store: &Path) -> Result<Connection> {
    let file = Connection::open(store)?;
    file.busy_timeout(Duration::from_secs(5))?;
    file.pragma_update(None, "query_only", true)?;
    Ok(file)
}
