//! The part of the log that a page holds, and the rows it draws from it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::protocol::{Code, DisplayName, Event, EventId, EventKind, LeaveReason, MemberId, MessageBody, Seq};

use super::outbox::{Draft, DraftState};

/// Most events a page holds. Live ones push the oldest out, and older pages are taken only as far as there is space.
pub const WINDOW: usize = 2_000;
/// Messages of one author stand in one group when no more than this lies between each and the next, in milliseconds.
pub const GROUP_MS: u64 = 300_000;

/// Names for display, shared with the rows.
pub type NameBook = BTreeMap<MemberId, Arc<DisplayName>>;

/// One row of the log on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Something was said.
    Message(MessageRow),
    /// Members came and went.
    Line(LineRow),
}

impl Row {
    /// What tells this row from all others. It is the same while a message is pending and after it was sent.
    #[must_use]
    pub fn key(&self) -> EventId {
        match self {
            Self::Message(row) => row.id,
            Self::Line(row) => row.id,
        }
    }

    /// When it happened, in UTC milliseconds.
    #[must_use]
    pub fn at(&self) -> u64 {
        match self {
            Self::Message(row) => row.at,
            Self::Line(row) => row.at,
        }
    }
}

/// A message on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its event.
    pub id: EventId,
    /// Who said it.
    pub by: MemberId,
    /// What that member is called now; `None` when the server never named them.
    pub name: Option<Arc<DisplayName>>,
    /// When, in UTC milliseconds: by the server's clock, or by this machine's until it is sent.
    pub at: u64,
    /// What was said.
    pub body: MessageBody,
    /// Whether the reader said it.
    pub own: bool,
    /// Whether author and time stand above it.
    pub first_of_group: bool,
    /// Whether the next row belongs to something else.
    pub last_of_group: bool,
    /// How far it got.
    pub state: RowState,
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// In the log: everybody has it.
    Sent,
    /// On its way.
    Pending {
        /// Since when, in monotonic milliseconds; 0 when it was written before a reload.
        since: u64,
    },
    /// Not sent: the person decides.
    Refused(Code),
}

/// Members who came and went, one after another. One about the reader stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRow {
    /// The first of its events.
    pub id: EventId,
    /// When the first was, in UTC milliseconds.
    pub at: u64,
    /// What happened, in order; never empty.
    pub changes: Arc<Vec<SeatChange>>,
}

/// Somebody came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatChange {
    /// Who.
    pub member: MemberId,
    /// What that member is called now; `None` when the server never named them.
    pub name: Option<Arc<DisplayName>>,
    /// Whether it is the reader.
    pub own: bool,
    /// Came or went.
    pub kind: SeatChangeKind,
}

/// Came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatChangeKind {
    /// Took a seat.
    Joined,
    /// Freed it.
    Left(LeaveReason),
}

/// Consecutive events of the log, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    events: VecDeque<Event>,
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

    /// Whether there is space for older events.
    #[must_use]
    pub fn has_space(&self) -> bool {
        self.events.len() < WINDOW
    }

    /// Adds the event that follows the last. In a full window it takes the place of the oldest.
    pub fn push(&mut self, event: Event) {
        debug_assert!(self.events.back().is_none_or(|last| last.seq < event.seq), "the log goes forward");
        self.events.push_back(event);
        if self.events.len() > WINDOW {
            self.events.pop_front();
        }
    }

    /// Adds what lies directly before `before`, oldest first, as far as it is not here and there is space. Says how
    /// many were new; `None` when the page does not touch this timeline and was therefore not taken.
    pub fn prepend(&mut self, before: Seq, page: Vec<Event>) -> Option<usize> {
        // A page asked for an earlier window may end before this one begins: taking it would leave a gap.
        let mut first = self.first().filter(|first| *first <= before)?;
        let mut added = 0;
        for event in page.into_iter().rev().filter(|event| event.seq < before) {
            if event.seq < first && self.has_space() {
                first = event.seq;
                self.events.push_front(event);
                added += 1;
            }
        }
        Some(added)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.events.clear();
    }

    /// What a page draws: the events, then the drafts.
    #[must_use]
    pub fn rows<'a>(&self, me: MemberId, names: &NameBook, drafts: impl Iterator<Item = &'a Draft>) -> Vec<Row> {
        let mut rows = Rows { me, names, rows: Vec::with_capacity(self.events.len() + 4), line_is_open: false };
        for event in &self.events {
            rows.event(event);
        }
        for draft in drafts {
            let state = match draft.state {
                DraftState::Waiting | DraftState::InFlight => RowState::Pending { since: draft.since },
                DraftState::Refused(code) => RowState::Refused(code),
            };
            rows.message(draft.id, me, draft.at, &draft.body, state);
        }
        rows.rows
    }
}

/// Rows being made, top to bottom.
struct Rows<'a> {
    me: MemberId,
    names: &'a NameBook,
    rows: Vec<Row>,
    /// Whether the last row is a line that takes more.
    line_is_open: bool,
}

impl Rows<'_> {
    fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Message { body } => self.message(event.id, event.by, event.at, body, RowState::Sent),
            EventKind::Joined { member, .. } => self.line(event, *member, SeatChangeKind::Joined),
            EventKind::Left { member, why } => self.line(event, *member, SeatChangeKind::Left(*why)),
            EventKind::Unknown => {}
        }
    }

    fn message(&mut self, id: EventId, by: MemberId, at: u64, body: &MessageBody, state: RowState) {
        let mut first_of_group = true;
        if let Some(Row::Message(above)) = self.rows.last_mut()
            && above.by == by
            && at.abs_diff(above.at) <= GROUP_MS
        {
            above.last_of_group = false;
            first_of_group = false;
        }
        self.rows.push(Row::Message(MessageRow {
            id,
            by,
            name: self.names.get(&by).cloned(),
            at,
            body: body.clone(),
            own: by == self.me,
            first_of_group,
            last_of_group: true,
            state,
        }));
    }

    fn line(&mut self, event: &Event, member: MemberId, kind: SeatChangeKind) {
        let own = member == self.me;
        let change = SeatChange { member, name: self.names.get(&member).cloned(), own, kind };
        if let Some(Row::Line(above)) = self.rows.last_mut()
            && self.line_is_open
            && !own
        {
            Arc::make_mut(&mut above.changes).push(change);
            return;
        }
        self.line_is_open = !own;
        self.rows.push(Row::Line(LineRow { id: event.id, at: event.at, changes: Arc::new(vec![change]) }));
    }
}
