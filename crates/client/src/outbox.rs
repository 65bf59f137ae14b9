//! Queue of drafts: everything the reader did that is not in the log yet.

use std::collections::VecDeque;
use std::mem;

use protocol::{ClientFrame, DisplayName, Emoji, ErrorCode, EventId, MessageBody, Proposal, Rejection, RoomName};
use serde::{Deserialize, Serialize};

/// Wait before a retry where the server refuses a draft for now and names no time, in milliseconds.
pub const RETRY_MS: u64 = 1_000;
/// Maximum wait before a retry, in milliseconds: text must not stay on "sending" because of one wrong number.
pub const RETRY_CAP_MS: u64 = 60_000;
/// Wait from which a person has time to read about it, in milliseconds.
const LONG_WAIT_MS: u64 = 2_000;

/// Something on its way into the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The id that its event will have.
    pub id: EventId,
    /// Content of the draft.
    pub event: DraftEvent,
    /// Time of creation by this machine's wall clock, in UTC milliseconds.
    pub at: u64,
    /// Time of creation in monotonic milliseconds; 0 after a reload, since the old page's clock means nothing.
    #[serde(skip)]
    pub since: u64,
    /// Progress of delivery.
    pub state: DraftState,
    /// The server's last refusal, if that was a temporary one.
    #[serde(skip)]
    pub waiting: Option<Wait>,
    /// It is not sent before then, in monotonic milliseconds.
    #[serde(skip)]
    not_before: u64,
}

/// Temporary refusal of a draft by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Reason.
    pub error: ErrorCode,
    /// Time of the refusal, in monotonic milliseconds.
    pub from: u64,
    /// Time from which the server would take it, in monotonic milliseconds.
    pub until: u64,
}

impl Wait {
    /// True if it is longer than that of somebody who only types fast.
    pub(crate) fn is_long(&self) -> bool {
        self.until - self.from >= LONG_WAIT_MS
    }
}

impl Draft {
    /// True if it is not sent unless the person asks for it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.state, DraftState::Refused(_))
    }

    /// True for a draft that was one too many in a short time, as in slow mode, until it is sent again.
    pub(crate) fn has_no_turn(&self) -> bool {
        self.not_before > 0 && self.waiting.is_some_and(|wait| wait.error == ErrorCode::Rate)
    }

    /// True if this one makes sense in the log only after the other one: both are messages, or both names, or it changes
    /// the same message or that one.
    fn has_to_follow(&self, earlier: &Self) -> bool {
        match (self.event.target(), earlier.event.target()) {
            (Some(target), other) => earlier.id == target || other == Some(target),
            (None, None) => self.event.is_name() == earlier.event.is_name(),
            (None, Some(_)) => false,
        }
    }

    /// True for an edit whose target no longer exists; later drafts need not wait for it.
    pub(crate) fn is_skippable(&self) -> bool {
        self.state == DraftState::Refused(ErrorCode::NoTarget) && matches!(self.event, DraftEvent::Edit { .. })
    }
}

/// Content of a draft: a [`Proposal`] whose parts are already valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftEvent {
    /// Say something.
    Message {
        /// Text of the message.
        body: MessageBody,
        /// The message it answers.
        reply_to: Option<EventId>,
    },
    /// Change an own message.
    Edit {
        /// Message to change.
        target: EventId,
        /// New text.
        body: MessageBody,
    },
    /// Take an own message back.
    Deletion {
        /// Message to delete.
        target: EventId,
    },
    /// Put an emoji on a message, or take it away.
    Reaction {
        /// Message to react to.
        target: EventId,
        /// Emoji of the reaction.
        emoji: Emoji,
        /// True to add it, false to remove it.
        on: bool,
    },
    /// Choose another name.
    Name {
        /// The new name.
        name: DisplayName,
    },
    /// Name the room.
    RoomName {
        /// The room's new name.
        name: RoomName,
    },
}

impl DraftEvent {
    /// Words that the person typed for it, if any.
    #[must_use]
    pub fn body(&self) -> Option<&MessageBody> {
        match self {
            Self::Message { body, .. } | Self::Edit { body, .. } => Some(body),
            Self::Deletion { .. } | Self::Reaction { .. } | Self::Name { .. } | Self::RoomName { .. } => None,
        }
    }

