//! Validates queued appends in order against one room snapshot and builds the batch to commit. This does not change the
//! store: a plan that cannot be committed is discarded.

use std::collections::{HashMap, HashSet};

use ::store::seal::Random;
use ::store::{Appended, NameKeys, NewEvent, StoreError, host_event, known_ids, may_be_forgotten};
use protocol::{Event, EventId, EventKind, LeaveReason, Limits, MemberId, RoomCode, RoomId, Seq};
use uuid::Uuid;

use super::codes::{claim, free_place};
use super::jetstream::{BatchMessage, JetStream};
use super::record::{Entry, decode};
use super::room::{Oldest, RoomState, end, entries, non_empty, size};
use super::seal::{CodeKey, Place};
use super::subject::{self, shard_of};

/// Number of events that are read at once when the oldest have to be trimmed.
const SIZES_PER_READ: u64 = 64;
/// Maximum number of trimmed events whose text one append removes; the next append continues.
const MAX_ERASED: u64 = 64;

/// Reason why a draft could not be validated or committed.
#[derive(Debug)]
pub(super) enum PlanError {
    /// The room has changed since it was read.
    Stale,
    Failed(StoreError),
}

impl From<StoreError> for PlanError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Lookup of active leases.
#[async_trait::async_trait]
pub(super) trait LeaseLookup: Sync {
    async fn is_held(&self, id: RoomId, member: MemberId) -> Result<bool, StoreError>;
}

pub(super) struct Plan<'a> {
    jetstream: &'a JetStream,
    codes: &'a CodeKey,
    names: subject::RoomSubjects,
    random: Random,
    id: RoomId,
    pub(super) room: RoomState,
    /// Maximum number of events and of bytes that the room keeps.
    retention: (u64, usize),
    /// Number of ids that the room knows at least.
    known: u64,
    messages: Vec<BatchMessage>,
    /// Events that are known, in their version after this plan.
    entries: HashMap<Seq, Entry>,
    ids: HashMap<EventId, Seq>,
    /// Members who take their seats in this plan.
    newly_seated: HashSet<MemberId>,
    pub(super) roster_changed: bool,
    pub(super) ended: bool,
    pub(super) unneeded: Unneeded,
}

/// Messages that are not needed once a plan is committed.
#[derive(Debug, Default)]
pub(super) struct Unneeded {
    /// Stream sequence before which all ids are forgotten.
    pub(super) ids: Option<u64>,
    /// Hashes of the former members whose last event is trimmed, with the stream sequence of that event: a name with a
    /// lower one.
    pub(super) names: Vec<(Uuid, u64)>,
    /// Hashes of the codes that the room has dropped. Their messages are empty.
    pub(super) codes: Vec<Uuid>,
}

impl<'a> Plan<'a> {
    /// Creates an empty plan. `ids` maps ids that were appended before to their seqs.
    pub(super) fn new(
        jetstream: &'a JetStream,
        codes: &'a CodeKey,
        id: RoomId,
        room: RoomState,
        ids: HashMap<EventId, Seq>,
        limits: &Limits,
    ) -> Result<Self, StoreError> {
        let retention = ((limits.events as u64).min(room.head.ring), limits.timeline);
        Ok(Self {
            jetstream,
            codes,
            names: jetstream.names.room(id),
            random: Random::new()?,
            id,
            room,
            retention,
            known: known_ids(limits),
            messages: Vec::new(),
            entries: HashMap::new(),
            ids,
            newly_seated: HashSet::new(),
            roster_changed: false,
            ended: false,
            unneeded: Unneeded::default(),
        })
    }

