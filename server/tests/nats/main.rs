//! The program, and the hubs of several nodes, on the NATS store.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod lost;
mod presence;
#[path = "../support/server.rs"]
mod program;
