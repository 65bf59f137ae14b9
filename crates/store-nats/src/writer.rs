//! Combines the queued writes of one room into batches.
//!
//! In each process one task writes to a room, and other processes may write to it too. A batch is conditional on the
//! head for which it was built, so one process succeeds and the other validates again. A draft is refused only on state
//! that was read from the leader after the draft arrived.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::{Appended, NewEvent, StoreError};
use futures_util::future::try_join_all;
use protocol::{EventId, MemberId, RoomId, Seq};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::jetstream::CommitError;
use super::plan::{LeaseLookup, Plan, PlanError, Unneeded};
use super::record::decode;
use super::room::{RoomState, non_empty};
use super::seal::RoomKey;
use super::seats::RosterSource;
use super::{Shared, closed};

/// Maximum number of writes queued for one room. Further callers wait for a free slot.
const QUEUE: usize = 256;
/// Limits of one batch: writes, messages and bytes. The server accepts at most 1 000 messages.
const MAX_WRITES: usize = 64;
const MESSAGES: usize = 600;
const BYTES: usize = 512 * 1024;
/// Time after which an idle task ends, and with it its cached state of the room.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for which a batch is retried while the store does not respond: longer than a cluster takes to elect a leader.
/// An attempt that begins near the end of it may be cut off by the operation's time limit.
const RETRY_TIMEOUT: Duration = Duration::from_secs(7);
/// Pause before a write is retried with another queue.
const RETRY: Duration = Duration::from_millis(1);
/// Maximum number of retries of a batch after another process changed the room first.
const MAX_RETRIES: u32 = 40;

/// One queued append.
#[derive(Debug)]
struct Job {
    draft: NewEvent,
    now: Instant,
    reply: oneshot::Sender<Result<Appended, StoreError>>,
}

/// Queues of the rooms to which this process writes.
#[derive(Debug, Default)]
pub(super) struct Writers {
    rooms: Mutex<HashMap<RoomId, mpsc::Sender<Job>>>,
}

impl Writers {
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, mpsc::Sender<Job>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the room's queue, or starts a new one if that is closed: its task may have ended without removing it.
    fn queue(&self, id: RoomId, start: impl FnOnce() -> mpsc::Sender<Job>) -> mpsc::Sender<Job> {
        let mut rooms = self.rooms();
        match rooms.get(&id) {
            Some(queue) if !queue.is_closed() => queue.clone(),
            _ => {
                let queue = start();
                rooms.insert(id, queue.clone());
                queue
            }
        }
    }
}

/// Result of a batch.
struct BatchResult {
    outcomes: Vec<Result<Appended, StoreError>>,
    /// State of the room after the batch; `None` if the room ended.
    room: Option<RoomState>,
    removable: Removable,
}

/// What a batch has left to remove once its callers have their answers.
enum Removable {
    /// Messages that the room does not need any more, and its head.
    Unneeded(Unneeded, u64),
    /// The whole room, of which these are the hashes of its codes and its empty head.
    Room(Vec<Uuid>, u64),
}

/// Lookup of the leases that are active at one moment.
struct LeasesAt<'a> {
    shared: &'a Shared,
    now: Instant,
}

#[async_trait::async_trait]
impl LeaseLookup for LeasesAt<'_> {
    async fn is_held(&self, id: RoomId, member: MemberId) -> Result<bool, StoreError> {
        self.shared.is_held(id, member, self.now).await
    }
}

impl Shared {
    pub(super) async fn append(
        self: Arc<Self>,
        id: RoomId,
        draft: NewEvent,
        now: Instant,
    ) -> Result<Appended, StoreError> {
        let (reply, answer) = oneshot::channel();
        let mut job = Job { draft, now, reply };
        // A queue that was just closed returns the job. The operation's time limit bounds this loop.
        while let Err(mpsc::error::SendError(back)) = self.writer(id).send(job).await {
            job = back;
            sleep(RETRY).await;
        }
        answer.await.map_err(|_| closed())?
    }

    fn writer(self: &Arc<Self>, id: RoomId) -> mpsc::Sender<Job> {
        let start = || {
            let (queue, jobs) = mpsc::channel(QUEUE);
            self.background.spawn(Arc::clone(self).write(id, jobs));
            queue
        };
        self.writers.queue(id, start)
    }

