//! The only bridge from the pure client to the browser: signals, the socket, timers, storage.
//!
//! It compiles on the server too, where pages are rendered and none of it runs: no Effect, no event.

pub mod browser;
mod driver;
mod keeper;
mod socket;
pub mod store;
