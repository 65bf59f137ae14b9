//! The WebSocket as clients use it: the real server, its real store, real connections.
//!
//! Two peers are tested elsewhere, because their timeouts are fixed and long: one whose network is silently gone, by
//! the unit tests of `session::machine`, and one that reads nothing, by `faults/slow.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "socket/budget.rs"]
mod budget;
#[path = "socket/change.rs"]
mod change;
#[path = "socket/closing.rs"]
mod closing;
#[path = "socket/door.rs"]
mod door;
#[path = "socket/nonsense.rs"]
mod nonsense;
#[path = "socket/raw.rs"]
mod raw;
#[path = "socket/resend.rs"]
mod resend;
#[path = "socket/resume.rs"]
mod resume;
#[path = "socket/signals.rs"]
mod signals;
#[path = "socket/stay.rs"]
mod stay;
mod support;
#[path = "socket/talk.rs"]
mod talk;
#[path = "socket/text.rs"]
mod text;
