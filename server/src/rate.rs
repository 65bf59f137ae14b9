//! Rate limit per member, over all of its connections.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use protocol::MemberId;

/// Token bucket per member. One session is another member in each room, so each room has a bucket of its own.
pub struct RateLimiter {
    limiter: DefaultKeyedRateLimiter<MemberId>,
    clock: DefaultClock,
    burst: u32,
}

impl RateLimiter {
    /// Creates full buckets of `burst` tokens, refilled with `per_second` tokens per second; both at least one.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self::with(Quota::per_second(at_least_one(per_second)), burst)
    }

    /// Creates full buckets of `burst` tokens, refilled with `per_minute` tokens per minute; both at least one.
    #[must_use]
    pub fn per_minute(per_minute: u32, burst: u32) -> Self {
        Self::with(Quota::per_minute(at_least_one(per_minute)), burst)
    }

    fn with(quota: Quota, burst: u32) -> Self {
        let burst = at_least_one(burst);
        let limiter = DefaultKeyedRateLimiter::keyed(quota.allow_burst(burst));
        Self { limiter, clock: DefaultClock::default(), burst: burst.get() }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// Returns the time after which there is one.
    pub fn take(&self, member: MemberId) -> Result<(), Duration> {
        self.take_many(member, 1).map(drop)
    }

    /// Takes several tokens at once, at most a full bucket. Returns their number.
    ///
    /// # Errors
    /// Returns the time after which there are as many, if nobody takes any meanwhile. None are taken then.
    pub fn take_many(&self, member: MemberId, tokens: u32) -> Result<u32, Duration> {
        let Some(tokens) = NonZeroU32::new(tokens.min(self.burst)) else { return Ok(0) };
        match self.limiter.check_key_n(&member, tokens) {
            Ok(Err(until)) => Err(until.wait_time_from(self.clock.now())),
            // `Err` only for more tokens than a bucket holds, which the first line excludes.
            Ok(Ok(())) | Err(_) => Ok(tokens.get()),
        }
    }

    /// Removes the buckets that are full again.
    pub fn evict_full(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

fn at_least_one(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}
