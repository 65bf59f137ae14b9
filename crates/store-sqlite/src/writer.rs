//! The writer thread: one order for all changes of the store.
//!
//! Queued writes share one commit. After the commit the events are delivered to subscribers, then callers get results.

mod batch;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Limits, MemberId, RoomId};
use rusqlite::{Connection, TransactionBehavior};
use store::{ExpiredSeat, Keys, Lease, PresenceUpdate, StoreError, Subscription};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) use self::batch::Write;
use super::damage::DamageReports;
use super::error::Failure;
use super::file::{self, OpenFiles};
use super::live_state::LiveState;
use super::lock::Lock;
use super::reader::Reader;
use super::rooms::Key;
use super::{Reply, rooms, schema, seats};

/// Maximum number of writes in one commit.
const MAX_BATCH: usize = 256;
/// Maximum number of rows of ended rooms that are deleted at once, so that no write waits long for them.
const STEP: usize = 1_000;
/// Interval of purges of the write-ahead log while there is other work, and after a purge that failed.
const PURGE_INTERVAL: Duration = Duration::from_millis(250);
/// Pause of an idle writer before it looks again for a job, while a purge cannot be done yet.
const PURGE_RETRY_PAUSE: Duration = Duration::from_millis(2);

/// Request to the writer thread.
#[derive(Debug)]
pub(super) enum Job {
    Write(Write),
    Presence { id: RoomId, update: PresenceUpdate },
    Subscribe { id: RoomId, reply: Reply<Subscription> },
    Hold { lease: Lease, now: Instant, until: Instant, reply: Reply<()> },
    Release { lease: Lease, reply: Reply<()> },
    Expire { now: Instant, reply: Reply<Vec<ExpiredSeat>> },
    Close { reply: Reply<()> },
}

/// Owner of the writing connection and of the in-memory state.
#[derive(Debug)]
pub(super) struct Writer {
    conn: Connection,
    live: LiveState,
    limits: Limits,
    damage: DamageReports,
    files: OpenFiles,
    /// Cancelled when one of the store's files is gone.
    lost: CancellationToken,
    /// True while ids of ended rooms may be left. A start does not know, and each sweep asks again after a failure.
    ended: bool,
    /// True if the last deletion of such ids failed.
    delete_failed: bool,
    /// True while the write-ahead log still contains text that was edited or deleted, or a room that ended.
    purge: bool,
    /// Time of the last purge attempt.
    last_purge: std::time::Instant,
    /// True if the last purge attempt failed with an error: the next one waits for [`PURGE_INTERVAL`].
    purge_failed: bool,
    /// Declared last, so that it is dropped after the connection.
    _lock: Arc<Lock>,
}

