//! The store for several nodes: NATS JetStream, shared by all nodes. No node has persistent state of its own.
//!
//! A stream that keeps one message per subject serves as a table: its rows are changed together (atomic batch publish)
//! and conditionally (`Nats-Expected-Last-Subject-Sequence`). A room consists of these subjects in one of
//! [`subject::SHARDS`] streams:
//!
//! | subject | content |
//! |---|---|
//! | `….code.CODE` | the id of the room that has this code |
//! | `….ID.head` | epoch, newest seq, highest trimmed seq, size of the events in the log |
//! | `….ID.roster` | code, capacity and seats; the head contains its version |
//! | `….ID.event.SLOT` | one event in its current version. `SLOT` is its seq modulo the room's ring size |
//! | `….ID.event.end` | the room ended |
//! | `….ID.id.EVENT` | the seq of the event with this id, of the newest [`known_ids`](::store::known_ids) events and at most as many more |
//! | `….ID.name.MEMBER` | the name of a former member whom the log mentions; the roster has those of the members |
//!
//! **A room's code is one message that points to its id**, on which everything else hangs. Creation and end change it in
//! one batch with the room, and a batch is atomic within one stream. So the id of a new room is drawn until its stream is
//! the code's, four times on average. (A new code of an existing room would be drawn the same way; one batch would write
//! its message, remove the old one's, and name it in the roster.)
//!
//! **Every append rewrites the head** on condition that no other process has done so, in one batch with the event and
//! what the event changes. So a room has one order, a seat is taken once, and a node that decided on outdated state
//! decides again. Queued appends to one room share a batch ([`writer`]).
//!
//! **Seqs are assigned by this store and dense.** They are not the stream's sequences: a message that is rewritten gets
//! a new stream sequence, but its event must keep its seq. An event that is edited or deleted is rewritten in its slot,
//! in the batch of the `edited` or `deleted`; as a subject keeps one message, this removes the old text. The slots form
//! a ring buffer, so the newest event overwrites the one that retention removes. An event that the byte limit removes
//! earlier is overwritten with an empty message.
//!
//! **Live delivery** uses the streams' RePublish of `event.*` to core subjects, with one subscription per node for each
//! room that has subscribers ([`feed`]). **Reading** asks the leader for head and roster, and any replica for the
//! events, in one batched direct get that must contain a head at least as new ([`reader`]). There is no consumer per
//! room; each node has one per stream, which follows the rosters ([`watch`]) for the sweep.
//!
//! **Leases** are messages with a time to live, in a stream in memory ([`lease`]). **A room that ended** has an empty
//! head, roster and code until its subjects are purged: by the process that ended it, or by a sweep. A room that is
//! created under the code meanwhile has another id, and overwrites the code's message.
//!
//! **Streams that are deleted, emptied or recreated** are detected by an identity record in each ([`health`]). The
//! process exits then, and the next start creates the streams.
//!
//! The store runs on its own thread and runtime. Its time limits are about the network, so they must count real time
//! even when the caller's clock is paused, as in tests.

mod address;
mod clock;
mod feed;
mod grave;
mod health;
mod lease;
mod plan;
mod reader;
mod record;
mod room;
mod schema;
mod seats;
mod store;
mod subject;
mod sweep;
mod watch;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::store::{
    Appended, Backend, BackendError, Draft, From, Keys, Lease, NewRoom, Page, Seat, Signal, Subscription, draw_id,
};
use async_nats::Event;
use bytes::Bytes;
use protocol::{Limits, RoomCode, RoomId};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::address::Address;
use self::clock::Clock;
use self::feed::Feeds;
use self::grave::Graves;
use self::record::{Held, Signalled};
use self::room::Room;
use self::seats::{Known, Seats};
use self::store::{Put, Store};
use self::watch::Watch;
use self::writer::Writers;

/// Time limit of every operation, whatever happens to the servers.
const VERB: Duration = Duration::from_secs(8);
/// Time limit of opening the store: a large one has many rosters.
const OPEN: Duration = Duration::from_secs(60);

/// A store in JetStream.
#[derive(Debug)]
pub struct Nats {
    engine: Arc<Engine>,
    handle: Handle,
    /// Cancelled to end the store's thread.
    end: CancellationToken,
}

/// State shared by the store's tasks.
#[derive(Debug)]
struct Engine {
    store: Store,
    limits: Limits,
    keys: Keys,
    /// Identity record of each shard's stream.
    identities: Vec<Bytes>,
    /// Cancelled when a stream was deleted, emptied or recreated.
    lost: CancellationToken,
    clock: Arc<Clock>,
    seats: Seats,
    graves: Graves,
    feeds: Arc<Feeds>,
    writers: Writers,
    verbs: TaskTracker,
    background: TaskTracker,
}

