//! The real server on a port of its own, and clients that use it.

#![allow(dead_code, reason = "each of the test crates uses a part")]

pub(crate) mod client;
pub(crate) mod server;
pub(crate) mod troubled;

use std::future::Future;
use std::time::Duration;

/// Timeout of everything here, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for `what`, at most [`PATIENCE`].
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it did not happen in time")
}
