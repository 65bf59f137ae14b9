//! Store decorator: limits, counts and times every operation, and logs changes of rooms and seats.

use std::sync::Arc;
use std::time::Duration;

use protocol::{EventKind, RoomCode, RoomId};
use tokio::time::{Instant, timeout};

use crate::{
    Appended, Backend, BackendError, Draft, From, Keys, Lease, NewRoom, Page, Room, Seat, Signal, Subscription,
};

/// Recorder of a store's operations.
pub trait Record: Send + Sync {
    /// Records the time that the store took for an operation, and counts it if it failed.
    fn answered(&self, verb: &'static str, took: Duration, failed: bool);

    /// Counts an append by its outcome: `stored`, `repeated`, `refused` or `failed`.
    fn appended(&self, outcome: &'static str);
}

/// Time limit of every operation, after which it fails with `Unavailable`. A store that has a limit of its own reaches
/// that one first, because its error says more. A form gets its refusal before the ten seconds of a page are over.
const TIMEOUT: Duration = Duration::from_secs(9);

/// Forwards every operation to another store, limits its time and records it.
pub struct Measured {
    engine: Arc<dyn Backend>,
    metrics: Arc<dyn Record>,
}

impl Measured {
    /// Wraps a store and records its operations in `metrics`.
    #[must_use]
    pub fn new(engine: Arc<dyn Backend>, metrics: Arc<dyn Record>) -> Self {
        Self { engine, metrics }
    }

    async fn time<T>(
        &self,
        verb: &'static str,
        answer: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        let began = std::time::Instant::now();
        let answer = timeout(TIMEOUT, answer).await.unwrap_or_else(|error| Err(BackendError::unavailable(error)));
        let failed = matches!(answer, Err(BackendError::Unavailable(_) | BackendError::Corrupt(_)));
        self.metrics.answered(verb, began.elapsed(), failed);
        answer
    }
}

#[async_trait::async_trait]
impl Backend for Measured {
    async fn create_room(&self, room: NewRoom) -> Result<RoomId, BackendError> {
        let capacity = room.capacity;
        let answer = self.time("create_room", self.engine.create_room(room)).await;
        if answer.is_ok() {
            tracing::info!(capacity, "room created");
        }
        answer
    }

    async fn resolve(&self, code: RoomCode) -> Result<RoomId, BackendError> {
        self.time("resolve", self.engine.resolve(code)).await
    }

    async fn room(&self, id: RoomId) -> Result<Room, BackendError> {
        self.time("room", self.engine.room(id)).await
    }

    async fn find(&self, code: RoomCode) -> Result<Room, BackendError> {
        self.time("find", self.engine.find(code)).await
    }

    async fn append(&self, id: RoomId, draft: Draft) -> Result<Appended, BackendError> {
        let answer = self.time("append", self.engine.append(id, draft)).await;
        self.metrics.appended(match &answer {
            Ok(Appended::Stored(_)) => "stored",
            Ok(Appended::Repeat(_) | Appended::Trimmed(_)) => "repeated",
            Err(BackendError::Unavailable(_) | BackendError::Corrupt(_)) => "failed",
            Err(_) => "refused",
        });
        if let Ok(Appended::Stored(event)) = &answer {
            match &event.kind {
                EventKind::Joined { .. } => tracing::info!("joined"),
                EventKind::Left { why, .. } => tracing::info!(?why, "left"),
                _ => {}
            }
        }
        answer
    }

    async fn read(&self, id: RoomId, from: From, limit: usize) -> Result<Page, BackendError> {
        self.time("read", self.engine.read(id, from, limit)).await
    }

    async fn snapshot(&self, id: RoomId, from: From, limit: usize) -> Result<(Room, Page), BackendError> {
        self.time("snapshot", self.engine.snapshot(id, from, limit)).await
    }

    async fn subscribe(&self, id: RoomId) -> Result<Subscription, BackendError> {
        self.time("subscribe", self.engine.subscribe(id)).await
    }

    async fn signal(&self, id: RoomId, signal: Signal) -> Result<(), BackendError> {
        self.time("signal", self.engine.signal(id, signal)).await
    }

    async fn hold(&self, lease: Lease, ttl: Duration) -> Result<(), BackendError> {
        self.time("hold", self.engine.hold(lease, ttl)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), BackendError> {
        self.time("release", self.engine.release(lease)).await
    }

    async fn expired(&self, now: Instant) -> Result<Vec<Seat>, BackendError> {
        self.time("expired", self.engine.expired(now)).await
    }

    async fn keys(&self) -> Result<Keys, BackendError> {
        self.time("keys", self.engine.keys()).await
    }

    async fn ready(&self) -> Result<(), BackendError> {
        self.time("ready", self.engine.ready()).await
    }

    async fn lost(&self) -> BackendError {
        self.engine.lost().await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}
