//! The embedded store: one SQLite file, one writer thread and one reader thread.
//!
//! The writer owns all mutable state: the writing connection, the leases and the subscribers. All operations except
//! [`Backend::resolve`], [`Backend::room`], [`Backend::find`], [`Backend::read`] and [`Backend::snapshot`] go through its
//! queue, so events have one order and no lock is needed.
//! The reader has its own connection and begins a new transaction for every query, so it sees whatever is committed.

pub mod backup;
pub mod check;
mod damage;
mod error;
mod file;
mod lock;
mod log;
mod memory;
mod reader;
mod rooms;
mod schema;
mod seats;
mod writer;

use std::path::Path;
use std::time::Duration;

use protocol::{Limits, RoomCode, RoomId, Seq};
use store::{
    Appended, Backend, BackendError, Draft, From, Keys, Lease, NewRoom, Page, Room, Seat, Signal, Subscription, draw_id,
};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::reader::Query;
use self::rooms::Key;
use self::writer::{Job, Write, Writer};

/// Maximum number of operations queued for a thread. Further callers wait for a free slot, in order of arrival.
const QUEUE: usize = 1024;

/// Sender of an operation's result. It is dropped without a result when the store's thread ends.
type Reply<T> = oneshot::Sender<Result<T, BackendError>>;

/// A store in one SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    jobs: mpsc::Sender<Job>,
    queries: mpsc::Sender<Query>,
    keys: Keys,
    lost: CancellationToken,
}

impl Sqlite {
    /// Opens the file, or creates it, and starts the two threads. Symbolic links are resolved first.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be opened, is in use by another server, has several names (hard links, or a
    /// mount of its own), or has the format of a later version or of one before 0.1.0; `Corrupt` when it is damaged or is not this program's
    /// database. A file that is refused is not changed.
    pub async fn open(path: &Path, limits: &Limits) -> Result<Self, BackendError> {
        let (jobs, inbox) = mpsc::channel(QUEUE);
        let (queries, questions) = mpsc::channel(QUEUE);
        let (opened, ready) = oneshot::channel();
        let (path, limits, now) = (path.to_owned(), limits.clone(), Instant::now());
        let lost = CancellationToken::new();
        let token = lost.clone();
        start("store-writer", move || match Writer::open(&path, limits, now, token) {
            Ok((writer, reader, keys)) => {
                if opened.send(Ok((reader, keys))).is_ok() {
                    writer.run(inbox);
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        })?;
        let (reader, keys) = ready.await.map_err(|_| closed())??;
        start("store-reader", move || reader.run(questions))?;
        Ok(Self { jobs, queries, keys, lost })
    }
}

#[async_trait::async_trait]
impl Backend for Sqlite {
    async fn create_room(&self, room: NewRoom) -> Result<RoomId, BackendError> {
        let (id, now) = (draw_id()?, Instant::now());
        ask(&self.jobs, |reply| Job::Write(Write::Create { id, room, now, reply })).await
    }

    async fn resolve(&self, code: RoomCode) -> Result<RoomId, BackendError> {
        ask(&self.queries, |reply| Query::Resolve { code, reply }).await
    }

    async fn room(&self, id: RoomId) -> Result<Room, BackendError> {
        ask(&self.queries, |reply| Query::Room { key: Key::Id(id), reply }).await
    }

    async fn find(&self, code: RoomCode) -> Result<Room, BackendError> {
        ask(&self.queries, |reply| Query::Room { key: Key::Code(code), reply }).await
    }

    async fn append(&self, id: RoomId, draft: Draft) -> Result<Appended, BackendError> {
        let now = Instant::now();
        ask(&self.jobs, |reply| Job::Write(Write::Append { id, draft, now, reply })).await
    }

    async fn read(&self, id: RoomId, from: From, limit: usize) -> Result<Page, BackendError> {
        ask(&self.queries, |reply| Query::Read { id, from, limit, reply }).await
    }

    async fn snapshot(&self, id: RoomId, from: From, limit: usize) -> Result<(Room, Page), BackendError> {
        ask(&self.queries, |reply| Query::Snapshot { id, from, limit, reply }).await
    }

    async fn subscribe(&self, id: RoomId) -> Result<Subscription, BackendError> {
        ask(&self.jobs, |reply| Job::Subscribe { id, reply }).await
    }

    async fn signal(&self, id: RoomId, signal: Signal) -> Result<(), BackendError> {
        match self.jobs.try_send(Job::Signal { id, signal }) {
            // A full queue drops the signal: the queued operations are more important.
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(closed()),
        }
    }

    async fn hold(&self, lease: Lease, ttl: Duration) -> Result<(), BackendError> {
        let now = Instant::now();
        ask(&self.jobs, |reply| Job::Hold { lease, now, until: now + ttl, reply }).await
    }

    async fn release(&self, lease: Lease) -> Result<(), BackendError> {
        ask(&self.jobs, |reply| Job::Release { lease, reply }).await
    }

    async fn expired(&self, now: Instant) -> Result<Vec<Seat>, BackendError> {
        ask(&self.jobs, |reply| Job::Expired { now, reply }).await
    }

    async fn keys(&self) -> Result<Keys, BackendError> {
        if self.jobs.is_closed() { Err(closed()) } else { Ok(self.keys.clone()) }
    }

    async fn lost(&self) -> BackendError {
        self.lost.cancelled().await;
        BackendError::unavailable("a file of the store was removed, moved, replaced or emptied")
    }

    /// Closes the reader first, so that the writer's connection is the last one: closing the last connection merges the
    /// write-ahead log into the file.
    async fn close(&self) {
        // An error means that the thread has already ended.
        drop(ask(&self.queries, |reply| Query::Close { reply }).await);
        drop(ask(&self.jobs, |reply| Job::Close { reply }).await);
    }
}

/// Sends one job to a thread and waits for its result. A caller that stops waiting does not cancel the job.
async fn ask<J, T>(queue: &mpsc::Sender<J>, job: impl FnOnce(Reply<T>) -> J) -> Result<T, BackendError> {
    let (reply, answer) = oneshot::channel();
    queue.send(job(reply)).await.map_err(|_| closed())?;
    answer.await.map_err(|_| closed())?
}

fn closed() -> BackendError {
    BackendError::unavailable("the store is closed")
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), BackendError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(BackendError::unavailable)
}

/// Converts a seq to SQLite's signed integer. A larger seq, which a client may send, becomes one that no event has.
fn integer(seq: Seq) -> i64 {
    seq.0.try_into().unwrap_or(i64::MAX)
}
