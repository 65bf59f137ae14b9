//! Validates queued writes and commits them in one transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Event, EventKind, LeaveReason, Limits, MemberId, RoomCode, RoomId, Seq};
use rusqlite::{Connection, TransactionBehavior};
use store::{Appended, NewEvent, NewRoom, Settings, StoreError, host_event, may_be_forgotten};
use tokio::time::Instant;

use super::Writer;
use super::staged::{Change, StagedRoom, says_something};
use crate::error::Failure;
use crate::keys::KeysFile;
use crate::log::Log;
use crate::record::RoomRecord;
use crate::seal::{Keyring, Random};
use crate::state::{RoomState, Rooms, Roster};
use crate::{Reply, rows};

/// Request to change the file.
#[derive(Debug)]
pub(crate) enum Write {
    Create { id: RoomId, room: NewRoom, now: Instant, reply: Reply<RoomId> },
    Append { id: RoomId, draft: NewEvent, now: Instant, reply: Reply<Appended> },
}

/// Effect of one write, once the batch is committed.
#[derive(Debug)]
pub(super) enum Outcome {
    Created,
    Appended(Appended),
    /// The first event freed the host's seat, and the second gave the room another host.
    HandedOver(Event, Event),
    /// The event ended the room: by freeing the last seat, or by the host's word.
    Ended(Event),
}

/// Effect of a batch on the state in memory, once it is committed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    created: Vec<RoomState>,
    rooms: HashMap<RoomId, Change>,
}

impl Writer {
    /// Validates and stores the writes in one transaction, except those whose callers have stopped waiting. A refused
    /// write has changed nothing and needs no rollback, also where a row cannot be read: everything is read before
    /// anything is written. Every other error of SQLite, and every one of a row that is written, rolls back and fails all
    /// writes.
    ///
    /// After the commit, the secrets of rooms that ended are overwritten. While that fails, the ends are told to nobody,
    /// and no later write is acknowledged.
    pub(super) fn commit(&mut self, mut batch: Vec<Write>) {
        batch.retain(|write| !write.is_given_up());
        if batch.is_empty() {
            return;
        }
        let rooms = self.rooms.clone();
        let committing = rooms.commit();
        let stored = self.store(&batch);
        let (outcomes, changes) = match stored {
            Ok(stored) => stored,
            Err(Failure(error)) => {
                self.settle();
                return self.fail(batch, error);
            }
        };
        let mut decided = batch.into_iter().zip(outcomes).collect::<Vec<_>>();
        self.publish(changes, &decided);
        drop(committing);
        for (write, outcome) in &decided {
            match outcome {
                Ok(Outcome::Ended(event)) => self.ends(write.room(), Some(event.clone())),
                Err(error @ StoreError::Corrupt(_)) => self.report(write.room(), error),
                Ok(_) | Err(_) => {}
            }
        }
        // A failure is logged, and leaves the ends that are not told yet.
        drop(self.destroy_retired());
        self.settle();
        for (write, outcome) in &mut decided {
            let tells_the_end = matches!(outcome, Ok(Outcome::Ended(_)) | Err(StoreError::NotFound));
            if tells_the_end && self.ending.iter().any(|(id, _)| *id == write.room()) {
                *outcome = Err(StoreError::unavailable("the key of the room cannot be overwritten"));
            }
        }
        for (write, outcome) in decided {
            answer(write, outcome);
        }
    }

    /// Lets leases be taken again of seats that the commit was to free.
    fn settle(&mut self) {
        let mut live = self.live.lock();
        self.leaving.drain(..).for_each(|(id, member)| live.settle(id, member));
    }

    fn fail(&self, batch: Vec<Write>, error: StoreError) {
        tracing::error!(source = ?std::error::Error::source(&error), writes = batch.len(), "commit failed");
        let error = Arc::new(error);
        for write in batch {
            answer(write, Err(StoreError::unavailable(Arc::clone(&error))));
        }
    }

    fn report(&mut self, id: RoomId, error: &StoreError) {
        let number = self.rooms.read().get(id).map(|room| room.number);
        if let Ok(number) = number {
            self.damage.report(number, error);
        }
    }

