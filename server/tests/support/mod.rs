//! The real server on a port of its own, and people who come to it.

#![allow(dead_code, reason = "each of the test crates uses a part")]

pub(crate) mod client;
pub(crate) mod server;
pub(crate) mod troubled;

use std::future::Future;
use std::time::Duration;

/// Longer than anything here takes on a busy machine: who waits this long waits in vain.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits, but not for ever.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it did not happen in time")
}