    /// True for a name, of the reader or of the room: it hangs on no message.
    #[must_use]
    pub fn is_name(&self) -> bool {
        matches!(self, Self::Name { .. } | Self::RoomName { .. })
    }

    /// The message that it changes, deletes or reacts to.
    #[must_use]
    pub fn target(&self) -> Option<EventId> {
        match self {
            Self::Edit { target, .. } | Self::Deletion { target } | Self::Reaction { target, .. } => Some(*target),
            Self::Message { .. } | Self::Name { .. } | Self::RoomName { .. } => None,
        }
    }
}

impl From<DraftEvent> for Proposal {
    fn from(event: DraftEvent) -> Self {
        match event {
            DraftEvent::Message { body, reply_to } => Self::Message { body: body.as_str().to_owned(), reply_to },
            DraftEvent::Edit { target, body } => Self::Edited { target, body: body.as_str().to_owned() },
            DraftEvent::Deletion { target } => Self::Deleted { target },
            DraftEvent::Reaction { target, emoji, on } => {
                Self::Reacted { target, emoji: emoji.as_str().to_owned(), on }
            }
            DraftEvent::Name { name } => Self::Renamed { name: name.to_string() },
            DraftEvent::RoomName { name } => Self::Settings(name.to_string().into()),
        }
    }
}

/// Progress of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftState {
    /// Not sent, as far as is known.
    Waiting,
    /// Sent and not echoed: it may be in the log.
    InFlight,
    /// Not sent, and it will not be unless the person decides so.
    Refused(ErrorCode),
}

/// Drafts in the order they were made, until their echo.
///
/// - One is sent at a time, the first that may be; the next follows its echo. So the log has them in this order, but for
///   names, which go past refused words, and for what was too much for now, which only what has to follow it waits for:
///   slow mode makes nobody wait minutes before a deletion.
/// - It is sent once per connection, with the same id each time, and once more for each time it was refused for now.
/// - Words that are refused for good stay until the person decides, and what follows waits behind them, unless it is a
///   name; not behind a change of what is gone, which no decision brings into the log. A deletion, a reaction or a name
///   that is refused for good is no more: no words are lost with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    drafts: VecDeque<Draft>,
    /// Draft in flight, with the id of the connection it was sent on.
    #[serde(skip)]
    in_flight: Option<(u32, EventId)>,
}

impl Outbox {
    /// The drafts, oldest first.
    pub fn drafts(&self) -> impl ExactSizeIterator<Item = &Draft> {
        self.drafts.iter()
    }

    /// True if no draft waits for its echo or for the person.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Keeps a new draft, made at `now` by the monotonic clock and `at` by the wall clock. Nothing happens if a
    /// draft has this id already: it is the same one.
    pub fn push(&mut self, now: u64, id: EventId, event: DraftEvent, at: u64) {
        if self.drafts.iter().all(|draft| draft.id != id) {
            let (state, waiting, not_before) = (DraftState::Waiting, None, 0);
            self.drafts.push_back(Draft { id, event, at, since: now, state, waiting, not_before });
        }
    }

    /// Keeps a new name of the reader or of the room like [`Outbox::push`], in the place of one that was never sent:
    /// nobody is told of names that were given up before. Nothing is left to send where it is the present name.
    pub fn push_name(&mut self, now: u64, id: EventId, event: DraftEvent, at: u64, is_present: bool) {
        // A store that did not answer may have taken it.
        let is_unanswered = |draft: &Draft| draft.waiting.is_some_and(|wait| wait.error == ErrorCode::Storage);
        let may_be_in_log = |draft: &Draft| draft.state != DraftState::Waiting || is_unanswered(draft);
        while let Some(last) = self.last_of_kind(&event).filter(|last| !may_be_in_log(last)) {
            self.remove(last.id);
        }
        if !self.last_of_kind(&event).map_or(is_present, |last| last.event == event) {
            self.push(now, id, event, at);
        }
    }

    /// Keeps the drafts of another page behind its own, without those whose id it has already: they are the same drafts.
    pub fn merge(&mut self, other: Self) {
        for draft in other.drafts {
            if self.drafts.iter().all(|own| own.id != draft.id) {
                self.drafts.push_back(draft);
            }
        }
    }

