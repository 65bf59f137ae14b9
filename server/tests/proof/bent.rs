//! Stores with a bug planted on purpose, to test that the checker finds it; and one whose clock runs backwards.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{EventId, EventKind, RoomCode};
use server::entropy;
use store::{
    Appended, Backend, BackendError, Draft, From, Keys, Lease, NewRoom, Page, Room, Seat, Signal, Subscription,
};
use tokio::time::Instant;

/// Bug planted in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bent {
    /// No bug.
    Straight,
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

impl Bent {
    pub(crate) fn bend(self, engine: Arc<dyn Backend>) -> Arc<dyn Backend> {
        match self {
            Self::Straight => engine,
            how => Arc::new(Engine { engine, how, count: AtomicU64::new(0), first: Mutex::default() }),
        }
    }
}

struct Engine {
    engine: Arc<dyn Backend>,
    how: Bent,
    count: AtomicU64,
    /// First version of each message.
    first: Mutex<HashMap<EventId, EventKind>>,
}

/// A bug that does not always strike strikes once in this many calls.
const SOME: u64 = 3;
const HOUR_MS: u64 = 3_600_000;

impl Engine {
    fn is(&self, how: Bent) -> bool {
        self.how == how
    }

    fn is_sometimes(&self, how: Bent) -> bool {
        self.is(how) && self.count().is_multiple_of(SOME)
    }

    /// Number of this call: 1, 2, 3 …
    fn count(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[async_trait::async_trait]
impl Backend for Engine {
    async fn create_room(&self, room: NewRoom) -> Result<(), BackendError> {
        self.engine.create_room(room).await
    }

    async fn room(&self, code: RoomCode) -> Result<Room, BackendError> {
        let mut room = self.engine.room(code).await?;
        if self.is(Bent::Overlooks) && room.members.len() > 1 {
            room.members.pop();
        }
        Ok(room)
    }

    async fn append(&self, code: RoomCode, mut draft: Draft) -> Result<Appended, BackendError> {
        let is_message = matches!(draft.kind, EventKind::Message { .. });
        if self.is(Bent::ClockBackwards) {
            draft.at = draft.at.saturating_sub(self.count() * HOUR_MS);
        }
        if is_message {
            self.first.lock().expect("no panic").insert(draft.id, draft.kind.clone());
        }
        if is_message && self.is_sometimes(Bent::Refuses) {
            return Err(BackendError::Conflict);
        }
        if is_message && self.is_sometimes(Bent::Copies) {
            self.engine.append(code, Draft { id: entropy::event_id(), ..draft.clone() }).await?;
        }
        self.engine.append(code, draft).await
    }

    async fn read(&self, code: RoomCode, from: From, limit: usize) -> Result<Page, BackendError> {
        if matches!(from, From::After(_)) {
            if self.is(Bent::Forgets) {
                return Err(BackendError::Reset);
            }
            if self.is(Bent::Stumbles) && self.count() == 1 {
                return Err(BackendError::unavailable("on purpose"));
            }
        }
        let mut page = self.engine.read(code, from, limit).await?;
        if page.events.len() > 1 && self.is_sometimes(Bent::Skips) {
            page.events.remove(page.events.len() / 2);
        }
        if self.is(Bent::Remembers) {
            let first = self.first.lock().expect("no panic");
            for event in &mut page.events {
                event.kind = first.get(&event.id).unwrap_or(&event.kind).clone();
            }
        }
        Ok(page)
    }

    async fn subscribe(&self, code: RoomCode) -> Result<Subscription, BackendError> {
        self.engine.subscribe(code).await
    }

    async fn signal(&self, code: RoomCode, signal: Signal) -> Result<(), BackendError> {
        self.engine.signal(code, signal).await
    }

    async fn hold(&self, lease: Lease, ttl: Duration) -> Result<(), BackendError> {
        if !lease.id.is_nil() && self.is_sometimes(Bent::ThrowsOut) {
            return Err(BackendError::NotFound);
        }
        self.engine.hold(lease, ttl).await
    }

    async fn release(&self, lease: Lease) -> Result<(), BackendError> {
        self.engine.release(lease).await
    }

    async fn expired(&self, now: Instant) -> Result<Vec<Seat>, BackendError> {
        self.engine.expired(now).await
    }

    async fn keys(&self) -> Result<Keys, BackendError> {
        self.engine.keys().await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}
