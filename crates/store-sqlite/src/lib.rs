//! The embedded store: one SQLite file, one writer thread and one reader thread.
//!
//! The writer owns the writing connection and the keys file. All changes that are stored go through its queue, so events
//! have one order. What is committed about rooms is in memory too ([`state`]): who is in them, their codes and names, and
//! where the events of their logs are. The writer updates that after each commit, and delivers the events to
//! subscribers. Leases and subscribers are in memory only ([`live_state`]). So whatever needs none of the texts of events
//! is answered without a thread, and only these texts are read from the file, by the reader.
//!
//! Everything in the file is encrypted under a secret of its room ([`seal`]). These secrets are in a file of their own
//! ([`keys`]), where each is overwritten when its room has ended.

pub mod backup;
pub mod check;
pub mod contents;
mod damage;
mod error;
mod file;
mod keys;
mod live_state;
mod load;
mod lock;
mod log;
mod reader;
mod record;
mod rows;
mod schema;
mod seal;
mod state;
mod writer;

use std::path::Path;
use std::sync::MutexGuard;
use std::time::Duration;

use protocol::{Limits, RoomCode, RoomId};
use store::{
    Appended, ExpiredSeat, Keys, Lease, NewEvent, NewRoom, Page, PresenceUpdate, ReadFrom, Room, Store, StoreError,
    Subscription, draw_id,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::live_state::{Hold, Live, LiveState};
use self::reader::Query;
use self::state::{RoomState, Rooms, Shared};
use self::writer::{Job, Opened, Write, Writer};

/// Maximum number of operations queued for a thread. Further callers wait for a free slot, in order of arrival.
const QUEUE: usize = 1024;

/// Sender of an operation's result. It is dropped without a result when the store's thread ends.
type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    jobs: mpsc::Sender<Job>,
    queries: mpsc::Sender<Query>,
    rooms: Shared,
    live: Live,
    keys: Keys,
    lost: CancellationToken,
}

impl SqliteStore {
    /// Opens the file, or creates it, and starts the two threads. Symbolic links are resolved first.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be opened, is in use by another server, has several names (hard links, or a
    /// mount of its own), or has the format of a later version or of one before 0.1.0; `Corrupt` when it is damaged or
    /// is not this program's database. A file that is refused is not changed.
    pub async fn open(path: &Path, limits: &Limits) -> Result<Self, StoreError> {
        let (jobs, inbox) = mpsc::channel(QUEUE);
        let (queries, questions) = mpsc::channel(QUEUE);
        let (opened, ready) = oneshot::channel();
        let (path, limits, now) = (path.to_owned(), limits.clone(), Instant::now());
        let lost = CancellationToken::new();
        let token = lost.clone();
        start("store-writer", move || match Writer::open(&path, limits, now, token) {
            Ok(Opened { writer, reader, rooms, live, keys }) => {
                if opened.send(Ok((reader, rooms, live, keys))).is_ok() {
                    writer.run(inbox);
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        })?;
        let (reader, rooms, live, keys) = ready.await.map_err(|_| closed())??;
        start("store-reader", move || reader.run(questions))?;
        Ok(Self { jobs, queries, rooms, live, keys, lost })
    }

    /// Returns what `look` finds in the state of the rooms, as of the last commit.
    fn look<T>(&self, look: impl FnOnce(&Rooms) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.check_open()?;
        look(&self.rooms.read())
    }

    /// Locks the leases and subscribers.
    fn live(&self) -> Result<MutexGuard<'_, LiveState>, StoreError> {
        let live = self.live.lock();
        if live.is_closed() { Err(closed()) } else { Ok(live) }
    }

    fn check_open(&self) -> Result<(), StoreError> {
        if self.jobs.is_closed() { Err(closed()) } else { Ok(()) }
    }
}

#[async_trait::async_trait]
impl Store for SqliteStore {
    async fn create_room(&self, room: NewRoom) -> Result<RoomId, StoreError> {
        let (id, now) = (draw_id()?, Instant::now());
        request(&self.jobs, |reply| Job::Write(Write::Create { id, room, now, reply })).await
    }