    /// Adds a draft to the plan. The inner error refuses the draft; the outer one ends the plan.
    pub(super) async fn decide(
        &mut self,
        draft: &NewEvent,
        leases: &impl LeaseLookup,
    ) -> Result<Result<Appended, StoreError>, PlanError> {
        if self.ended {
            return Ok(Err(StoreError::NotFound));
        }
        if let Some(seq) = self.ids.get(&draft.id).copied() {
            return Ok(Ok(match self.entry(seq).await? {
                Some(entry) => Appended::Duplicate(entry.event),
                None => Appended::DuplicateTrimmed(seq),
            }));
        }
        if may_be_forgotten(draft, self.room.head.forgotten) {
            return Ok(Err(StoreError::TooOld));
        }
        let (prev, NewEvent { id, at, by, kind, keys }) = (self.room.head.seq, draft.clone());
        let mut event = Event { seq: Seq(prev.0 + 1), prev, id, at, by, kind };
        if let Err(refused) = self.change(&mut event, &keys, leases).await? {
            return Ok(Err(refused));
        }
        self.push(event.clone()).await?;
        let (roster, host) = (&self.room.roster, self.room.roster.settings.host);
        if let Some(first) = roster.members.first().filter(|_| host.is_none_or(|host| roster.seat(host).is_none())) {
            let (first, is_new_room) = (first.member, host.is_none());
            self.room.roster.settings.host = Some(first);
            if !is_new_room {
                self.push(host_event(&event, first)).await?;
            }
        }
        Ok(Ok(Appended::Stored(event)))
    }

    /// Adds an event to the end of the log.
    async fn push(&mut self, event: Event) -> Result<(), PlanError> {
        let (epoch, id, seq, at) = (self.room.head.epoch, event.id, event.seq, event.at);
        let entry = Entry { epoch, event, edit: None, ends: self.ended, stored: 0 };
        self.put(&entry)?;
        self.ids.insert(id, seq);
        self.room.head.seq = seq;
        self.room.head.bytes += size(&entry);
        self.entries.insert(seq, entry);
        if !self.ended {
            let hash = self.room.key.hash(id.0);
            self.messages.push(BatchMessage::new(self.names.id(hash), &seq)?.if_seq(0));
            self.forget_ids(at);
            self.trim().await?;
            self.erase_trimmed();
        }
        Ok(())
    }

    /// Adds the message of an event in its current version.
    fn put(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let slot = self.room.head.slot(entry.event.seq);
        let sealed = self.room.key.seal(&mut self.random, Place::Event(slot), entry)?;
        self.messages.push(BatchMessage::sealed(self.names.event(slot), sealed));
        Ok(())
    }

    /// Validates the event, gives it what the commit chooses, and plans what it changes besides the end of the log. The
    /// inner error refuses the event.
    async fn change(
        &mut self,
        event: &mut Event,
        keys: &NameKeys,
        leases: &impl LeaseLookup,
    ) -> Result<Result<(), StoreError>, PlanError> {
        if let Err(refused) = self.room.roster.check(event) {
            return Ok(Err(refused));
        }
        match &mut event.kind {
            EventKind::Joined { member, name } => {
                *name = self.room.roster.take_seat(*member, &name.name, keys, event.seq);
                self.newly_seated.insert(*member);
                self.roster_changed = true;
            }
            EventKind::Left { member, why } => {
                // The arrival lease of a seat taken in this plan does not exist yet.
                if *why == LeaveReason::Vanished
                    && (self.newly_seated.contains(member) || leases.is_held(self.id, *member).await?)
                {
                    return Ok(Err(StoreError::Conflict));
                }
                self.free_seat(*member)?;
                self.room.roster.settings.apply(&event.kind);
            }
            EventKind::Renamed { member, name, was } => {
                let Some(names) = self.room.roster.rename(*member, &name.name, keys) else {
                    return Ok(Err(StoreError::Conflict));
                };
                (*was, *name) = names;
                self.roster_changed = true;
            }
            EventKind::Message { .. } => {}
            EventKind::Settings(_) | EventKind::Host { .. } => {
                self.roster_changed |= self.room.roster.settings.apply(&event.kind);
            }
            EventKind::Code { code } => {
                let code = *code;
                if !self.claim(code).await? {
                    return Ok(Err(StoreError::CodeTaken));
                }
                self.room.roster.settings.apply(&event.kind);
                self.update_codes();
            }
            EventKind::Ended => self.ended = true,
            EventKind::Edited { target, .. } | EventKind::Deleted { target } | EventKind::Reacted { target, .. } => {
                let Some(message) = self.message(*target).await? else { return Ok(Err(StoreError::NoTarget)) };
                if matches!(event.kind, EventKind::Reacted { .. }) {
                    return Ok(Ok(()));
                }
                if message.event.by != event.by {
                    return Ok(Err(StoreError::NotAuthor));
                }
                self.amend(message, event).await?;
            }
            EventKind::Unknown => return Ok(Err(StoreError::Conflict)),
        }
        Ok(Ok(()))
    }

