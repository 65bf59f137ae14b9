//! The Leptos application: compiled to WASM for the browser (`hydrate`) and into the server (`ssr`).
//!
//! [`App`] has the routes. `pages` has one module a route, `components` what they are made of, `live` what runs while a
//! room is open, `api` what a page asks of the server. `tests/layering.rs` holds who may name whom.

#![recursion_limit = "512"]
#![allow(unreachable_pub, reason = "the component macro makes public items of private ones")]
#![allow(clippy::disallowed_methods, reason = "Effects and events, which spawn, run in the browser alone")]

pub mod api;
mod app;
mod chunk;
mod components;
#[cfg(feature = "ssr")]
pub mod document;
mod language;
pub mod live;
mod markup;
mod pages;
mod text;

pub use app::App;
#[cfg(feature = "hydrate")]
pub use app::{fetch_chunks, hydrate, mount, take_socket};
pub use language::Language;
