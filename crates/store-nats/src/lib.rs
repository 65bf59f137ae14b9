//! The store for several nodes: NATS JetStream, shared by all nodes. No node has persistent state of its own.
//!
//! A stream that keeps one message per subject serves as a table: its rows are changed together (atomic batch publish)
//! and conditionally (`Nats-Expected-Last-Subject-Sequence`). A room consists of these subjects in one of
//! [`subject::SHARDS`] streams:
//!
//! | subject | content |
//! |---|---|
//! | `….code.HASH` | the id of the room that has or had the code with this hash |
//! | `….ID.head` | epoch, newest seq, highest trimmed seq, size of the events in the log, hashes of the codes |
//! | `….ID.roster` | settings and seats; the head contains its version |
//! | `….ID.event.SLOT` | one event in its current version. `SLOT` is its seq modulo the room's ring size |
//! | `….ID.event.end` | the room ended |
//! | `….ID.id.HASH` | the seq of the event whose id has this hash, of the newest 100 000 to 200 000 by default |
//! | `….ID.name.HASH` | the name of a former member whom the log mentions; the roster has those of the members |
//!
//! **Rosters, events and names are encrypted** under a key of the room ([`seal`]), whose secret is in a stream in memory
//! and dies with the room ([`secrets`]). Nodes store the secrets again if that stream is lost ([`restore`]), and repair
//! what failures leave ([`repair`]).
//!
//! **A room's code is one message that points to its id**, on which everything else hangs. Creation and end change it
//! in one batch with the room, and a batch is atomic within one stream. So the id of a new room is drawn until its
//! stream is the code's, four times on average. A new code of an existing room is refused unless its stream is the
//! room's, and the caller draws again. One batch writes its message, on condition that no room has or had it, and names
//! it in roster and head. The messages of the newest eight former codes stay, so that no other room gets them; that of an
//! older one is emptied in the batch and purged after it.
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
//! room; each node has one per stream, which follows the rosters ([`roster_consumer`]) for the sweep.
//!
//! **Leases** are messages with a time to live, in a stream in memory ([`lease`]). **A room that ended** has an empty
//! head and roster until its subjects are purged: by the process that ended it, or by a sweep. The batch that ends it
//! also marks the messages of all its codes. A room that gets one of them meanwhile overwrites the code's message.
//!
//! **Streams that are deleted, emptied or recreated** are detected by an identity record in each ([`health`]). The
//! process exits then, and the next start creates the streams.
//!
//! The store runs on its own thread and runtime. Its time limits are about the network, so they must count real time
//! even when the caller's clock is paused, as in tests.

mod address;
mod clock;
mod codes;
mod feed;
mod health;
mod jetstream;
mod lease;
mod plan;
mod purge;
mod reader;
mod record;
mod repair;
mod restore;
mod room;
mod roster_consumer;
mod schema;
mod seal;
mod seats;
mod secrets;
mod subject;
mod sweep;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::store::{
    Appended, ExpiredSeat, Keys, Lease, NewEvent, NewRoom, Page, PresenceUpdate, ReadFrom, Store, StoreError,
    Subscription,
};
use async_nats::Event;
use bytes::Bytes;
use protocol::{Limits, RoomCode, RoomId, Seq};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::address::Address;
use self::clock::Clock;
use self::feed::Feeds;
use self::jetstream::{BatchMessage, JetStream};
use self::purge::PendingPurges;
use self::record::{LeaseRecord, PresenceRecord};
use self::repair::Unreadable;
use self::roster_consumer::RosterConsumer;
use self::seats::{RosterSource, SeatCache};
use self::secrets::Secrets;
use self::writer::Writers;

/// Time limit of every operation, whatever happens to the servers.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);
/// Time limit of each half of opening the store: a large one has many rosters.
const OPEN: Duration = Duration::from_secs(60);

/// A store in JetStream.
#[derive(Debug)]
pub struct NatsStore {
    shared: Arc<Shared>,
    handle: Handle,
    /// Cancelled to end the store's thread.
    end: CancellationToken,
}

/// State shared by the store's tasks.
#[derive(Debug)]
struct Shared {
    jetstream: JetStream,
    limits: Limits,
    keys: Keys,
    /// Identity record of each shard's stream.
    identities: Vec<Bytes>,
    /// Cancelled when a stream was deleted, emptied or recreated.
    lost: CancellationToken,
    clock: Arc<Clock>,
    seats: SeatCache,
    secrets: Secrets,
    /// Notified when keys may have been left without a room.
    repair: Notify,
    unreadable: Unreadable,
    purges: PendingPurges,
    feeds: Arc<Feeds>,
    writers: Writers,
    operations: TaskTracker,
    background: TaskTracker,
}

