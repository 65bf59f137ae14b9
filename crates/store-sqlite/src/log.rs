//! Index of a room's log: where its events are, and the ids that it knows. The events themselves are in the database.

use std::collections::{HashMap, VecDeque};

use protocol::{Limits, Seq};

use super::seal::IdHash;

/// An event in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Row of the table `events`; [`Kept::MISSING`] if it is missing there.
    row: [u8; 6],
    /// Length of the encoded kind.
    bytes: [u8; 4],
}

/// Ten bytes instead of sixteen: there is one for every event of every room.
impl Kept {
    /// Row of an event that should be in the database and is not.
    const MISSING: i64 = 0;

    pub(super) fn new(row: i64, bytes: usize) -> Self {
        let [row @ .., _, _] = row.to_le_bytes();
        Self { row, bytes: u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes() }
    }

    pub(super) fn missing() -> Self {
        Self::new(Self::MISSING, 0)
    }

    pub(super) fn is_missing(self) -> bool {
        self.row() == Self::MISSING
    }

    pub(super) fn row(self) -> i64 {
        let [a, b, c, d, e, f] = self.row;
        i64::from_le_bytes([a, b, c, d, e, f, 0, 0])
    }

    pub(super) fn bytes(self) -> usize {
        u32::from_le_bytes(self.bytes) as usize
    }
}

/// A row of the table `ids`: the ids of consecutive events that were trimmed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pack {
    pub(super) row: i64,
    pub(super) first: Seq,
    pub(super) len: usize,
}

impl Pack {
    pub(super) fn last(&self) -> Seq {
        Seq((self.first.0 + self.len as u64).saturating_sub(1))
    }
}

/// Index of one room's log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Seq of the newest event.
    pub(super) head: Seq,
    /// Highest seq that retention removed. The rows of the newest of these are deleted later, with others.
    pub(super) trimmed: Seq,
    /// Length of the encoded kinds of all events that are not trimmed.
    pub(super) bytes: usize,
    /// Every event that has a row, also of those that are trimmed. The last one is the head.
    pub(super) kept: VecDeque<Kept>,
    /// Lower half of the seq of every known id.
    ids: HashMap<IdHash, u32>,
    /// Packs with the ids of events that have no row, oldest first.
    pub(super) packs: VecDeque<Pack>,
    /// The newest edit of each message that has been edited. It has the message's text, unless that was deleted.
    edits: HashMap<u64, u64>,
}

impl Log {
    /// Returns the seq of the oldest event in the log, `Seq(0)` when the log is empty.
    pub(super) fn oldest(&self) -> Seq {
        if self.head == self.trimmed { Seq(0) } else { Seq(self.trimmed.0 + 1) }
    }

    /// Seq of the event before the first one that has a row.
    pub(super) fn deleted(&self) -> Seq {
        Seq(self.head.0 - self.kept.len() as u64)
    }

    /// Number of trimmed events that still have a row.
    pub(super) fn waiting(&self) -> usize {
        (self.trimmed.0 - self.deleted().0.min(self.trimmed.0)) as usize
    }

    pub(super) fn seq_of(&self, hash: &IdHash) -> Option<Seq> {
        let low = *self.ids.get(hash)?;
        // The ids that are known are of fewer events than 2^32, so the lower half is enough.
        Some(Seq(self.head.0 - u64::from((self.head.0 as u32).wrapping_sub(low))))
    }

    /// Returns where an event is that has a row.
    pub(super) fn kept(&self, seq: Seq) -> Option<Kept> {
        let index = seq.0.checked_sub(self.deleted().0 + 1)?;
        self.kept.get(usize::try_from(index).ok()?).copied()
    }

    /// Returns the newest edit of a message.
    pub(super) fn edit_of(&self, message: Seq) -> Option<Seq> {
        self.edits.get(&message.0).copied().map(Seq)
    }

    /// Adds a pack that is read at start, in the order of the log. False if it does not follow the one before.
    pub(super) fn restore_ids(&mut self, row: i64, first: Seq, hashes: Vec<IdHash>) -> bool {
        let is_next = self.packs.back().is_none_or(|before| before.last().0 + 1 == first.0);
        self.packs.push_back(Pack { row, first, len: hashes.len() });
        self.ids.extend((first.0..).map(|seq| seq as u32).zip(hashes).map(|(seq, hash)| (hash, seq)));
        is_next
    }

    pub(super) fn forget_id(&mut self, hash: &IdHash) {
        self.ids.remove(hash);
    }

    /// Adds an event that is read at start, in the order of the log. False if it does not follow the one before.
    pub(super) fn restore(&mut self, hash: IdHash, seq: Seq, kept: Kept, edits: Option<Seq>) -> bool {
        const HOLE: u64 = 1_000_000;
        if i64::try_from(seq.0).is_err() {
            return false;
        }
        if self.kept.is_empty() {
            self.head = Seq(seq.0.saturating_sub(1));
            self.trimmed = self.head;
        }
        if seq <= self.head || seq.0 - self.head.0 > HOLE {
            return false;
        }
        let is_next = seq.0 == self.head.0 + 1;
        while self.head.0 + 1 < seq.0 {
            self.kept.push_back(Kept::missing());
            self.head.0 += 1;
        }
        self.apply_event(hash, kept);
        if let Some(message) = edits {
            self.edits.insert(message.0, seq.0);
        }
        is_next
    }

