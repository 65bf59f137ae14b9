//! Pages and forms over HTTP, as a browser without script and a program use them, against the real server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

#[path = "forms/connections.rs"]
mod connections;
#[path = "forms/enter.rs"]
mod enter;
#[path = "forms/guard.rs"]
mod guard;
#[path = "forms/pages.rs"]
mod pages;
#[path = "forms/post.rs"]
mod post;
#[path = "forms/refused.rs"]
mod refused;
#[path = "forms/render.rs"]
mod render;
#[path = "forms/script.rs"]
mod script;
#[path = "forms/sessions.rs"]
mod sessions;
mod support;
