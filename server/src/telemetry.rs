//! Telemetry for operators: logs, with one line per decision, and metrics.
//!
//! Neither contains what was written or by whom: no message, name, code, cookie or member. Connections are numbers.

pub mod log;
pub mod metrics;
pub mod panics;
