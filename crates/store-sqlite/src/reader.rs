//! The reader thread.

use std::sync::Arc;

use protocol::{RoomCode, Seq};
use rusqlite::Connection;
use store::{BackendError, From, Page, Room, mentioned, starts_where_trimmed};
use tokio::sync::mpsc;

use super::damage::Damage;
use super::error::Failure;
use super::lock::Lock;
use super::{Reply, log, rooms, seats};

/// Request to the reader thread.
#[derive(Debug)]
pub(super) enum Query {
    Room { code: RoomCode, reply: Reply<Room> },
    Read { code: RoomCode, from: From, limit: usize, reply: Reply<Page> },
    Close { reply: Reply<()> },
}

/// Owner of the reading connection.
#[derive(Debug)]
pub(super) struct Reader {
    conn: Connection,
    damage: Damage,
    /// Keeps other servers from opening the file while this connection is open.
    _lock: Arc<Lock>,
}

impl Reader {
    pub(super) fn new(conn: Connection, lock: Arc<Lock>) -> Self {
        Self { conn, damage: Damage::default(), _lock: lock }
    }

    pub(super) fn run(mut self, mut queries: mpsc::Receiver<Query>) {
        while let Some(query) = queries.blocking_recv() {
            match query {
                Query::Room { code, reply } => {
                    let room = self.room(code);
                    self.answer(code, reply, room);
                }
                Query::Read { code, from, limit, reply } => {
                    let page = self.read(code, from, limit);
                    self.answer(code, reply, page);
                }
                Query::Close { reply } => {
                    drop(self);
                    return drop(reply.send(Ok(())));
                }
            }
        }
    }

    fn room(&mut self, code: RoomCode) -> Result<Room, Failure> {
        let tx = self.conn.transaction()?;
        let row = rooms::find(&tx, code)?.ok_or(BackendError::NotFound)?;
        Ok(Room {
            code,
            position: row.position(),
            oldest: log::oldest(&tx, row.room)?,
            capacity: row.capacity,
            members: seats::members(&tx, row.room)?,
        })
    }

    pub(super) fn read(&mut self, code: RoomCode, from: From, limit: usize) -> Result<Page, Failure> {
        let tx = self.conn.transaction()?;
        let row = rooms::find(&tx, code)?.ok_or(BackendError::NotFound)?;
        let (events, truncated) = match from {
            From::After(position) => {
                if position.epoch != row.epoch || position.seq < row.trimmed || position.seq > row.head {
                    return Err(BackendError::Reset.into());
                }
                (log::after(&tx, row.room, position.seq, limit)?, false)
            }
            From::Before(seq) => {
                let events = log::before(&tx, row.room, seq, limit)?;
                let first = events.first().map_or(seq, |event| event.seq);
                (events, starts_where_trimmed(first, row.trimmed))
            }
            From::Latest => {
                let events = log::before(&tx, row.room, Seq(u64::MAX), limit)?;
                let first = events.first().map_or(row.head, |event| event.seq);
                (events, starts_where_trimmed(first, row.trimmed))
            }
            From::Message(id) => (log::said(&tx, row.room, id)?.into_iter().take(limit).collect(), false),
        };
        let names = seats::names(&tx, row.room, events.iter().flat_map(mentioned))?;
        Ok(Page { events, names, truncated })
    }

    /// Logs a failure of the store and sends the result to the caller, who may have stopped waiting.
    fn answer<T>(&mut self, code: RoomCode, reply: Reply<T>, result: Result<T, Failure>) {
        let result = result.map_err(BackendError::from);
        match &result {
            Err(error @ BackendError::Corrupt(_)) => self.damage.report(&self.conn, code, error),
            Err(error @ BackendError::Unavailable(_)) => {
                tracing::error!(source = ?std::error::Error::source(error), "read failed");
            }
            _ => {}
        }
        drop(reply.send(result));
    }
}
