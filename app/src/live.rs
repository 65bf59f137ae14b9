//! Bridge from the sans-I/O client to the browser, which runs while a room is open.
//!
//! It compiles on the server too, where pages are rendered and none of it runs: no Effect, no event.

pub mod browser;
mod draft;
mod driver;
pub mod effect;
pub mod history;
mod ignored;
mod leave;
pub mod log;
pub mod my_rooms;
pub mod notices;
mod page_events;
pub mod question;
pub mod room;
pub mod signal;
pub mod socket;
pub mod tab_storage;
mod unsent;
