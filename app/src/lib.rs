//! What server and browser share: the wire protocol, the client's state machines, the pages.
//!
//! `protocol` and `client` are pure and build without leptos; `live` is the only bridge from them to the
//! browser; `ui` draws; `api` declares what a page asks of the server. `tests/layering.rs` keeps it so.

#![cfg_attr(any(feature = "ssr", feature = "hydrate"), recursion_limit = "512")]

pub mod client;
pub mod protocol;