    /// Returns one result per write, and what they change. The outer error leaves the database unchanged.
    pub(super) fn store(&mut self, batch: &[Write]) -> Result<(Vec<Result<Outcome, StoreError>>, Changes), Failure> {
        if !self.conn.is_autocommit() {
            // An earlier rollback failed. No transaction can begin until it succeeds.
            self.conn.execute_batch("ROLLBACK")?;
        }
        self.check_files()?;
        self.destroy_retired()?;
        self.provide_keys(batch);
        let rooms = self.rooms.read();
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut staged = Batch {
            tx: &tx,
            rooms: &rooms,
            limits: &self.limits,
            keys: &mut self.keys,
            random: &mut self.random,
            last_room: &mut self.last_room,
            last_row: &mut self.last_row,
            changes: Changes::default(),
        };
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut failed = None;
        for (done, write) in batch.iter().enumerate() {
            // The arrival lease of a seat taken earlier in this batch is not in the in-memory state yet.
            let mut held = |id, member, now| {
                let is_held = batch[..done].iter().any(|write| write.seats(id, member))
                    || !self.live.lock().let_leave(id, member, now);
                if !is_held {
                    self.leaving.push((id, member));
                }
                is_held
            };
            if matches!(write, Write::Create { .. }) && !staged.keys.has_unused() {
                outcomes.push(Err(StoreError::unavailable("the keys file has no key for a new room, and cannot grow")));
                continue;
            }
            match staged.apply(write, &mut held).map_err(StoreError::from) {
                Err(error @ StoreError::Unavailable(_)) => {
                    failed = Some(error.into());
                    break;
                }
                outcome => outcomes.push(outcome),
            }
        }
        let changes = staged.changes;
        let committed = failed.map_or_else(|| tx.commit().map_err(Failure::from), Err);
        if let Err(error) = committed {
            self.keys.retire_taken();
            return Err(error);
        }
        if let Err(error) = self.keys.keep_taken() {
            let source = std::error::Error::source(&error);
            tracing::error!(?source, "the key of a room is without the room's number until the next start");
        }
        Ok((outcomes, changes))
    }

    /// Provides keys for the rooms that a batch makes, before its transaction. Where the file cannot grow, as on a full
    /// disk, those rooms are refused for which no key is left, and nothing else.
    fn provide_keys(&mut self, batch: &[Write]) {
        let rooms = batch.iter().filter(|write| matches!(write, Write::Create { .. })).count();
        if let Err(error) = self.keys.provide(rooms, &mut self.random) {
            let source = std::error::Error::source(&error);
            tracing::error!(?source, "the keys file cannot grow, and new rooms are refused");
        }
    }

    /// Applies the changes to the state in memory after the commit, and delivers the events to the subscribers of their
    /// rooms, except those that end them.
    pub(super) fn publish(&mut self, changes: Changes, decided: &[(Write, Result<Outcome, StoreError>)]) {
        let rooms = self.rooms.clone();
        // Both, so that who subscribes gets every event after the head that it is told, and no other.
        let (mut rooms, mut live) = (rooms.write(), self.live.lock());
        for room in changes.created {
            rooms.insert(room);
        }
        for (id, change) in changes.rooms {
            if let Some(room) = rooms.get_mut(id) {
                let before = &room.record.settings;
                let old_codes =
                    (before.code != change.record.settings.code).then(|| before.codes().collect::<Vec<_>>());
                change.apply(room);
                self.removals.note_trimmed(room, &self.limits);
                if let Some(codes) = old_codes {
                    rooms.update_codes(id, &codes);
                }
            }
        }
        let arrival = Duration::from_millis(self.limits.arrival_ms);
        for (write, outcome) in decided {
            match (write, outcome) {
                (Write::Create { id, now, .. }, Ok(Outcome::Created)) => live.created(*id, *now + arrival),
                (Write::Append { id, now, .. }, Ok(Outcome::Appended(Appended::Stored(event)))) => {
                    match event.kind {
                        EventKind::Joined { member, .. } => live.seated(*id, member, *now, *now + arrival),
                        EventKind::Left { member, .. } => live.freed(*id, member),
                        EventKind::Edited { .. } | EventKind::Deleted { .. } => self.purge = true,
                        _ => {}
                    }
                    live.event(*id, Arc::new(event.clone()));
                }
                (Write::Append { id, .. }, Ok(Outcome::HandedOver(left, host))) => {
                    live.freed(*id, left.by);
                    live.event(*id, Arc::new(left.clone()));
                    live.event(*id, Arc::new(host.clone()));
                }
                _ => {}
            }
        }
    }
}

