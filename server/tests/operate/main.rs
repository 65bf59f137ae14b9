//! The server as its operators see it: settings, commands, health checks, metrics, logs, panics, and shutdown.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

mod commands;
mod health;
mod logs;
mod metrics;
#[cfg(target_os = "linux")]
mod mounts;
mod panics;
mod settings;
mod stderr;
#[path = "../support/server.rs"]
mod support;
