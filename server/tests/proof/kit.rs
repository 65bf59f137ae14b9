//! Test kit: simulated users with the real client, a network that fails on purpose, servers that are killed, and a
//! checker that afterwards compares what every user sent and saw with the log.
//!
//! Shared by `tests/random_plan.rs`, `tests/soak.rs`, `tests/faults.rs`, `tests/cluster.rs`, `tests/rolling.rs` and
//! `examples/soak`.

#![allow(dead_code, reason = "each target uses a part")]

pub(crate) mod bent;
pub(crate) mod checker;
pub(crate) mod client;
pub(crate) mod dice;
pub(crate) mod ear;
pub(crate) mod excuse;
pub(crate) mod fault;
pub(crate) mod history;
pub(crate) mod http;
pub(crate) mod kernel;
pub(crate) mod light;
pub(crate) mod node;
pub(crate) mod plan;
pub(crate) mod proxy;
pub(crate) mod runner;
pub(crate) mod soak;
pub(crate) mod socket;
pub(crate) mod store;
pub(crate) mod witness;
