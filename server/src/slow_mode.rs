//! Slow mode: the time between two messages of a member, where the host asks for one.

use std::time::{Duration, Instant};

use moka::sync::Cache;
use protocol::{MAX_SLOW_MS, MemberId};

/// Maximum number of members whose newest message is known. Beyond it the oldest are forgotten, and may write again.
const MEMBERS: u64 = 100_000;

/// Times of the members' newest messages in rooms with slow mode. Each node has its own: a member with connections to
/// several may write on each.
pub struct SlowMode(Cache<MemberId, Instant>);

impl Default for SlowMode {
    fn default() -> Self {
        let longest = Duration::from_millis(u64::from(MAX_SLOW_MS));
        Self(Cache::builder().max_capacity(MEMBERS).time_to_live(longest).build())
    }
}

impl SlowMode {
    /// Takes the member's turn to write.
    ///
    /// # Errors
    /// Returns the time until the member may write.
    pub fn take(&self, member: MemberId, interval: Duration) -> Result<(), Duration> {
        let now = Instant::now();
        let wait = self.0.get(&member).and_then(|last| (last + interval).checked_duration_since(now));
        match wait.filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(wait),
            None => {
                self.0.insert(member, now);
                Ok(())
            }
        }
    }
}
