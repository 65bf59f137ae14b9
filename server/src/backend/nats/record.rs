//! What the messages of a store say. JSON, so that an operator can read them with any NATS tool.

use protocol::{DisplayName, Epoch, Event, MemberId, Position, Seq};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::backend::{BackendError, Sign, Signal};

/// The log's measure, rewritten by every append. Whoever changes a room proves with it that nobody else did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) epoch: Epoch,
    /// The newest event.
    pub(super) seq: Seq,
    /// The highest place that retention removed.
    pub(super) trimmed: Seq,
    /// Up to here no trimmed event's words are stored any more.
    pub(super) blanked: Seq,
    /// What the events after `trimmed` measure together.
    pub(super) bytes: usize,
    /// How many slots the events share.
    pub(super) ring: u64,
    /// The version of the roster that belongs to this.
    pub(super) roster: u64,
}

impl Head {
    pub(super) fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.seq }
    }

    /// How many events the log holds. Places are dense in this engine, and only it may know.
    pub(super) fn events(&self) -> u64 {
        self.seq.0 - self.trimmed.0
    }

    /// Where the event of this place is stored, until the one that follows it by `ring` takes the slot.
    pub(super) fn slot(&self, seq: Seq) -> u64 {
        seq.0 % self.ring
    }

    /// The first event still in the log, `Seq(0)` when there is none.
    pub(super) fn oldest(&self) -> Seq {
        if self.events() == 0 { Seq(0) } else { Seq(self.trimmed.0 + 1) }
    }
}

/// Who is inside, rewritten by every join and leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Roster {
    pub(super) epoch: Epoch,
    pub(super) version: u64,
    pub(super) capacity: u32,
    /// In the order they came.
    pub(super) members: Vec<Seated>,
}

/// One taken seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seated {
    pub(super) member: MemberId,
    pub(super) name: DisplayName,
    pub(super) joined: Seq,
}

impl Roster {
    pub(super) fn seat(&self, member: MemberId) -> Option<&Seated> {
        self.members.iter().find(|seated| seated.member == member)
    }
}

/// One event of the log, as it is told now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) epoch: Epoch,
    pub(super) event: Event,
    /// Of a message: the last event that changed it, which still speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) edit: Option<Seq>,
}

/// The room ended after this event.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) epoch: Epoch,
    pub(super) seq: Seq,
}

/// One lease, by the clock of whoever holds it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    /// The `joined` of the seat it keeps: the member's next seat is another one.
    pub(super) joined: Seq,
    /// In UTC milliseconds.
    pub(super) until: u64,
}

/// A signal on its way.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Signalled {
    member: MemberId,
    sign: Said,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Typing(bool),
    Away(u64),
    Back,
}

impl From<Signal> for Signalled {
    fn from(Signal { member, sign }: Signal) -> Self {
        let sign = match sign {
            Sign::Typing(typing) => Said::Typing(typing),
            Sign::Away { until } => Said::Away(until),
            Sign::Back => Said::Back,
        };
        Self { member, sign }
    }
}

impl From<Signalled> for Signal {
    fn from(Signalled { member, sign }: Signalled) -> Self {
        let sign = match sign {
            Said::Typing(typing) => Sign::Typing(typing),
            Said::Away(until) => Sign::Away { until },
            Said::Back => Sign::Back,
        };
        Self { member, sign }
    }
}

/// What a message says. The error carries nothing of it.
pub(super) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, BackendError> {
    serde_json::from_slice(payload).map_err(|error| {
        BackendError::corrupt(format!("a record cannot be read (line {}, column {})", error.line(), error.column()))
    })
}