    async fn resolve(&self, code: RoomCode) -> Result<RoomId, StoreError> {
        self.look(|rooms| rooms.resolve(code))
    }

    async fn room(&self, id: RoomId) -> Result<Room, StoreError> {
        self.look(|rooms| rooms.get(id).map(RoomState::room))
    }

    async fn find(&self, code: RoomCode) -> Result<Room, StoreError> {
        self.look(|rooms| rooms.get(rooms.resolve(code)?).map(RoomState::room))
    }

    async fn append(&self, id: RoomId, draft: NewEvent) -> Result<Appended, StoreError> {
        let now = Instant::now();
        request(&self.jobs, |reply| Job::Write(Write::Append { id, draft, now, reply })).await
    }

    async fn read(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<Page, StoreError> {
        request(&self.queries, |reply| Query::Read { id, from, limit, reply }).await
    }

    async fn snapshot(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<(Room, Page), StoreError> {
        request(&self.queries, |reply| Query::Snapshot { id, from, limit, reply }).await
    }

    async fn subscribe(&self, id: RoomId) -> Result<Subscription, StoreError> {
        self.look(|rooms| {
            let head = rooms.get(id)?.position();
            let deliveries = self.live()?.subscribe(id).ok_or(StoreError::NotFound)?;
            Ok(Subscription { head, deliveries })
        })
    }

    async fn send_presence(&self, id: RoomId, update: PresenceUpdate) -> Result<(), StoreError> {
        self.live()?.send_presence(id, update);
        Ok(())
    }

    async fn acquire_lease(&self, lease: Lease, ttl: Duration) -> Result<(), StoreError> {
        let (now, until) = (Instant::now(), Instant::now() + ttl);
        let held = self.live()?.hold(lease, now, until);
        match held {
            Hold::Held => Ok(()),
            Hold::NoSeat => Err(StoreError::NotFound),
            Hold::Undecided => request(&self.jobs, |reply| Job::Hold { lease, now, until, reply }).await,
        }
    }

    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.live()?.release(lease);
        Ok(())
    }

    async fn expire(&self, now: Instant) -> Result<Vec<ExpiredSeat>, StoreError> {
        request(&self.jobs, |reply| Job::Expire { now, reply }).await
    }

    async fn keys(&self) -> Result<Keys, StoreError> {
        self.check_open()?;
        Ok(self.keys.clone())
    }

    async fn check_ready(&self) -> Result<(), StoreError> {
        request(&self.queries, |reply| Query::Ping { reply }).await?;
        request(&self.jobs, |reply| Job::Ready { reply }).await
    }

    async fn wait_until_lost(&self) -> StoreError {
        self.lost.cancelled().await;
        StoreError::unavailable("a file of the store was removed, moved, replaced or emptied")
    }

    /// Closes the reader first, so that the writer's connection is the last one: closing the last connection merges the
    /// write-ahead log into the file.
    async fn close(&self) {
        // An error means that the thread has already ended.
        drop(request(&self.queries, |reply| Query::Close { reply }).await);
        drop(request(&self.jobs, |reply| Job::Close { reply }).await);
    }
}

/// Sends one job to a thread and waits for its result. A caller that stops waiting cancels a write that has not
/// begun, and no other job.
async fn request<J, T>(queue: &mpsc::Sender<J>, job: impl FnOnce(Reply<T>) -> J) -> Result<T, StoreError> {
    let (reply, answer) = oneshot::channel();
    queue.send(job(reply)).await.map_err(|_| closed())?;
    answer.await.map_err(|_| closed())?
}

fn closed() -> StoreError {
    StoreError::unavailable("the store is closed")
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(StoreError::unavailable)
}
