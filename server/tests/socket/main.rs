//! The WebSocket as clients use it: the real server, its real store, real connections.
//!
//! Two peers are tested elsewhere, because their timeouts are fixed and long: one whose network is silently gone, by
//! the unit tests of `session::machine`, and one that reads nothing, by `faults/slow.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod budget;
mod change;
mod closing;
mod door;
mod feed;
mod names;
mod nonsense;
mod raw;
mod resend;
mod resume;
mod signals;
mod stay;
#[path = "../support/server.rs"]
mod support;
mod talk;
mod text;
