//! Leases of one seat, as this process knows them.

use tokio::time::Instant;
use uuid::Uuid;

/// One member's leases in one room.
#[derive(Debug, Default)]
pub struct Leases(Vec<(Uuid, Instant)>);

impl Leases {
    /// Holds the lease `id` until `until`. Never shortens it, so that nothing shortens the grace period after a start.
    pub fn hold(&mut self, id: Uuid, now: Instant, until: Instant) {
        self.0.retain(|(held, end)| *held == id || *end > now);
        match self.0.iter_mut().find(|(held, _)| *held == id) {
            Some((_, end)) => *end = until.max(*end),
            None => self.0.push((id, until)),
        }
    }

    /// Ends the lease `id`, if it is held.
    pub fn release(&mut self, id: Uuid) {
        self.0.retain(|(held, _)| *held != id);
    }

    /// True if a lease is active at `now`.
    #[must_use]
    pub fn any_active(&self, now: Instant) -> bool {
        self.0.iter().any(|(_, end)| *end > now)
    }
}
