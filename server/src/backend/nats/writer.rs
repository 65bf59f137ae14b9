//! Writes that wait for one room become one batch.
//!
//! Of this process one task writes to a room; other processes may write to it too. The batch says which head it was
//! made for, so one of them wins and the other decides again. A refusal is told only when it was decided on what the
//! leader knew after the draft came.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;
use protocol::{EventId, MemberId, RoomCode, Seq};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::plan::{Holds, Plan, Stop};
use super::record::decode;
use super::room::{Room, full};
use super::seats::Known;
use super::store::CommitError;
use super::{Engine, closed};
use crate::backend::{Appended, BackendError, Draft};

/// Writes that may wait for one room. Callers beyond it wait for a place.
const QUEUE: usize = 256;
/// Writes of one batch, and its size: the server takes at most 1 000 messages.
const GROUP: usize = 64;
const MESSAGES: usize = 600;
const BYTES: usize = 512 * 1024;
/// How long a task without work is kept, and with it what it knows of the room.
const IDLE: Duration = Duration::from_secs(30);
/// How long a batch is tried again while the store does not answer: longer than a cluster needs for a new leader. A try
/// that begins at the end of it may be cut off by the end of the verb.
const PATIENCE: Duration = Duration::from_secs(7);
/// Pause of a write before it is offered to another queue.
const RETRY: Duration = Duration::from_millis(1);
/// How often a batch is tried again because another process was faster, at most.
const TRIES: u32 = 40;

/// One append on its way.
#[derive(Debug)]
struct Job {
    draft: Draft,
    now: Instant,
    reply: oneshot::Sender<Result<Appended, BackendError>>,
}

/// The rooms that this process writes to.
#[derive(Debug, Default)]
pub(super) struct Writers {
    rooms: Mutex<HashMap<RoomCode, mpsc::Sender<Job>>>,
}

impl Writers {
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomCode, mpsc::Sender<Job>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room's queue, or another one where that is closed: whoever read from it may have ended without a word.
    fn queue(&self, code: RoomCode, start: impl FnOnce() -> mpsc::Sender<Job>) -> mpsc::Sender<Job> {
        let mut rooms = self.rooms();
        match rooms.get(&code) {
            Some(queue) if !queue.is_closed() => queue.clone(),
            _ => {
                let queue = start();
                rooms.insert(code, queue.clone());
                queue
            }
        }
    }
}

/// What a batch did.
struct Written {
    outcomes: Vec<Result<Appended, BackendError>>,
    /// None: it ended.
    room: Option<Room>,
}

/// Whoever holds a seat, at one moment.
struct Leased<'a> {
    engine: &'a Engine,
    now: Instant,
}

#[async_trait::async_trait]
impl Holds for Leased<'_> {
    async fn is_held(&self, code: RoomCode, member: MemberId) -> Result<bool, BackendError> {
        self.engine.is_held(code, member, self.now).await
    }
}

impl Engine {
    pub(super) async fn append(
        self: Arc<Self>,
        code: RoomCode,
        draft: Draft,
        now: Instant,
    ) -> Result<Appended, BackendError> {
        let (reply, answer) = oneshot::channel();
        let mut job = Job { draft, now, reply };
        // A queue that was just given up gives the job back. The verb's time bounds this.
        while let Err(mpsc::error::SendError(back)) = self.writer(code).send(job).await {
            job = back;
            sleep(RETRY).await;
        }
        answer.await.map_err(|_| closed())?
    }

    fn writer(self: &Arc<Self>, code: RoomCode) -> mpsc::Sender<Job> {
        let start = || {
            let (queue, jobs) = mpsc::channel(QUEUE);
            self.background.spawn(Arc::clone(self).write(code, jobs));
            queue
        };
        self.writers.queue(code, start)
    }

