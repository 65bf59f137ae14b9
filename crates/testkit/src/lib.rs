//! Test kit: HTTP and socket clients, simulated users with the real client, a network and a store that fail on purpose,
//! servers that are killed, and a checker that afterwards compares what every user sent and saw with the log.
//!
//! It knows the server as a program and by its protocol only, so that the stores' tests can use it as well.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test kit fails by panicking")]

pub mod browser;
pub mod checker;
pub mod clock;
pub mod cluster;
pub mod dice;
pub mod ear;
pub mod excuse;
pub mod fault;
pub mod faulty;
pub mod history;
pub mod http;
pub mod ids;
pub mod kernel;
pub mod nats;
pub mod node;
pub mod plan;
pub mod proxy;
pub mod raw_client;
pub mod rolling;
pub mod soak;
pub mod socket;
pub mod truth;
pub mod user;
pub mod view;
pub mod witness;

pub use clock::within;
pub use ids::event_id;
