//! Faults injected into the real program over real sockets: clock, disk, slow readers, SIGTERM, unusable stores.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod clock;
#[cfg(target_os = "linux")]
mod disk;
mod people;
#[cfg(target_os = "linux")]
mod slow;
mod stop;
mod store;

use std::path::Path;
use std::time::{Duration, Instant};

use testkit::node::Program;

/// Timeout of everything here, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Maximum number of events per room, more than any test here appends.
const KEEPS: usize = 100_000;

/// A server whose rate limit and retention no test here reaches.
fn program(directory: &Path) -> Program {
    let environment = [
        ("APPENDS_PER_SECOND", "100000".to_owned()),
        ("APPEND_BURST", "100000".to_owned()),
        ("EVENTS", KEEPS.to_string()),
        ("TIMELINE", (1u64 << 30).to_string()),
    ];
    Program::new(env!("CARGO_BIN_EXE_server").into(), directory.join("flasky.db"), environment.into())
}

/// Waits until `is_so` returns true, at most [`PATIENCE`].
async fn until(what: &str, is_so: impl FnMut() -> bool) {
    until_within(PATIENCE, what, is_so).await;
}

/// Waits until `is_so` returns true, at most `time`.
async fn until_within(time: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < time, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
