//! How fast a member may do something, over all of its connections.

use std::num::NonZeroU32;
use std::time::Duration;

use app::protocol::{MemberId, RoomCode};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

/// A token bucket per member.
pub struct Rate {
    limiter: DefaultKeyedRateLimiter<(RoomCode, MemberId)>,
    clock: DefaultClock,
}

impl Rate {
    /// Full buckets of `burst`, refilled at `per_second`; both at least one.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(per_second)).allow_burst(at_least_one(burst));
        Self { limiter: DefaultKeyedRateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// With the time after which there is one.
    pub fn take(&self, code: RoomCode, member: MemberId) -> Result<(), Duration> {
        self.limiter.check_key(&(code, member)).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Forgets members whose buckets are full again.
    pub fn tidy(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}