impl Nats {
    /// Connects to the servers and creates missing streams. `address` is the URL without `nats://`.
    ///
    /// # Errors
    /// `Unavailable` when the address is invalid, no server responds, or the server lacks a required feature; `Corrupt`
    /// when the stored records are not in this program's format.
    pub async fn open(address: &str, limits: &Limits) -> Result<Self, BackendError> {
        let (address, limits, now) = (Address::parse(address)?, limits.clone(), Instant::now());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(BackendError::unavailable)?;
        let (handle, end) = (runtime.handle().clone(), CancellationToken::new());
        let ended = end.clone().cancelled_owned();
        let thread = std::thread::Builder::new().name("store-nats".to_owned());
        thread.spawn(move || runtime.block_on(ended)).map_err(BackendError::unavailable)?;

        let opened = handle.spawn(timeout_of(OPEN, Engine::open(address, limits, now))).await;
        match opened.unwrap_or_else(|_| Err(closed())) {
            Ok(engine) => Ok(Self { engine, handle, end }),
            Err(error) => {
                end.cancel();
                Err(error)
            }
        }
    }

    /// Runs an operation on the store's thread. A caller that stops waiting does not cancel it.
    async fn ask<T, F>(&self, verb: impl FnOnce(Arc<Engine>) -> F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, BackendError>> + Send + 'static,
    {
        if self.engine.verbs.is_closed() {
            return Err(closed());
        }
        let verb = timeout_of(VERB, verb(Arc::clone(&self.engine)));
        self.engine.verbs.spawn_on(verb, &self.handle).await.unwrap_or_else(|_| Err(closed()))
    }
}

/// Ends the thread with the store, also without a call of `close`.
impl Drop for Nats {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

#[async_trait::async_trait]
impl Backend for Nats {
    async fn create_room(&self, room: NewRoom) -> Result<RoomId, BackendError> {
        let now = Instant::now();
        self.ask(|engine| engine.create(room, now)).await
    }

    async fn resolve(&self, code: RoomCode) -> Result<RoomId, BackendError> {
        self.ask(|engine| async move { engine.resolve(code).await }).await
    }

    async fn room(&self, id: RoomId) -> Result<::store::Room, BackendError> {
        self.ask(|engine| async move { engine.room(id).await }).await
    }

    async fn append(&self, id: RoomId, draft: Draft) -> Result<Appended, BackendError> {
        let now = Instant::now();
        self.ask(|engine| engine.append(id, draft, now)).await
    }

    async fn read(&self, id: RoomId, from: From, limit: usize) -> Result<Page, BackendError> {
        self.ask(|engine| async move { Ok(engine.snapshot(id, from, limit).await?.1) }).await
    }

    async fn snapshot(&self, id: RoomId, from: From, limit: usize) -> Result<(::store::Room, Page), BackendError> {
        self.ask(|engine| async move { engine.snapshot(id, from, limit).await }).await
    }

    async fn subscribe(&self, id: RoomId) -> Result<Subscription, BackendError> {
        self.ask(|engine| engine.subscribe(id)).await
    }

    async fn signal(&self, id: RoomId, signal: Signal) -> Result<(), BackendError> {
        self.ask(|engine| async move {
            let Put { subject, payload, .. } = Put::new(engine.store.names.signal(id), &Signalled::from(signal))?;
            // Best effort: an error means that the signal is lost.
            drop(engine.store.client.publish(subject, payload).await);
            Ok(())
        })
        .await
    }

    async fn hold(&self, lease: Lease, ttl: Duration) -> Result<(), BackendError> {
        let now = Instant::now();
        self.ask(|engine| async move { engine.hold(lease, ttl, now).await }).await
    }

    async fn release(&self, lease: Lease) -> Result<(), BackendError> {
        self.ask(|engine| async move {
            engine.seats.release(lease);
            lease::release(&engine.store, lease).await
        })
        .await
    }

    async fn expired(&self, now: Instant) -> Result<Vec<Seat>, BackendError> {
        self.ask(|engine| async move { engine.sweep(now).await }).await
    }

    async fn keys(&self) -> Result<Keys, BackendError> {
        if self.engine.verbs.is_closed() { Err(closed()) } else { Ok(self.engine.keys.clone()) }
    }

    async fn ready(&self) -> Result<(), BackendError> {
        self.ask(|engine| async move { engine.probe().await }).await
    }

    async fn lost(&self) -> BackendError {
        self.engine.lost.cancelled().await;
        BackendError::unavailable("a stream of the store was deleted, emptied or made anew")
    }