impl Write {
    /// True if the caller has stopped waiting. It may have asked for something else since.
    fn is_given_up(&self) -> bool {
        match self {
            Self::Create { reply, .. } => reply.is_closed(),
            Self::Append { reply, .. } => reply.is_closed(),
        }
    }

    /// Room that the write creates or changes.
    fn room(&self) -> RoomId {
        match self {
            Self::Create { id, .. } | Self::Append { id, .. } => *id,
        }
    }

    /// True if the write takes a seat for this member in this room.
    fn seats(&self, room: RoomId, seated: MemberId) -> bool {
        matches!(self, Self::Append { id, draft: NewEvent { kind: EventKind::Joined { member, .. }, .. }, .. }
            if *id == room && *member == seated)
    }
}

/// Writes of a batch that were accepted so far.
struct Batch<'a> {
    tx: &'a Connection,
    /// State before the batch.
    rooms: &'a Rooms,
    limits: &'a Limits,
    keys: &'a mut KeysFile,
    random: &'a mut Random,
    last_room: &'a mut i64,
    last_row: &'a mut i64,
    changes: Changes,
}

impl Batch<'_> {
    fn apply(
        &mut self,
        write: &Write,
        mut held: impl FnMut(RoomId, MemberId, Instant) -> bool,
    ) -> Result<Outcome, Failure> {
        match write {
            Write::Create { id, room, .. } => self.create(*id, room),
            Write::Append { id, draft, now, .. } => {
                let base = self.rooms.get(*id)?;
                let code_is_taken = matches!(draft.kind, EventKind::Code { code } if self.has_code(code));
                let change = self.changes.rooms.entry(*id).or_insert_with(|| Change::new(base));
                let (tx, random, last_row) = (self.tx, &mut *self.random, &mut *self.last_row);
                let room = StagedRoom { tx, base, change, random, last_row };
                append(room, draft, code_is_taken, |member| held(*id, member, *now), self.limits)
            }
        }
    }

    fn create(&mut self, id: RoomId, new: &NewRoom) -> Result<Outcome, Failure> {
        let NewRoom { code, epoch, capacity, name } = new.clone();
        if self.has_code(code) {
            return Err(StoreError::CodeTaken.into());
        }
        *self.last_room += 1;
        let number = *self.last_room;
        let no_key = || StoreError::unavailable("no key is left for a new room");
        let (slot, secret) = self.keys.take(number).ok_or_else(no_key)?;
        let keys = Arc::new(Keyring::new(&secret));
        let record = RoomRecord { id, epoch, settings: Settings::new(code, capacity, name), forgotten: 0 };
        let (record, roster) = (Arc::new(record), Arc::new(Roster::default()));
        let sealed = keys.seal_room(self.random, number, &record);
        self.changes.created.push(RoomState { number, slot, keys, record, roster, log: Log::default() });
        rows::put_room(self.tx, number, slot, &sealed?)?;
        Ok(Outcome::Created)
    }

    /// True if a room has or had this code.
    fn has_code(&self, code: RoomCode) -> bool {
        let has_ended = |id| self.changes.rooms.get(&id).is_some_and(|change| change.ended);
        let created = self.changes.created.iter().map(|room| &room.record);
        self.rooms.resolve(code).is_ok_and(|id| !has_ended(id))
            || created
                .chain(self.changes.rooms.values().map(|change| &change.record))
                .any(|record| record.settings.codes().any(|taken| taken == code))
    }
}

