//! The room, laid out.

use super::island::Island;
use super::tree::{El, el};
use super::{notice, text};
use crate::api::Inside;
use crate::live::signal::{Signal, derived};
use crate::live::store::{Ending, RoomStore, Status};

mod actions;
mod composer;
mod emoji;
mod header;
#[cfg(feature = "ssr")]
pub(super) mod help;
#[cfg(feature = "ssr")]
pub(super) mod invite;
mod log;
mod message;
mod notices;
mod roster;
mod status;

use client::MessageRow;
use composer::Writing;
use log::Log;
use notices::Notices;
use protocol::EventId;

/// What the reader is about to do, shared by the log and the composer.
#[derive(Clone, Copy)]
pub(super) struct Desk {
    /// What the composer is for.
    pub(super) mode: Signal<Mode>,
    /// What an emoji is being picked for; `None` while none is.
    pub(super) picking: Signal<Option<Picking>>,
}

/// What the composer is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mode {
    /// A message.
    New,
    /// An answer to this message.
    Reply(Box<MessageRow>),
    /// A change of this message.
    Edit(Box<MessageRow>),
}

/// What an emoji is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picking {
    /// The text in the composer.
    Composer,
    /// A reaction to this message.
    Reaction(EventId),
}

/// The room as a member sees it: first as the server rendered it, then live.
impl Island for Inside {
    const NAME: &'static str = "room";

    fn begin(self) -> impl Fn() -> El + Send + Sync + 'static {
        view(self)
    }
}

fn view(inside: Inside) -> impl Fn() -> El + Send + Sync + 'static {
    let Inside { snapshot, post_id, flash } = inside;
    let store = RoomStore::new(snapshot, post_id);
    store.start();
    let notices = Notices::of(store);
    let desk = Desk { mode: Signal::new(Mode::New), picking: Signal::new(None) };
    let log = Log::new(store, desk);
    let writing = Writing::new(store, desk, flash.as_ref());
    let over = derived(move || match store.status.get() {
        // On its way out of here.
        Status::Ended(Ending::Left) if store.leaving.get() => None,
        Status::Ended(ending) => Some(ending),
        _ => None,
    });
    move || match over.get() {
        None => el("div")
            .class("room")
            .child(header::view(store, notices))
            .child(status::view(store))
            .child(el("main").child(log::view(log)).child(log::below(log)).child(composer::view(
                writing,
                post_id,
                flash.clone(),
            )))
            .live(move || roster::panel(store)),
        Some(ending) => {
            store.unsent.track();
            notice::ending(text::ending(ending), &store.unsent_words(), ending == Ending::RoomEnded)
        }
    }
}
