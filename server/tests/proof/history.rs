//! What one person did and saw, in order; and the log that it is held against.

use std::path::Path;

use app::protocol::{Code, EventId, RoomCode, Seq};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One thing that a person did or that their screen showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(crate) enum Fact {
    /// The person sent this.
    Sent { id: EventId, body: String },
    /// The client stopped showing it as on its way, without the person's doing: it is said to be in the log.
    Acked { id: EventId },
    /// The screen says "not sent".
    Refused { id: EventId, code: Code },
    /// The person took a refused message off the screen.
    Discarded { id: EventId },
    /// The screen shows the next event of the log; with its text where it is a message.
    Shown { seq: Seq, id: EventId, body: Option<String> },
    /// The screen begins anew: the server said that it cannot continue, or the page was loaded again.
    Reset,
    /// Two rows of the screen have this key.
    Doubled { id: EventId },
}

/// Everything one page (and its reloads) did and saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    pub(crate) who: String,
    pub(crate) facts: Vec<Fact>,
    /// On the screen at the end as "sending" or "not sent".
    pub(crate) unsent: Vec<EventId>,
    /// Whether the page was connected at the end, so that it must show everything.
    pub(crate) live: bool,
}

/// One entry of a room's whole log, trimmed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) seq: Seq,
    pub(crate) id: EventId,
}

/// The room's whole log as the file has it: ids stay for the life of the room, also of events that were trimmed.
pub(crate) fn log(store: &Path, code: RoomCode) -> rusqlite::Result<Vec<Entry>> {
    let file = open(store)?;
    let mut ids =
        file.prepare("SELECT seq, id FROM ids WHERE room = (SELECT room FROM rooms WHERE code = ?1) ORDER BY seq")?;
    let entries = ids.query_map([code.to_string()], |row| {
        Ok(Entry { seq: Seq(row.get::<_, i64>(0)?.cast_unsigned()), id: EventId(row.get::<_, Uuid>(1)?) })
    })?;
    entries.collect()
}

/// The last place of the room's log.
pub(crate) fn head(store: &Path, code: RoomCode) -> rusqlite::Result<Seq> {
    open(store)?
        .query_row("SELECT head FROM rooms WHERE code = ?1", [code.to_string()], |row| row.get::<_, i64>(0))
        .map(|head| Seq(head.cast_unsigned()))
}

fn open(store: &Path) -> rusqlite::Result<rusqlite::Connection> {
    let file = rusqlite::Connection::open(store)?;
    file.busy_timeout(std::time::Duration::from_secs(5))?;
    file.pragma_update(None, "query_only", true)?;
    Ok(file)
}