impl NatsStore {
    /// Connects to the servers and creates missing streams. `address` is the URL without `nats://`.
    ///
    /// # Errors
    /// `Unavailable` when the address is invalid, no server responds, or the server lacks a required feature; `Corrupt`
    /// when the stored records are not in this program's format.
    pub async fn open(address: &str, limits: &Limits) -> Result<Self, StoreError> {
        let (address, limits, now) = (Address::parse(address)?, limits.clone(), Instant::now());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(StoreError::unavailable)?;
        let (handle, end) = (runtime.handle().clone(), CancellationToken::new());
        let ended = end.clone().cancelled_owned();
        // Ends the thread unless the store opens.
        let end = end.drop_guard();
        let thread = std::thread::Builder::new().name("store-nats".to_owned());
        thread.spawn(move || runtime.block_on(ended)).map_err(StoreError::unavailable)?;

        let connected = handle.spawn(timeout_of(OPEN, Shared::connect(address, limits, now))).await;
        let shared = connected.unwrap_or_else(|_| Err(closed()))?;
        // Seats are held from now on, however long the servers took; in the caller's clock, which may stand still.
        let begun = handle.spawn(timeout_of(OPEN, Arc::clone(&shared).begin(Instant::now()))).await;
        begun.unwrap_or_else(|_| Err(closed()))?;
        Ok(Self { shared, handle, end: end.disarm() })
    }

    /// Runs an operation on the store's thread. A caller that stops waiting does not cancel it.
    async fn run<T, F>(&self, operation: impl FnOnce(Arc<Shared>) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        if self.shared.operations.is_closed() {
            return Err(closed());
        }
        let operation = timeout_of(OPERATION_TIMEOUT, operation(Arc::clone(&self.shared)));
        self.shared.operations.spawn_on(operation, &self.handle).await.unwrap_or_else(|_| Err(closed()))
    }
}

/// Ends the thread with the store, also without a call of `close`.
impl Drop for NatsStore {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

#[async_trait::async_trait]
impl Store for NatsStore {
    async fn create_room(&self, room: NewRoom) -> Result<RoomId, StoreError> {
        let now = Instant::now();
        let created = self.run(|shared| shared.create(room, now)).await;
        if let Err(StoreError::Unavailable(_)) = created {
            // Its key may be stored.
            self.shared.repair.notify_one();
        }
        created
    }

    async fn resolve(&self, code: RoomCode) -> Result<RoomId, StoreError> {
        self.run(|shared| async move { shared.resolve(code).await }).await
    }

    async fn room(&self, id: RoomId) -> Result<::store::Room, StoreError> {
        self.run(|shared| async move { shared.room(id).await }).await
    }

    async fn append(&self, id: RoomId, draft: NewEvent) -> Result<Appended, StoreError> {
        let now = Instant::now();
        self.run(|shared| shared.append(id, draft, now)).await
    }

    async fn read(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<Page, StoreError> {
        self.run(|shared| async move { Ok(shared.snapshot(id, from, limit).await?.1) }).await
    }

    async fn snapshot(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<(::store::Room, Page), StoreError> {
        self.run(|shared| async move { shared.snapshot(id, from, limit).await }).await
    }

    async fn subscribe(&self, id: RoomId) -> Result<Subscription, StoreError> {
        self.run(|shared| shared.subscribe(id)).await
    }

    async fn send_presence(&self, id: RoomId, update: PresenceUpdate) -> Result<(), StoreError> {
        self.run(|shared| async move {
            let BatchMessage { subject, payload, .. } =
                BatchMessage::new(shared.jetstream.names.presence(id), &PresenceRecord::from(update))?;
            // Best effort: an error means that the update is lost.
            drop(shared.jetstream.client.publish(subject, payload).await);
            Ok(())
        })
        .await
    }

    async fn acquire_lease(&self, lease: Lease, ttl: Duration) -> Result<(), StoreError> {
        let now = Instant::now();
        self.run(|shared| async move { shared.acquire_lease(lease, ttl, now).await }).await
    }

    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.run(|shared| async move { shared.release_lease(lease).await }).await
    }

    async fn expire(&self, now: Instant) -> Result<Vec<ExpiredSeat>, StoreError> {
        self.run(|shared| async move { shared.sweep(now).await }).await
    }

    async fn keys(&self) -> Result<Keys, StoreError> {
        if self.shared.operations.is_closed() { Err(closed()) } else { Ok(self.shared.keys.clone()) }
    }

    async fn check_ready(&self) -> Result<(), StoreError> {
        self.run(|shared| async move { shared.check_ready().await }).await
    }

    async fn wait_until_lost(&self) -> StoreError {
        self.shared.lost.cancelled().await;
        StoreError::unavailable("a stream of the store was deleted, emptied or made anew")
    }

    async fn close(&self) {
        let (shared, (done, closed)) = (Arc::clone(&self.shared), oneshot::channel::<()>());
        shared.operations.close();
        self.handle.spawn(async move {
            // Every operation has a time limit, so this terminates.
            shared.operations.wait().await;
            shared.feeds.close_all();
            // Sends what is buffered, such as flow-control replies and unsubscriptions; losing that does no harm.
            drop(timeout(OPERATION_TIMEOUT, shared.jetstream.client.flush()).await);
            drop(done);
        });
        // An error means that the thread has already ended.
        drop(closed.await);
        self.end.cancel();
    }
}

impl Shared {
    /// Connects to the servers, creates missing streams, and reads what they hold for all rooms.
    async fn connect(address: Address, limits: Limits, now: Instant) -> Result<Arc<Self>, StoreError> {
        let (clock, feeds) = (Arc::new(Clock::new(now)), Arc::new(Feeds::default()));
        let had_failures = Arc::<AtomicBool>::default();
        let changed = follow_connection(Arc::clone(&clock), Arc::clone(&feeds), Arc::clone(&had_failures));
        let until = Instant::now() + schema::CLUSTER_TIMEOUT;
        let jetstream = schema::open(address, until, had_failures, changed).await?;
        let is_new = schema::retry(until, is_transient, || schema::is_new(&jetstream)).await?;
        Ok(Arc::new(Self {
            keys: schema::retry(until, is_transient, || schema::keys(&jetstream)).await?,
            identities: schema::retry(until, is_transient, || schema::identities(&jetstream)).await?,
            secrets: schema::retry(until, is_transient, || restore::open(&jetstream, is_new)).await?,
            repair: Notify::new(),
            unreadable: Unreadable::default(),
            lost: CancellationToken::new(),
            jetstream,
            clock,
            seats: SeatCache::new(&limits),
            purges: PendingPurges::default(),
            feeds,
            writers: Writers::default(),
            operations: TaskTracker::new(),
            background: TaskTracker::new(),
            limits,
        }))
    }

