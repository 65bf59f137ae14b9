//! The reader thread.

use std::sync::Arc;

use protocol::{Event, EventKind, MemberId, RoomId, Seq};
use rusqlite::Connection;
use store::{Page, ReadFrom, Room, StoreError, is_truncated_at, mentioned_members};
use tokio::sync::mpsc;

use super::Reply;
use super::damage::DamageReports;
use super::error::Failure;
use super::lock::Lock;
use super::rows;
use super::seal::Keyring;
use super::state::{RoomState, Roster, Shared};

/// Maximum number of queries that share one read transaction, and with it the locks that SQLite takes for one.
const MAX_BATCH: usize = 64;
/// Maximum number of times that a page is read again because some of its events were deleted meanwhile.
const RETRIES: usize = 10;

/// Request to the reader thread.
#[derive(Debug)]
pub(super) enum Query {
    Read {
        id: RoomId,
        from: ReadFrom,
        limit: usize,
        reply: Reply<Page>,
    },
    Snapshot {
        id: RoomId,
        from: ReadFrom,
        limit: usize,
        reply: Reply<(Room, Page)>,
    },
    /// Reads the beginning of the database.
    Ping {
        reply: Reply<()>,
    },
    Close {
        reply: Reply<()>,
    },
}

/// Owner of the reading connection.
#[derive(Debug)]
pub(super) struct Reader {
    conn: Connection,
    rooms: Shared,
    damage: DamageReports,
    /// Keeps other servers from opening the file while this connection is open.
    _lock: Arc<Lock>,
}

/// An event and its row.
type Row = (Seq, i64);

/// Events to be read, and what else belongs to the page, all of one moment.
#[derive(Debug)]
struct Plan {
    /// Number of the room.
    number: i64,
    keys: Arc<Keyring>,
    roster: Arc<Roster>,
    /// The events and their rows, each with the newest edit if it is a message.
    events: Vec<(Row, Option<Row>)>,
    truncated: bool,
    more: bool,
    /// True if an event that is no message is left out.
    only_message: bool,
}

impl Reader {
    pub(super) fn new(conn: Connection, rooms: Shared, lock: Arc<Lock>) -> Self {
        Self { conn, rooms, damage: DamageReports::default(), _lock: lock }
    }