    /// Writes to one room until there has been no write for [`IDLE_TIMEOUT`].
    async fn write(self: Arc<Self>, id: RoomId, mut jobs: mpsc::Receiver<Job>) {
        let mut room = None;
        loop {
            let mut group = Vec::new();
            match timeout(IDLE_TIMEOUT, jobs.recv_many(&mut group, MAX_WRITES)).await {
                Ok(0) => return,
                Ok(_) => room = self.write_all(id, group.into(), room).await,
                Err(_) => {
                    self.writers.rooms().remove(&id);
                    // Jobs in the queue are still written; later ones go to a new queue.
                    jobs.close();
                }
            }
        }
    }

    async fn write_all(&self, id: RoomId, mut jobs: VecDeque<Job>, mut room: Option<RoomState>) -> Option<RoomState> {
        let (began, mut tries, mut reload) = (Instant::now(), 0, false);
        while !jobs.is_empty() {
            let error = match self.write_some(id, &jobs, room.take(), reload).await {
                Ok(written) => {
                    for (job, outcome) in jobs.drain(..written.outcomes.len()).zip(written.outcomes) {
                        // The caller may have stopped waiting.
                        drop(job.reply.send(outcome));
                    }
                    self.remove(id, written.removable).await;
                    (room, tries, reload) = (written.room, 0, false);
                    continue;
                }
                Err(PlanError::Stale) if tries < MAX_RETRIES => {
                    (tries, reload) = (tries + 1, true);
                    sleep(jitter(tries)).await;
                    continue;
                }
                Err(PlanError::Stale) => StoreError::unavailable("too many processes write to one room"),
                Err(PlanError::Failed(StoreError::Unavailable(_))) if began.elapsed() < RETRY_TIMEOUT => {
                    reload = true;
                    sleep(Duration::from_millis(50) + jitter(6)).await;
                    continue;
                }
                Err(PlanError::Failed(error)) => error,
            };
            fail(jobs.drain(..), error);
        }
        room
    }

    /// Writes one batch with as many jobs as fit. If `reload`, it reads the room again, and also which of the ids were
    /// appended before.
    async fn write_some(
        &self,
        id: RoomId,
        jobs: &VecDeque<Job>,
        room: Option<RoomState>,
        reload: bool,
    ) -> Result<BatchResult, PlanError> {
        let room = match room.filter(|_| !reload) {
            Some(room) => room,
            None => self.load(id).await?,
        };
        let ids = if reload { self.known(id, &room.key, jobs).await? } else { HashMap::new() };
        let mut plan = Plan::new(&self.jetstream, &self.secrets.codes, id, room, ids, &self.limits)?;
        let (mut outcomes, mut latest) = (Vec::with_capacity(jobs.len()), None);
        for job in jobs {
            if job.reply.is_closed() {
                // The caller got an error that leaves the result open, and may have sent something else since.
                outcomes.push(Err(closed()));
                continue;
            }
            let outcome = plan.decide(&job.draft, &LeasesAt { shared: self, now: job.now }).await?;
            if !reload && !matches!(outcome, Ok(Appended::Stored(_))) {
                return Err(PlanError::Stale);
            }
            if let Ok(Appended::Stored(event)) = &outcome {
                latest = Some((event.seq, job.now));
            }
            outcomes.push(outcome);
            let (messages, bytes) = plan.batch_size();
            if messages > MESSAGES || bytes > BYTES {
                break;
            }
        }
        let (roster_changed, ended) = (plan.roster_changed, plan.ended);
        let unneeded = std::mem::take(&mut plan.unneeded);
        let (mut room, messages) = plan.finish()?;
        let (Some(messages), Some((seq, now))) = (messages, latest) else {
            let removable = Removable::Unneeded(unneeded, room.head_seq);
            return Ok(BatchResult { outcomes, room: Some(room), removable });
        };
        room.head_seq = self.jetstream.commit(messages).await.map_err(|error| match error {
            CommitError::Conflict => PlanError::Stale,
            CommitError::Failed(error) => PlanError::Failed(error),
        })?;
        if ended {
            self.seats.remove_room(id, room.head_seq);
            if timeout(RETRY_TIMEOUT, self.destroy_key_patiently(id)).await.is_err() {
                outcomes.fill_with(|| Err(StoreError::unavailable("the key of a room that ended is still stored")));
            }
        } else if roster_changed {
            self.seats.update_roster(id, room.head_seq - 1, &room.roster, RosterSource::Own(now));
        }
        self.feeds.wait_until_delivered(id, room.head.epoch, seq).await;
        Ok(if ended {
            let codes = [room.head.codes, unneeded.codes].concat();
            BatchResult { outcomes, removable: Removable::Room(codes, room.head_seq), room: None }
        } else {
            BatchResult { outcomes, removable: Removable::Unneeded(unneeded, room.head_seq), room: Some(room) }
        })
    }

