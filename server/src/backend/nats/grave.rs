//! Rooms that ended and may not be gone yet.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use app::protocol::RoomCode;
use tokio::time::Instant;

use super::Engine;
use crate::backend::BackendError;

/// How long who ended a room has to remove it, before others look.
const WAIT: Duration = Duration::from_secs(10);

/// Rooms whose end passed by.
#[derive(Debug, Default)]
pub(super) struct Graves {
    graves: Mutex<Vec<Grave>>,
}

#[derive(Debug)]
struct Grave {
    code: RoomCode,
    /// The empty roster's place in the stream.
    roster: u64,
    /// None until a sweep has seen it.
    seen: Option<Instant>,
}

impl Graves {
    pub(super) fn dig(&self, code: RoomCode, roster: u64) {
        self.graves.lock().unwrap_or_else(PoisonError::into_inner).push(Grave { code, roster, seen: None });
    }

    /// Those that have waited long enough.
    pub(super) fn due(&self, now: Instant) -> Vec<(RoomCode, u64)> {
        let mut graves = self.graves.lock().unwrap_or_else(PoisonError::into_inner);
        let due = graves.extract_if(.., |grave| *grave.seen.get_or_insert(now) + WAIT <= now);
        due.map(|grave| (grave.code, grave.roster)).collect()
    }
}

impl Engine {
    /// Removes a room whose empty head is at this place, and its leases.
    pub(super) async fn purge(&self, code: RoomCode, head: u64) -> Result<(), BackendError> {
        let names = self.store.names.room(code);
        self.store.purge(&self.store.names.lease_stream(), self.store.names.leases_in(code), None).await?;
        self.store.purge(&names.stream, names.all(), Some(head + 1)).await
    }

    /// The same, of a room that was just ended. Where it fails, it is done later.
    pub(super) async fn bury(&self, code: RoomCode, head: u64) {
        if let Err(error) = self.purge(code, head).await {
            tracing::warn!(source = ?std::error::Error::source(&error), "an ended room cannot be removed; trying again");
            self.graves.dig(code, head - 1);
        }
    }

    /// Removes what others left behind.
    pub(super) async fn tidy(&self, now: Instant) -> Result<(), BackendError> {
        for (code, seq) in self.graves.due(now) {
            let names = self.store.names.room(code);
            let roster = self.store.last(&names.stream, &names.roster()).await?;
            if roster.is_some_and(|roster| roster.seq == seq) {
                // The batch that ended the room has its head right behind its roster.
                self.bury(code, seq + 1).await;
            }
        }
        Ok(())
    }
}
