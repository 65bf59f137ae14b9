//! Rows of a timeline, built from its events and the drafts.

use std::sync::Arc;

use protocol::{Event, EventId, EventKind, MemberId, MessageBody, RoomChange, Seq};

use super::Timeline;
use super::reader::Reader;
use super::row::{
    DayRow, MessageRow, Quote, QuotePlace, Reaction, RosterRow, Row, RowState, SeatChange, SeatChangeKind, UnreadRow,
};

use crate::outbox::{Draft, DraftEvent, DraftState};

/// Maximum time between two consecutive messages of one group, in milliseconds.
pub const GROUP_MS: u64 = 300_000;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

impl Timeline {
    /// Rows of a page: the events, then the drafts. `zone` is the reader's offset from UTC, in minutes; what
    /// comes after `seen` is unread.
    #[must_use]
    pub fn rows<'a>(
        &'a self,
        reader: Reader<'a>,
        drafts: impl Iterator<Item = &'a Draft>,
        zone: i32,
        seen: Option<Seq>,
    ) -> Vec<Row> {
        RowBuilder::new(self, reader, drafts, zone, seen).build()
    }
}

/// Builder of rows, top to bottom.
struct RowBuilder<'a> {
    timeline: &'a Timeline,
    reader: Reader<'a>,
    zone: i32,
    drafts: Vec<&'a Draft>,
    /// Unsent drafts by the message they concern, sorted by its id.
    pending: Vec<Pending<'a>>,
    /// Place of the unread row, and its count.
    unread: Option<(Seq, usize)>,
    rows: Vec<Row>,
    /// The last day that has begun.
    day: Option<i64>,
    /// True if the last row is a line that further changes of the room are added to.
    line_is_open: bool,
}

/// Unsent drafts that concern one message.
struct Pending<'a> {
    /// The message.
    id: EventId,
    /// Its text.
    said: Option<&'a MessageBody>,
    /// Changes of it, deletions and reactions, in order.
    changes: Vec<&'a Draft>,
}

/// A message as the log or a draft has it.
struct SourceMessage<'a> {
    id: EventId,
    by: MemberId,
    at: u64,
    body: Option<&'a MessageBody>,
    edited: bool,
    reply_to: Option<EventId>,
    state: RowState,
}

impl<'a> RowBuilder<'a> {
    fn new(
        timeline: &'a Timeline,
        reader: Reader<'a>,
        drafts: impl Iterator<Item = &'a Draft>,
        zone: i32,
        seen: Option<Seq>,
    ) -> Self {
        let drafts: Vec<&Draft> = drafts.collect();
        let mut pending = Vec::new();
        for draft in &drafts {
            match &draft.event {
                DraftEvent::Message { body, .. } => pending_of(&mut pending, draft.id).said = Some(body),
                // Refused words stand alone.
                _ if draft.is_refused() => {}
                change => {
                    if let Some(target) = change.target() {
                        pending_of(&mut pending, target).changes.push(draft);
                    }
                }
            }
        }
        let unread = seen.and_then(|seen| {
            let mut news = timeline.messages_of_others(reader.me, seen);
            news.next().map(|first| (first.seq, 1 + news.count()))
        });
        Self {
            timeline,
            reader,
            zone,
            rows: Vec::with_capacity(timeline.events.len() + drafts.len() + 4),
            drafts,
            pending,
            unread,
            day: None,
            line_is_open: false,
        }
    }

    fn build(mut self) -> Vec<Row> {
        for event in &self.timeline.events {
            self.event(event);
        }
        let mut is_held = false;
        for draft in std::mem::take(&mut self.drafts) {
            self.draft(draft, is_held);
            let is_message = matches!(draft.event, DraftEvent::Message { .. });
            let waits_long = is_message && draft.has_no_turn() && draft.waiting.is_some_and(|wait| wait.is_long());
            is_held |= (draft.is_refused() && !draft.is_skippable()) || waits_long;
        }
        self.rows
    }

