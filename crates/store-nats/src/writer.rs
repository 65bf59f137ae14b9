//! Combines the queued writes of one room into batches.
//!
//! In each process one task writes to a room, and other processes may write to it too. A batch is conditional on the
//! head for which it was built, so one process succeeds and the other validates again. A draft is refused only on state
//! that was read from the leader after the draft arrived.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::{Appended, BackendError, Draft, known_ids};
use futures_util::future::try_join_all;
use protocol::{EventId, MemberId, RoomId, Seq};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::plan::{Holds, Plan, Stop, Unneeded};
use super::record::decode;
use super::room::{Room, full};
use super::seats::Known;
use super::store::CommitError;
use super::{Engine, closed};

/// Maximum number of writes queued for one room. Further callers wait for a free slot.
const QUEUE: usize = 256;
/// Limits of one batch: writes, messages and bytes. The server accepts at most 1 000 messages.
const GROUP: usize = 64;
const MESSAGES: usize = 600;
const BYTES: usize = 512 * 1024;
/// Time after which an idle task ends, and with it its cached state of the room.
const IDLE: Duration = Duration::from_secs(30);
/// Time for which a batch is retried while the store does not respond: longer than a cluster takes to elect a leader.
/// An attempt that begins near the end of it may be cut off by the operation's time limit.
const PATIENCE: Duration = Duration::from_secs(7);
/// Pause before a write is retried with another queue.
const RETRY: Duration = Duration::from_millis(1);
/// Maximum number of retries of a batch after another process changed the room first.
const TRIES: u32 = 40;

/// One queued append.
#[derive(Debug)]
struct Job {
    draft: Draft,
    now: Instant,
    reply: oneshot::Sender<Result<Appended, BackendError>>,
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
struct Written {
    outcomes: Vec<Result<Appended, BackendError>>,
    /// State of the room after the batch; `None` if the room ended.
    room: Option<Room>,
}

/// Lookup of the leases that are active at one moment.
struct Leased<'a> {
    engine: &'a Engine,
    now: Instant,
}

#[async_trait::async_trait]
impl Holds for Leased<'_> {
    async fn is_held(&self, id: RoomId, member: MemberId) -> Result<bool, BackendError> {
        self.engine.is_held(id, member, self.now).await
    }
}

