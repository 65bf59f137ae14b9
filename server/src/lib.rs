//! The server of Flasky Chat.

pub mod backend;
