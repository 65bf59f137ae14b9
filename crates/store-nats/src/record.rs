//! Records: the content of the store's messages, in JSON. Rosters, events and names are encrypted.

use ::store::{Distinct, NameKeys, PresenceKind, PresenceUpdate, Settings, StoreError};
use protocol::{DisplayName, Epoch, Event, MemberId, Position, RoomId, Seq, ShownName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Message of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CodeRecord {
    /// Room that has or had the code.
    pub(super) room: RoomId,
    /// True if the room ended. Its key may still be stored, and must be deleted before anybody is told of the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) ended: bool,
}

/// State of a room's log, rewritten by every append. Every change of the room is conditional on its stream sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) epoch: Epoch,
    /// Hashes of the codes that lead to the room, see [`Settings::codes`]. They are in clear here, so that a room without
    /// a key can be ended, too.
    pub(super) codes: Vec<Uuid>,
    /// Seq of the newest event.
    pub(super) seq: Seq,
    /// Highest seq that retention removed.
    pub(super) trimmed: Seq,
    /// Seq up to which no text of trimmed events is stored any more.
    pub(super) blanked: Seq,
    /// Total size of the events after `trimmed`, in bytes.
    pub(super) bytes: usize,
    /// Number of slots for events.
    pub(super) ring: u64,
    /// Version of the roster that belongs to this head.
    pub(super) roster: u64,
    /// Time at which the newest event whose id may be forgotten was appended, 0 if there is none.
    #[serde(default)]
    pub(super) forgotten: u64,
    /// Time at which the event was appended after which the known ids are counted again. The ids up to it are forgotten
    /// when there are enough later ones.
    #[serde(default)]
    pub(super) counted: u64,
    /// Stream sequence of the head before the batch of that event; 0 if it is not known. The ids of earlier batches come
    /// before it.
    #[serde(default)]
    pub(super) counted_stored: u64,
}

impl Head {
    pub(super) fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.seq }
    }

    /// Returns the number of events in the log. Seqs are dense in this store; callers must not rely on that.
    pub(super) fn events(&self) -> u64 {
        self.seq.0 - self.trimmed.0
    }

    /// Returns the slot of the event with this seq. The event whose seq is greater by `ring` overwrites it.
    pub(super) fn slot(&self, seq: Seq) -> u64 {
        seq.0 % self.ring
    }

    /// Returns the seq of the oldest event in the log, `Seq(0)` when the log is empty.
    pub(super) fn oldest(&self) -> Seq {
        if self.events() == 0 { Seq(0) } else { Seq(self.trimmed.0 + 1) }
    }
}

/// Settings and taken seats of a room, rewritten by every change of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Roster {
    pub(super) epoch: Epoch,
    pub(super) version: u64,
    pub(super) settings: Settings,
    /// Members in the order in which they joined.
    pub(super) members: Vec<Seated>,
}

/// One taken seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seated {
    pub(super) member: MemberId,
    pub(super) name: ShownName,
    pub(super) keys: NameKeys,
    pub(super) joined: Seq,
}

impl Roster {
    pub(super) fn seat(&self, member: MemberId) -> Option<&Seated> {
        self.members.iter().find(|seated| seated.member == member)
    }

    /// Checks that those have seats who need one, and that the settings permit the event.
    pub(super) fn check(&self, event: &Event) -> Result<(), StoreError> {
        self.settings.check(event, |member| self.seat(member).is_some(), || self.members.len())
    }

    /// Seats a member. Returns the name as it is shown.
    pub(super) fn take_seat(
        &mut self,
        member: MemberId,
        name: &DisplayName,
        keys: &NameKeys,
        joined: Seq,
    ) -> ShownName {
        let Distinct { name, keys } = Distinct::choose(name.clone(), keys, None, &self.others(member));
        self.members.push(Seated { member, name: name.clone(), keys, joined });
        name
    }

    /// Renames a member. Returns the shown name before and after it; `None` if the member has no seat.
    pub(super) fn rename(
        &mut self,
        member: MemberId,
        name: &DisplayName,
        keys: &NameKeys,
    ) -> Option<(ShownName, ShownName)> {
        let others = self.others(member);
        let seat = self.members.iter_mut().find(|seated| seated.member == member)?;
        let Distinct { name, keys } = Distinct::choose(name.clone(), keys, Some(seat.name.hue), &others);
        seat.keys = keys;
        Some((std::mem::replace(&mut seat.name, name.clone()), name))
    }

    /// Hue and keys of everyone but this member.
    fn others(&self, member: MemberId) -> Vec<(u8, NameKeys)> {
        let others = self.members.iter().filter(|seated| seated.member != member);
        others.map(|seated| (seated.name.hue, seated.keys.clone())).collect()
    }
}

/// One event of the log in its current version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) epoch: Epoch,
    pub(super) event: Event,
    /// For a message that is not deleted: seq of its last edit, the only one that still has text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) edit: Option<Seq>,
    /// True if the room ended with this event.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) ends: bool,
    /// Stream sequence of its message; 0 before it is stored.
    #[serde(skip)]
    pub(super) stored: u64,
}

/// Record that the room ended after this event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct End {
    /// Hashes of the codes that led to the room. Their messages are still to be purged.
    pub(super) codes: Vec<Uuid>,
    pub(super) epoch: Epoch,
    pub(super) seq: Seq,
}

/// One lease, by the clock of the node that holds it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct LeaseRecord {
    /// Seq of the seat's `joined` event: the lease does not hold a later seat of the same member.
    pub(super) joined: Seq,
    /// Time of expiry in UTC milliseconds.
    pub(super) until: u64,
}

/// A presence update as nodes send it to each other.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct PresenceRecord {
    member: MemberId,
    sign: PresenceRecordKind,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PresenceRecordKind {
    Typing(bool),
    Away(u64),
    Back,
}

impl From<PresenceUpdate> for PresenceRecord {
    fn from(PresenceUpdate { member, kind }: PresenceUpdate) -> Self {
        let sign = match kind {
            PresenceKind::Typing(typing) => PresenceRecordKind::Typing(typing),
            PresenceKind::Away { until } => PresenceRecordKind::Away(until),
            PresenceKind::Back => PresenceRecordKind::Back,
        };
        Self { member, sign }
    }
}

impl From<PresenceRecord> for PresenceUpdate {
    fn from(PresenceRecord { member, sign }: PresenceRecord) -> Self {
        let kind = match sign {
            PresenceRecordKind::Typing(typing) => PresenceKind::Typing(typing),
            PresenceRecordKind::Away(until) => PresenceKind::Away { until },
            PresenceRecordKind::Back => PresenceKind::Back,
        };
        Self { member, kind }
    }
}

/// Decodes a record. The error contains nothing of its content.
pub(super) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(payload).map_err(|error| {
        StoreError::corrupt(format!("a record cannot be read (line {}, column {})", error.line(), error.column()))
    })
}
