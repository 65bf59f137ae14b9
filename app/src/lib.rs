//! What server and browser share: the pages, and what they ask of the server.
//!
//! `live` is the only bridge from the crates `protocol` and `client` to the browser; `ui` draws; `api` declares what a
//! page asks of the server. `tests/layering.rs` keeps it so.

#![cfg_attr(feature = "pages", recursion_limit = "512")]

#[cfg(feature = "pages")]
pub mod api;
#[cfg(feature = "pages")]
pub mod live;
#[cfg(feature = "pages")]
pub mod ui;