    /// Adds the message that gives the room this code. False if there is no place for it: a room has or had the code, or
    /// its stream is not the room's.
    async fn claim(&mut self, code: RoomCode) -> Result<bool, StoreError> {
        let code = self.codes.hash(code);
        let (_, subject) = self.jetstream.names.code(code);
        if shard_of(code) != shard_of(self.id.0) || self.messages.iter().any(|planned| planned.subject == subject) {
            return Ok(false);
        }
        let Some(seq) = free_place(self.jetstream, code).await? else { return Ok(false) };
        self.messages.push(claim(self.jetstream, code, self.id, seq)?);
        Ok(true)
    }

    /// Applies a change of the codes to the head, and empties the messages of those that the room has dropped.
    fn update_codes(&mut self) {
        let codes: Vec<_> = self.room.roster.settings.codes().map(|code| self.codes.hash(code)).collect();
        let mut dropped = std::mem::replace(&mut self.room.head.codes, codes);
        dropped.retain(|code| !self.room.head.codes.contains(code));
        self.messages.extend(dropped.iter().map(|code| BatchMessage::empty(self.jetstream.names.code(*code).1)));
        self.unneeded.codes.extend(dropped);
        self.roster_changed = true;
    }

    /// Frees a seat; the last one ends the room.
    fn free_seat(&mut self, member: MemberId) -> Result<(), PlanError> {
        let (gone, rest): (Vec<_>, _) =
            std::mem::take(&mut self.room.roster.members).into_iter().partition(|one| one.member == member);
        self.room.roster.members = rest;
        self.newly_seated.remove(&member);
        self.roster_changed = true;
        self.ended = self.room.roster.members.is_empty();
        if !self.ended {
            // The roster no longer has the name, and the log still mentions the member.
            for seated in gone {
                let hash = self.room.key.hash(member.0);
                let sealed = self.room.key.seal(&mut self.random, Place::Name(hash), &seated.name)?;
                self.messages.push(BatchMessage::sealed(self.names.name(hash), sealed));
            }
        }
        Ok(())
    }

    /// Returns the message with this id if it is in the log and not deleted.
    async fn message(&mut self, id: EventId) -> Result<Option<Entry>, PlanError> {
        let seq = match self.ids.get(&id) {
            Some(seq) => *seq,
            None => match self.jetstream.last(&self.names.stream, &self.names.id(self.room.key.hash(id.0))).await? {
                Some(found) => decode(&found.payload)?,
                None => return Ok(None),
            },
        };
        let entry = self.entry(seq).await?;
        Ok(entry.filter(|entry| matches!(entry.event.kind, EventKind::Message { body: Some(_), .. })))
    }

    /// Returns the event with this seq in its current version. `None` when it is trimmed.
    async fn entry(&mut self, seq: Seq) -> Result<Option<Entry>, PlanError> {
        if seq <= self.room.head.trimmed {
            return Ok(None);
        }
        if let Some(entry) = self.entries.get(&seq) {
            return Ok(Some(entry.clone()));
        }
        let slot = self.room.head.slot(seq);
        let subject = self.names.event(slot);
        let found = non_empty(self.jetstream.last(&self.names.stream, &subject).await?).ok_or(PlanError::Stale)?;
        let entry = Entry { stored: found.seq, ..self.room.key.open(Place::Event(slot), &found.payload)? };
        if entry.epoch != self.room.head.epoch || entry.event.seq != seq {
            return Err(PlanError::Stale);
        }
        self.entries.insert(seq, entry.clone());
        Ok(Some(entry))
    }

    /// Applies the edit or deletion `later` to the message, and removes the replaced text from the last edit before it.
    /// Edits before that one have no text any more.
    async fn amend(&mut self, mut message: Entry, later: &Event) -> Result<(), PlanError> {
        if let Some(edit) = message.edit
            && let Some(edit) = self.entry(edit).await?
        {
            self.rewrite(edit, later)?;
        }
        message.edit = matches!(later.kind, EventKind::Edited { .. }).then_some(later.seq);
        self.rewrite(message, later)
    }

    fn rewrite(&mut self, mut entry: Entry, later: &Event) -> Result<(), PlanError> {
        let before = size(&entry);
        if entry.event.amend(&later.kind) {
            self.room.head.bytes = self.room.head.bytes + size(&entry) - before;
            self.room.oldest.clear();
            self.put(&entry)?;
            self.entries.insert(entry.event.seq, entry);
        }
        Ok(())
    }

