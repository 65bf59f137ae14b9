//! The reader thread.

use std::sync::Arc;

use protocol::{RoomCode, RoomId, Seq};
use rusqlite::Connection;
use store::{Page, ReadFrom, Room, StoreError, is_truncated_at, mentioned_members};
use tokio::sync::mpsc;

use super::damage::DamageReports;
use super::error::Failure;
use super::lock::Lock;
use super::rooms::{Key, RoomRow};
use super::{Reply, log, rooms, seats};

/// Request to the reader thread.
#[derive(Debug)]
pub(super) enum Query {
    Resolve { code: RoomCode, reply: Reply<RoomId> },
    Room { key: Key, reply: Reply<Room> },
    Read { id: RoomId, from: ReadFrom, limit: usize, reply: Reply<Page> },
    Snapshot { id: RoomId, from: ReadFrom, limit: usize, reply: Reply<(Room, Page)> },
    Close { reply: Reply<()> },
}

/// Owner of the reading connection.
#[derive(Debug)]
pub(super) struct Reader {
    conn: Connection,
    damage: DamageReports,
    /// Keeps other servers from opening the file while this connection is open.
    _lock: Arc<Lock>,
}

impl Reader {
    pub(super) fn new(conn: Connection, lock: Arc<Lock>) -> Self {
        Self { conn, damage: DamageReports::default(), _lock: lock }
    }

    pub(super) fn run(mut self, mut queries: mpsc::Receiver<Query>) {
        while let Some(query) = queries.blocking_recv() {
            match query {
                Query::Resolve { code, reply } => {
                    let id = self.resolve(code);
                    self.answer(Key::Code(code), reply, id);
                }
                Query::Room { key, reply } => {
                    let room = self.room(key);
                    self.answer(key, reply, room);
                }
                Query::Read { id, from, limit, reply } => {
                    let page = self.read(id, from, limit);
                    self.answer(Key::Id(id), reply, page);
                }
                Query::Snapshot { id, from, limit, reply } => {
                    let snapshot = self.snapshot(id, from, limit);
                    self.answer(Key::Id(id), reply, snapshot);
                }
                Query::Close { reply } => {
                    drop(self);
                    return drop(reply.send(Ok(())));
                }
            }
        }
    }

    fn resolve(&self, code: RoomCode) -> Result<RoomId, Failure> {
        Ok(rooms::resolve(&self.conn, code)?.ok_or(StoreError::NotFound)?)
    }

    fn room(&mut self, key: Key) -> Result<Room, Failure> {
        let tx = self.conn.transaction()?;
        let row = rooms::find(&tx, key)?.ok_or(StoreError::NotFound)?;
        room(&tx, &row)
    }

    pub(super) fn read(&mut self, id: RoomId, from: ReadFrom, limit: usize) -> Result<Page, Failure> {
        let tx = self.conn.transaction()?;
        let row = rooms::find(&tx, Key::Id(id))?.ok_or(StoreError::NotFound)?;
        page(&tx, &row, from, limit)
    }

    fn snapshot(&mut self, id: RoomId, from: ReadFrom, limit: usize) -> Result<(Room, Page), Failure> {
        let tx = self.conn.transaction()?;
        let row = rooms::find(&tx, Key::Id(id))?.ok_or(StoreError::NotFound)?;
        Ok((room(&tx, &row)?, page(&tx, &row, from, limit)?))
    }

    /// Logs a failure of the store and sends the result to the caller, who may have stopped waiting.
    fn answer<T>(&mut self, key: Key, reply: Reply<T>, result: Result<T, Failure>) {
        let result = result.map_err(StoreError::from);
        match &result {
            Err(error @ StoreError::Corrupt(_)) => self.damage.report(&self.conn, key, error),
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::error!(source = ?std::error::Error::source(error), "read failed");
            }
            _ => {}
        }
        drop(reply.send(result));
    }
}

fn room(tx: &Connection, row: &RoomRow) -> Result<Room, Failure> {
    let (id, code, name) = rooms::identity(tx, row.room)?;
    Ok(Room {
        id,
        code,
        position: row.position(),
        oldest: log::oldest(tx, row.room)?,
        capacity: row.capacity,
        name,
        host: row.host,
        members: seats::members(tx, row.room)?,
    })
}

fn page(tx: &Connection, row: &RoomRow, from: ReadFrom, limit: usize) -> Result<Page, Failure> {
    let (events, truncated) = match from {
        ReadFrom::After(position) => {
            if position.epoch != row.epoch || position.seq < row.trimmed || position.seq > row.head {
                return Err(StoreError::Reset.into());
            }
            (log::after(tx, row.room, position.seq, limit)?, false)
        }
        ReadFrom::Before(seq) => {
            let events = log::before(tx, row.room, seq, limit)?;
            let first = events.first().map_or(seq, |event| event.seq);
            (events, is_truncated_at(first, row.trimmed))
        }
        ReadFrom::Latest => {
            let events = log::before(tx, row.room, Seq(u64::MAX), limit)?;
            let first = events.first().map_or(row.head, |event| event.seq);
            (events, is_truncated_at(first, row.trimmed))
        }
        ReadFrom::Message(id) => {
            (log::message_even_if_deleted(tx, row.room, id)?.into_iter().take(limit).collect(), false)
        }
    };
    let names = seats::names(tx, row.room, events.iter().flat_map(mentioned_members))?;
    let more = !matches!(from, ReadFrom::Message(_)) && events.last().is_some_and(|last| last.seq < row.head);
    Ok(Page { events, names, truncated, more })
}
