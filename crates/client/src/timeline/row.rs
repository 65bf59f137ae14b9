//! What a page draws, top to bottom.

use std::sync::Arc;

use protocol::{Code, DisplayName, Emoji, EventId, LeaveReason, MemberId, MessageBody};

/// One row of the log on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A new day begins.
    Day(DayRow),
    /// What the reader has not seen begins.
    Unread(UnreadRow),
    /// Something was said.
    Message(MessageRow),
    /// Members came and went.
    Line(LineRow),
}

impl Row {
    /// What tells this row from all others. It is the same while a message is pending and after it was sent.
    #[must_use]
    pub fn key(&self) -> RowKey {
        match self {
            Self::Day(row) => RowKey::Day(row.day),
            Self::Unread(row) => RowKey::Unread(row.first),
            Self::Message(row) => RowKey::Event(row.id),
            Self::Line(row) => RowKey::Event(row.id),
        }
    }
}

/// What tells a row from all others of its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// A message, or the first event of a line.
    Event(EventId),
    /// A day, counted from 1970-01-01 in the reader's zone.
    Day(i64),
    /// The beginning of what is unread, by its first message: where another one is the first, it is another row.
    Unread(EventId),
}

/// Stands before the first row of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    /// The day, counted from 1970-01-01 in the reader's zone.
    pub day: i64,
    /// When the first row of that day was, in UTC milliseconds.
    pub at: u64,
}

/// Stands before the first message that came while the page was not on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadRow {
    /// The first of them.
    pub first: EventId,
    /// How many messages of others came since; never 0.
    pub count: usize,
}

/// A message on the screen, as it is now, with the reader's own changes that are still on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its event. In a change that was refused, and has become a message of its own, that change's.
    pub id: EventId,
    /// Who said it.
    pub by: MemberId,
    /// What that member is called now; `None` when the server never named them.
    pub name: Option<DisplayName>,
    /// When, in UTC milliseconds: by the server's clock, or by this machine's until it is sent.
    pub at: u64,
    /// What it says; `None` when it was deleted.
    pub body: Option<MessageBody>,
    /// Whether it said something else before.
    pub edited: bool,
    /// Whether the reader said it.
    pub own: bool,
    /// Whether author and time stand above it.
    pub first_of_group: bool,
    /// Whether the next row belongs to something else.
    pub last_of_group: bool,
    /// What it answers.
    pub reply: Option<Quote>,
    /// The emoji on it.
    pub reactions: Arc<Vec<Reaction>>,
    /// How far it got.
    pub state: RowState,
}

/// The message that another one answers, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Which.
    pub target: EventId,
    /// Who said it; `None` when it is not here.
    pub by: Option<MemberId>,
    /// What that member is called now.
    pub name: Option<DisplayName>,
    /// What it says; `None` when it was deleted or is not here.
    pub body: Option<MessageBody>,
    /// Whether it is a row of this page: then one can jump to it.
    pub is_here: bool,
}

/// One emoji on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Which.
    pub emoji: Emoji,
    /// How many members put it there; never 0.
    pub count: usize,
    /// Whether the reader is one of them.
    pub own: bool,
    /// What the first of them are called, in the order they came: at most [`super::reactions::MAX_NAMES`].
    pub who: Vec<DisplayName>,
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// In the log: everybody has it.
    Sent,
    /// In the log, and a change or deletion of it, shown already, is on its way.
    Changing {
        /// Since when, in monotonic milliseconds; 0 when it was made before a reload.
        since: u64,
    },
    /// On its way.
    Pending {
        /// Since when, in monotonic milliseconds; 0 when it was written before a reload.
        since: u64,
        /// Why the server wants it later, if it said so.
        waiting: Option<Code>,
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
    pub name: Option<DisplayName>,
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
