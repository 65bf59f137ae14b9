//! The writer thread: one order for all changes of the store.
//!
//! Queued writes share one commit. After the commit the events are delivered to subscribers, then callers get results.

mod batch;
mod removal;
mod staged;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Epoch, Event, Limits, MemberId, RoomId};
use rusqlite::{Connection, TransactionBehavior};
use store::{ExpiredSeat, Keys, Lease, StoreError};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) use self::batch::Write;
use self::removal::Removals;
use super::damage::DamageReports;
use super::error::Failure;
use super::file::{self, OpenFiles};
use super::keys::{self, KeysFile};
use super::live_state::{Hold, Live};
use super::load::{self, Fault, Loaded, Unreadable};
use super::lock::Lock;
use super::reader::Reader;
use super::seal::{Keyring, Random};
use super::state::Shared;
use super::{Reply, rows, schema};

/// Maximum number of writes in one commit.
const MAX_BATCH: usize = 256;
/// Maximum number of times that the thread yields its processor before a commit. Measured in rooms of 100 on one
/// processor: 13 messages a commit with one, 44 with 32.
const MAX_YIELDS: usize = 32;
/// Interval of purges of the write-ahead log while there is other work, and after a purge that failed.
const PURGE_INTERVAL: Duration = Duration::from_millis(250);
/// Pause of an idle writer before it looks again for a job, while a purge cannot be done yet.
const PURGE_RETRY_PAUSE: Duration = Duration::from_millis(2);

/// Request to the writer thread.
#[derive(Debug)]
pub(super) enum Job {
    Write(Write),
    /// Takes a lease of a seat that a write before this job may have freed.
    Hold {
        lease: Lease,
        now: Instant,
        until: Instant,
        reply: Reply<()>,
    },
    Expire {
        now: Instant,
        reply: Reply<Vec<ExpiredSeat>>,
    },
    /// Overwrites the secrets of ended rooms if that has failed before, and checks that the files are there.
    Ready {
        reply: Reply<()>,
    },
    Close {
        reply: Reply<()>,
    },
}

/// Owner of the writing connection and the keys file. It alone changes the state of the rooms in memory.
#[derive(Debug)]
pub(super) struct Writer {
    conn: Connection,
    keys: KeysFile,
    random: Random,
    rooms: Shared,
    live: Live,
    /// Seats that the commit which is being made is to free because no lease holds them.
    leaving: Vec<(RoomId, MemberId)>,
    limits: Limits,
    /// Number of writes of the commit before.
    last_batch: usize,
    /// Highest number of a room, and highest row of the other tables, that have been used.
    last_room: i64,
    last_row: i64,
    damage: DamageReports,
    files: OpenFiles,
    /// Cancelled when one of the store's files is gone.
    lost: CancellationToken,
    removals: Removals,
    /// Rooms whose end is committed, each with the event that ended it, until their secrets are overwritten: then their
    /// ends are told.
    ending: Vec<(RoomId, Option<Event>)>,
    /// True while the write-ahead log still contains text that was edited or deleted, or a room that ended.
    purge: bool,
    /// Time of the last purge attempt.
    last_purge: std::time::Instant,
    /// True if the last purge attempt failed with an error: the next one waits for [`PURGE_INTERVAL`].
    purge_failed: bool,
    /// Declared last, so that it is dropped after the connection.
    _lock: Arc<Lock>,
}

/// A store that has been opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) writer: Writer,
    pub(super) reader: Reader,
    pub(super) rooms: Shared,
    pub(super) live: Live,
    pub(super) keys: Keys,
}

