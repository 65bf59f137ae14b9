//! The wall clock. For display only: order is the log's, and waiting is `tokio::time`'s.

use std::time::{SystemTime, UNIX_EPOCH};

/// UTC milliseconds since 1970; 0 on a machine whose clock stands before that.
#[must_use]
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
