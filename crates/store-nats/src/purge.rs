//! Purges of rooms that ended.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::StoreError;
use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use futures_util::stream::iter;
use protocol::RoomId;
use tokio::time::Instant;
use uuid::Uuid;

use super::Shared;
use super::jetstream::CONCURRENCY;
use super::record::{End, decode};
use super::room::non_empty;
use super::sweep::MAX_PER_SWEEP;

/// Time that the process which ended a room has to purge it, before other processes do.
const PURGE_DELAY: Duration = Duration::from_secs(10);

/// Queue of ended rooms that may still have to be purged.
#[derive(Debug, Default)]
pub(super) struct PendingPurges {
    purges: Mutex<Vec<PendingPurge>>,
}

#[derive(Debug)]
struct PendingPurge {
    id: RoomId,
    /// Stream sequence of the empty roster.
    roster: u64,
    /// Time of the first sweep that saw this entry; `None` before.
    seen: Option<Instant>,
}

impl PendingPurges {
    pub(super) fn enqueue(&self, id: RoomId, roster: u64) {
        self.purges().push(PendingPurge { id, roster, seen: None });
    }

    /// Returns the rooms that have waited for [`PURGE_DELAY`], at most [`MAX_PER_SWEEP`] of them.
    fn due(&self, now: Instant) -> Vec<(RoomId, u64)> {
        let mut purges = self.purges();
        let due = purges.iter_mut().filter_map(|purge| {
            (*purge.seen.get_or_insert(now) + PURGE_DELAY <= now).then_some((purge.id, purge.roster))
        });
        due.take(MAX_PER_SWEEP).collect()
    }

    fn done(&self, id: RoomId, roster: u64) {
        self.purges().retain(|purge| (purge.id, purge.roster) != (id, roster));
    }

    /// Moves the room to the end of the queue.
    fn requeue(&self, id: RoomId, roster: u64) {
        self.done(id, roster);
        self.enqueue(id, roster);
    }

    /// Locks the queue. Code under this lock neither awaits nor panics.
    fn purges(&self) -> MutexGuard<'_, Vec<PendingPurge>> {
        self.purges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Purges an ended room, whose empty head has this stream sequence, its leases, and the messages of its codes, except
    /// those that other rooms have taken since. The key goes first: a room that is not there has none. The room goes last:
    /// as long as it is there, a sweep can retry.
    pub(super) async fn purge(&self, id: RoomId, codes: &[Uuid], head: u64) -> Result<(), StoreError> {
        self.destroy_key(id).await?;
        let names = self.jetstream.names.room(id);
        self.jetstream.purge(&self.jetstream.names.lease_stream(), self.jetstream.names.leases_in(id), None).await?;
        self.purge_codes(codes, head).await?;
        self.jetstream.purge(&names.stream, names.all(), Some(head + 1)).await
    }

    /// Purges the messages of these codes, which a batch with a head of this stream sequence has freed, except those that
    /// are newer.
    pub(super) async fn purge_codes(&self, codes: &[Uuid], head: u64) -> Result<(), StoreError> {
        let purges = codes.iter().map(async |code| {
            let (stream, subject) = self.jetstream.names.code(*code);
            self.jetstream.purge(&stream, subject, Some(head + 1)).await
        });
        try_join_all(purges).await.map(drop)
    }

    /// Purges a room that this process has just ended. A sweep retries if that fails.
    pub(super) async fn purge_or_enqueue(&self, id: RoomId, codes: &[Uuid], head: u64) {
        if let Err(error) = self.purge(id, codes, head).await {
            tracing::warn!(source = ?std::error::Error::source(&error), "an ended room cannot be removed; trying again");
            self.purges.enqueue(id, head - 1);
        }
    }

    /// Purges ended rooms that have not been purged by others. A later sweep retries those that fail.
    pub(super) async fn purge_pending(&self, now: Instant) {
        let looks =
            self.purges.due(now).into_iter().map(async |(id, seq)| match self.purge_if_unchanged(id, seq).await {
                Ok(()) => self.purges.done(id, seq),
                Err(error) => {
                    tracing::warn!(source = ?std::error::Error::source(&error), "an ended room cannot be looked at");
                    self.purges.requeue(id, seq);
                }
            });
        let () = iter(looks).buffer_unordered(CONCURRENCY).collect().await;
    }

    async fn purge_if_unchanged(&self, id: RoomId, seq: u64) -> Result<(), StoreError> {
        let names = self.jetstream.names.room(id);
        let roster = self.jetstream.last(&names.stream, &names.roster()).await?;
        if roster.is_some_and(|roster| roster.seq == seq) {
            // An earlier purge that was interrupted may have removed it, but only after the codes' messages.
            let end = non_empty(self.jetstream.last(&names.stream, &names.end()).await?);
            let end = end.map(|end| decode::<End>(&end.payload)).transpose()?;
            // The batch that ended the room wrote the head directly after the roster.
            self.purge(id, &end.map(|end| end.codes).unwrap_or_default(), seq + 1).await?;
        }
        // The node that ended it may have deleted it while this one read it.
        self.secrets.forget(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purge_stays_due_until_it_is_done() {
        let (purges, now) = (PendingPurges::default(), Instant::now());
        let ids = [1, 2, 3].map(|n| RoomId(uuid::Uuid::from_u128(n)));
        ids.iter().for_each(|id| purges.enqueue(*id, 7));
        assert_eq!(purges.due(now), []);
        let all = ids.map(|id| (id, 7));
        assert_eq!(purges.due(now + PURGE_DELAY), all);
        assert_eq!(purges.due(now + PURGE_DELAY), all);
        purges.done(ids[1], 7);
        purges.requeue(ids[0], 7);
        assert_eq!(purges.due(now + PURGE_DELAY), [all[2]]);
        assert_eq!(purges.due(now + 2 * PURGE_DELAY), [all[2], all[0]]);
    }
}
