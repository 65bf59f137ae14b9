//! Search, dates and saving: what goes through the whole talk. It brings older pages first and then works in the browser.
//!
//! In the chunk of tools, but for what the page has to name: [`goal`].

use leptos::prelude::*;

use super::log::ids::element_id;
use super::log::row::label;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;

mod bring;
mod density;
pub(super) mod goal;
mod matches;
pub(super) mod panel;
mod reach;
mod search;
mod talk;

/// Names each message by author and time, also those that the server drew, and anew in another zone. Drawing all rows for
/// it would double the work of a page that starts.
fn label_messages(room: Room) {
    effect(move || {
        room.utc_offset.track();
        room.log.find_back(|message| {
            browser::set_attribute(&element_id(message.id), "aria-label", &label(room, message));
            None::<()>
        });
    });
}
