//! Deletion of rows, in steps between other writes: those of rooms that ended, and those of events that were trimmed.
//!
//! The oldest events of all rooms stand together at the beginning of the table. So the rows of trimmed events are
//! deleted together, many at once: one by one, each would cost a page. Their ids are kept, in packs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use protocol::{EventId, Limits, RoomId, Seq};
use rusqlite::{Connection, TransactionBehavior};
use store::known_ids;
use tokio::time::Instant;
use uuid::Uuid;

use super::Writer;
use crate::error::Failure;
use crate::log::Pack;
use crate::record::{PackRecord, RoomRecord};
use crate::rows;
use crate::seal::{IdHash, Random, Table};
use crate::state::{RoomState, Rows};

/// Maximum number of rows that are deleted at once, so that no write waits long for them.
pub(super) const STEP: usize = 1_000;
/// Maximum number of ids in a pack.
const PACK: usize = 128;
/// Interval at which the trimmed events of rooms with few of them are deleted. Each time costs a commit, and writes the
/// last pack of each of these rooms anew.
pub(super) const PACK_INTERVAL: Duration = Duration::from_secs(60);

/// Rows to be deleted.
#[derive(Debug, Default)]
pub(super) struct Removals {
    ended: VecDeque<Rows>,
    /// Rooms with trimmed events that still have rows, and the number of those.
    trimmed: BTreeMap<RoomId, usize>,
    /// Number of those of all rooms.
    waiting: usize,
    /// True if rows of trimmed events have to be deleted without waiting for more of them.
    is_due: bool,
    /// Time from which few trimmed events are enough.
    few_due: Option<Instant>,
    /// True if the last deletion failed. The next sweep tries again.
    has_failed: bool,
    is_failure_logged: bool,
}

impl Removals {
    /// Adds the rows of a room that ended.
    pub(super) fn add_ended(&mut self, rows: Rows) {
        self.ended.push_back(rows);
    }

    /// Notes how many trimmed events of a room still have rows.
    pub(super) fn note_trimmed(&mut self, room: &RoomState, limits: &Limits) {
        self.forget(room.record.id);
        let waiting = room.log.waiting();
        if waiting > 0 {
            self.trimmed.insert(room.record.id, waiting);
            self.waiting += waiting;
            self.is_due |= waiting >= (limits.events / 4).clamp(1, PACK) || self.waiting >= STEP;
        }
    }

    /// Forgets the trimmed events of a room that ended.
    pub(super) fn forget(&mut self, id: RoomId) {
        self.waiting -= self.trimmed.remove(&id).unwrap_or_default();
    }

    /// True if rows have to be deleted now.
    pub(super) fn are_due(&self) -> bool {
        !self.has_failed && (self.is_due || !self.ended.is_empty())
    }

    /// Makes due what a sweep does: a deletion that failed, and at intervals the trimmed events of rooms with few of them.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.has_failed = false;
        let due = self.few_due.get_or_insert(now + PACK_INTERVAL);
        if *due <= now {
            *due = now + PACK_INTERVAL;
            self.is_due |= !self.trimmed.is_empty();
        }
    }
}

impl Writer {
    /// Deletes some rows. False if there are none left, or if they cannot be deleted now.
    pub(super) fn delete_some(&mut self) -> bool {
        let tried = self.delete_ended().and_then(|()| self.delete_trimmed());
        if let Err(Failure(error)) = &tried
            && !self.removals.is_failure_logged
        {
            let source = std::error::Error::source(error);
            tracing::warn!(
                ?source,
                "rows of what is gone cannot be deleted; trying again with every sweep until they can"
            );
        }
        self.removals.has_failed = tried.is_err();
        self.removals.is_failure_logged = tried.is_err();
        self.removals.are_due()
    }

