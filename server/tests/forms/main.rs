//! Pages and forms over HTTP, as a browser without script and a program use them, against the real server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

mod connections;
mod enter;
mod guard;
mod headers;
mod language;
mod my_rooms;
mod pages;
mod post;
mod privacy;
mod refused;
mod render;
mod script;
mod sessions;
#[path = "../support/server.rs"]
mod support;
