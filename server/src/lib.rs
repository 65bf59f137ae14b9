//! The server of Flasky Chat.

pub mod backend;
pub mod hub;