/// Stores one event and what it changes. `code_is_taken` is true for a code that a room has or had, this one as well: only a
/// draft that is not stored yet is refused for it.
fn append(
    mut room: StagedRoom<'_>,
    draft: &NewEvent,
    code_is_taken: bool,
    mut held: impl FnMut(MemberId) -> bool,
    limits: &Limits,
) -> Result<Outcome, Failure> {
    if room.change.ended {
        return Err(StoreError::NotFound.into());
    }
    let hash = room.base.keys.hash(draft.id);
    if let Some(seq) = room.seq_of(&hash) {
        let first = room.event(seq)?;
        return Ok(Outcome::Appended(first.map_or(Appended::DuplicateTrimmed(seq), Appended::Duplicate)));
    }
    if may_be_forgotten(draft, room.change.record.forgotten) {
        return Err(StoreError::TooOld.into());
    }
    let head = room.change.log.head;
    let mut event =
        Event { seq: Seq(head.0 + 1), prev: head, id: draft.id, at: draft.at, by: draft.by, kind: draft.kind.clone() };
    room.check(&event)?;
    if code_is_taken {
        return Err(StoreError::CodeTaken.into());
    }
    let (mut host, mut edits) = (None, None);
    match &mut event.kind {
        EventKind::Joined { member, name } => {
            *name = room.seat(*member, name, &draft.keys, event.seq)?;
            if room.change.record.settings.host.is_none() {
                room.set(|record| record.settings.host = Some(*member))?;
            }
        }
        EventKind::Left { member, why } => {
            let seated = room.change.roster.seat(*member).cloned().ok_or(StoreError::Conflict)?;
            if *why == LeaveReason::Vanished && held(*member) {
                return Err(StoreError::Conflict.into());
            }
            let Some(next) = room.change.roster.first_but(*member) else {
                room.end()?;
                return Ok(Outcome::Ended(event));
            };
            room.free(seated, event.seq)?;
            if room.change.record.settings.host == Some(*member) {
                room.set(|record| record.settings.host = Some(next))?;
                host = Some(host_event(&event, next));
            }
            room.change_settings(&draft.kind)?;
        }
        EventKind::Renamed { member, name, was } => {
            *was = room.change.roster.seat(*member).ok_or(StoreError::Conflict)?.name.clone();
            *name = room.seat(*member, name, &draft.keys, event.seq)?;
        }
        EventKind::Ended => {
            room.end()?;
            return Ok(Outcome::Ended(event));
        }
        _ => edits = apply_member_event(&mut room, &event)?,
    }
    room.push(hash, &event, edits, limits)?;
    if let Some(host) = &host {
        room.push(room.base.keys.hash(host.id), host, None, limits)?;
    }
    Ok(match host {
        Some(host) => Outcome::HandedOver(event, host),
        None => Outcome::Appended(Appended::Stored(event)),
    })
}

/// Validates an event of a seated member against the message that it targets, and applies it to that or to the room.
/// Returns the message that the event edits.
fn apply_member_event(room: &mut StagedRoom<'_>, event: &Event) -> Result<Option<Seq>, Failure> {
    match &event.kind {
        EventKind::Message { .. } => {}
        EventKind::Edited { target, .. } => return room.amend(*target, event).map(Some),
        EventKind::Deleted { target } => drop(room.amend(*target, event)?),
        EventKind::Reacted { target, .. } => {
            let seq = room.seq_of(&room.base.keys.hash(*target)).ok_or(StoreError::NoTarget)?;
            room.event(seq)?.filter(says_something).ok_or(StoreError::NoTarget)?;
        }
        EventKind::Settings(_) | EventKind::Code { .. } | EventKind::Host { .. } => {
            room.change_settings(&event.kind)?
        }
        EventKind::Joined { .. }
        | EventKind::Renamed { .. }
        | EventKind::Left { .. }
        | EventKind::Ended
        | EventKind::Unknown => return Err(StoreError::Conflict.into()),
    }
    Ok(None)
}

/// Sends the result to the caller, who may have stopped waiting.
fn answer(write: Write, outcome: Result<Outcome, StoreError>) {
    match write {
        Write::Create { id, reply, .. } => drop(reply.send(outcome.map(|_| id))),
        Write::Append { reply, .. } => drop(reply.send(match outcome {
            Ok(Outcome::Appended(appended)) => Ok(appended),
            Ok(Outcome::Ended(event) | Outcome::HandedOver(event, _)) => Ok(Appended::Stored(event)),
            Ok(Outcome::Created) => Err(StoreError::Conflict),
            Err(error) => Err(error),
        })),
    }
}
