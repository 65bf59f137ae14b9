//! The socket as clients meet it: the real server, its real store, real connections.
//!
//! Not here: a peer whose network is silently gone, and one that takes no bytes. Their waits are fixed and long; the
//! machine's own tests have the former.

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
