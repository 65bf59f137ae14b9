//! Event ids.

use protocol::EventId;

use super::clock::unix_ms;
use super::dice::Dice;

/// Returns a new event id, as clients make it.
pub fn event_id() -> EventId {
    let mut entropy = [0; 10];
    getrandom::fill(&mut entropy).unwrap();
    EventId::mint(unix_ms(), entropy)
}

/// Returns a new event id whose entropy is reproducible.
pub fn mint(dice: &mut Dice) -> EventId {
    let mut entropy = [0; 10];
    entropy[..8].copy_from_slice(&dice.draw().to_be_bytes());
    entropy[8..].copy_from_slice(&dice.draw().to_be_bytes()[..2]);
    EventId::mint(unix_ms(), entropy)
}