    /// Starts the background tasks, and reads all rosters, whose seats have their grace period from `now` on. The tasks
    /// come first: secrets that are lost meanwhile are stored again.
    async fn begin(self: Arc<Self>, now: Instant) -> Result<(), StoreError> {
        self.background.spawn(Arc::clone(&self).watch_streams());
        self.background.spawn(Arc::clone(&self).reconcile_loop());
        let until = Instant::now() + schema::CLUSTER_TIMEOUT;
        let found = RosterSource::AtStart(now, now + Duration::from_millis(self.limits.grace_ms));
        for shard in 0..subject::SHARDS {
            let begin = || RosterConsumer::begin(&self, shard, found);
            let consumer = schema::retry(until, is_transient, begin).await?;
            self.background.spawn(consumer.run(Arc::clone(&self)));
        }
        self.background.spawn(Arc::clone(&self).repair_loop());
        Ok(())
    }

    /// Removes a room that ended at this stream sequence from the caches.
    fn forget_room(&self, id: RoomId, seq: u64) {
        self.seats.remove_room(id, seq);
        self.secrets.forget(id);
    }

    async fn acquire_lease(&self, lease: Lease, ttl: Duration, now: Instant) -> Result<(), StoreError> {
        let held = LeaseRecord { joined: self.joined(lease).await?, until: self.clock.wall(now + ttl) };
        lease::hold(&self.jetstream, lease, held, ttl).await?;
        self.seats.hold(lease, now, now + ttl);
        Ok(())
    }

    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.seats.release(lease);
        match self.joined(lease).await {
            Ok(_) => lease::release(&self.jetstream, lease).await,
            // Without a seat the lease keeps nothing, and its message would outlast a room that has ended.
            Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Returns the seq of the `joined` event with which the member of this lease took the seat.
    async fn joined(&self, lease: Lease) -> Result<Seq, StoreError> {
        match self.seats.joined(lease.room, lease.member) {
            Some(joined) => Ok(joined),
            // The seat may have been taken on another node just now.
            None => {
                let room = self.load(lease.room).await?;
                Ok(room.roster.seat(lease.member).ok_or(StoreError::NotFound)?.joined)
            }
        }
    }
}

/// Returns the handler of connection events. A broken connection has missed live messages, so all feeds end. After a
/// reconnect much time may have passed, so the clock is set again; and a standalone server may have lost the leases.
fn follow_connection(
    clock: Arc<Clock>,
    feeds: Arc<Feeds>,
    had_failures: Arc<AtomicBool>,
) -> impl Fn(Event) + Clone + Send + Sync + 'static {
    let broken = Arc::new(AtomicBool::new(false));
    move |event| match event {
        Event::Disconnected => {
            tracing::warn!("the connection to the store is lost");
            broken.store(true, Ordering::Relaxed);
            had_failures.store(true, Ordering::Relaxed);
            feeds.close_all();
        }
        Event::Connected if broken.swap(false, Ordering::Relaxed) => {
            tracing::info!("the connection to the store is back");
            had_failures.store(true, Ordering::Relaxed);
            clock.set(Instant::now());
            feeds.close_all();
        }
        Event::Connected => {}
        other => tracing::debug!(event = %other, "of the connection to the store"),
    }
}

/// Runs `work` with a time limit, which is measured by the runtime that polls this: the store's own.
async fn timeout_of<T>(most: Duration, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(most, work).await.unwrap_or_else(|error| Err(StoreError::unavailable(error)))
}

fn is_transient(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_))
}

fn closed() -> StoreError {
    StoreError::unavailable("the store is closed")
}