    fn delete_ended(&mut self) -> Result<(), Failure> {
        if self.removals.ended.is_empty() {
            return Ok(());
        }
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Rows deleted of the first room that is not complete then.
        let (mut left, mut complete, mut part) = (STEP, 0, 0);
        for Rows { room, rows } in &self.removals.ended {
            part = rows.len().min(left);
            rows[rows.len() - part..].iter().try_for_each(|(table, row)| rows::delete(&tx, *table, *row))?;
            left -= part;
            if left == 0 {
                break;
            }
            rows::delete_room(&tx, *room)?;
            (left, complete, part) = (left - 1, complete + 1, 0);
        }
        if complete > 0 {
            rows::put_last_room(&tx, self.last_room)?;
        }
        tx.commit()?;
        self.removals.ended.drain(..complete);
        if let Some(Rows { rows, .. }) = self.removals.ended.front_mut() {
            rows.truncate(rows.len() - part);
        }
        self.purge = true;
        Ok(())
    }

    fn delete_trimmed(&mut self) -> Result<(), Failure> {
        if !self.removals.is_due {
            return Ok(());
        }
        let changes = {
            let rooms = self.rooms.read();
            let chosen = choose(self.removals.trimmed.keys().filter_map(|id| rooms.get(*id).ok()));
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let taken = take_events(&tx, &chosen)?;
            let mut changes = Vec::new();
            for ((room, _), events) in chosen.into_iter().zip(taken) {
                let deletion = Deletion { tx: &tx, room, random: &mut self.random };
                changes.push((room.record.id, deletion.run(events, known_ids(&self.limits), &mut self.last_row)?));
            }
            tx.commit()?;
            changes
        };
        let rooms = self.rooms.clone();
        let mut rooms = rooms.write();
        for (id, change) in changes {
            if let Some(room) = rooms.get_mut(id) {
                change.apply(room);
                self.removals.note_trimmed(room, &self.limits);
            }
        }
        self.removals.is_due = self.removals.waiting >= STEP;
        Ok(())
    }
}

/// Chooses rooms, and how many trimmed events of each to delete.
fn choose<'a>(rooms: impl Iterator<Item = &'a RoomState>) -> Vec<(&'a RoomState, usize)> {
    let mut left = STEP;
    let choice = |room: &'a RoomState| {
        let events = room.log.waiting().min(PACK).min(left);
        left -= events;
        (events > 0).then_some((room, events))
    };
    rooms.map_while(choice).collect()
}

/// Remainder of an event whose row is deleted. Empty where the row is missing: no id has that hash.
#[derive(Clone, Debug, Default)]
struct Taken {
    hash: IdHash,
    id: Uuid,
    at: u64,
}

/// Deletes the first events of these rooms, in the order of the table. Returns what remains of those of each room, in the
/// order of its log.
fn take_events(tx: &Connection, rooms: &[(&RoomState, usize)]) -> Result<Vec<Vec<Taken>>, Failure> {
    let mut taken: Vec<_> = rooms.iter().map(|(_, events)| vec![Taken::default(); *events]).collect();
    let mut all = Vec::new();
    for ((room, events), taken) in rooms.iter().zip(&mut taken) {
        all.extend(room.log.kept.iter().take(*events).zip(taken).map(|(kept, taken)| (kept.row(), *room, taken)));
    }
    all.sort_by_key(|(row, ..)| *row);
    for (row, room, taken) in all {
        let Some((hash, sealed)) = rows::take_event(tx, row)? else { continue };
        // The id of a damaged event is lost, but not its hash, by which a duplicate is recognised.
        let head = room.keys.open_event_head(room.number, row, &sealed);
        let (id, at) = head.map_or((Uuid::nil(), 0), |(id, at)| (id.0, at));
        *taken = Taken { hash, id, at };
    }
    Ok(taken)
}

/// Deletion of the first events of a room in a transaction.
struct Deletion<'a> {
    tx: &'a Connection,
    room: &'a RoomState,
    random: &'a mut Random,
}

