//! Tests of the NATS store: its streams, several nodes on one store, and servers that fail.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "support/nats.rs"]
mod nats_server;
#[path = "conformance/support.rs"]
#[allow(dead_code, reason = "shared with the conformance suite")]
mod support;

#[path = "nats/losses.rs"]
mod losses;
#[path = "nats/lost.rs"]
mod lost;
#[path = "nats/nodes.rs"]
mod nodes;
#[path = "nats/presence.rs"]
mod presence;
#[path = "nats/replicas.rs"]
mod replicas;
#[path = "nats/servers.rs"]
mod servers;
#[path = "nats/streams.rs"]
mod streams;
