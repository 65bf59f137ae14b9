//! Tests of the NATS store: its streams, several nodes on one store, and servers that fail.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../conformance/support.rs"]
#[allow(dead_code, reason = "shared with the conformance suite")]
mod support;

mod losses;
mod lost;
mod nodes;
mod presence;
#[path = "../support/server.rs"]
mod program;
mod replicas;
mod servers;
mod streams;
