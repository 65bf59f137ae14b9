//! Purges of rooms that ended.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::BackendError;
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use protocol::{RoomCode, RoomId};
use tokio::time::Instant;

use super::Engine;
use super::record::{End, decode};
use super::room::full;
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
    id: RoomId,
    /// Stream sequence of the empty roster.
    roster: u64,
    /// Time of the first sweep that saw this entry; `None` before.
    seen: Option<Instant>,
}

impl Graves {
    pub(super) fn dig(&self, id: RoomId, roster: u64) {
        self.graves().push(Grave { id, roster, seen: None });
    }

    /// Returns the rooms that have waited for [`WAIT`], at most [`MOST`] of them.
    fn due(&self, now: Instant) -> Vec<(RoomId, u64)> {
        let mut graves = self.graves();
        let due = graves
            .iter_mut()
            .filter_map(|grave| (*grave.seen.get_or_insert(now) + WAIT <= now).then_some((grave.id, grave.roster)));
        due.take(MOST).collect()
    }

    fn fill(&self, id: RoomId, roster: u64) {
        self.graves().retain(|grave| (grave.id, grave.roster) != (id, roster));
    }

    /// Moves the room to the end of the queue.
    fn put_off(&self, id: RoomId, roster: u64) {
        self.fill(id, roster);
        self.dig(id, roster);
    }

    /// Locks the queue. Code under this lock neither awaits nor panics.
    fn graves(&self) -> MutexGuard<'_, Vec<Grave>> {
        self.graves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Purges an ended room, whose empty head has this stream sequence, its leases, and the message of its code, unless
    /// another room has taken the code since. The room goes last: as long as it is there, a sweep can retry.
    async fn purge(&self, id: RoomId, code: Option<RoomCode>, head: u64) -> Result<(), BackendError> {
        let names = self.store.names.room(id);
        self.store.purge(&self.store.names.lease_stream(), self.store.names.leases_in(id), None).await?;
        if let Some(code) = code {
            let (stream, subject) = self.store.names.code(code);
            self.store.purge(&stream, subject, Some(head + 1)).await?;
        }
        self.store.purge(&names.stream, names.all(), Some(head + 1)).await
    }

    /// Purges a room that this process has just ended. A sweep retries if that fails.
    pub(super) async fn bury(&self, id: RoomId, code: RoomCode, head: u64) {
        if let Err(error) = self.purge(id, Some(code), head).await {
            tracing::warn!(source = ?std::error::Error::source(&error), "an ended room cannot be removed; trying again");
            self.graves.dig(id, head - 1);
        }
    }

    /// Purges ended rooms that have not been purged by others. A later sweep retries those that fail.
    pub(super) async fn tidy(&self, now: Instant) {
        let looks = self.graves.due(now).into_iter().map(async |(id, seq)| match self.level(id, seq).await {
            Ok(()) => self.graves.fill(id, seq),
            Err(error) => {
                tracing::warn!(source = ?std::error::Error::source(&error), "an ended room cannot be looked at");
                self.graves.put_off(id, seq);
            }
        });
        let () = iter(looks).buffer_unordered(AT_ONCE).collect().await;
    }

    async fn level(&self, id: RoomId, seq: u64) -> Result<(), BackendError> {
        let names = self.store.names.room(id);
        let roster = self.store.last(&names.stream, &names.roster()).await?;
        if roster.is_some_and(|roster| roster.seq == seq) {
            // An earlier purge that was interrupted may have removed it, but only after the code's message.
            let end = full(self.store.last(&names.stream, &names.end()).await?);
            let end = end.map(|end| decode::<End>(&end.payload)).transpose()?;
            // The batch that ended the room wrote the head directly after the roster.
            self.purge(id, end.map(|end| end.code), seq + 1).await?;
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
        let ids = [1, 2, 3].map(|n| RoomId(uuid::Uuid::from_u128(n)));
        ids.iter().for_each(|id| graves.dig(*id, 7));
        assert_eq!(graves.due(now), []);
        let all = ids.map(|id| (id, 7));
        assert_eq!(graves.due(now + WAIT), all);
        assert_eq!(graves.due(now + WAIT), all);
        graves.fill(ids[1], 7);
        graves.put_off(ids[0], 7);
        assert_eq!(graves.due(now + WAIT), [all[2]]);
        assert_eq!(graves.due(now + 2 * WAIT), [all[2], all[0]]);
    }
}
