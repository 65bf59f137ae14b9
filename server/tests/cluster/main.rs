//! Three NATS servers and two nodes, some of which are killed or paused while simulated users write, join and leave.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

#[path = "../conformance/support.rs"]
#[allow(dead_code, reason = "shared with the conformance suite")]
mod support;

mod losses;
mod seats;
mod servers;
mod stage;
