//! The engine for several nodes: NATS JetStream, shared by all of them. No node keeps anything of its own.
//!
//! A stream with one message per subject is a table whose rows are changed together (atomic batch publish) and on
//! condition (`Nats-Expected-Last-Subject-Sequence`). A room is a handful of subjects in one of [`subject::SHARDS`]
//! streams:
//!
//! | subject | says |
//! |---|---|
//! | `….CODE.head` | epoch, the newest place, what retention removed, what is left measures |
//! | `….CODE.roster` | capacity and seats; its version stands in the head |
//! | `….CODE.event.SLOT` | one event, as it is told now. `SLOT` is its place modulo the room's ring |
//! | `….CODE.event.end` | the room ended |
//! | `….CODE.id.ID` | the place of the event with this id, for as long as the room lives |
//! | `….CODE.name.MEMBER` | what a member is called, also after it left |
//!
//! **Every append rewrites the head** on condition that nobody else did, in one batch with the event and what it
//! changes. So a room has one order, a seat is taken once, and a node that decided on something outdated decides again.
//! Appends that wait for one room share a batch ([`writer`]).
//!
//! **Places are the engine's own and dense**, not the stream's: a message that is rewritten in place gets a new
//! sequence in the stream, and must not move in the log. An event that is edited or deleted is written anew in its slot,
//! in the batch of the `edited` or `deleted`; one message per subject means that the old words are gone with it. Slots
//! are a ring, so that the newest event takes the place of the one that retention removes; what the bytes' limit
//! removes earlier is overwritten with nothing.
//!
//! **Live delivery** is the streams' RePublish of `event.*` to core subjects, one subscription per node and room that
//! somebody listens to ([`feed`]). **Reading** asks the leader for head and roster, and any replica for the events, in
//! one batched direct get that must contain a head at least as new ([`reader`]). There is no consumer per room; one per
//! node and stream follows the rosters ([`watch`]), for the sweep.
//!
//! **Leases** are messages with a time to live in a stream in memory ([`lease`]). **A room that ended** has an empty head
//! and roster until its subjects are purged: by who ended it, by who makes a room of the same code, or by a sweep.
//!
//! **Streams that are deleted, emptied or made anew** are noticed by a record that each has ([`health`]); the process ends
//! then, and the next start makes them.
//!
//! The engine runs on a thread and a runtime of its own. Its deadlines are about the network, so they count real time
//! also where the caller's clock stands still, as in tests.

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

use async_nats::Event;
use bytes::Bytes;
use protocol::{Limits, RoomCode};
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
use super::{Appended, Backend, BackendError, Draft, From, Keys, Lease, NewRoom, Page, Seat, Signal, Subscription};

/// How long a verb may take, whatever becomes of the servers.
const VERB: Duration = Duration::from_secs(8);
/// How long the store may take to open: a large one has many rosters.
const OPEN: Duration = Duration::from_secs(60);

/// A store in JetStream.
#[derive(Debug)]
pub struct Nats {
    engine: Arc<Engine>,
    handle: Handle,
    /// Ends the engine's thread.
    end: CancellationToken,
}

/// What the engine's tasks share.
#[derive(Debug)]
struct Engine {
    store: Store,
    limits: Limits,
    keys: Keys,
    /// Of each shard's stream.
    identities: Vec<Bytes>,
    /// Cancelled when a stream is not what it was.
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
    /// Connects to the servers behind `nats://` and makes what is missing there.
    ///
    /// # Errors
    /// `Unavailable` when the address cannot be read, no server answers, or it cannot do what is needed; `Corrupt` when
    /// what it stores is not this program's.
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

    /// Runs a verb on the engine's thread. A caller that goes away does not undo it.
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

/// The thread ends with the store, also with one that nobody closed.
impl Drop for Nats {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

#[async_trait::async_trait]
impl Backend for Nats {
    async fn create_room(&self, room: NewRoom) -> Result<(), BackendError> {
        let now = Instant::now();
        self.ask(|engine| engine.create(room, now)).await
    }

    async fn room(&self, code: RoomCode) -> Result<super::Room, BackendError> {
        self.ask(|engine| async move { engine.room(code).await }).await
    }

    async fn append(&self, code: RoomCode, draft: Draft) -> Result<Appended, BackendError> {
        let now = Instant::now();
        self.ask(|engine| engine.append(code, draft, now)).await
    }

    async fn read(&self, code: RoomCode, from: From, limit: usize) -> Result<Page, BackendError> {
        self.ask(|engine| async move { engine.read(code, from, limit).await }).await
    }

    async fn subscribe(&self, code: RoomCode) -> Result<Subscription, BackendError> {
        self.ask(|engine| engine.subscribe(code)).await
    }

    async fn signal(&self, code: RoomCode, signal: Signal) -> Result<(), BackendError> {
        self.ask(|engine| async move {
            let Put { subject, payload, .. } = Put::new(engine.store.names.signal(code), &Signalled::from(signal))?;
            // Best effort: an error is a signal that is lost.
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
            // Every verb has its time, so this has an end.
            engine.verbs.wait().await;
            engine.feeds.lose_all();
            // Acknowledged flow control, unsubscriptions: what is not sent now is not missed.
            drop(timeout(VERB, engine.store.client.flush()).await);
            drop(done);
        });
        // An error here is a thread that has already ended.
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

    async fn create(self: Arc<Self>, new: NewRoom, now: Instant) -> Result<(), BackendError> {
        let names = self.store.names.room(new.code);
        let room = Room::new(&new, self.limits.events);
        loop {
            let roster = Put::new(names.roster(), &room.roster)?.expecting(0);
            let head = Put::new(names.head(), &room.head)?.expecting(0);
            match self.store.commit(vec![roster, head]).await {
                Ok(mark) => {
                    self.seats.learn(new.code, mark - 1, &room.roster, Known::Own(now));
                    return Ok(());
                }
                Err(store::CommitError::Failed(error)) => return Err(error),
                Err(store::CommitError::Conflict) => match self.store.last(&names.stream, &names.head()).await? {
                    Some(head) if !head.payload.is_empty() => return Err(BackendError::Conflict),
                    Some(head) => self.purge(new.code, head.seq).await?,
                    None => {}
                },
            }
        }
    }

    async fn hold(&self, lease: Lease, ttl: Duration, now: Instant) -> Result<(), BackendError> {
        let joined = match self.seats.joined(lease.code, lease.member) {
            Some(joined) => joined,
            // It may have been taken at another node, just now.
            None => {
                let room = Room::load(&self.store, lease.code).await?;
                room.roster.seat(lease.member).ok_or(BackendError::NotFound)?.joined
            }
        };
        let held = Held { joined, until: self.clock.wall(now + ttl) };
        lease::hold(&self.store, lease, held, ttl).await?;
        self.seats.hold(lease, now, now + ttl);
        Ok(())
    }
}

/// A connection that broke: nothing that was told meanwhile was heard. One that is back: much time may have passed, and
/// a server that stands alone has lost the leases.
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

/// The work, within this time or not at all. The time begins where the work runs.
async fn timeout_of<T>(most: Duration, work: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
    timeout(most, work).await.unwrap_or_else(|error| Err(BackendError::unavailable(error)))
}

fn closed() -> BackendError {
    BackendError::unavailable("the store is closed")
}
