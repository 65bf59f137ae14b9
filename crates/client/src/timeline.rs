//! The part of the log that a page holds, and the rows it draws from it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use protocol::{Event, EventId, EventKind, MemberId, Seq};

pub mod reactions;
pub mod reader;
pub mod row;
pub mod rows;

use reactions::Tally;
pub use reader::Reader;
use row::Reaction;

/// Maximum number of events a page holds. Live ones evict the oldest, and older pages are taken only as far as there is
/// space.
pub const WINDOW: usize = 2_000;

/// Consecutive events of the log, oldest first.
///
/// - What a later event here changed or took back is as if it had never said anything else.
/// - The order in which older pages and newer events came makes no difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    events: VecDeque<Event>,
    /// The messages among them, and those that something here changes or reacts to.
    messages: BTreeMap<EventId, Message>,
    /// Messages that replies here answer and that are not here; `None` for what the log does not have any more.
    quoted: BTreeMap<EventId, Option<Event>>,
    /// Shared empty list, since most messages have no reactions.
    no_reactions: Arc<Vec<Reaction>>,
    /// Members whose messages are left out of rows and counts.
    ignored: BTreeSet<MemberId>,
}

/// Data of a message beside its event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Message {
    /// Its sequence number; `None` while it is not here.
    seq: Option<Seq>,
    /// Events that change or react to it, in order.
    followers: VecDeque<Seq>,
    /// Replaced only when it changes, so that rows share it.
    reactions: Arc<Vec<Reaction>>,
}

impl Timeline {
    /// The first event here.
    #[must_use]
    pub fn first(&self) -> Option<Seq> {
        self.events.front().map(|event| event.seq)
    }