    fn event(&mut self, event: &'a Event) {
        match &event.kind {
            EventKind::Message { .. } if self.timeline.ignored.contains(&event.by) => {}
            EventKind::Message { body, reply_to, edited } => {
                self.day(event.at);
                if let Some((_, count)) = self.unread.filter(|(first, _)| *first == event.seq) {
                    self.rows.push(Row::Unread(UnreadRow { first: event.id, count }));
                }
                self.message(&SourceMessage {
                    id: event.id,
                    by: event.by,
                    at: event.at,
                    body: body.as_ref(),
                    edited: *edited,
                    reply_to: *reply_to,
                    state: RowState::Sent,
                });
            }
            EventKind::Joined { member, .. } => self.line(event, *member, SeatChangeKind::Joined),
            EventKind::Left { member, why } => self.line(event, *member, SeatChangeKind::Left(*why)),
            EventKind::Renamed { member, name, was } => {
                self.line(event, *member, SeatChangeKind::Renamed { was: was.clone(), name: name.clone() });
            }
            EventKind::Settings(RoomChange { name, locked, capacity, slow_ms, host_only }) => {
                let name = name.clone().map(SeatChangeKind::RoomName);
                let changes = [
                    name,
                    locked.map(SeatChangeKind::Locked),
                    host_only.map(SeatChangeKind::HostOnly),
                    slow_ms.map(SeatChangeKind::Slow),
                    capacity.map(SeatChangeKind::Capacity),
                ];
                self.lines(event, event.by, changes.into_iter().flatten().collect());
            }
            EventKind::Code { .. } => self.line(event, event.by, SeatChangeKind::Code),
            EventKind::Host { member } => self.line(event, *member, SeatChangeKind::Host),
            _ => {}
        }
    }

    /// Adds a row for a message, or for an edit that has no other place: a refused one, and one whose message is not
    /// here. It is held if an earlier one was refused or waits for its turn.
    fn draft(&mut self, draft: &'a Draft, is_held: bool) {
        let (body, reply_to) = match &draft.event {
            DraftEvent::Message { body, reply_to } => (body, *reply_to),
            DraftEvent::Edit { target, body } if draft.is_refused() || !self.has_body(*target) => (body, None),
            _ => return,
        };
        let state = match draft.state {
            DraftState::Waiting if is_held => RowState::Held,
            DraftState::Waiting | DraftState::InFlight => {
                RowState::Pending { since: draft.since, waiting: draft.waiting }
            }
            DraftState::Refused(error) => RowState::Refused(error),
        };
        self.day(draft.at);
        let by = self.reader.me;
        self.message(&SourceMessage {
            id: draft.id,
            by,
            at: draft.at,
            body: Some(body),
            edited: false,
            reply_to,
            state,
        });
    }

    fn message(&mut self, said: &SourceMessage<'a>) {
        let mut first_of_group = true;
        if let Some(Row::Message(above)) = self.rows.last_mut()
            && above.by == said.by
            && said.at.abs_diff(above.at) <= GROUP_MS
        {
            above.last_of_group = false;
            first_of_group = false;
        }
        let own = said.by == self.reader.me;
        let (body, changed) = self.current_body(said.id, said.body);
        let is_there = body.is_some();
        let state = match (said.state, changed) {
            (RowState::Sent, Some(since)) => RowState::Changing { since },
            (state, _) => state,
        };
        let row = MessageRow {
            id: said.id,
            by: said.by,
            name: self.reader.names.get(&said.by).cloned(),
            at: said.at,
            body: body.cloned(),
            edited: is_there && (said.edited || changed.is_some()),
            own,
            first_of_group,
            last_of_group: true,
            reply: said.reply_to.filter(|_| is_there).map(|target| self.quote(target)),
            reactions: if is_there { self.reactions(said.id) } else { self.timeline.no_reactions.clone() },
            state,
        };
        self.rows.push(Row::Message(row));
    }

