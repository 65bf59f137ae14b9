//! What people see: the document, the pages, and the islands that come to life in the browser.
//!
//! Pages are rendered in the server and stay as they are, except for the form that opens a room, the room itself, and
//! what this tab could not send to it.
//! Those are islands: only they, and what they need, are in the browser's half of the program.

#![allow(unreachable_pub, reason = "the component macro makes public items of private ones")]

#[cfg(feature = "ssr")]
mod document;
mod enter_form;
#[cfg(feature = "ssr")]
mod home_page;
mod island;
mod kit;
mod markup;
mod notice;
mod room;
#[cfg(feature = "ssr")]
mod room_page;
mod text;
mod tree;

#[cfg(feature = "ssr")]
pub use document::{App, Assets, shell};

/// Takes over the page that the server rendered; false when that is not one of this version.
#[cfg(feature = "hydrate")]
#[must_use]
pub fn hydrate() -> bool {
    crate::live::begin(|| {
        island::wake::<enter_form::EnterForm>()
            && island::wake::<notice::KeptUnsent>()
            && island::wake::<crate::api::Inside>()
    })
}
