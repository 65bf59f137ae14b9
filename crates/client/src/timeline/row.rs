//! Rows that a page draws, top to bottom.

use std::sync::Arc;

use crate::outbox::Wait;
use protocol::{Emoji, ErrorCode, EventId, LeaveReason, MemberId, MessageBody, RoomName, ShownName};

/// One row of the log on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A new day begins.
    Day(DayRow),
    /// The first unread message follows.
    Unread(UnreadRow),
    /// A message.
    Message(MessageRow),
    /// Members joined, left, or changed their name or the room.
    Roster(RosterRow),
}

impl Row {
    /// Unique key of this row. It is the same while a message is pending and after it was sent.
    #[must_use]
    pub fn key(&self) -> RowKey {
        match self {
            Self::Day(row) => RowKey::Day(row.day),
            Self::Unread(row) => RowKey::Unread(row.first),
            Self::Message(row) => RowKey::Event(row.id),
            Self::Roster(row) => RowKey::Event(row.id),
        }
    }
}

/// Unique key of a row in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// A message, or the first event of a line.
    Event(EventId),
    /// A day, counted from 1970-01-01 in the reader's zone.
    Day(i64),
    /// The unread row, by its first unread message: where another one is the first, it is another row.
    Unread(EventId),
}

/// Row before the first message of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    /// The day, counted from 1970-01-01 in the reader's zone.
    pub day: i64,
    /// Time of the first row of that day, in UTC milliseconds.
    pub at: u64,
}

/// Row before the first message that came while the page was not on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadRow {
    /// First unread message.
    pub first: EventId,
    /// Number of unread messages; never 0.
    pub count: usize,
}

/// A message on the screen, as it is now, with the reader's own changes that are still on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Id of its event; for a refused edit, which is shown as a message of its own, that of the edit.
    pub id: EventId,
    /// Author.
    pub by: MemberId,
    /// Current name of the author; `None` when the server never sent one.
    pub name: Option<ShownName>,
    /// Time in UTC milliseconds: by the server's clock, or by this machine's until it is sent.
    pub at: u64,
    /// Text; `None` when it was deleted.
    pub body: Option<MessageBody>,
    /// True if it was edited.
    pub edited: bool,
    /// True if the reader is the author.
    pub own: bool,
    /// True if author and time stand above it.
    pub first_of_group: bool,
    /// True if the next row belongs to another group.
    pub last_of_group: bool,
    /// Message that it answers.
    pub reply: Option<Quote>,
    /// The emoji on it.
    pub reactions: Arc<Vec<Reaction>>,
    /// Progress of delivery.
    pub state: RowState,
}

/// The message that another one answers, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Id of that message.
    pub target: EventId,
    /// Author; `None` when the message is not here.
    pub by: Option<MemberId>,
    /// Current name of the author.
    pub name: Option<ShownName>,
    /// Text; `None` when it was deleted or is not here.
    pub body: Option<MessageBody>,
    /// Its place.
    pub place: QuotePlace,
}

/// Place of the message that another one answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotePlace {
    /// A row of this page.
    Here,
    /// On a page that is not loaded.
    Older,
    /// Not known yet.
    Unknown,
    /// Not in the log any more.
    Gone,
    /// By a member whom the reader ignores.
    Ignored,
}

/// One emoji on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: Emoji,
    /// Number of members who reacted with it; never 0.
    pub count: usize,
    /// True if the reader is one of them.
    pub own: bool,
    /// Names of the first of them, in the order of their reactions: at most [`super::reactions::MAX_NAMES`].
    pub who: Vec<ShownName>,
}

/// Progress of a message's delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// In the log: everybody has it.
    Sent,
    /// In the log, and a change or deletion of it, shown already, is on its way.
    Changing {
        /// Time of the change, in monotonic milliseconds; 0 when it was made before a reload.
        since: u64,
    },
    /// Not in the log yet.
    Pending {
        /// Time of writing, in monotonic milliseconds; 0 when it was written before a reload.
        since: u64,
        /// The server's temporary refusal, if there was one.
        waiting: Option<Wait>,
    },
    /// Not sent: an earlier message waits for its turn, or was refused, and the person decides on that first.
    Held,
    /// Not sent: the person decides.
    Refused(ErrorCode),
}

/// Consecutive changes of the room: joins, leaves, names and hosts. One about the reader stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterRow {
    /// Id of the first of its events.
    pub id: EventId,
    /// Time of the first event, in UTC milliseconds.
    pub at: u64,
    /// The changes, in order; never empty.
    pub changes: Arc<Vec<SeatChange>>,
}

/// A change of the room by a member, or of the member's place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatChange {
    /// The member.
    pub member: MemberId,
    /// Current name of the member; `None` when the server never sent one.
    pub name: Option<ShownName>,
    /// True if it is the reader.
    pub own: bool,
    /// Kind of the change.
    pub kind: SeatChangeKind,
}

/// Kind of a seat change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatChangeKind {
    /// Took a seat.
    Joined,
    /// Freed it.
    Left(LeaveReason),
    /// Chose another name.
    Renamed {
        /// Name before.
        was: ShownName,
        /// Name from then on; by now it may be another one.
        name: ShownName,
    },
    /// Became the host.
    Host,
    /// Named the room, or took its name away.
    RoomName(RoomName),
    /// Locked the room, or unlocked it.
    Locked(bool),
    /// Let only the host write, or everybody.
    HostOnly(bool),
    /// Set the time between two messages of a member, in milliseconds; 0 for none.
    Slow(u32),
    /// Set the number of seats.
    Capacity(u32),
    /// Gave the room another code.
    Code,
}
