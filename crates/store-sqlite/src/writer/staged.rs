//! Changes of one room in a batch: written to the database in the batch's transaction, and kept apart from the room's
//! state in memory until that is committed.

use std::sync::Arc;

use protocol::{Event, EventId, EventKind, Limits, MemberId, Seq, ShownName};
use rusqlite::Connection;
use store::{Distinct, NameKeys, StoreError};

use crate::error::Failure;
use crate::log::{Kept, LogChange};
use crate::record::{EventRecord, MemberRecord, RoomRecord, kind_length};
use crate::rows::{self, EventRow, Events};
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
        Ok(self.record(seq)?.map(|(record, edit)| record.with_text_of(edit).ok_or_else(missing)).transpose()?)
    }

    /// Reads the record of an event, and that of the newest edit if it is a message. `None` if it has been trimmed.
    fn record(&self, seq: Seq) -> Result<Option<(EventRecord, Option<EventRecord>)>, Failure> {
        if seq <= self.change.log.trimmed {
            return Ok(None);
        }
        let mut query = Events::prepare(self.tx)?;
        let mut read = |seq| {
            let row = self.change.log.kept(&self.base.log, seq).map(Kept::row).ok_or_else(missing)?;
            let record = query.event(&self.base.keys, self.base.number, row, seq)?;
            record.ok_or_else(|| Failure::from(missing()))
        };
        let edit = self.change.log.edit_of(&self.base.log, seq).map(&mut read).transpose()?;
        Ok(Some((read(seq)?, edit)))
    }

    /// Validates the edit or deletion `later` of a message, and takes its present text back, also from the edit that has
    /// it. Returns the seq of the message.
    pub(super) fn amend(&mut self, target: EventId, later: &Event) -> Result<Seq, Failure> {
        let seq = self.seq_of(&self.base.keys.hash(target)).ok_or(StoreError::NoTarget)?;
        let (record, edit) = self.record(seq)?.ok_or(StoreError::NoTarget)?;
        let mut message = record.clone().with_text_of(edit.clone()).ok_or_else(missing)?;
        if !says_something(&message) {
            return Err(StoreError::NoTarget.into());
        }
        if message.by != later.by {
            return Err(StoreError::NotAuthor.into());
        }
        message.amend(&later.kind);
        // The new text is in the edit alone.
        let text_is_in_edit = says_something(&message);
        let length = kind_length(&message.kind);
        if let EventKind::Message { body, edited, .. } = &mut message.kind {
            (*body, *edited) = (None, false);
        }
        self.rewrite(&EventRecord { event: message, text_is_in_edit, ..record }, length)?;
        if let Some(mut edit) = edit
            && edit.event.amend(&later.kind)
        {
            let length = kind_length(&edit.event.kind);
            self.rewrite(&edit, length)?;
        }
        Ok(seq)
    }

    fn rewrite(&mut self, record: &EventRecord, length: usize) -> Result<(), Failure> {
        let seq = record.event.seq;
        let kept = self.change.log.kept(&self.base.log, seq).ok_or_else(missing)?;
        let sealed = self.base.keys.seal_event(self.random, self.base.number, kept.row(), record)?;
        rows::rewrite_event(self.tx, kept.row(), length, &sealed)?;
        self.change.log.resize(seq, kept, length);
        Ok(())
    }

    /// Appends an event, whose id has this hash, and trims the log. `edits` is the message that it edits.
    pub(super) fn push(
        &mut self,
        hash: IdHash,
        event: &Event,
        edits: Option<Seq>,
        limits: &Limits,
    ) -> Result<(), Failure> {
        let (room, row, seq) = (self.base.number, self.next_row(), event.seq);
        let (sealed, length) = self.base.keys.seal_new_event(self.random, room, row, event)?;
        rows::insert_event(self.tx, &EventRow { row, room, seq, hash, edits, length, sealed: &sealed })?;
        let log = &mut self.change.log;
        log.push(hash, Kept::new(row, length));
        if let Some(message) = edits {
            log.set_edit(message, seq);
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
        rows::put_room(self.tx, self.base.number, self.base.slot, &sealed)
    }

    /// Checks that those have seats who need one, and that the room's settings permit the event.
    pub(super) fn check(&self, event: &Event) -> Result<(), StoreError> {
        let roster = &self.change.roster;
        let is_seated = |member| roster.seat(member).is_some();
        self.change.record.settings.check(event, is_seated, || roster.seated().count())
    }

    /// Applies what an event changes in the room's settings.
    pub(super) fn change_settings(&mut self, kind: &EventKind) -> Result<(), Failure> {
        let mut settings = self.change.record.settings.clone();
        if settings.apply(kind) { self.set(|record| record.settings = settings) } else { Ok(()) }
    }

    /// Ends the room.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        self.change.ended = true;
        rows::end_room(self.tx, self.base.number)
    }

    fn next_row(&mut self) -> i64 {
        *self.last_row += 1;
        *self.last_row
    }
}

fn missing() -> StoreError {
    StoreError::corrupt("an event is missing")
}

/// True for a message that is not deleted.
pub(super) fn says_something(event: &Event) -> bool {
    matches!(event.kind, EventKind::Message { body: Some(_), .. })
}
