//! The server as its operators see it: settings, commands, health checks, metrics, logs, panics, and shutdown.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

#[path = "operate/commands.rs"]
mod commands;
#[path = "operate/health.rs"]
mod health;
#[path = "operate/logs.rs"]
mod logs;
#[path = "operate/metrics.rs"]
mod metrics;
#[path = "operate/panics.rs"]
mod panics;
#[path = "proof/kit.rs"]
mod proof;
#[path = "operate/settings.rs"]
mod settings;
#[path = "operate/stderr.rs"]
mod stderr;
mod support;