impl Engine {
    pub(super) async fn append(
        self: Arc<Self>,
        id: RoomId,
        draft: Draft,
        now: Instant,
    ) -> Result<Appended, BackendError> {
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

    /// Writes to one room until there has been no write for [`IDLE`].
    async fn write(self: Arc<Self>, id: RoomId, mut jobs: mpsc::Receiver<Job>) {
        let mut room = None;
        loop {
            let mut group = Vec::new();
            match timeout(IDLE, jobs.recv_many(&mut group, GROUP)).await {
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

    async fn write_all(&self, id: RoomId, mut jobs: VecDeque<Job>, mut room: Option<Room>) -> Option<Room> {
        let (began, mut tries, mut careful) = (Instant::now(), 0, false);
        while !jobs.is_empty() {
            let error = match self.write_some(id, &jobs, room.take(), careful).await {
                Ok(written) => {
                    for (job, outcome) in jobs.drain(..written.outcomes.len()).zip(written.outcomes) {
                        // The caller may have stopped waiting.
                        drop(job.reply.send(outcome));
                    }
                    (room, tries, careful) = (written.room, 0, false);
                    continue;
                }
                Err(Stop::Stale) if tries < TRIES => {
                    (tries, careful) = (tries + 1, true);
                    sleep(jitter(tries)).await;
                    continue;
                }
                Err(Stop::Stale) => BackendError::unavailable("too many processes write to one room"),
                Err(Stop::Failed(BackendError::Unavailable(_))) if began.elapsed() < PATIENCE => {
                    careful = true;
                    sleep(Duration::from_millis(50) + jitter(6)).await;
                    continue;
                }
                Err(Stop::Failed(error)) => error,
            };
            fail(jobs.drain(..), error);
        }
        room
    }

    /// Writes one batch with as many jobs as fit. If `careful`, it reads the room again, and also which of the ids were
    /// appended before.
    async fn write_some(
        &self,
        id: RoomId,
        jobs: &VecDeque<Job>,
        room: Option<Room>,
        careful: bool,
    ) -> Result<Written, Stop> {
        let room = match room.filter(|_| !careful) {
            Some(room) => room,
            None => Room::load(&self.store, id).await?,
        };
        let ids = if careful { self.known(id, jobs).await? } else { HashMap::new() };
        let mut plan = Plan::new(&self.store, id, room, ids, &self.limits);
        let (mut outcomes, mut latest) = (Vec::with_capacity(jobs.len()), None);
        for job in jobs {
            if job.reply.is_closed() {
                // The caller got an error that leaves the result open, and may have sent something else since.
                outcomes.push(Err(closed()));
                continue;
            }
            let outcome = plan.decide(&job.draft, &Leased { engine: self, now: job.now }).await?;
            if !careful && !matches!(outcome, Ok(Appended::Stored(_))) {
                return Err(Stop::Stale);
            }
            if let Ok(Appended::Stored(event)) = &outcome {
                latest = Some((event.seq, job.now));
            }
            outcomes.push(outcome);
            let (messages, bytes) = plan.weight();
            if messages > MESSAGES || bytes > BYTES {
                break;
            }
        }
        let (came_or_went, ended) = (plan.came_or_went, plan.ended);
        let unneeded = std::mem::take(&mut plan.unneeded);
        let (mut room, puts) = plan.finish()?;
        let (Some(puts), Some((seq, now))) = (puts, latest) else { return Ok(Written { outcomes, room: Some(room) }) };
        room.mark = self.store.commit(puts).await.map_err(|error| match error {
            CommitError::Conflict => Stop::Stale,
            CommitError::Failed(error) => Stop::Failed(error),
        })?;
        if ended {
            self.seats.forget(id, room.mark);
            self.bury(id, room.roster.code, room.mark).await;
        } else if came_or_went {
            self.seats.learn(id, room.mark - 1, &room.roster, Known::Own(now));
        }
        self.feeds.hear(id, room.head.epoch, seq).await;
        if !ended && let Err(error) = self.remove(id, unneeded).await {
            // An id or name that stays does no harm. Later ids are removed together with these, a name with its room.
            tracing::warn!(source = ?std::error::Error::source(&error), "old ids or names cannot be removed");
        }
        Ok(Written { outcomes, room: (!ended).then_some(room) })
    }

    /// Removes ids and names that the room does not need any more.
    async fn remove(&self, id: RoomId, unneeded: Unneeded) -> Result<(), BackendError> {
        let names = self.store.names.room(id);
        if unneeded.ids {
            self.store.purge_oldest(&names.stream, names.ids(), known_ids(&self.limits)).await?;
        }
        let stream = &names.stream;
        let purges = unneeded.names.into_iter().map(|(member, left)| {
            // Before that event, so that the name of a member who came back since and left again stays.
            self.store.purge(stream, names.name(member), Some(left))
        });
        try_join_all(purges).await.map(drop)
    }

    /// Reads which of the drafts have been appended before, and returns their ids and seqs.
    async fn known(&self, id: RoomId, jobs: &VecDeque<Job>) -> Result<HashMap<EventId, Seq>, BackendError> {
        let names = self.store.names.room(id);
        let look = async |id: EventId| -> Result<Option<(EventId, Seq)>, BackendError> {
            let found = full(self.store.last(&names.stream, &names.id(id)).await?);
            found.map(|found| Ok((id, decode(&found.payload)?))).transpose()
        };
        let found = try_join_all(jobs.iter().map(|job| look(job.draft.id))).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Fails all of these jobs with one error.
fn fail(jobs: impl Iterator<Item = Job>, error: BackendError) {
    let reason = match error {
        BackendError::NotFound => None,
        error => Some(Arc::new(error)),
    };
    for job in jobs {
        let error =
            reason.as_ref().map_or(BackendError::NotFound, |error| BackendError::unavailable(Arc::clone(error)));
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
