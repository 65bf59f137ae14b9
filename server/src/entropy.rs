//! Random values from the operating system.

use protocol::{Epoch, EventId, RoomCode};
use uuid::Uuid;

use crate::clock;

/// Returns random bytes.
///
/// # Panics
/// Panics if the operating system has no random source: without one, keys and room codes would be guessable.
#[must_use]
#[expect(clippy::expect_used, reason = "without randomness there is no secret to keep and no code to give out")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random source");
    bytes
}

/// Returns a random UUID.
#[must_use]
pub fn uuid() -> Uuid {
    uuid::Builder::from_random_bytes(bytes()).into_uuid()
}

/// Returns an id for an event that the server creates.
#[must_use]
pub fn event_id() -> EventId {
    EventId::mint(clock::unix_ms(), bytes())
}

/// Returns a random code for a new room.
#[must_use]
pub fn room_code() -> RoomCode {
    RoomCode::from_entropy(bytes())
}

/// Returns a random epoch for a new room.
#[must_use]
pub fn epoch() -> Epoch {
    Epoch(u64::from_be_bytes(bytes()))
}