/// Effect of a deletion on the state in memory, once it is committed.
#[derive(Debug)]
struct Deleted {
    events: usize,
    /// Seq of the last of them.
    last: Seq,
    /// Pack that has their ids, and true if it replaces the one before.
    pack: Pack,
    merged: bool,
    /// Hashes of ids that are forgotten, in so many packs.
    forgotten: Vec<IdHash>,
    packs: usize,
    record: Arc<RoomRecord>,
}

impl Deletion<'_> {
    /// Stores the ids of events whose rows were deleted, forgets ids that are older than the newest `known`, and deletes
    /// names that no event mentions any more.
    fn run(mut self, taken: Vec<Taken>, known: u64, last_row: &mut i64) -> Result<Deleted, Failure> {
        let room = self.room;
        let (events, last) = (taken.len(), Seq(room.log.deleted().0 + taken.len() as u64));
        let (pack, merged) = self.store_ids(taken, last_row)?;
        for row in room.roster.forgotten(last) {
            rows::delete(self.tx, Table::Members, row)?;
        }
        let horizon = Seq(room.log.head.0.saturating_sub(known));
        let old: Vec<Pack> = room.log.packs.iter().copied().take_while(|pack| pack.last() <= horizon).collect();
        let (mut record, mut forgotten) = (Arc::clone(&room.record), Vec::new());
        for pack in &old {
            let (hashes, sealed) = rows::take_pack(self.tx, pack.row)?.unwrap_or_default();
            let newest = room.keys.open_pack(room.number, pack.row, &sealed).map_or(0, |pack| pack.newest);
            let record = Arc::make_mut(&mut record);
            record.forgotten = record.forgotten.max(newest);
            forgotten.extend(hashes);
        }
        if !old.is_empty() {
            let sealed = room.keys.seal_room(self.random, room.number, &record)?;
            rows::put_room(self.tx, room.number, room.slot, &sealed)?;
        }
        Ok(Deleted { events, last, pack, merged, forgotten, packs: old.len(), record })
    }

    /// Stores ids in the last pack, or in a new one. True if it was the last one, which is still known.
    fn store_ids(&mut self, taken: Vec<Taken>, last_row: &mut i64) -> Result<(Pack, bool), Failure> {
        let Self { tx, room, random } = self;
        let first = Seq(room.log.deleted().0 + 1);
        let last = room.log.packs.back().filter(|pack| pack.len + taken.len() <= PACK && pack.last().0 + 1 == first.0);
        let (mut pack, mut hashes, mut record) = match last {
            Some(last) => {
                let (hashes, sealed) = rows::take_pack(tx, last.row)?.unwrap_or_default();
                let lost = || PackRecord { newest: 0, ids: vec![EventId(Uuid::nil()); last.len] };
                (*last, hashes, room.keys.open_pack(room.number, last.row, &sealed).unwrap_or_else(|_| lost()))
            }
            None => {
                *last_row += 1;
                (Pack { row: *last_row, first, len: 0 }, Vec::new(), PackRecord::default())
            }
        };
        hashes.resize(pack.len, IdHash::default());
        for Taken { hash, id, at } in taken {
            hashes.push(hash);
            record.ids.push(EventId(id));
            record.newest = record.newest.max(at);
        }
        pack.len = hashes.len();
        let sealed = room.keys.seal_pack(random, room.number, pack.row, &record)?;
        rows::insert_pack(tx, pack.row, room.number, pack.first, &hashes, &sealed)?;
        Ok((pack, last.is_some()))
    }
}

impl Deleted {
    fn apply(self, room: &mut RoomState) {
        if self.merged {
            room.log.packs.pop_back();
        }
        room.log.packs.push_back(self.pack);
        room.log.packs.drain(..self.packs);
        self.forgotten.iter().for_each(|hash| room.log.forget_id(hash));
        room.log.delete_first(self.events);
        if room.roster.forgotten(self.last).next().is_some() {
            Arc::make_mut(&mut room.roster).forget(self.last);
        }
        room.record = self.record;
    }
}
