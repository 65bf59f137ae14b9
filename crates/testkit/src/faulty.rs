//! A store that fails, blocks, panics or lies on purpose.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{EventId, EventKind, LeaveReason, MemberId, RoomCode, RoomId};
use store::{
    Appended, Delivery, ExpiredSeat, Keys, Lease, NewEvent, NewRoom, Page, PresenceUpdate, ReadFrom, Room, Store,
    StoreError, Subscription,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use uuid::Uuid;

use super::clock::within;
use super::ids::event_id;

/// Text that no log may contain.
pub const TREASURE: &str = "what a person wrote";

/// A fault that hits some calls only hits one in this many.
const SOME: u64 = 3;
const HOUR_MS: u64 = 3_600_000;

/// A fault of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// The seat of this member is freed, for this reason, just before the next of its connections takes or renews a
    /// lease.
    LosesSeat(MemberId, LeaveReason),
    /// Every `read` fails.
    ReadsNothing,
    /// Every `append` fails, and nothing else, as on a full disk.
    StoresNothing,
    /// Every `append` and every `acquire_lease` fails, as if the store did not answer.
    Silent,
    /// No `append` and no `acquire_lease` is ever answered.
    Hangs,
    /// No `append` is ever answered, and nothing else fails, as while the disk stalls.
    Stalls,
    /// No `left {vanished}` is appended before this many of them are in flight, and no seat expires before this many
    /// have.
    Gathers(usize),
    /// This operation panics, with a message that contains [`TREASURE`].
    Panics(&'static str),
    /// Each subscription is lost after 17 to 76 deliveries, and each third attempt to subscribe fails.
    Flaky,
    /// Every subscription is lost, and every attempt to subscribe fails.
    Deaf,
    /// Deliveries wait for [`FaultyStore::deliver`].
    Lags,
    /// A presence request of another node follows each event, and no presence update is published before this many are
    /// in flight.
    CallsPresence(usize),
    /// Each event is dated an hour before the one before it.
    ClockBackwards,
    /// Some messages are stored again under another id.
    Copies,
    /// Some pages of the log leave one event out.
    Skips,
    /// Reads after a position are always answered with `Reset`.
    Forgets,
    /// Some messages are refused as if their author had no seat.
    Refuses,
    /// Pages of the log have the first text of each message.
    Remembers,
    /// The last member of the roster is missing.
    Overlooks,
    /// Some renewals of a connection's lease are answered as if the member had no seat.
    ThrowsOut,
    /// The first read after a position is answered with `Unavailable`.
    Stumbles,
}

/// A store with at most one fault and one blocked operation at a time.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    fault: watch::Sender<Option<StoreFault>>,
    /// Number of deliveries that may pass, for [`StoreFault::Lags`].
    passes: Arc<Semaphore>,
    blocked: Mutex<Option<Arc<Blocked>>>,
    /// Number of calls that the fault has counted.
    count: AtomicU64,
    /// Number of calls of `acquire_lease` for a connection's lease.
    leases: AtomicU64,
    /// Number of calls that have come in for [`StoreFault::Gathers`] or [`StoreFault::CallsPresence`].
    gathered: watch::Sender<usize>,
    /// First version of each message, for [`StoreFault::Remembers`].
    first: Mutex<HashMap<EventId, EventKind>>,
}

/// Maximum time that a call blocks its thread, so that a test does not hang when no thread is left that could drop the
/// guard.
const BLOCKED: Duration = Duration::from_secs(30);

/// An operation whose calls block their threads.
struct Blocked {
    operation: &'static str,
    came: UnboundedSender<()>,
    end: Mutex<std::sync::mpsc::Receiver<()>>,
}

/// Guard that blocks the calls of an operation until it is dropped.
pub struct Block {
    came: UnboundedReceiver<()>,
    _end: std::sync::mpsc::Sender<()>,
}

impl Block {
    /// Waits until this many more calls block their threads.
    pub async fn came(&mut self, calls: usize) {
        for _ in 0..calls {
            within(self.came.recv()).await.unwrap();
        }
    }
}