    async fn close(&self) {
        let (engine, (done, closed)) = (Arc::clone(&self.engine), oneshot::channel::<()>());
        engine.verbs.close();
        self.handle.spawn(async move {
            // Every operation has a time limit, so this terminates.
            engine.verbs.wait().await;
            engine.feeds.lose_all();
            // Sends what is buffered, such as flow-control replies and unsubscriptions; losing that does no harm.
            drop(timeout(VERB, engine.store.client.flush()).await);
            drop(done);
        });
        // An error means that the thread has already ended.
        drop(closed.await);
        self.end.cancel();
    }
}

impl Engine {
    async fn open(address: Address, limits: Limits, now: Instant) -> Result<Arc<Self>, BackendError> {
        let (clock, feeds) = (Arc::new(Clock::new(now)), Arc::new(Feeds::default()));
        let troubled = Arc::<AtomicBool>::default();
        let changed = follow_connection(Arc::clone(&clock), Arc::clone(&feeds), Arc::clone(&troubled));
        let store = schema::open(address, troubled, changed).await?;
        let engine = Arc::new(Self {
            keys: schema::keys(&store).await?,
            identities: schema::identities(&store).await?,
            lost: CancellationToken::new(),
            store,
            clock,
            seats: Seats::new(&limits),
            graves: Graves::default(),
            feeds,
            writers: Writers::default(),
            verbs: TaskTracker::new(),
            background: TaskTracker::new(),
            limits,
        });
        let found = Known::Found(now, now + Duration::from_millis(engine.limits.grace_ms));
        for shard in 0..subject::SHARDS {
            let watch = Watch::begin(&engine, shard, found).await?;
            engine.background.spawn(watch.run(Arc::clone(&engine)));
        }
        engine.background.spawn(Arc::clone(&engine).watch_tides());
        engine.background.spawn(Arc::clone(&engine).watch_streams());
        Ok(engine)
    }

    async fn create(self: Arc<Self>, new: NewRoom, now: Instant) -> Result<RoomId, BackendError> {
        let id = loop {
            let id = draw_id()?;
            if subject::shard_of(id) == subject::shard_of_code(new.code) {
                break id;
            }
        };
        let (names, (stream, subject)) = (self.store.names.room(id), self.store.names.code(new.code));
        let room = Room::new(&new, self.limits.events);
        // Stream sequence of the code's message, which is empty after the end of an earlier room with the code.
        let mut freed = 0;
        loop {
            let code = Put::new(subject.clone(), &id)?.expecting(freed);
            let roster = Put::new(names.roster(), &room.roster)?.expecting(0);
            let head = Put::new(names.head(), &room.head)?.expecting(0);
            match self.store.commit(vec![code, roster, head]).await {
                Ok(mark) => {
                    self.seats.learn(id, mark - 1, &room.roster, Known::Own(now));
                    return Ok(id);
                }
                Err(store::CommitError::Failed(error)) => return Err(error),
                Err(store::CommitError::Conflict) => match self.store.last(&stream, &subject).await? {
                    Some(code) if !code.payload.is_empty() => return Err(BackendError::Conflict),
                    // Freed, purged or taken and freed again just now.
                    code => freed = code.map_or(0, |code| code.seq),
                },
            }
        }
    }

    async fn resolve(&self, code: RoomCode) -> Result<RoomId, BackendError> {
        let (stream, subject) = self.store.names.code(code);
        let found = room::full(self.store.last(&stream, &subject).await?).ok_or(BackendError::NotFound)?;
        record::decode(&found.payload)
    }

    async fn hold(&self, lease: Lease, ttl: Duration, now: Instant) -> Result<(), BackendError> {
        let joined = match self.seats.joined(lease.room, lease.member) {
            Some(joined) => joined,
            // The seat may have been taken on another node just now.
            None => {
                let room = Room::load(&self.store, lease.room).await?;
                room.roster.seat(lease.member).ok_or(BackendError::NotFound)?.joined
            }
        };
        let held = Held { joined, until: self.clock.wall(now + ttl) };
        lease::hold(&self.store, lease, held, ttl).await?;
        self.seats.hold(lease, now, now + ttl);
        Ok(())
    }
}

/// Returns the handler of connection events. A broken connection has missed live messages, so all feeds end. After a
/// reconnect much time may have passed, so the clock is set again; and a standalone server may have lost the leases.
fn follow_connection(
    clock: Arc<Clock>,
    feeds: Arc<Feeds>,
    troubled: Arc<AtomicBool>,
) -> impl Fn(Event) + Clone + Send + Sync + 'static {
    let broken = Arc::new(AtomicBool::new(false));
    move |event| match event {
        Event::Disconnected => {
            tracing::warn!("the connection to the store is lost");
            broken.store(true, Ordering::Relaxed);
            troubled.store(true, Ordering::Relaxed);
            feeds.lose_all();
        }
        Event::Connected if broken.swap(false, Ordering::Relaxed) => {
            tracing::info!("the connection to the store is back");
            troubled.store(true, Ordering::Relaxed);
            clock.set(Instant::now());
            feeds.lose_all();
        }
        Event::Connected => {}
        other => tracing::debug!(event = %other, "of the connection to the store"),
    }
}

/// Runs `work` with a time limit, which is measured by the runtime that polls this: the store's own.
async fn timeout_of<T>(most: Duration, work: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
    timeout(most, work).await.unwrap_or_else(|error| Err(BackendError::unavailable(error)))
}

fn closed() -> BackendError {
    BackendError::unavailable("the store is closed")
}
