//! Requests of a page to the server, and their answers.
//!
//! Pages and servers of different versions meet while one is being exchanged for the other: a field that can be missed
//! is one that may be missing.
//!
//! An expected refusal is a value, never an `Err`: without script an `Err` would become a redirect with the error in
//! the address and what was typed lost.

mod encoding;
mod error;
mod functions;
#[cfg(feature = "ssr")]
pub mod port;
mod types;

pub use error::{CallError, Cause};
pub use functions::*;
pub use types::*;

pub use crate::markup::MessageMarkup;
#[cfg(feature = "ssr")]
pub use crate::markup::markup_of;