    /// Counts the ids, and forgets the older half when there are twice as many as the room must know. The ids to purge
    /// are named by the stream sequence that the head had then: a number of ids to keep would also depend on the other
    /// events of this batch, and on those that are appended before the purge.
    fn forget_ids(&mut self, at: u64) {
        let head = &mut self.room.head;
        if head.seq.0.is_multiple_of(self.known) {
            head.forgotten = head.forgotten.max(std::mem::replace(&mut head.counted, at));
            let before = std::mem::replace(&mut head.counted_stored, self.room.head_seq);
            self.unneeded.ids = (before > 0).then_some(before);
        }
    }

    /// Removes the oldest events until the rest fits, but never the newest.
    async fn trim(&mut self) -> Result<(), PlanError> {
        let (events, bytes) = self.retention;
        while self.room.head.events() > 1 && (self.room.head.events() > events || self.room.head.bytes > bytes) {
            let Oldest { seq, size, left } = self.look_at(self.room.head.oldest()).await?;
            self.room.head.bytes = self.room.head.bytes.saturating_sub(size);
            self.room.head.trimmed = seq;
            // Of a member who is back, the next `left` replaces the name.
            let gone = left.filter(|(member, stored)| *stored > 0 && self.room.roster.seat(*member).is_none());
            self.unneeded.names.extend(gone.map(|(member, stored)| (self.room.key.hash(member.0), stored)));
        }
        Ok(())
    }

    async fn look_at(&mut self, seq: Seq) -> Result<Oldest, PlanError> {
        if let Some(entry) = self.entries.get(&seq) {
            return Ok(Oldest::of(entry));
        }
        while self.room.oldest.front().is_some_and(|first| first.seq < seq) {
            self.room.oldest.pop_front();
        }
        if self.room.oldest.front().is_none_or(|first| first.seq != seq) {
            // Up to the first that is known: events of this plan are not stored yet.
            let stored = (seq.0..seq.0 + SIZES_PER_READ).take_while(|seq| !self.entries.contains_key(&Seq(*seq)));
            let last = stored.take_while(|seq| *seq <= self.room.head.seq.0).last().unwrap_or(seq.0);
            let RoomState { key, head_seq, head, .. } = &self.room;
            let read = entries(self.jetstream, &self.names, key, (*head_seq, head), seq.0..=last).await?;
            let read = read.ok_or(PlanError::Stale)?;
            self.room.oldest = read.iter().map(Oldest::of).collect();
        }
        self.room.oldest.front().copied().ok_or(PlanError::Stale)
    }

    /// Removes the text of trimmed events, unless a newer event has taken the slot.
    fn erase_trimmed(&mut self) {
        let head = &mut self.room.head;
        let last = head.trimmed.0.min(head.blanked.0 + MAX_ERASED);
        for seq in head.blanked.0 + 1..=last {
            if seq + head.ring > head.seq.0 {
                self.messages.push(BatchMessage::empty(self.names.event(head.slot(Seq(seq)))));
            }
        }
        head.blanked = Seq(last);
    }

    /// Returns the size of the batch so far: the number of its messages, and of their bytes.
    pub(super) fn batch_size(&self) -> (usize, usize) {
        (self.messages.len(), self.messages.iter().map(|message| message.payload.len()).sum())
    }

    /// Returns the room's state after the plan, and the batch to commit, which ends with the roster and the head. The
    /// batch is `None` if nothing changed.
    pub(super) fn finish(mut self) -> Result<(RoomState, Option<Vec<BatchMessage>>), StoreError> {
        if self.messages.is_empty() {
            return Ok((self.room, None));
        }
        let RoomState { key, head_seq, head, roster, .. } = &mut self.room;
        if self.ended {
            self.messages.extend(end(&self.jetstream.names, self.id, *head_seq, head)?);
            return Ok((self.room, Some(self.messages)));
        }
        if self.roster_changed {
            roster.version += 1;
            head.roster = roster.version;
            let sealed = key.seal(&mut self.random, Place::Roster, roster)?;
            self.messages.push(BatchMessage::sealed(self.names.roster(), sealed));
        }
        self.messages.push(BatchMessage::new(self.names.head(), head)?.if_seq(*head_seq));
        Ok((self.room, Some(self.messages)))
    }
}