impl Writer {
    /// Opens a store, and creates it if there is none. A file that is refused is not changed.
    pub(super) fn open(path: &Path, limits: Limits, now: Instant, lost: CancellationToken) -> Result<Opened, Failure> {
        let path = &file::resolve(path)?;
        let lock = Arc::new(Lock::take(path)?);
        let mut random = Random::new()?;
        let opening = schema::open_writer(path)?;
        let keys_path = keys::path_of(path);
        let mut keys = KeysFile::open(&keys_path, opening.is_new())?;
        let mut slots = keys.read_all()?;
        let mut loaded = Loaded::default();
        if !opening.is_new() {
            loaded = load::load(opening.conn(), &slots).map_err(|error| schema::refused(path, error))?;
        }
        loaded.check_moment(path, &keys_path, &slots)?;
        if opening.is_new() {
            keys.initialize(&keys_path, &mut random)?;
            slots = keys.read_all()?;
        }
        let store = Keyring::new(keys::store_secret(&slots)?);
        let store_keys = loaded.keys.take().map_or_else(draw_keys, Ok)?;
        let is_copy = opening.is_copy();
        let conn = opening.finish(path, |tx| {
            let sealed = store.seal_store(&mut random, &store_keys)?;
            tx.execute("INSERT INTO store (place, sealed) VALUES (1, ?1) ON CONFLICT DO NOTHING", [sealed])?;
            loaded.unreadable.iter().try_for_each(|room| rows::end_room(tx, room.room))?;
            if loaded.faults.iter().any(|fault| matches!(fault, Fault::Stray(_))) {
                rows::delete_strays(tx)?;
            }
            if is_copy { assign_new_epochs(tx, &mut loaded, &mut random) } else { Ok(()) }
        })?;
        keys.repair(&loaded.slots, loaded.last_room, &mut random)?;
        let mut writer = Self {
            conn,
            keys,
            random,
            rooms: Shared::default(),
            live: Live::default(),
            leaving: Vec::new(),
            limits,
            last_batch: 1,
            last_room: loaded.last_room,
            last_row: loaded.last_row,
            damage: DamageReports::default(),
            files: OpenFiles::record(path).map_err(StoreError::unavailable)?,
            lost,
            removals: Removals::default(),
            ending: Vec::new(),
            purge: false,
            last_purge: std::time::Instant::now(),
            purge_failed: false,
            _lock: Arc::clone(&lock),
        };
        writer.restore(loaded, now);
        let (rooms, live) = (writer.rooms.clone(), writer.live.clone());
        let reader = Reader::new(schema::open_reader(path)?, rooms.clone(), lock);
        Ok(Opened { writer, reader, rooms, live, keys: store_keys })
    }

