//! Purges of rooms that ended.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::BackendError;
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use protocol::RoomCode;
use tokio::time::Instant;

use super::Engine;
use super::sweep::{AT_ONCE, MOST};

/// Time that the process which ended a room has to purge it, before other processes do.
const WAIT: Duration = Duration::from_secs(10);

/// Queue of ended rooms that may still have to be purged.
#[derive(Debug, Default)]
pub(super) struct Graves {
    graves: Mutex<Vec<Grave>>,
}

#[derive(Debug)]
struct Grave {
    code: RoomCode,
    /// Stream sequence of the empty roster.
    roster: u64,
    /// Time of the first sweep that saw this entry; `None` before.
    seen: Option<Instant>,
}

impl Graves {
    pub(super) fn dig(&self, code: RoomCode, roster: u64) {
        self.graves().push(Grave { code, roster, seen: None });
    }

    /// Returns the rooms that have waited for [`WAIT`], at most [`MOST`] of them.
    fn due(&self, now: Instant) -> Vec<(RoomCode, u64)> {
        let mut graves = self.graves();
        let due = graves
            .iter_mut()
            .filter_map(|grave| (*grave.seen.get_or_insert(now) + WAIT <= now).then_some((grave.code, grave.roster)));
        due.take(MOST).collect()
    }

    fn fill(&self, code: RoomCode, roster: u64) {
        self.graves().retain(|grave| (grave.code, grave.roster) != (code, roster));
    }

    /// Moves the room to the end of the queue.
    fn put_off(&self, code: RoomCode, roster: u64) {
        self.fill(code, roster);
        self.dig(code, roster);
    }

    /// Locks the queue. Code under this lock neither awaits nor panics.
    fn graves(&self) -> MutexGuard<'_, Vec<Grave>> {
        self.graves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Purges an ended room, whose empty head has this stream sequence, and its leases.
    pub(super) async fn purge(&self, code: RoomCode, head: u64) -> Result<(), BackendError> {
        let names = self.store.names.room(code);
        self.store.purge(&self.store.names.lease_stream(), self.store.names.leases_in(code), None).await?;
        self.store.purge(&names.stream, names.all(), Some(head + 1)).await
    }

    /// Purges a room that this process has just ended. A sweep retries if that fails.
    pub(super) async fn bury(&self, code: RoomCode, head: u64) {
        if let Err(error) = self.purge(code, head).await {
            tracing::warn!(source = ?std::error::Error::source(&error), "an ended room cannot be removed; trying again");
            self.graves.dig(code, head - 1);
        }
    }

    /// Purges ended rooms that have not been purged by others. A later sweep retries those that fail.
    pub(super) async fn tidy(&self, now: Instant) {
        let looks = self.graves.due(now).into_iter().map(async |(code, seq)| match self.level(code, seq).await {
            Ok(()) => self.graves.fill(code, seq),
            Err(error) => {
                tracing::warn!(source = ?std::error::Error::source(&error), "an ended room cannot be looked at");
                self.graves.put_off(code, seq);
            }
        });
        let () = iter(looks).buffer_unordered(AT_ONCE).collect().await;
    }

    async fn level(&self, code: RoomCode, seq: u64) -> Result<(), BackendError> {
        let names = self.store.names.room(code);
        let roster = self.store.last(&names.stream, &names.roster()).await?;
        if roster.is_some_and(|roster| roster.seq == seq) {
            // The batch that ended the room wrote the head directly after the roster.
            self.purge(code, seq + 1).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purge_stays_due_until_it_is_done() {
        let (graves, now) = (Graves::default(), Instant::now());
        let codes = [1, 2, 3].map(|n| RoomCode::from_entropy([n; 5]));
        codes.iter().for_each(|code| graves.dig(*code, 7));
        assert_eq!(graves.due(now), []);
        let all = codes.map(|code| (code, 7));
        assert_eq!(graves.due(now + WAIT), all);
        assert_eq!(graves.due(now + WAIT), all);
        graves.fill(codes[1], 7);
        graves.put_off(codes[0], 7);
        assert_eq!(graves.due(now + WAIT), [all[2]]);
        assert_eq!(graves.due(now + 2 * WAIT), [all[2], all[0]]);
    }
}
