//! The operating system's random source.

use protocol::{Epoch, EventId, RoomCode};
use uuid::Uuid;

use crate::clock;

/// Random bytes.
///
/// # Panics
/// When the operating system has no random source: nothing this server promises holds then.
#[must_use]
#[expect(clippy::expect_used, reason = "without randomness there is no secret to keep and no code to give out")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random source");
    bytes
}

/// A random UUID.
#[must_use]
pub fn uuid() -> Uuid {
    uuid::Builder::from_random_bytes(bytes()).into_uuid()
}

/// The id of an event of the server's own.
#[must_use]
pub fn event_id() -> EventId {
    EventId::mint(clock::unix_ms(), bytes())
}

/// A code for a new room.
#[must_use]
pub fn room_code() -> RoomCode {
    RoomCode::from_entropy(bytes())
}

/// An epoch for a new room.
#[must_use]
pub fn epoch() -> Epoch {
    Epoch(u64::from_be_bytes(bytes()))
}