    /// Unsent drafts that concern this message.
    fn pending(&self, id: EventId) -> Option<&Pending<'a>> {
        let place = self.pending.binary_search_by_key(&id, |pending| pending.id).ok()?;
        self.pending.get(place)
    }

    /// Unsent edits, deletions and reactions of this message.
    fn changes(&self, id: EventId) -> &[&'a Draft] {
        self.pending(id).map_or(&[], |pending| &pending.changes)
    }

    /// Text of a message with unsent edits applied, and the time of the first of these.
    fn current_body(&self, id: EventId, said: Option<&'a MessageBody>) -> (Option<&'a MessageBody>, Option<u64>) {
        let (mut body, mut since) = (said, None);
        for change in self.changes(id) {
            let changed = match &change.event {
                _ if body.is_none() => continue,
                DraftEvent::Edit { body, .. } => Some(body),
                DraftEvent::Deletion { .. } => None,
                DraftEvent::Message { .. }
                | DraftEvent::Reaction { .. }
                | DraftEvent::Name { .. }
                | DraftEvent::RoomName { .. } => continue,
            };
            body = changed;
            since = since.or(Some(change.since));
        }
        (body, since)
    }

    fn reactions(&self, id: EventId) -> Arc<Vec<Reaction>> {
        let mut own = self.changes(id).iter().filter_map(|draft| match &draft.event {
            DraftEvent::Reaction { emoji, on, .. } => Some((emoji, *on)),
            _ => None,
        });
        let Some(first) = own.next() else { return self.timeline.reactions(id).clone() };
        let mut tally = self.timeline.tally(id);
        for (emoji, on) in std::iter::once(first).chain(own) {
            tally.count(self.reader.me, emoji, on);
        }
        Arc::new(tally.shown(self.reader))
    }

    fn quote(&self, target: EventId) -> Quote {
        let by_event = |event: &'a Event| match &event.kind {
            EventKind::Message { body, .. } => Some((event.by, body.as_ref())),
            _ => None,
        };
        let by_draft = || self.pending(target)?.said.map(|body| (self.reader.me, Some(body)));
        let (said, place) =
            match (self.timeline.message(target).map_or_else(by_draft, by_event), self.timeline.quoted(target)) {
                (Some(said), _) => (Some(said), QuotePlace::Here),
                (None, None) => (None, QuotePlace::Unknown),
                (None, Some(None)) => (None, QuotePlace::Gone),
                (None, Some(Some(event))) => (by_event(event), QuotePlace::Older),
            };
        let is_ignored = said.is_some_and(|(by, _)| self.timeline.ignored.contains(&by));
        let (said, place) = if is_ignored { (None, QuotePlace::Ignored) } else { (said, place) };
        let by = said.map(|(by, _)| by);
        Quote {
            target,
            by,
            name: by.and_then(|by| self.reader.names.get(&by)).cloned(),
            body: said.and_then(|(_, body)| self.current_body(target, body).0).cloned(),
            place,
        }
    }

    /// True if there is a row with text that an edit could be shown in.
    fn has_body(&self, target: EventId) -> bool {
        self.pending(target).is_some_and(|pending| pending.said.is_some())
            || self
                .timeline
                .message(target)
                .is_some_and(|event| matches!(event.kind, EventKind::Message { body: Some(_), .. }))
    }

    fn line(&mut self, event: &Event, member: MemberId, kind: SeatChangeKind) {
        self.lines(event, member, vec![kind]);
    }

    /// Adds what one event changed to the open line, or begins one. Nothing where it changed nothing.
    fn lines(&mut self, event: &Event, member: MemberId, kinds: Vec<SeatChangeKind>) {
        if kinds.is_empty() {
            return;
        }
        self.day(event.at);
        let own = member == self.reader.me;
        let name = self.reader.names.get(&member);
        let changes: Vec<_> =
            kinds.into_iter().map(|kind| SeatChange { member, name: name.cloned(), own, kind }).collect();
        if let Some(Row::Roster(above)) = self.rows.last_mut()
            && self.line_is_open
            && !own
        {
            Arc::make_mut(&mut above.changes).extend(changes);
            return;
        }
        self.line_is_open = !own;
        self.rows.push(Row::Roster(RosterRow { id: event.id, at: event.at, changes: Arc::new(changes) }));
    }

    /// Adds a day row where a new day begins. A clock that goes back begins none.
    fn day(&mut self, at: u64) {
        let local = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(i64::from(self.zone) * MINUTE_MS);
        let day = local.div_euclid(DAY_MS);
        if self.day.is_none_or(|last| last < day) {
            self.day = Some(day);
            self.rows.push(Row::Day(DayRow { day, at }));
        }
    }
}

/// Returns the entry of this message, and adds it where there is none.
fn pending_of<'p, 'a>(pending: &'p mut Vec<Pending<'a>>, id: EventId) -> &'p mut Pending<'a> {
    let place = pending.binary_search_by_key(&id, |pending| pending.id).unwrap_or_else(|place| {
        pending.insert(place, Pending { id, said: None, changes: Vec::new() });
        place
    });
    &mut pending[place]
}