    /// True if the packs of ids end just before the first event that has a row. Ends the restoration: a log that has
    /// lost all its events goes on after its ids, so that no seq is used twice.
    pub(super) fn begins_after_its_ids(&mut self) -> bool {
        let last = self.packs.back().map_or(Seq(0), Pack::last);
        if self.kept.is_empty() {
            (self.head, self.trimmed) = (last, last);
        }
        self.deleted() == last && (!self.kept.is_empty() || last == Seq(0))
    }

    fn apply_event(&mut self, hash: IdHash, kept: Kept) {
        self.head.0 += 1;
        self.bytes += kept.bytes();
        self.kept.push_back(kept);
        self.ids.insert(hash, self.head.0 as u32);
    }

    /// Applies what a commit changed.
    pub(super) fn apply(&mut self, change: LogChange) {
        for (hash, kept) in change.events {
            self.apply_event(hash, kept);
        }
        for (seq, bytes) in change.resized {
            let deleted = self.deleted().0;
            let index = seq.checked_sub(deleted + 1).and_then(|index| usize::try_from(index).ok());
            if let Some(kept) = index.and_then(|index| self.kept.get_mut(index)) {
                *kept = Kept::new(kept.row(), bytes);
            }
        }
        self.edits.extend(change.edits);
        (self.trimmed, self.bytes) = (change.trimmed, change.bytes);
    }

    /// Trims a log that has just been restored.
    pub(super) fn trim(&mut self, limits: &Limits) {
        let mut change = LogChange::new(self);
        change.trim(self, limits);
        self.apply(change);
    }

    /// Removes the first events, whose rows are deleted.
    pub(super) fn delete_first(&mut self, events: usize) {
        self.kept.drain(..events.min(self.kept.len()));
        let deleted = self.deleted().0;
        self.edits.retain(|message, _| *message > deleted);
        if self.kept.capacity() > 2 * (self.kept.len() + 64) {
            self.kept.shrink_to(self.kept.len() + 64);
        }
    }
}

/// Changes of a log in a batch that is not committed yet.
#[derive(Debug)]
pub(super) struct LogChange {
    pub(super) head: Seq,
    pub(super) trimmed: Seq,
    bytes: usize,
    events: Vec<(IdHash, Kept)>,
    resized: HashMap<u64, usize>,
    edits: HashMap<u64, u64>,
}

impl LogChange {
    pub(super) fn new(log: &Log) -> Self {
        Self {
            head: log.head,
            trimmed: log.trimmed,
            bytes: log.bytes,
            events: Vec::new(),
            resized: HashMap::new(),
            edits: HashMap::new(),
        }
    }

    pub(super) fn seq_of(&self, log: &Log, hash: &IdHash) -> Option<Seq> {
        let index = self.events.iter().position(|(new, _)| new == hash);
        index.map(|index| Seq(log.head.0 + 1 + index as u64)).or_else(|| log.seq_of(hash))
    }

    pub(super) fn kept(&self, log: &Log, seq: Seq) -> Option<Kept> {
        let kept = match seq.0.checked_sub(log.head.0 + 1) {
            None => log.kept(seq)?,
            Some(index) => self.events.get(usize::try_from(index).ok()?)?.1,
        };
        Some(self.resized.get(&seq.0).map_or(kept, |bytes| Kept::new(kept.row(), *bytes)))
    }

    /// Returns the newest edit of a message.
    pub(super) fn edit_of(&self, log: &Log, message: Seq) -> Option<Seq> {
        self.edits.get(&message.0).copied().map(Seq).or_else(|| log.edit_of(message))
    }

    /// Notes the newest edit of a message.
    pub(super) fn set_edit(&mut self, message: Seq, edit: Seq) {
        self.edits.insert(message.0, edit.0);
    }

    /// Appends an event.
    pub(super) fn push(&mut self, hash: IdHash, kept: Kept) {
        self.head.0 += 1;
        self.bytes += kept.bytes();
        self.events.push((hash, kept));
    }

    /// Notes that an event has been rewritten.
    pub(super) fn resize(&mut self, seq: Seq, before: Kept, bytes: usize) {
        self.resized.insert(seq.0, bytes);
        if seq > self.trimmed {
            self.bytes = self.bytes + bytes - before.bytes();
        }
    }

    /// Removes the oldest events until the rest fits, but never the newest.
    pub(super) fn trim(&mut self, log: &Log, limits: &Limits) {
        let is_too_long = |change: &Self| {
            let events = change.head.0 - change.trimmed.0;
            events > 1 && (events > limits.events as u64 || change.bytes > limits.timeline)
        };
        while is_too_long(self) {
            self.trimmed.0 += 1;
            self.bytes -= self.kept(log, self.trimmed).map_or(0, Kept::bytes);
        }
    }
}
