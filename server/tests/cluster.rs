//! Three NATS servers and two nodes, some of which are killed or paused while simulated users write, join and leave.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/nats.rs"]
mod nats_server;
#[path = "proof/kit.rs"]
mod proof;
#[path = "conformance/support.rs"]
#[allow(dead_code, reason = "shared with the conformance suite")]
mod support;

#[path = "cluster/losses.rs"]
mod losses;
#[path = "cluster/seats.rs"]
mod seats;
#[path = "cluster/servers.rs"]
mod servers;
#[path = "cluster/stage.rs"]
mod stage;