    /// The events, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Event> + ExactSizeIterator {
        self.events.iter()
    }

    /// True while there is space for older events.
    #[must_use]
    pub fn has_space(&self) -> bool {
        self.events.len() < WINDOW
    }

    /// Ignores a member, or no longer.
    pub fn ignore(&mut self, member: MemberId, on: bool) {
        if on {
            self.ignored.insert(member);
        } else {
            self.ignored.remove(&member);
        }
    }

    /// Members who are ignored.
    #[must_use]
    pub fn ignored(&self) -> &BTreeSet<MemberId> {
        &self.ignored
    }

    /// Messages of others after this sequence number, without deleted ones and those of members who are ignored.
    pub fn messages_of_others(&self, me: MemberId, after: Seq) -> impl Iterator<Item = &Event> {
        let start = self.events.partition_point(|event| event.seq <= after);
        self.events
            .range(start..)
            .filter(move |event| event.by != me && matches!(event.kind, EventKind::Message { body: Some(_), .. }))
            .filter(|event| !self.ignored.contains(&event.by))
    }

    /// Appends the next event. A full window evicts the oldest.
    pub fn push(&mut self, event: Event, reader: Reader<'_>) {
        debug_assert!(self.events.back().is_none_or(|last| last.seq < event.seq), "the log goes forward");
        if matches!(event.kind, EventKind::Edited { .. } | EventKind::Deleted { .. }) {
            self.amend(&event.kind);
        }
        let (id, seq) = (event.id, event.seq);
        let (target, is_message) = (event.kind.target(), matches!(event.kind, EventKind::Message { .. }));
        self.events.push_back(event);
        if let Some(target) = target {
            self.entry(target).followers.push_back(seq);
        }
        self.index(id, seq, is_message, target, reader);
        if self.events.len() > WINDOW {
            self.evict_oldest();
        }
    }

    /// Adds what lies directly before `before`, oldest first, as far as it is not here and there is space. Says how
    /// many were new; `None` when the page does not touch this timeline and was therefore not taken.
    pub fn prepend(&mut self, before: Seq, page: Vec<Event>, reader: Reader<'_>) -> Option<usize> {
        // A page asked for an earlier window may end before this one begins: taking it would leave a gap.
        let mut first = self.first().filter(|first| *first <= before)?;
        let mut added = 0;
        for event in page.into_iter().rev().filter(|event| event.seq < before) {
            if event.seq < first && self.has_space() {
                first = event.seq;
                self.push_front(event, reader);
                added += 1;
            }
        }
        Some(added)
    }

    /// Learns of a message that a reply here answers; `None` if the log does not have it any more.
    pub fn insert_quoted(&mut self, id: EventId, mut message: Option<Event>) {
        if let Some(event) = &mut message {
            // It may have been read before these came.
            for later in self.followers(id) {
                event.amend(&later.kind);
            }
        }
        if self.quoted.len() < WINDOW {
            self.quoted.insert(id, message);
        }
    }

    /// A message that a reply here answers, as far as it is known.
    pub(super) fn quoted(&self, id: EventId) -> Option<Option<&Event>> {
        self.quoted.get(&id).map(Option::as_ref)
    }

    /// Removes all events.
    pub fn clear(&mut self) {
        *self = Self { ignored: std::mem::take(&mut self.ignored), ..Self::default() };
    }

    /// Updates names in reactions, after a name or the reader has changed.
    pub fn rename(&mut self, reader: Reader<'_>) {
        let targets: Vec<EventId> = self.messages.keys().copied().collect();
        for target in targets {
            self.count(target, reader);
        }
    }

    fn push_front(&mut self, mut event: Event, reader: Reader<'_>) {
        let (id, seq, target) = (event.id, event.seq, event.kind.target());
        // The page may have been read before these came.
        for later in self.followers(target.unwrap_or(id)) {
            event.amend(&later.kind);
        }
        let is_message = matches!(event.kind, EventKind::Message { .. });
        self.events.push_front(event);
        if let Some(target) = target {
            self.entry(target).followers.push_front(seq);
        }
        self.index(id, seq, is_message, target, reader);
    }

    fn index(&mut self, id: EventId, seq: Seq, is_message: bool, target: Option<EventId>, reader: Reader<'_>) {
        if is_message {
            self.entry(id).seq = Some(seq);
        }
        self.count(target.unwrap_or(id), reader);
    }

    fn entry(&mut self, id: EventId) -> &mut Message {
        let unknown = || Message { reactions: self.no_reactions.clone(), ..Message::default() };
        self.messages.entry(id).or_insert_with(unknown)
    }

    /// Removes the old text from all events that a change concerns.
    fn amend(&mut self, change: &EventKind) {
        if let Some(Some(quoted)) = change.target().and_then(|target| self.quoted.get_mut(&target)) {
            quoted.amend(change);
        }
        let Some(message) = change.target().and_then(|target| self.messages.get(&target)) else { return };
        for seq in message.followers.iter().copied().chain(message.seq) {
            if let Ok(place) = self.events.binary_search_by_key(&seq, |event| event.seq) {
                self.events[place].amend(change);
            }
        }
    }

    fn evict_oldest(&mut self) {
        let Some(event) = self.events.pop_front() else { return };
        let no_reactions = self.no_reactions.clone();
        self.forget(event.id, |message| (message.seq, message.reactions) = (None, no_reactions));
        if let Some(target) = event.kind.target() {
            self.forget(target, |message| _ = message.followers.pop_front());
        }
    }

    /// Removes a part of a message's data, and the whole entry with the last part.
    fn forget(&mut self, id: EventId, part: impl FnOnce(&mut Message)) {
        if let Some(message) = self.messages.get_mut(&id) {
            part(message);
            if message.seq.is_none() && message.followers.is_empty() {
                self.messages.remove(&id);
            }
        }
    }

    /// Counts the reactions to a message anew, if it is here.
    fn count(&mut self, target: EventId, reader: Reader<'_>) {
        let is_followed = |message: &Message| message.seq.is_some() && !message.followers.is_empty();
        if !self.messages.get(&target).is_some_and(is_followed) {
            return;
        }
        let fresh = self.tally(target).shown(reader);
        if let Some(message) = self.messages.get_mut(&target)
            && *message.reactions != fresh
        {
            message.reactions = Arc::new(fresh);
        }
    }

    fn tally(&self, target: EventId) -> Tally<'_> {
        let mut tally = Tally::default();
        for event in self.followers(target) {
            if let EventKind::Reacted { emoji, on, .. } = &event.kind {
                tally.count(event.by, emoji, *on);
            }
        }
        tally
    }

    /// Events that change or react to a message, whether that is here or not, in order.
    fn followers(&self, target: EventId) -> impl Iterator<Item = &Event> {
        let seqs = self.messages.get(&target).into_iter().flat_map(|message| &message.followers);
        seqs.filter_map(|seq| self.event(*seq))
    }

    fn event(&self, seq: Seq) -> Option<&Event> {
        let place = self.events.binary_search_by_key(&seq, |event| event.seq).ok()?;
        self.events.get(place)
    }

    fn reactions(&self, target: EventId) -> &Arc<Vec<Reaction>> {
        self.messages.get(&target).map_or(&self.no_reactions, |message| &message.reactions)
    }

    fn message(&self, target: EventId) -> Option<&Event> {
        self.messages.get(&target).and_then(|message| self.event(message.seq?))
    }
}