    /// Takes over what was loaded. Every seat gets a full grace period. What is damaged is logged, once for each room.
    fn restore(&mut self, loaded: Loaded, now: Instant) {
        for Unreadable { room, .. } in &loaded.unreadable {
            tracing::warn!(room, "the key or the record of a room was lost or damaged, and the room has ended");
        }
        for fault in &loaded.faults {
            let (room, what) = match fault {
                Fault::Member(room) => (room, "a member cannot be read"),
                Fault::Log(room) => (room, "its log has a hole"),
                Fault::Ids(room) => (room, "ids of its log are missing"),
                Fault::Slot(room) => (room, "another room has the same key"),
                Fault::Stray(room) => (room, "it does not exist, and had rows"),
            };
            self.damage.report(*room, &StoreError::corrupt(what));
        }
        let arrival = now + Duration::from_millis(self.limits.arrival_ms);
        let grace = now + Duration::from_millis(self.limits.grace_ms);
        let rooms = self.rooms.clone();
        let (mut rooms, mut live) = (rooms.write(), self.live.lock());
        for mut room in loaded.rooms {
            let id = room.record.id;
            live.created(id, arrival);
            for seated in room.roster.seated() {
                live.seated(id, seated.member, now, grace);
            }
            room.log.trim(&self.limits);
            self.removals.note_trimmed(&room, &self.limits);
            rooms.insert(room);
        }
        for rows in loaded.ended {
            self.removals.add_ended(rows);
        }
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
                Job::Hold { lease, now, until, reply } => {
                    let held = self.live.lock().hold(lease, now, until) == Hold::Held;
                    drop(reply.send(held.then_some(()).ok_or(StoreError::NotFound)));
                }
                Job::Expire { now, reply } => drop(reply.send(self.expire(now).map_err(StoreError::from))),
                Job::Ready { reply } => drop(reply.send(self.check_files().and_then(|()| self.destroy_retired()))),
                Job::Close { reply } => {
                    self.live.lock().close();
                    // Unlocks the file and closes the queue before the caller gets the result.
                    drop((self, jobs));
                    return drop(reply.send(Ok(())));
                }
            }
        }
    }

    /// Waits for the next job. Deletes rows of ended rooms and of trimmed events meanwhile: one step before each job, and
    /// more when no job is queued. Purges at intervals while there is such work, and at once when there is none.
    fn wait(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
        loop {
            let removes = self.removals.are_due() && self.delete_some();
            let next = match jobs.try_recv() {
                Ok(job) => Some(job),
                Err(TryRecvError::Empty) if removes || self.purge => None,
                Err(TryRecvError::Empty) => return jobs.blocking_recv(),
                Err(TryRecvError::Disconnected) => return None,
            };
            let idle = next.is_none() && !removes;
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

    /// Collects the writes queued behind the first one, up to the first job of another kind.
    ///
    /// Yields the processor to threads that are about to write, so that they share the commit: once for each write of
    /// the commit before, at most [`MAX_YIELDS`] times. A burst shares a commit, and on an idle processor nobody waits.
    fn gather(&mut self, first: Write, jobs: &mut mpsc::Receiver<Job>) -> (Vec<Write>, Option<Job>) {
        let (mut batch, mut rest) = (vec![first], None);
        let mut yields = self.last_batch.min(MAX_YIELDS);
        while batch.len() < MAX_BATCH {
            match jobs.try_recv() {
                Ok(Job::Write(write)) => batch.push(write),
                Ok(other) => {
                    rest = Some(other);
                    break;
                }
                Err(TryRecvError::Empty) if yields > 0 => {
                    yields -= 1;
                    std::thread::yield_now();
                }
                Err(_) => break,
            }
        }
        self.last_batch = batch.len();
        (batch, rest)
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

    /// Overwrites the secrets of rooms that ended, and only then tells their ends. Nothing is acknowledged while that
    /// fails.
    ///
    /// # Errors
    /// `Unavailable` when the keys file cannot be written.
    fn destroy_retired(&mut self) -> Result<(), StoreError> {
        self.keys.destroy_retired(&mut self.random).inspect_err(|error| {
            tracing::error!(source = ?std::error::Error::source(error), "the key of a room that ended cannot be overwritten");
        })?;
        for (id, event) in std::mem::take(&mut self.ending) {
            self.ended(id, event);
        }
        Ok(())
    }

    fn expire(&mut self, now: Instant) -> Result<Vec<ExpiredSeat>, Failure> {
        self.check_files()?;
        self.destroy_retired()?;
        self.removals.sweep(now);
        let expired = self.live.lock().expired(now);
        if !expired.rooms.is_empty() {
            self.end_rooms(&expired.rooms)?;
        }
        let rooms = self.rooms.read();
        let seat = |(id, member)| {
            let room = rooms.get(id).ok()?;
            let joined = room.roster.seat(member)?.joined;
            Some(ExpiredSeat { room: id, epoch: room.record.epoch, member, joined })
        };
        Ok(expired.seats.into_iter().filter_map(seat).collect())
    }

    /// Ends rooms that nobody has entered.
    fn end_rooms(&mut self, ids: &[RoomId]) -> Result<(), Failure> {
        let numbers: Vec<i64> = {
            let rooms = self.rooms.read();
            ids.iter().filter_map(|id| rooms.get(*id).ok()).map(|room| room.number).collect()
        };
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for number in numbers {
            rows::end_room(&tx, number)?;
        }
        tx.commit()?;
        for id in ids {
            self.ends(*id, None);
        }
        Ok(self.destroy_retired()?)
    }

    /// Marks the secret of a room whose end is committed, by this event unless nobody had entered it. The room stays as
    /// it is until [`Writer::destroy_retired`] has overwritten the secret.
    fn ends(&mut self, id: RoomId, event: Option<Event>) {
        if let Ok(room) = self.rooms.read().get(id) {
            self.keys.retire(room.slot);
        }
        self.removals.forget(id);
        self.ending.push((id, event));
    }

    /// Forgets a room whose secret is overwritten, and tells its subscribers.
    fn ended(&mut self, id: RoomId, event: Option<Event>) {
        if let Some(room) = self.rooms.write().remove(id) {
            self.removals.add_ended(room.into_rows());
        }
        let mut live = self.live.lock();
        if let Some(event) = event {
            live.event(id, Arc::new(event));
        }
        live.ended(id);
        drop(live);
        self.purge = true;
    }
}

fn draw_keys() -> Result<Keys, StoreError> {
    let mut keys = Keys { signing: [0; 64], member: [0; 32] };
    getrandom::fill(&mut keys.signing).map_err(StoreError::unavailable)?;
    getrandom::fill(&mut keys.member).map_err(StoreError::unavailable)?;
    Ok(keys)
}

/// Gives new epochs to all rooms of a copy, so that no client takes later events for a continuation of the log that it
/// has.
fn assign_new_epochs(tx: &Connection, loaded: &mut Loaded, random: &mut Random) -> Result<(), Failure> {
    for room in &mut loaded.rooms {
        let mut epoch = [0; 8];
        random.fill(&mut epoch);
        Arc::make_mut(&mut room.record).epoch = Epoch(u64::from_le_bytes(epoch));
        let sealed = room.keys.seal_room(random, room.number, &room.record)?;
        rows::put_room(tx, room.number, room.slot, &sealed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
