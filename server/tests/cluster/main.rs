//! Three NATS servers and two nodes, some of which are killed or paused while simulated users write, join and leave.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod losses;
mod seats;
mod servers;
mod stage;
