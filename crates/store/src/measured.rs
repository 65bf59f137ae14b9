//! Store decorator: limits, counts and times every operation, and logs changes of rooms and seats.

use std::sync::Arc;
use std::time::Duration;

use protocol::{EventKind, RoomCode, RoomId};
use tokio::time::{Instant, timeout};

use crate::{
    Appended, ExpiredSeat, Keys, Lease, NewEvent, NewRoom, Page, PresenceUpdate, ReadFrom, Room, Store, StoreError,
    Subscription,
};

/// Recorder of a store's operations.
pub trait Record: Send + Sync {
    /// Records the time that the store took for an operation, and counts it if it failed.
    fn record_operation(&self, operation: &'static str, took: Duration, failed: bool);

    /// Counts an append by its outcome: `stored`, `duplicate`, `refused` or `failed`.
    fn record_append(&self, outcome: &'static str);
}

/// Time limit of every operation, after which it fails with `Unavailable`. A store that has a limit of its own reaches
/// that one first, because its error says more. It is below the ten seconds of a page, so a form whose store stops
/// answering gets its refusal; not a form whose earlier operations took the difference, since it needs up to four.
const TIMEOUT: Duration = Duration::from_secs(9);

/// Forwards every operation to another store, limits its time and records it.
pub struct MeasuredStore {
    inner: Arc<dyn Store>,
    metrics: Arc<dyn Record>,
}

impl MeasuredStore {
    /// Wraps a store and records its operations in `metrics`.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, metrics: Arc<dyn Record>) -> Self {
        Self { inner, metrics }
    }

    async fn time<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let began = std::time::Instant::now();
        let answer = timeout(TIMEOUT, answer).await.unwrap_or_else(|error| Err(StoreError::unavailable(error)));
        let failed = matches!(answer, Err(StoreError::Unavailable(_) | StoreError::Corrupt(_)));
        self.metrics.record_operation(operation, began.elapsed(), failed);
        answer
    }
}

#[async_trait::async_trait]
impl Store for MeasuredStore {
    async fn create_room(&self, room: NewRoom) -> Result<RoomId, StoreError> {
        let capacity = room.capacity;
        let answer = self.time("create_room", self.inner.create_room(room)).await;
        if answer.is_ok() {
            tracing::info!(capacity, "room created");
        }
        answer
    }

    async fn resolve(&self, code: RoomCode) -> Result<RoomId, StoreError> {
        self.time("resolve", self.inner.resolve(code)).await
    }

    async fn room(&self, id: RoomId) -> Result<Room, StoreError> {
        self.time("room", self.inner.room(id)).await
    }

    async fn find(&self, code: RoomCode) -> Result<Room, StoreError> {
        self.time("find", self.inner.find(code)).await
    }

    async fn append(&self, id: RoomId, draft: NewEvent) -> Result<Appended, StoreError> {
        let answer = self.time("append", self.inner.append(id, draft)).await;
        self.metrics.record_append(match &answer {
            Ok(Appended::Stored(_)) => "stored",
            Ok(Appended::Duplicate(_) | Appended::DuplicateTrimmed(_)) => "duplicate",
            Err(StoreError::Unavailable(_) | StoreError::Corrupt(_)) => "failed",
            Err(_) => "refused",
        });
        if let Ok(Appended::Stored(event)) = &answer {
            match &event.kind {
                EventKind::Joined { .. } => tracing::info!("joined"),
                EventKind::Left { why, .. } => tracing::info!(?why, "left"),
                EventKind::Renamed { .. } => tracing::info!("renamed"),
                EventKind::Settings(_) => tracing::info!("room changed"),
                EventKind::Code { .. } => tracing::info!("room has another code"),
                EventKind::Ended => tracing::info!("room ended by its host"),
                _ => {}
            }
        }
        answer
    }

    async fn read(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<Page, StoreError> {
        self.time("read", self.inner.read(id, from, limit)).await
    }

    async fn snapshot(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<(Room, Page), StoreError> {
        self.time("snapshot", self.inner.snapshot(id, from, limit)).await
    }

    async fn subscribe(&self, id: RoomId) -> Result<Subscription, StoreError> {
        self.time("subscribe", self.inner.subscribe(id)).await
    }

    async fn send_presence(&self, id: RoomId, update: PresenceUpdate) -> Result<(), StoreError> {
        self.time("send_presence", self.inner.send_presence(id, update)).await
    }

    async fn acquire_lease(&self, lease: Lease, ttl: Duration) -> Result<(), StoreError> {
        self.time("acquire_lease", self.inner.acquire_lease(lease, ttl)).await
    }

    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError> {
        self.time("release_lease", self.inner.release_lease(lease)).await
    }

    async fn expire(&self, now: Instant) -> Result<Vec<ExpiredSeat>, StoreError> {
        self.time("expire", self.inner.expire(now)).await
    }

    async fn keys(&self) -> Result<Keys, StoreError> {
        self.time("keys", self.inner.keys()).await
    }

    async fn check_ready(&self) -> Result<(), StoreError> {
        self.time("check_ready", self.inner.check_ready()).await
    }

    async fn wait_until_lost(&self) -> StoreError {
        self.inner.wait_until_lost().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
