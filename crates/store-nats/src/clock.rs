//! Wall clock for leases, whose expiry is compared between processes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Wall-clock time at an anchor, advanced by the monotonic clock: setting the system's clock moves no lease.
#[derive(Debug)]
pub(super) struct Clock {
    anchor: Mutex<(Instant, u64)>,
}

impl Clock {
    pub(super) fn new(now: Instant) -> Self {
        Self { anchor: Mutex::new((now, unix_ms())) }
    }

    /// Reads the wall clock again: the monotonic clock falls behind while the machine sleeps.
    pub(super) fn set(&self, now: Instant) {
        *self.anchor() = (now, unix_ms());
    }

    /// Converts an instant to wall-clock time in UTC milliseconds.
    pub(super) fn wall(&self, instant: Instant) -> u64 {
        let (anchor, ms) = *self.anchor();
        let after = instant.saturating_duration_since(anchor).as_millis() as u64;
        let before = anchor.saturating_duration_since(instant).as_millis() as u64;
        (ms + after).saturating_sub(before)
    }

    /// Converts wall-clock time in UTC milliseconds to an instant, or to `now` if that time is past.
    pub(super) fn instant(&self, wall: u64, now: Instant) -> Instant {
        now + Duration::from_millis(wall.saturating_sub(self.wall(now)))
    }

    fn anchor(&self) -> MutexGuard<'_, (Instant, u64)> {
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