    /// Answers all queued queries in one transaction. It begins after the last of them has arrived: what was committed
    /// before somebody asked is in the answer.
    pub(super) fn run(mut self, mut queries: mpsc::Receiver<Query>) {
        let mut batch = Vec::new();
        while queries.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
            let begun = self.conn.execute_batch("BEGIN");
            for query in batch.drain(..) {
                if let Query::Close { reply } = query {
                    drop(self);
                    return drop(reply.send(Ok(())));
                }
                self.answer(query);
            }
            if begun.is_ok() {
                self.end();
            }
        }
    }

    fn end(&self) {
        if let Err(error) = self.conn.execute_batch("COMMIT") {
            tracing::error!(%error, "a read transaction cannot be ended");
        }
    }

    fn answer(&mut self, query: Query) {
        match query {
            Query::Read { id, from, limit, reply } => {
                let page = self.read(id, from, limit);
                self.reply(id, reply, page);
            }
            Query::Snapshot { id, from, limit, reply } => {
                let snapshot = self.page_with(RoomState::room, id, from, limit);
                self.reply(id, reply, snapshot);
            }
            Query::Ping { reply } => {
                let read = self.conn.query_row("SELECT COUNT(*) FROM store", [], |_| Ok(()));
                drop(reply.send(read.map_err(|error| Failure::from(error).into())));
            }
            Query::Close { .. } => {}
        }
    }

    pub(super) fn read(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<Page, Failure> {
        Ok(self.page_with(|_| (), id, from, limit)?.1)
    }

    /// Finds in memory which events to read, then reads them from the database, which is as new or newer. Where they
    /// are not there any more, memory says so by now.
    /// Also returns what `look` finds in the room's state at that moment.
    fn page_with<T>(
        &self,
        look: impl Fn(&RoomState) -> T,
        id: RoomId,
        from: ReadFrom,
        limit: usize,
    ) -> Result<(T, Page), Failure> {
        for _ in 0..RETRIES {
            let (found, plan) = {
                let rooms = self.rooms.read();
                let state = rooms.get(id)?;
                (look(state), Plan::new(state, from, limit)?)
            };
            if let Some(page) = self.page(&plan)? {
                return Ok((found, page));
            }
            // The state may be older than a commit that is being made, and the transaction than one that was.
            drop(self.rooms.commit());
            if !self.conn.is_autocommit() {
                self.conn.execute_batch("COMMIT; BEGIN")?;
            }
        }
        Err(StoreError::corrupt("an event is missing").into())
    }

    /// Reads the events. `None` if one of them is missing, or has another edit by now.
    fn page(&self, plan: &Plan) -> Result<Option<Page>, Failure> {
        let mut events = Vec::with_capacity(plan.events.len());
        let mut query = rows::Events::prepare(&self.conn)?;
        let mut read = |(seq, row): &Row| query.event(&plan.keys, plan.number, *row, *seq);
        for (event, edit) in &plan.events {
            let Some(record) = read(event)? else { return Ok(None) };
            let edit = edit.as_ref().filter(|_| record.text_is_in_edit).map(&mut read).transpose()?.flatten();
            let Some(event) = record.with_text_of(edit) else { return Ok(None) };
            events.push(event);
        }
        if plan.only_message {
            events.retain(|event| matches!(event.kind, EventKind::Message { .. }));
        }
        let mentioned = |event: &Event| mentioned_members(event).collect::<Vec<MemberId>>();
        let names = plan.roster.names(events.iter().flat_map(mentioned));
        Ok(Some(Page { events, names, truncated: plan.truncated, more: plan.more }))
    }

    /// Logs a failure of the store and sends the result to the caller, who may have stopped waiting.
    fn reply<T>(&mut self, id: RoomId, reply: Reply<T>, result: Result<T, Failure>) {
        let result = result.map_err(StoreError::from);
        match &result {
            Err(error @ StoreError::Corrupt(_)) => {
                let number = self.rooms.read().get(id).map(|room| room.number);
                if let Ok(number) = number {
                    self.damage.report(number, error);
                }
            }
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::error!(source = ?std::error::Error::source(error), "read failed");
            }
            _ => {}
        }
        drop(reply.send(result));
    }
}

impl Plan {
    fn new(room: &RoomState, from: ReadFrom, limit: usize) -> Result<Self, StoreError> {
        let (head, trimmed) = (room.log.head, room.log.trimmed);
        let before = |end: Seq| {
            let end = Seq(end.0.min(head.0 + 1));
            let first = Seq((end.0.saturating_sub(limit as u64)).max(trimmed.0 + 1));
            (first.0..end.0, is_truncated_at(if first < end { first } else { end }, trimmed))
        };
        let (seqs, truncated) = match from {
            ReadFrom::After(position) => {
                if position.epoch != room.record.epoch || position.seq < trimmed || position.seq > head {
                    return Err(StoreError::Reset);
                }
                let end = position.seq.0.saturating_add(limit as u64).min(head.0);
                (position.seq.0 + 1..end + 1, false)
            }
            ReadFrom::Before(seq) => before(seq),
            ReadFrom::Latest => before(Seq(u64::MAX)),
            ReadFrom::Message(id) => {
                let seq = room.seq_of(id).filter(|seq| *seq > trimmed && limit > 0);
                (seq.map_or(0..0, |seq| seq.0..seq.0 + 1), false)
            }
        };
        let only_message = matches!(from, ReadFrom::Message(_));
        let more = !only_message && !seqs.is_empty() && seqs.end <= head.0;
        let missing = || StoreError::corrupt("an event is missing");
        let row = |seq| Ok::<Row, StoreError>((seq, room.log.kept(seq).ok_or_else(missing)?.row()));
        let rows = |seq| Ok((row(Seq(seq))?, room.log.edit_of(Seq(seq)).map(row).transpose()?));
        Ok(Self {
            number: room.number,
            keys: Arc::clone(&room.keys),
            roster: Arc::clone(&room.roster),
            events: seqs.map(rows).collect::<Result<_, StoreError>>()?,
            truncated,
            more,
            only_message,
        })
    }
}