impl FaultyStore {
    /// Wraps a store, and begins without a fault.
    pub fn over(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            fault: watch::Sender::default(),
            passes: Arc::new(Semaphore::new(0)),
            blocked: Mutex::default(),
            count: AtomicU64::new(0),
            leases: AtomicU64::new(0),
            gathered: watch::Sender::new(0),
            first: Mutex::default(),
        })
    }

    /// Wraps a store that has this fault from the beginning.
    pub fn with(inner: Arc<dyn Store>, fault: StoreFault) -> Arc<Self> {
        let store = Self::over(inner);
        store.make(fault);
        store
    }

    /// Begins a fault, which replaces the one before.
    pub fn make(&self, fault: StoreFault) {
        self.fault.send_replace(Some(fault));
    }

    /// Ends the fault.
    pub fn heal(&self) {
        self.fault.send_replace(None);
    }

    /// Number of calls so far that the fault has counted.
    pub fn counted(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Lets this many of the deliveries pass that [`StoreFault::Lags`] holds back.
    pub fn deliver(&self, deliveries: usize) {
        self.passes.add_permits(deliveries);
    }

    /// Blocks the thread of each call of this operation from now on, until the guard is dropped.
    pub fn block(&self, operation: &'static str) -> Block {
        let (came, calls) = unbounded_channel();
        let (end, ends) = std::sync::mpsc::channel();
        *self.blocked.lock().unwrap() = Some(Arc::new(Blocked { operation, came, end: Mutex::new(ends) }));
        Block { came: calls, _end: end }
    }

    fn blocks(&self, operation: &'static str) {
        let blocked = self.blocked.lock().unwrap().clone();
        if let Some(blocked) = blocked.filter(|blocked| blocked.operation == operation) {
            let _ = blocked.came.send(());
            let end = blocked.end.lock().unwrap().recv_timeout(BLOCKED);
            assert_eq!(end, Err(RecvTimeoutError::Disconnected), "{operation} was blocked for {BLOCKED:?}");
        }
    }

    /// Number of times that connections have taken or renewed their leases.
    pub fn acquired_leases(&self) -> u64 {
        self.leases.load(Ordering::Relaxed)
    }

    /// Waits for ever if the store has one of these faults.
    async fn hangs(&self, faults: &[StoreFault]) {
        if faults.iter().any(|fault| self.has(*fault)) {
            std::future::pending().await
        }
    }

    /// Waits until this many calls have come here.
    async fn gather(&self, most: usize) {
        self.gathered.send_modify(|count| *count += 1);
        self.gathered.subscribe().wait_for(|count| *count >= most).await.unwrap();
    }

    fn fault(&self) -> Option<StoreFault> {
        *self.fault.borrow()
    }

    fn has(&self, fault: StoreFault) -> bool {
        self.fault() == Some(fault)
    }

    /// True for one in [`SOME`] calls while the store has this fault.
    fn has_sometimes(&self, fault: StoreFault) -> bool {
        self.has(fault) && self.count().is_multiple_of(SOME)
    }

    /// Number of this call: 1, 2, 3 …
    fn count(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn fails(&self, faults: &[StoreFault]) -> Result<(), StoreError> {
        match self.fault() {
            Some(fault) if faults.contains(&fault) => Err(StoreError::unavailable("on purpose")),
            _ => Ok(()),
        }
    }

    fn overlook(&self, mut room: Room) -> Room {
        if self.has(StoreFault::Overlooks) && room.members.len() > 1 {
            room.members.pop();
        }
        room
    }

    fn fails_reads(&self, from: ReadFrom) -> Result<(), StoreError> {
        self.fails(&[StoreFault::ReadsNothing])?;
        if matches!(from, ReadFrom::After(_)) {
            if self.has(StoreFault::Forgets) {
                return Err(StoreError::Reset);
            }
            if self.has(StoreFault::Stumbles) && self.count() == 1 {
                return Err(StoreError::unavailable("on purpose"));
            }
        }
        Ok(())
    }

    fn garble(&self, mut page: Page) -> Page {
        if page.events.len() > 1 && self.has_sometimes(StoreFault::Skips) {
            page.events.remove(page.events.len() / 2);
        }
        if self.has(StoreFault::Remembers) {
            let first = self.first.lock().unwrap();
            for event in &mut page.events {
                event.kind = first.get(&event.id).unwrap_or(&event.kind).clone();
            }
        }
        page
    }

    fn panics(&self, operation: &'static str) {
        assert!(!self.has(StoreFault::Panics(operation)), "{operation} panics over {TREASURE:?}");
    }

    fn loses_seat(&self, of: MemberId) -> Option<LeaveReason> {
        let mut lost = None;
        self.fault.send_if_modified(|fault| {
            if let Some(StoreFault::LosesSeat(member, why)) = *fault
                && member == of
            {
                (*fault, lost) = (None, Some(why));
            }
            lost.is_some()
        });
        lost
    }
}

#[async_trait::async_trait]
impl Store for FaultyStore {
    async fn create_room(&self, room: NewRoom) -> Result<RoomId, StoreError> {
        self.inner.create_room(room).await
    }

    async fn resolve(&self, code: RoomCode) -> Result<RoomId, StoreError> {
        self.inner.resolve(code).await
    }

    /// Has the faults of `room`, at once and not after `resolve`.
    async fn find(&self, code: RoomCode) -> Result<Room, StoreError> {
        self.panics("room");
        self.blocks("room");
        Ok(self.overlook(self.inner.find(code).await?))
    }

    async fn room(&self, id: RoomId) -> Result<Room, StoreError> {
        self.panics("room");
        self.blocks("room");
        Ok(self.overlook(self.inner.room(id).await?))
    }

    async fn append(&self, id: RoomId, mut draft: NewEvent) -> Result<Appended, StoreError> {
        self.panics("append");
        self.hangs(&[StoreFault::Hangs, StoreFault::Stalls]).await;
        if let Some(StoreFault::Gathers(most)) = self.fault()
            && matches!(draft.kind, EventKind::Left { why: LeaveReason::Vanished, .. })
        {
            self.gather(most).await;
        }
        self.fails(&[StoreFault::StoresNothing, StoreFault::Silent])?;
        if self.has(StoreFault::ClockBackwards) {
            draft.at = draft.at.saturating_sub(self.count() * HOUR_MS);
        }
        if matches!(draft.kind, EventKind::Message { .. }) {
            if self.has(StoreFault::Remembers) {
                self.first.lock().unwrap().insert(draft.id, draft.kind.clone());
            }
            if self.has_sometimes(StoreFault::Refuses) {
                return Err(StoreError::Conflict);
            }
            if self.has_sometimes(StoreFault::Copies) {
                self.inner.append(id, NewEvent { id: event_id(), ..draft.clone() }).await?;
            }
        }
        self.inner.append(id, draft).await
    }

    async fn read(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<Page, StoreError> {
        self.fails_reads(from)?;
        Ok(self.garble(self.inner.read(id, from, limit).await?))
    }

    /// Has the faults of `room` and of `read`.
    async fn snapshot(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<(Room, Page), StoreError> {
        self.panics("room");
        self.blocks("room");
        self.fails_reads(from)?;
        let (room, page) = self.inner.snapshot(id, from, limit).await?;
        Ok((self.overlook(room), self.garble(page)))
    }

    async fn subscribe(&self, id: RoomId) -> Result<Subscription, StoreError> {
        self.panics("subscribe");
        self.fails(&[StoreFault::Deaf])?;
        let (mut most, mut calls) = (u64::MAX, false);
        match self.fault() {
            Some(StoreFault::Flaky) => {
                let count = self.count();
                if count.is_multiple_of(3) {
                    return Err(StoreError::unavailable("on purpose"));
                }
                most = 17 + (count - 1) % 60;
            }
            Some(StoreFault::CallsPresence(_)) => calls = true,
            _ => {}
        }
        let Subscription { head, deliveries: mut inner } = self.inner.subscribe(id).await?;
        let (sender, deliveries) = mpsc::channel(1024);
        let (mut fault, passes) = (self.fault.subscribe(), Arc::clone(&self.passes));
        tokio::spawn(async move {
            for _ in 0..most {
                let delivery = tokio::select! {
                    biased;
                    () = wait_for_fault(&mut fault, |fault| fault == Some(StoreFault::Deaf)) => return,
                    delivery = inner.recv() => delivery,
                };
                let Some(delivery) = delivery else { return };
                tokio::select! {
                    () = wait_for_fault(&mut fault, |fault| fault != Some(StoreFault::Lags)) => {}
                    pass = passes.acquire() => pass.unwrap().forget(),
                }
                let called = calls && matches!(delivery, Delivery::Event(_));
                if sender.send(delivery).await.is_err()
                    || called && sender.send(Delivery::PresenceRequest).await.is_err()
                {
                    return;
                }
            }
        });
        Ok(Subscription { head, deliveries })
    }

    async fn send_presence(&self, id: RoomId, update: PresenceUpdate) -> Result<(), StoreError> {
        if let Some(StoreFault::CallsPresence(most @ 1..)) = self.fault() {
            self.gather(most).await;
        }
        self.inner.send_presence(id, update).await
    }

    async fn acquire_lease(&self, lease: Lease, ttl: Duration) -> Result<(), StoreError> {
        self.leases.fetch_add(u64::from(!lease.id.is_nil()), Ordering::Relaxed);
        self.hangs(&[StoreFault::Hangs]).await;
        self.fails(&[StoreFault::Silent])?;
        let Lease { room, member, id } = lease;
        if !id.is_nil()
            && let Some(why) = self.loses_seat(member)
        {
            self.inner.release_lease(lease).await?;
            self.inner.release_lease(Lease { id: Uuid::nil(), ..lease }).await?;
            let kind = EventKind::Left { member, why };
            self.inner
                .append(room, NewEvent { id: event_id(), at: 0, by: member, kind, keys: Default::default() })
                .await?;
        }
        if !id.is_nil() && self.has_sometimes(StoreFault::ThrowsOut) {
            return Err(StoreError::NotFound);
        }
        self.inner.acquire_lease(lease, ttl).await
    }

    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.inner.release_lease(lease).await
    }

    async fn expire(&self, now: Instant) -> Result<Vec<ExpiredSeat>, StoreError> {
        self.panics("expire");
        let expired = self.inner.expire(now).await?;
        let few = matches!(self.fault(), Some(StoreFault::Gathers(most)) if expired.len() < most);
        Ok(if few { Vec::new() } else { expired })
    }

    async fn keys(&self) -> Result<Keys, StoreError> {
        self.inner.keys().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Waits until this is true of the store's fault. Never, once the store is gone.
async fn wait_for_fault(fault: &mut watch::Receiver<Option<StoreFault>>, is: impl Fn(Option<StoreFault>) -> bool) {
    if fault.wait_for(|fault| is(*fault)).await.is_err() {
        std::future::pending().await
    }
}