impl Writer {
    pub(super) fn open(
        path: &Path,
        limits: Limits,
        now: Instant,
        lost: CancellationToken,
    ) -> Result<(Self, Reader, Keys), Failure> {
        let path = &file::resolve(path)?;
        let lock = Arc::new(Lock::take(path)?);
        let conn = schema::open_writer(path)?;
        let keys = schema::keys(&conn)?;
        let writer = Self {
            live: restore(&conn, &limits, now)?,
            limits,
            damage: DamageReports::default(),
            files: OpenFiles::record(path).map_err(StoreError::unavailable)?,
            lost,
            ended: true,
            delete_failed: false,
            purge: false,
            last_purge: std::time::Instant::now(),
            purge_failed: false,
            _lock: Arc::clone(&lock),
            conn,
        };
        Ok((writer, Reader::new(schema::open_reader(path)?, lock), keys))
    }

    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| self.wait(&mut jobs)) {
            match job {
                Job::Write(first) => {
                    let (batch, rest) = self.gather(first, &mut jobs);
                    next = rest;
                    self.commit(batch);
                }
                Job::Presence { id, update } => self.live.send_presence(id, update),
                Job::Subscribe { id, reply } => drop(reply.send(self.subscribe(id).map_err(StoreError::from))),
                Job::Hold { lease, now, until, reply } => {
                    let held = self.live.hold(lease, now, until);
                    drop(reply.send(held.then_some(()).ok_or(StoreError::NotFound)));
                }
                Job::Release { lease, reply } => {
                    self.live.release(lease);
                    drop(reply.send(Ok(())));
                }
                Job::Expire { now, reply } => drop(reply.send(self.expire(now).map_err(StoreError::from))),
                Job::Close { reply } => {
                    // Unlocks the file and closes the queue before the caller gets the result.
                    drop((self, jobs));
                    return drop(reply.send(Ok(())));
                }
            }
        }
    }

    /// Waits for the next job. Removes what is left of ended rooms meanwhile: one step before each job, and more when
    /// no job is queued. Purges at intervals while there is such work, and at once when there is none.
    fn wait(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
        loop {
            self.ended = self.ended && self.delete_some();
            let next = match jobs.try_recv() {
                Ok(job) => Some(job),
                Err(TryRecvError::Empty) if self.ended || self.purge => None,
                Err(TryRecvError::Empty) => return jobs.blocking_recv(),
                Err(TryRecvError::Disconnected) => return None,
            };
            let idle = next.is_none() && !self.ended;
            let due = (idle && !self.purge_failed) || self.last_purge.elapsed() >= PURGE_INTERVAL;
            let purged = self.purge && due && self.purge();
            if next.is_some() {
                return next;
            }
            if idle && !purged {
                std::thread::sleep(PURGE_RETRY_PAUSE);
            }
        }
    }

    /// Collects the writes queued behind the first one, up to the first job of another kind. Presence updates have no
    /// order relative to writes and are delivered at once.
    fn gather(&self, first: Write, jobs: &mut mpsc::Receiver<Job>) -> (Vec<Write>, Option<Job>) {
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH {
            match jobs.try_recv() {
                Ok(Job::Write(write)) => batch.push(write),
                Ok(Job::Presence { id, update }) => self.live.send_presence(id, update),
                Ok(other) => return (batch, Some(other)),
                Err(_) => break,
            }
        }
        (batch, None)
    }

    /// Deletes some ids of rooms that ended. False if there are none, or if they cannot be deleted now: then the next
    /// sweep tries again.
    fn delete_some(&mut self) -> bool {
        let tried = self.try_delete_some();
        if let Err(error) = &tried
            && !self.delete_failed
        {
            tracing::warn!(%error, "ids of ended rooms cannot be deleted; trying again with every sweep until they can");
        }
        self.delete_failed = tried.is_err();
        let found = tried.unwrap_or(false);
        self.purge |= found;
        found
    }

    fn try_delete_some(&mut self) -> rusqlite::Result<bool> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = rooms::delete_ended(&tx, STEP)?;
        tx.commit()?;
        Ok(found)
    }

    /// Removes deleted content from the disk by emptying the write-ahead log. False if that has to be tried again.
    fn purge(&mut self) -> bool {
        let tried = schema::checkpoint(&self.conn);
        if let Err(error) = &tried
            && !self.purge_failed
        {
            tracing::warn!(%error, "the write-ahead log cannot be emptied; trying again until it can");
        }
        self.purge_failed = tried.is_err();
        let done = tried.unwrap_or(false);
        self.purge = !done;
        self.last_purge = std::time::Instant::now();
        done
    }

    /// Checks that the open files are still those at the store's path. Otherwise the next start would not find what is
    /// written now, so no write is acknowledged. The sweep, every second by default, calls this for an idle store too.
    ///
    /// # Errors
    /// `Unavailable` when one of the files is gone.
    fn check_files(&self) -> Result<(), StoreError> {
        let Some(missing) = self.files.first_missing() else { return Ok(()) };
        if !self.lost.is_cancelled() {
            tracing::error!(file = %missing.display(), "a file of the store was removed, moved, replaced or emptied");
            self.lost.cancel();
        }
        Err(StoreError::unavailable(format!("{} is gone", missing.display())))
    }

    pub(super) fn subscribe(&mut self, id: RoomId) -> Result<Subscription, Failure> {
        let row = rooms::find(&self.conn, Key::Id(id))?.ok_or(StoreError::NotFound)?;
        let deliveries = self.live.subscribe(id).ok_or(StoreError::NotFound)?;
        Ok(Subscription { head: row.position(), deliveries })
    }

    fn expire(&mut self, now: Instant) -> Result<Vec<ExpiredSeat>, Failure> {
        self.check_files()?;
        self.ended = true;
        let expired = self.live.expired(now);
        if !expired.rooms.is_empty() {
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for id in &expired.rooms {
                if let Some(room) = rooms::number(&tx, Key::Id(*id))? {
                    rooms::end(&tx, room)?;
                }
            }
            tx.commit()?;
            self.purge = true;
            for id in expired.rooms {
                self.live.ended(id);
            }
        }
        let mut seats = Vec::with_capacity(expired.seats.len());
        for (id, member) in expired.seats {
            match self.seat(id, member) {
                Ok(seat) => seats.extend(seat),
                // Damage of one room must not stop the sweep of the others.
                Err(Failure(error @ StoreError::Corrupt(_))) => self.damage.report(&self.conn, Key::Id(id), &error),
                Err(error) => return Err(error),
            }
        }
        Ok(seats)
    }

    fn seat(&self, id: RoomId, member: MemberId) -> Result<Option<ExpiredSeat>, Failure> {
        let Some(row) = rooms::find(&self.conn, Key::Id(id))? else { return Ok(None) };
        let joined = seats::joined(&self.conn, row.room, member)?;
        Ok(joined.map(|joined| ExpiredSeat { room: id, epoch: row.epoch, member, joined }))
    }
}

/// Builds the in-memory state of a store that is being opened. Every seat gets a full grace period. Rows that cannot be
/// read are logged and skipped, so that they do not prevent the start.
fn restore(conn: &Connection, limits: &Limits, now: Instant) -> rusqlite::Result<LiveState> {
    let mut live = LiveState::default();
    let mut ids = std::collections::HashMap::new();
    for (room, id) in rooms::ids(conn)? {
        let Some(id) = id else {
            tracing::error!(room, "a room is damaged: its id cannot be read");
            continue;
        };
        ids.insert(room, id);
        live.created(id, now + Duration::from_millis(limits.arrival_ms));
    }
    for (room, member) in seats::all(conn)? {
        match (ids.get(&room), member) {
            (Some(id), Some(member)) => {
                live.seated(*id, member, now, now + Duration::from_millis(limits.grace_ms));
            }
            (Some(_), None) => tracing::error!(room, "a room is damaged: a member cannot be read"),
            (None, _) => {}
        }
    }
    Ok(live)
}
