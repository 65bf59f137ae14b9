//! The host of a room: what the host decides, by form and by socket, what others may not, and what all of them see when
//! many do so at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod actions;
mod code;
mod deed;
mod ends;
mod others;
mod replay;
#[allow(dead_code, reason = "it also pauses servers, which no test here does")]
#[path = "../cluster/stage.rs"]
mod stage;
mod storm;
#[path = "../support/server.rs"]
mod support;
mod writing;
