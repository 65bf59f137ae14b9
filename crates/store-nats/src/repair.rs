//! Repair of what a failure has left: rooms without a key, whose records nobody can read, and keys without a room.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::StoreError;
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use protocol::RoomId;
use tokio::time::{Instant, sleep, timeout};

use super::jetstream::{CONCURRENCY, DirectGet};
use super::record::{Head, decode};
use super::room::non_empty;
use super::seats::RosterSource;
use super::secrets::read_all;
use super::subject::{SHARDS, shard_of};
use super::sweep::MAX_PER_SWEEP;
use super::{Shared, timeout_of};

/// Time for which a room's roster must be unreadable before the room ends. Its key may be just being stored.
const UNREADABLE_GRACE: Duration = Duration::from_secs(60);
/// Part of a sweep's time that unreadable rooms may take.
const CHECK: Duration = Duration::from_secs(2);
/// Time for which a key must have no room before it is deleted: more than the creation of a room may take.
const STRAY_GRACE: Duration = Duration::from_secs(10);
/// Interval between two searches for keys without a room.
const SEARCH_INTERVAL: Duration = Duration::from_secs(600);
/// Time limit of one search.
const SEARCH: Duration = Duration::from_secs(60);
/// Pause before a search that failed is tried again.
const SEARCH_RETRY: Duration = Duration::from_secs(2);
/// Number of heads that are read at once.
const HEADS: usize = 500;

/// Rooms whose rosters could not be read.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Time of the first sweep that saw the room; `None` before.
    seen: HashMap<RoomId, Option<Instant>>,
    /// Order in which they are looked at, which may have rooms that are done.
    order: VecDeque<RoomId>,
}

impl Unreadable {
    pub(super) fn enqueue(&self, id: RoomId) {
        let Queue { seen, order } = &mut *self.queue();
        if let Entry::Vacant(new) = seen.entry(id) {
            new.insert(None);
            order.push_back(id);
        }
    }

    /// Returns the next rooms, at most [`MAX_PER_SWEEP`], and true for those that have waited for [`UNREADABLE_GRACE`].
    fn next(&self, now: Instant) -> Vec<(RoomId, bool)> {
        let Queue { seen, order } = &mut *self.queue();
        order.retain(|id| seen.contains_key(id));
        let count = order.len().min(MAX_PER_SWEEP);
        order.rotate_left(count);
        let look = |id: &RoomId| {
            let since = *seen.get_mut(id)?.get_or_insert(now);
            Some((*id, since + UNREADABLE_GRACE <= now))
        };
        order.iter().rev().take(count).filter_map(look).collect()
    }

    fn done(&self, id: RoomId) {
        self.queue().seen.remove(&id);
    }