    async fn remove(&self, id: RoomId, removable: Removable) {
        match removable {
            Removable::Room(codes, head) => self.purge_or_enqueue(id, &codes, head).await,
            Removable::Unneeded(unneeded, head) => {
                if let Err(error) = self.remove_unneeded(id, unneeded, head).await {
                    // An id or name that stays does no harm. Later ids are removed together with these, a name with
                    // its room. Of a code an empty message stays until a room gets it.
                    tracing::warn!(source = ?std::error::Error::source(&error), "old ids, names or codes cannot be removed");
                }
            }
        }
    }

    /// Removes ids, names and codes that the room does not need any more.
    async fn remove_unneeded(&self, id: RoomId, unneeded: Unneeded, head: u64) -> Result<(), StoreError> {
        self.purge_codes(&unneeded.codes, head).await?;
        let names = self.jetstream.names.room(id);
        if let Some(before) = unneeded.ids {
            self.jetstream.purge(&names.stream, names.ids(), Some(before)).await?;
        }
        let stream = &names.stream;
        let purges = unneeded.names.into_iter().map(|(member, left)| {
            // Before that event, so that the name of a member who came back since and left again stays.
            self.jetstream.purge(stream, names.name(member), Some(left))
        });
        try_join_all(purges).await.map(drop)
    }

    /// Reads which of the drafts have been appended before, and returns their ids and seqs.
    async fn known(
        &self,
        id: RoomId,
        key: &RoomKey,
        jobs: &VecDeque<Job>,
    ) -> Result<HashMap<EventId, Seq>, StoreError> {
        let names = self.jetstream.names.room(id);
        let look = async |id: EventId| -> Result<Option<(EventId, Seq)>, StoreError> {
            let found = non_empty(self.jetstream.last(&names.stream, &names.id(key.hash(id.0))).await?);
            found.map(|found| Ok((id, decode(&found.payload)?))).transpose()
        };
        let found = try_join_all(jobs.iter().map(|job| look(job.draft.id))).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Fails all of these jobs with one error.
fn fail(jobs: impl Iterator<Item = Job>, error: StoreError) {
    let reason = match error {
        StoreError::NotFound => None,
        error => Some(Arc::new(error)),
    };
    for job in jobs {
        let error = reason.as_ref().map_or(StoreError::NotFound, |error| StoreError::unavailable(Arc::clone(error)));
        drop(job.reply.send(Err(error)));
    }
}

/// Returns a random delay below 2^`tries` and 64 milliseconds, so that processes do not retry at the same time.
fn jitter(tries: u32) -> Duration {
    let most = 1 << tries.min(6);
    Duration::from_millis(getrandom::u32().map_or(most, u64::from) % most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_queue_is_replaced_and_an_open_one_kept() {
        let (writers, id) = (Writers::default(), RoomId(uuid::Uuid::nil()));
        let [(one, from_one), (two, _from_two), (three, _)] = std::array::from_fn(|_| mpsc::channel(QUEUE));
        assert!(writers.queue(id, || one.clone()).same_channel(&one));
        assert!(writers.queue(id, || two.clone()).same_channel(&one));
        // The task that read from it has ended without removing it.
        drop(from_one);
        assert!(writers.queue(id, || two.clone()).same_channel(&two));
        assert!(writers.queue(id, || three).same_channel(&two));
    }
}
