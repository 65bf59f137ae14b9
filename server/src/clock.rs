//! The wall clock. For display only: the log decides the order of events, and timers use `tokio::time`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns UTC milliseconds since 1970, or 0 if the system clock is set to an earlier time.
#[must_use]
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