    /// Returns the frame to send at `now` on this connection, if any. A draft is returned once per connection.
    pub fn next_frame(&mut self, now: u64, connection_id: u32) -> Option<ClientFrame> {
        if self.in_flight.is_some_and(|(on, _)| on == connection_id) {
            return None;
        }
        let next = self.next_place(now).and_then(|place| self.drafts.get_mut(place))?;
        next.state = DraftState::InFlight;
        next.not_before = 0;
        let (id, event) = (next.id, next.event.clone().into());
        self.in_flight = Some((connection_id, id));
        Some(ClientFrame::Append { id, event })
    }

    /// Time at which the next draft that waits may be sent.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        let times = self.drafts.iter().map(|draft| draft.not_before).filter(|time| *time > 0);
        if self.in_flight.is_some() { None } else { times.filter(|time| self.next_place(*time).is_some()).min() }
    }

    /// Removes a draft whose event is in the log.
    pub fn confirm(&mut self, id: EventId) {
        self.remove(id);
    }

    fn remove(&mut self, id: EventId) {
        let Some(place) = self.drafts.iter().position(|draft| draft.id == id) else { return };
        self.drafts.remove(place);
        self.after_removal();
    }

    /// Handles a refusal by the server. Ignored unless the draft is in flight. Returns the error of a name that was
    /// refused for good, of which nothing is left to see.
    pub fn refuse(&mut self, now: u64, id: EventId, rejection: Rejection) -> Option<ErrorCode> {
        let under_way = self.in_flight.is_some_and(|(_, sent)| sent == id);
        let first = self.drafts.iter_mut().find(|draft| under_way && draft.id == id)?;
        let is_name = first.event.is_name();
        self.in_flight = None;
        if rejection.error.is_retryable() {
            first.state = DraftState::Waiting;
            let wait = rejection.retry_ms.unwrap_or(RETRY_MS);
            first.waiting = Some(Wait { error: rejection.error, from: now, until: now.saturating_add(wait) });
            first.not_before = now + wait.min(RETRY_CAP_MS);
        } else if first.event.body().is_some() {
            first.state = DraftState::Refused(rejection.error);
        } else {
            self.remove(id);
            return is_name.then_some(rejection.error);
        }
        None
    }

    /// Lets messages that wait for their turn be sent at once: how long they wait has changed.
    pub(crate) fn forget_turns(&mut self) {
        for draft in self.drafts.iter_mut().filter(|draft| draft.has_no_turn()) {
            (draft.waiting, draft.not_before) = (None, 0);
        }
    }

    /// Sends a refused draft again.
    pub fn retry(&mut self, id: EventId) {
        if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.id == id && draft.is_refused()) {
            draft.state = DraftState::Waiting;
        }
    }

    /// Takes a refused draft out, and with it what waits to change it, and gives back the words as they were typed
    /// last. Any other stays: it may be in the log already.
    pub fn take(&mut self, id: EventId) -> Option<MessageBody> {
        let place = self.drafts.iter().position(|draft| draft.id == id && draft.is_refused())?;
        let mut behind = self.drafts.split_off(place);
        let mut words = behind.pop_front()?.event.body().cloned();
        for draft in behind {
            if draft.event.target() != Some(id) {
                self.drafts.push_back(draft);
            } else if let Some(changed) = draft.event.body() {
                words = Some(changed.clone());
            }
        }
        self.after_removal();
        words
    }

    fn last_of_kind(&self, event: &DraftEvent) -> Option<&Draft> {
        self.drafts.iter().rfind(|draft| mem::discriminant(&draft.event) == mem::discriminant(event))
    }

    /// Place of the next draft to send; `None` while it has to wait, or the person has to decide about refused words first.
    fn next_place(&self, now: u64) -> Option<usize> {
        let mut is_held = false;
        // Drafts that wait for their turn, and what has to follow them.
        let mut later: Vec<&Draft> = Vec::new();
        for (place, draft) in self.drafts.iter().enumerate() {
            is_held |= draft.is_refused() && !draft.is_skippable();
            if draft.is_refused() || (is_held && !draft.event.is_name()) {
                continue;
            }
            let follows = later.iter().any(|earlier| draft.has_to_follow(earlier));
            if follows || (draft.has_no_turn() && now < draft.not_before) {
                later.push(draft);
                continue;
            }
            return (now >= draft.not_before).then_some(place);
        }
        None
    }

    fn after_removal(&mut self) {
        let is_under_way = |(_, sent): &(u32, EventId)| self.drafts.iter().any(|draft| draft.id == *sent);
        self.in_flight = self.in_flight.filter(is_under_way);
    }
}
