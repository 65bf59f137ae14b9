//! Identifiers of events, members and rooms on the wire.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Unique id of an event. The client that appends an event mints its id, the server those of its own events, so
/// sending the same thing twice is the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// A UUIDv7 (RFC 9562) of this moment.
    #[must_use]
    pub fn mint(unix_ms: u64, entropy: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &entropy).into_uuid())
    }

    /// Time at which a UUIDv7 was minted, by the clock of whoever did, in UTC milliseconds.
    #[must_use]
    pub fn minted_ms(self) -> Option<u64> {
        self.is_v7().then(|| (self.0.as_u128() >> 80) as u64)
    }

    /// True for the kind of id that clients mint.
    #[must_use]
    pub fn is_v7(self) -> bool {
        self.0.get_version_num() == 7
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One person in one room. The same browser is another member in another room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub Uuid);

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identity of a room, random and the same for the room's life, whatever its code. Only members get it; it is nothing
/// that lets anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomId(pub Uuid);

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
