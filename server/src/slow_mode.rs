//! Slow mode: the time between two messages of a member, where the host asks for one.

use std::time::{Duration, Instant};

use moka::ops::compute::Op;
use moka::sync::Cache;
use protocol::{EventId, MAX_SLOW_MS, MemberId};

/// Maximum number of members whose newest message is known. Beyond it the oldest are forgotten, and may write again.
const MEMBERS: u64 = 100_000;

/// The members' newest messages and their times in rooms with slow mode. Each node has its own: a member with connections
/// to several may write on each.
pub struct SlowMode(Cache<MemberId, (EventId, Instant)>);

impl Default for SlowMode {
    fn default() -> Self {
        let longest = Duration::from_millis(u64::from(MAX_SLOW_MS));
        Self(Cache::builder().max_capacity(MEMBERS).time_to_live(longest).build())
    }
}

impl SlowMode {
    /// Takes the member's turn to write this message. A message that has it keeps it: it may come again, because the
    /// answer was lost or the store had none.
    ///
    /// # Errors
    /// Returns the time until the member may write.
    pub fn take(&self, member: MemberId, message: EventId, interval: Duration) -> Result<(), Duration> {
        let now = Instant::now();
        let mut wait = Duration::ZERO;
        self.0.entry(member).and_compute_with(|newest| {
            let newest = newest.map(|newest| newest.into_value());
            if newest.is_some_and(|(id, _)| id == message) {
                return Op::Nop;
            }
            wait = newest.map_or(Duration::ZERO, |(_, at)| (at + interval).saturating_duration_since(now));
            if wait.is_zero() { Op::Put((message, now)) } else { Op::Nop }
        });
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn message(n: u8) -> EventId {
        EventId::mint(n.into(), [n; 10])
    }

    #[test]
    fn message_that_has_its_turn_may_come_again_and_another_one_waits() {
        let (slow, member) = (SlowMode::default(), MemberId(message(0).0));
        assert_eq!(slow.take(member, message(1), MINUTE), Ok(()));
        assert!(slow.take(member, message(2), MINUTE).is_err_and(|wait| wait <= MINUTE));
        assert_eq!(slow.take(member, message(1), MINUTE), Ok(()));
        assert_eq!(slow.take(member, message(2), Duration::ZERO), Ok(()));
    }

    #[test]
    fn one_of_two_messages_at_once_has_the_turn() {
        for _ in 0..200 {
            let (slow, member) = (SlowMode::default(), MemberId(message(0).0));
            let both = Barrier::new(2);
            let taken = thread::scope(|scope| {
                let (slow, both) = (&slow, &both);
                let take = |n| {
                    scope.spawn(move || {
                        both.wait();
                        slow.take(member, message(n), MINUTE).is_ok()
                    })
                };
                [1, 2].map(take).map(|taking| taking.join().unwrap())
            });
            assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
        }
    }
}
