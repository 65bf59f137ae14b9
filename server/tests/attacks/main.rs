//! Attacks on what the real program has: connections, memory, time, descriptors. Each is a file, and rooms beside it
//! talk all the time: every message arrives, in order, and none takes longer than [`BOUND`].
//!
//! `-- --nocapture --test-threads=1` prints how long the messages took without and with each attack (SCALING.md).

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod beside;
mod descriptors;
mod fragments;
mod half_open;
mod huge;
mod idle;
mod markup;
mod pings;
mod proposals;
#[path = "../socket/raw.rs"]
#[allow(dead_code, reason = "what other tests of sockets need")]
mod raw;
mod slow;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol::RoomCode;
use testkit::browser::{Person, Site};
use testkit::http;
use testkit::kernel::{cpu_time, resident};
use testkit::node::{Program, free_address};

/// Maximum time of a message in a room beside an attack. Generous: other programs may have the machine.
const BOUND: Duration = Duration::from_secs(2);
/// Time for which attackers do what they can do again and again.
const FLOOD: Duration = Duration::from_secs(3);
/// Timeout of everything else, beside the time that the server is meant to take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server under attack, with default settings except for the limits per address: everybody has the same one.
struct Target {
    _directory: tempfile::TempDir,
    program: Program,
    metrics: SocketAddr,
}

impl Site for Target {
    fn address(&self) -> SocketAddr {
        self.program.address
    }
}

impl Target {
    async fn start() -> Self {
        Self::with(&[], &[]).await
    }

    /// Starts the server with these settings, by this command (see [`Program::through`]).
    async fn with(settings: &[(&'static str, &str)], launcher: &'static [&'static str]) -> Self {
        let (directory, metrics) = (tempfile::tempdir().unwrap(), free_address());
        let mut environment = vec![("METRICS", metrics.to_string())];
        environment.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let (binary, store) = (env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"));
        let mut program = Program::new(binary, store, environment).through(launcher);
        program.start().await;
        Self { _directory: directory, program, metrics }
    }

    /// Value of a metric, 0 while it has none.
    async fn metric(&self, series: &str) -> u64 {
        http::metric(self.metrics, series).await.unwrap().unwrap_or_default()
    }

    /// Resident memory in MiB.
    fn mebibytes(&self) -> f64 {
        resident(self.program.pid()) / 1024.0
    }

    /// Processor time used so far.
    fn cpu_time(&self) -> Duration {
        cpu_time(&[self.program.pid()])
    }
}

/// Lets this many people join a room.
async fn join(server: &Target, code: RoomCode, count: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for n in 0..count {
        people.push(Person::join(server, code, &format!("Eve {n}")).await);
    }
    people
}

/// Waits until `is_so` returns true, at most `time`.
async fn until_within(time: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < time, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
