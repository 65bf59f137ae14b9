//! What was written here and is not in the log yet.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::protocol::{ClientFrame, Code, EventId, Fault, MessageBody, Proposal};

/// How long a draft waits when the server refuses it for now and does not say how long, in milliseconds.
pub const RETRY_MS: u64 = 1_000;
/// No longer wait is obeyed, in milliseconds: text must not stay on "sending" because of one wrong number.
pub const RETRY_CAP_MS: u64 = 60_000;

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The id that its event will have.
    pub id: EventId,
    /// What it says.
    pub body: MessageBody,
    /// When it was written: this machine's wall clock, in UTC milliseconds.
    pub at: u64,
    /// When it was written, in monotonic milliseconds. Forgotten over a reload: the old page's clock means nothing.
    #[serde(skip)]
    pub since: u64,
    /// How far it got.
    pub state: DraftState,
}

/// How far a draft got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftState {
    /// Not with the server, as far as is known.
    Waiting,
    /// Sent and not echoed: it may be in the log.
    InFlight,
    /// Not sent, and it will not be unless the person decides so.
    Refused(Code),
}

/// Drafts in the order they were written, until their echo.
///
/// - Only the first is ever sent; the next follows its echo. So the log has them in this order.
/// - It is sent once per connection, with the same id each time, and once more for each time it was refused for now.
/// - One that is refused for good stays, and the others wait behind it, until the person decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    drafts: VecDeque<Draft>,
    /// The dial on which the first draft was sent.
    #[serde(skip)]
    sent_on: Option<u32>,
    /// The first draft waits until then.
    #[serde(skip)]
    not_before: u64,
}

impl Outbox {
    /// The drafts, oldest first.
    pub fn drafts(&self) -> impl ExactSizeIterator<Item = &Draft> {
        self.drafts.iter()
    }

    /// Whether nothing waits for its echo or for the person.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Keeps a new draft. An id that is here already is the same draft.
    pub fn push(&mut self, now: u64, id: EventId, body: MessageBody, at: u64) {
        if self.drafts.iter().all(|draft| draft.id != id) {
            self.drafts.push_back(Draft { id, body, at, since: now, state: DraftState::Waiting });
        }
    }

    /// What to send at `now` on the connection of this dial, if anything. Asking again gives nothing new.
    pub fn send(&mut self, now: u64, dial: u32) -> Option<ClientFrame> {
        if self.sent_on == Some(dial) || now < self.not_before {
            return None;
        }
        let first = self.drafts.front_mut().filter(|first| !matches!(first.state, DraftState::Refused(_)))?;
        first.state = DraftState::InFlight;
        self.sent_on = Some(dial);
        Some(ClientFrame::Append { id: first.id, event: Proposal::Message { body: first.body.as_str().to_owned() } })
    }

    /// When [`Outbox::send`] is worth asking again without anything else having happened.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        let first = self.drafts.front()?;
        (first.state == DraftState::Waiting && self.not_before > 0).then_some(self.not_before)
    }

    /// The log has it: the draft is no more.
    pub fn settle(&mut self, id: EventId) {
        let Some(place) = self.drafts.iter().position(|draft| draft.id == id) else { return };
        self.drafts.remove(place);
        if place == 0 {
            self.next();
        }
    }

    /// The server refused it. Ignored unless it is the one in flight.
    pub fn refuse(&mut self, now: u64, id: EventId, fault: Fault) {
        let Some(first) = self.drafts.front_mut() else { return };
        if first.id != id || first.state != DraftState::InFlight {
            return;
        }
        self.sent_on = None;
        if fault.code.is_retryable() {
            first.state = DraftState::Waiting;
            self.not_before = now + fault.retry_ms.unwrap_or(RETRY_MS).min(RETRY_CAP_MS);
        } else {
            first.state = DraftState::Refused(fault.code);
        }
    }

    /// Sends a refused draft again.
    pub fn retry(&mut self, id: EventId) {
        if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.id == id && is_refused(draft)) {
            draft.state = DraftState::Waiting;
        }
    }

    /// Gives a refused draft back. Any other stays: it may be in the log already.
    pub fn take(&mut self, id: EventId) -> Option<Draft> {
        let place = self.drafts.iter().position(|draft| draft.id == id && is_refused(draft))?;
        let draft = self.drafts.remove(place);
        if place == 0 {
            self.next();
        }
        draft
    }

    /// Another draft is the first now.
    fn next(&mut self) {
        self.sent_on = None;
        self.not_before = 0;
    }
}

fn is_refused(draft: &Draft) -> bool {
    matches!(draft.state, DraftState::Refused(_))
}