    /// Locks the queue. Code under this lock neither awaits nor panics.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Reads unreadable rosters again, and ends rooms that stay unreadable.
    pub(super) async fn check_unreadable(&self, now: Instant) {
        let looks = self.unreadable.next(now).into_iter().map(async |(id, is_due)| {
            match self.check_unreadable_room(id, now, is_due).await {
                Ok(true) => self.unreadable.done(id),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(source = ?std::error::Error::source(&error), "an unreadable room cannot be looked at");
                }
            }
        });
        // What is not finished, the next sweep does.
        drop(timeout(CHECK, iter(looks).buffer_unordered(CONCURRENCY).collect::<()>()).await);
    }

    /// True if there is nothing more to do.
    async fn check_unreadable_room(&self, id: RoomId, now: Instant, is_due: bool) -> Result<bool, StoreError> {
        let names = self.jetstream.names.room(id);
        let Some(roster) = non_empty(self.jetstream.last(&names.stream, &names.roster()).await?) else {
            self.forget_room(id, u64::MAX);
            return Ok(true);
        };
        // Read late, its members have the time that a start gives them.
        let known = RosterSource::AtStart(now, now + Duration::from_millis(self.limits.grace_ms));
        if let Some(key) = self.key(id).await?
            && self.learn_roster(id, roster.seq, &key, &roster.payload, known)
        {
            return Ok(true);
        }
        if is_due && self.has_settled_secrets().await? {
            tracing::error!(seq = roster.seq, "a room ends, because its key is lost or its roster damaged");
            let head = non_empty(self.jetstream.last(&names.stream, &names.head()).await?);
            match head.as_ref().and_then(|head| Some((head.seq, decode::<Head>(&head.payload).ok()?))) {
                Some((head_seq, head)) => self.end(id, head_seq, &head).await?,
                None => self.purge(id, &[], head.map_or(0, |head| head.seq).max(roster.seq)).await?,
            }
        }
        Ok(false)
    }

    /// Deletes keys without a room: at the start, after the creation of a room failed or secrets were stored again, and at
    /// intervals. Such a key may be that of a room which is just being created, so a key is deleted only if it is found
    /// twice.
    pub(super) async fn repair_loop(self: Arc<Self>) {
        let mut strays = HashMap::new();
        loop {
            if let Err(error) = timeout_of(SEARCH, self.find_strays(&mut strays)).await {
                tracing::warn!(source = ?std::error::Error::source(&error), "keys without a room cannot be looked for");
                sleep(SEARCH_RETRY).await;
                continue;
            }
            sleep(STRAY_GRACE).await;
            if strays.is_empty() {
                // An error means that the time is over.
                drop(timeout(SEARCH_INTERVAL, self.repair.notified()).await);
            }
        }
    }

    /// Deletes the keys of rooms that have ended, and those that had no room before either, and stores keys of living
    /// rooms again that are not there. `strays` are keys to look at again, with the time since when they may have no room.
    async fn find_strays(&self, strays: &mut HashMap<RoomId, Instant>) -> Result<(), StoreError> {
        let now = Instant::now();
        let all = read_all(&self.jetstream).await?;
        let stored: HashSet<_> = all.iter().map(|(id, _)| *id).collect();
        strays.retain(|id, _| stored.contains(id));
        for (id, key) in self.secrets.all().into_iter().filter(|(id, _)| !stored.contains(id)) {
            let names = self.jetstream.names.room(id);
            let head = self.jetstream.look(&names.stream, &names.head()).await?;
            if head.is_some_and(|head| !head.payload.is_empty()) {
                // Lost with a part of the stream. A room that ends just now has it deleted by the next look.
                self.jetstream.put_new(self.jetstream.names.room_secret(id), key.secret.bytes()).await?;
                strays.insert(id, now);
            }
        }
        for shard in 0..SHARDS {
            let ids: Vec<_> = stored.iter().copied().filter(|id| shard_of(id.0) == shard).collect();
            for part in ids.chunks(HEADS) {
                for id in self.without_head(shard, part).await? {
                    let names = self.jetstream.names.room(id);
                    match self.jetstream.look(&names.stream, &names.head()).await? {
                        Some(head) if !head.payload.is_empty() => drop(strays.remove(&id)),
                        Some(_) => self.destroy_key(id).await?,
                        None if *strays.entry(id).or_insert(now) + STRAY_GRACE <= now => self.destroy_key(id).await?,
                        None => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns those of the rooms of a shard of which a replica has no head.
    async fn without_head(&self, shard: u8, ids: &[RoomId]) -> Result<Vec<RoomId>, StoreError> {
        let heads: Vec<_> = ids.iter().map(|id| self.jetstream.names.room(*id).head()).collect();
        let asked: Vec<_> = heads.iter().map(String::as_str).collect();
        let stream = self.jetstream.names.shard_stream(shard);
        let DirectGet::Found(found) = self.jetstream.direct_get(&stream, &asked).await? else {
            return Err(StoreError::unavailable("no replica has answered"));
        };
        let lives = |head: &str| found.get(head).is_some_and(|head| !head.payload.is_empty());
        Ok(ids.iter().zip(&heads).filter(|(_, head)| !lives(head)).map(|(id, _)| *id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_rooms_take_turns_and_are_due_after_their_grace() {
        let (unreadable, now) = (Unreadable::default(), Instant::now());
        let ids: Vec<_> = (0..MAX_PER_SWEEP as u128 + 1).map(|n| RoomId(uuid::Uuid::from_u128(n))).collect();
        ids.iter().chain(&ids).for_each(|id| unreadable.enqueue(*id));
        let first = unreadable.next(now);
        assert_eq!(first.len(), MAX_PER_SWEEP);
        assert!(first.iter().all(|(_, is_due)| !is_due));
        let later = unreadable.next(now + UNREADABLE_GRACE);
        assert!(later.contains(&(ids[MAX_PER_SWEEP], false)));
        assert_eq!(later.iter().filter(|(_, is_due)| *is_due).count(), MAX_PER_SWEEP - 1);
        ids.iter().for_each(|id| unreadable.done(*id));
        assert_eq!(unreadable.next(now), []);
    }
}
