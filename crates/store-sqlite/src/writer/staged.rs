//! Changes of one room in a batch: written to the database in the batch's transaction, and kept apart from the room's
//! state in memory until that is committed.

use std::sync::Arc;

use protocol::{Event, EventId, EventKind, Limits, MemberId, Seq, ShownName};
use rusqlite::Connection;
use store::{Distinct, NameKeys, StoreError};

use crate::error::Failure;
use crate::log::{Kept, LogChange};
use crate::record::{MemberRecord, RoomRecord, kind_length};
use crate::rows::{self, EventRow};
use crate::seal::{IdHash, Random};
use crate::state::{Person, RoomState, Roster};

/// State of a room after the writes of a batch that were accepted so far.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) record: Arc<RoomRecord>,
    pub(super) roster: Arc<Roster>,
    pub(super) log: LogChange,
    /// True once the last seat is freed.
    pub(super) ended: bool,
}

impl Change {
    pub(super) fn new(room: &RoomState) -> Self {
        Self {
            record: Arc::clone(&room.record),
            roster: Arc::clone(&room.roster),
            log: LogChange::new(&room.log),
            ended: false,
        }
    }

    /// Applies the change to the room's state, after the commit.
    pub(super) fn apply(self, room: &mut RoomState) {
        room.record = self.record;
        room.roster = self.roster;
        room.log.apply(self.log);
    }
}

/// A room that a batch changes. Whatever is read may fail with `Corrupt`, and is read before anything is written.
#[derive(Debug)]
pub(super) struct StagedRoom<'a> {
    pub(super) tx: &'a Connection,
    /// State of the room before the batch.
    pub(super) base: &'a RoomState,
    pub(super) change: &'a mut Change,
    pub(super) random: &'a mut Random,
    /// Highest row that has been used.
    pub(super) last_row: &'a mut i64,
}

impl StagedRoom<'_> {
    /// Returns the seq of the event with this id, even if the event has been trimmed. `None` also if the id is forgotten.
    pub(super) fn seq_of(&self, hash: &IdHash) -> Option<Seq> {
        self.change.log.seq_of(&self.base.log, hash)
    }

    /// Reads an event. `None` if it has been trimmed.
    pub(super) fn event(&self, seq: Seq) -> Result<Option<Event>, Failure> {
        if seq <= self.change.log.trimmed {
            return Ok(None);
        }
        let row = self.change.log.kept(&self.base.log, seq).map(Kept::row);
        let row = row.ok_or_else(|| StoreError::corrupt("an event is missing"))?;
        let event = rows::event(self.tx, &self.base.keys, self.base.number, row, seq)?;
        Ok(Some(event.ok_or_else(|| StoreError::corrupt("an event is missing"))?))
    }

    /// Reads a message that is in the log and not deleted.
    pub(super) fn message(&self, id: EventId) -> Result<Option<Event>, Failure> {
        let Some(seq) = self.seq_of(&self.base.keys.hash(id)) else { return Ok(None) };
        Ok(self.event(seq)?.filter(|event| matches!(event.kind, EventKind::Message { body: Some(_), .. })))
    }

    /// Applies the edit or deletion `later` to its message, and removes the replaced text from the edit before.
    pub(super) fn amend(&mut self, message: Event, later: &EventKind) -> Result<(), Failure> {
        let seq = message.seq;
        let edit = self.change.log.edit_of(&self.base.log, seq);
        let edit = edit.map(|edit| self.event(edit)).transpose()?.flatten();
        for mut event in std::iter::once(message).chain(edit) {
            if event.amend(later) {
                self.rewrite(&event)?;
            }
        }
        self.change.log.set_edit(seq, None);
        Ok(())
    }

    fn rewrite(&mut self, event: &Event) -> Result<(), Failure> {
        let Some(kept) = self.change.log.kept(&self.base.log, event.seq) else { return Ok(()) };
        let sealed = self.base.keys.seal_event(self.random, self.base.number, kept.row(), event)?;
        rows::rewrite_event(self.tx, kept.row(), &sealed)?;
        self.change.log.resize(event.seq, kept, kind_length(sealed.len()));
        Ok(())
    }

    /// Appends an event, whose id has this hash, and trims the log. `edits` is the message whose text it has too.
    pub(super) fn push(
        &mut self,
        hash: IdHash,
        event: &Event,
        edits: Option<Seq>,
        limits: &Limits,
    ) -> Result<(), Failure> {
        let (room, row) = (self.base.number, self.next_row());
        let sealed = self.base.keys.seal_event(self.random, room, row, event)?;
        rows::insert_event(self.tx, &EventRow { row, room, seq: event.seq, hash, edits, sealed: &sealed })?;
        let log = &mut self.change.log;
        log.push(hash, Kept::new(row, kind_length(sealed.len())));
        if let Some(message) = edits {
            log.set_edit(message, Some(event.seq));
        }
        log.trim(&self.base.log, limits);
        Ok(())
    }

    /// Gives a member's name its number and hue, and a new member the seat. A member who has one keeps the hue.
    pub(super) fn seat(
        &mut self,
        member: MemberId,
        name: &ShownName,
        keys: &NameKeys,
        now: Seq,
    ) -> Result<ShownName, Failure> {
        let seated = self.change.roster.seat(member);
        let (joined, hue) = seated.map_or((now, None), |seated| (seated.joined, Some(seated.name.hue)));
        let others = self.change.roster.others(member);
        let Distinct { name, keys } = Distinct::choose(name.name.clone(), keys, hue, &others);
        self.put_member(MemberRecord { member, name: name.clone(), keys, joined, left: None })?;
        Ok(name)
    }

    /// Frees a seat. The name stays until this `left`, the last event that mentions the member, is trimmed.
    pub(super) fn free(&mut self, seated: MemberRecord, left: Seq) -> Result<(), Failure> {
        self.put_member(MemberRecord { left: Some(left), ..seated })
    }

    fn put_member(&mut self, record: MemberRecord) -> Result<(), Failure> {
        let known = self.change.roster.get(record.member).map(|person| person.row);
        let row = known.unwrap_or_else(|| self.next_row());
        let sealed = self.base.keys.seal_member(self.random, self.base.number, row, &record)?;
        rows::put_member(self.tx, row, self.base.number, &sealed)?;
        Arc::make_mut(&mut self.change.roster).insert(Person { row, record });
        Ok(())
    }

    /// Changes the room's record.
    pub(super) fn set(&mut self, change: impl FnOnce(&mut RoomRecord)) -> Result<(), Failure> {
        change(Arc::make_mut(&mut self.change.record));
        let sealed = self.base.keys.seal_room(self.random, self.base.number, &self.change.record)?;
        Ok(rows::put_room(self.tx, self.base.number, self.base.slot, &sealed)?)
    }

    /// Ends the room.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        self.change.ended = true;
        Ok(rows::end_room(self.tx, self.base.number)?)
    }

    fn next_row(&mut self) -> i64 {
        *self.last_row += 1;
        *self.last_row
    }
}
