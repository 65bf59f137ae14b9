//! Settings of a room's host, and the rules for them, which are the same in every store.

use protocol::{Event, EventKind, LeaveReason, MemberId, RoomChange, RoomCode, RoomName};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Maximum number of former codes that still lead a room's members to it.
const FORMER_CODES: usize = 8;
/// Maximum number of removed members that a room knows: as many as the largest room has seats.
const REMOVED: usize = 1_000;

/// Settings of a room. A store keeps them with the room, and changes them in the commit of the event that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Code that leads to the room.
    pub code: RoomCode,
    /// Codes that led to it before, oldest first. They lead its members to it, and nobody else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_codes: Vec<RoomCode>,
    /// Number of seats.
    pub capacity: u32,
    /// Name; empty if it has none.
    pub name: RoomName,
    /// Host; `None` before the first member.
    pub host: Option<MemberId>,
    /// True while nobody is taken in.
    #[serde(default)]
    pub locked: bool,
    /// Minimum time between two messages of a member other than the host, in milliseconds; 0 for none.
    #[serde(default)]
    pub slow_ms: u32,
    /// True while only the host may write.
    #[serde(default)]
    pub host_only: bool,
    /// Members whom the host removed, oldest first. They get no seat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<MemberId>,
}

impl Settings {
    /// Creates the settings of a new room.
    #[must_use]
    pub fn new(code: RoomCode, capacity: u32, name: RoomName) -> Self {
        Self {
            code,
            former_codes: Vec::new(),
            capacity,
            name,
            host: None,
            locked: false,
            slow_ms: 0,
            host_only: false,
            removed: Vec::new(),
        }
    }

    /// Returns the code that leads to the room, and those that did.
    pub fn codes(&self) -> impl Iterator<Item = RoomCode> {
        std::iter::once(self.code).chain(self.former_codes.iter().copied())
    }

    /// Checks that those have seats who need one, and that the settings permit the event in a room with this number of
    /// `members`.
    ///
    /// # Errors
    /// `Conflict` when somebody has no seat who needs one, or the one who joins has a seat, or the host would remove the
    /// host; `Removed`, `Locked` or `Full` when the author of `joined` is not taken in; `NotHost` when only the host may do
    /// this; `Full` when there would be fewer seats than members; `HostOnly` when only the host may write.
    pub fn check(
        &self,
        event: &Event,
        is_seated: impl Fn(MemberId) -> bool,
        members: impl Fn() -> usize,
    ) -> Result<(), StoreError> {
        let has_its_seats = match event.kind {
            EventKind::Joined { member, .. } => !is_seated(member),
            EventKind::Left { member, .. } => is_seated(member),
            EventKind::Renamed { member, .. } => member == event.by && is_seated(member),
            EventKind::Host { member } => is_seated(event.by) && is_seated(member),
            _ => is_seated(event.by),
        };
        if !has_its_seats {
            return Err(StoreError::Conflict);
        }
        let is_host = self.host == Some(event.by);
        match &event.kind {
            EventKind::Joined { member, .. } if self.removed.contains(member) => Err(StoreError::Removed),
            EventKind::Joined { .. } if self.locked => Err(StoreError::Locked),
            EventKind::Joined { .. } if members() >= self.capacity as usize => Err(StoreError::Full),
            EventKind::Settings(_) | EventKind::Code { .. } | EventKind::Host { .. } | EventKind::Ended if !is_host => {
                Err(StoreError::NotHost)
            }
            EventKind::Settings(RoomChange { capacity: Some(capacity), .. }) if members() > *capacity as usize => {
                Err(StoreError::Full)
            }
            EventKind::Left { why: LeaveReason::Removed, .. } if !is_host => Err(StoreError::NotHost),
            EventKind::Left { why: LeaveReason::Removed, member } | EventKind::Host { member }
                if *member == event.by =>
            {
                Err(StoreError::Conflict)
            }
            EventKind::Message { .. } | EventKind::Edited { .. } if self.host_only && !is_host => {
                Err(StoreError::HostOnly)
            }
            _ => Ok(()),
        }
    }

    /// Applies what an event changes. Returns true if that is anything.
    pub fn apply(&mut self, kind: &EventKind) -> bool {
        let before = self.clone();
        match kind {
            EventKind::Settings(RoomChange { name, locked, capacity, slow_ms, host_only }) => {
                self.name = name.clone().unwrap_or(before.name.clone());
                self.locked = locked.unwrap_or(self.locked);
                self.capacity = capacity.unwrap_or(self.capacity);
                self.slow_ms = slow_ms.unwrap_or(self.slow_ms);
                self.host_only = host_only.unwrap_or(self.host_only);
            }
            EventKind::Code { code } => {
                push_bounded(&mut self.former_codes, self.code, FORMER_CODES);
                self.code = *code;
            }
            EventKind::Host { member } => self.host = Some(*member),
            EventKind::Left { member, why: LeaveReason::Removed } => push_bounded(&mut self.removed, *member, REMOVED),
            _ => return false,
        }
        *self != before
    }
}

/// Adds an item, and removes the oldest one beyond `most`.
fn push_bounded<T>(items: &mut Vec<T>, item: T, most: usize) {
    items.push(item);
    if items.len() > most {
        items.remove(0);
    }
}