    /// Writes to one room as long as there is something to write.
    async fn write(self: Arc<Self>, code: RoomCode, mut jobs: mpsc::Receiver<Job>) {
        let mut room = None;
        loop {
            let mut group = Vec::new();
            match timeout(IDLE, jobs.recv_many(&mut group, GROUP)).await {
                Ok(0) => return,
                Ok(_) => room = self.write_all(code, group.into(), room).await,
                Err(_) => {
                    self.writers.rooms().remove(&code);
                    // What is in the queue is still written; what comes later goes to another.
                    jobs.close();
                }
            }
        }
    }

    async fn write_all(&self, code: RoomCode, mut jobs: VecDeque<Job>, mut room: Option<Room>) -> Option<Room> {
        let (began, mut tries, mut careful) = (Instant::now(), 0, false);
        while !jobs.is_empty() {
            let error = match self.write_some(code, &jobs, room.take(), careful).await {
                Ok(written) => {
                    for (job, outcome) in jobs.drain(..written.outcomes.len()).zip(written.outcomes) {
                        // Whoever asked may have gone.
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

    /// One batch of as many jobs as go into it. Careful: everything is read anew, also whether the ids are known.
    async fn write_some(
        &self,
        code: RoomCode,
        jobs: &VecDeque<Job>,
        room: Option<Room>,
        careful: bool,
    ) -> Result<Written, Stop> {
        let room = match room.filter(|_| !careful) {
            Some(room) => room,
            None => Room::load(&self.store, code).await?,
        };
        let ids = if careful { self.known(code, jobs).await? } else { HashMap::new() };
        let mut plan = Plan::new(&self.store, code, room, ids, (self.limits.events, self.limits.timeline));
        let (mut outcomes, mut latest) = (Vec::with_capacity(jobs.len()), None);
        for job in jobs {
            if job.reply.is_closed() {
                // Whoever asked has been told that nothing is known, and may have asked for something else since.
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
        let (mut room, puts) = plan.finish()?;
        let (Some(puts), Some((seq, now))) = (puts, latest) else { return Ok(Written { outcomes, room: Some(room) }) };
        room.mark = self.store.commit(puts).await.map_err(|error| match error {
            CommitError::Conflict => Stop::Stale,
            CommitError::Failed(error) => Stop::Failed(error),
        })?;
        if ended {
            self.seats.forget(code, room.mark);
            self.bury(code, room.mark).await;
        } else if came_or_went {
            self.seats.learn(code, room.mark - 1, &room.roster, Known::Own(now));
        }
        self.feeds.hear(code, room.head.epoch, seq).await;
        Ok(Written { outcomes, room: (!ended).then_some(room) })
    }

    /// Which of the drafts have been appended before.
    async fn known(&self, code: RoomCode, jobs: &VecDeque<Job>) -> Result<HashMap<EventId, Seq>, BackendError> {
        let names = self.store.names.room(code);
        let look = async |id: EventId| -> Result<Option<(EventId, Seq)>, BackendError> {
            let found = full(self.store.last(&names.stream, &names.id(id)).await?);
            found.map(|found| Ok((id, decode(&found.payload)?))).transpose()
        };
        let found = try_join_all(jobs.iter().map(|job| look(job.draft.id))).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// All of them for one reason.
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

/// Waits a little and not as long as the others, longer with every try.
fn jitter(tries: u32) -> Duration {
    let most = 1 << tries.min(6);
    Duration::from_millis(getrandom::u32().map_or(most, u64::from) % most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_queue_is_replaced_and_an_open_one_kept() {
        let (writers, code) = (Writers::default(), RoomCode::from_entropy([7; 5]));
        let [(one, from_one), (two, _from_two), (three, _)] = std::array::from_fn(|_| mpsc::channel(QUEUE));
        assert!(writers.queue(code, || one.clone()).same_channel(&one));
        assert!(writers.queue(code, || two.clone()).same_channel(&one));
        // The task that read from it is gone, and has removed nothing.
        drop(from_one);
        assert!(writers.queue(code, || two.clone()).same_channel(&two));
        assert!(writers.queue(code, || three).same_channel(&two));
    }
}
