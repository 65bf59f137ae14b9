//! Search in the messages of the page.

use client::Row;
use leptos::prelude::*;
use protocol::EventId;

use super::matches::places;
use crate::components::room::log::ids::{element_id, words_id};
use crate::components::room::log::row::words;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::live::signal::set_if_new;

/// Parts of a bubble that are not the message's own words.
const NOT_SAID: &str = ".quote, .bar, .host";

/// The search. A handle.
#[derive(Clone, Copy)]
pub(super) struct Search {
    /// The words that are looked for; empty when nothing is.
    pub(super) query: RwSignal<String>,
    /// The messages that have them, the newest first.
    pub(super) found: RwSignal<Vec<EventId>>,
    /// The one of them that is shown.
    pub(super) shown: RwSignal<Option<EventId>>,
}

impl Search {
    /// Looks for the query in all messages of the page, also in those that come and change, until the reactive owner is
    /// cleaned up.
    pub(super) fn new(room: Room) -> Self {
        let search = Self { query: RwSignal::default(), found: RwSignal::default(), shown: RwSignal::default() };
        effect(move || search.look(room));
        effect(move || {
            let shown = search.shown.get();
            browser::set_only_attribute("#log [aria-current]", "aria-current", shown.map(element_id).as_deref());
            if let Some(id) = shown {
                request_animation_frame(move || browser::scroll_into_view(&element_id(id)));
            }
        });
        search
    }

    /// Looks for other words, and shows the newest message that has them.
    pub(super) fn look_for(self, query: String) {
        self.shown.set(None);
        self.query.set(query);
    }

    /// Shows the next older or newer message that was found; after the last of them the first.
    pub(super) fn step(self, older: bool) {
        let found = self.found.read_untracked();
        let count = found.len();
        let next = self.place().map_or(0, |at| if older { at + 1 } else { at + count - 1 });
        if let Some(id) = next.checked_rem(count).and_then(|next| found.get(next)) {
            self.shown.set(Some(*id));
        }
    }

    /// Place of the message that is shown among those that were found, from the newest.
    pub(super) fn place(self) -> Option<usize> {
        let shown = self.shown.get()?;
        self.found.read().iter().position(|id| *id == shown)
    }

    fn look(self, room: Room) {
        let query = self.query.get();
        let found = if query.trim().is_empty() { Vec::new() } else { find(room, &query) };
        let shown = self.shown.get_untracked().filter(|shown| found.contains(shown));
        set_if_new(self.shown, shown.or(found.first().copied()));
        set_if_new(self.found, found.clone());
        // Once the rows are drawn.
        request_animation_frame(move || mark(&found, &query));
    }
}

/// Messages that say this, the newest first. Tracked.
fn find(room: Room, query: &str) -> Vec<EventId> {
    let mut found = Vec::new();
    for block in room.log.blocks.read().iter().rev() {
        for handle in block.rows.read().iter().rev() {
            if let Row::Message(message) = &**handle.row.read()
                && let Some(body) = &message.body
                && !places(&words(room, message.id, body), query).is_empty()
            {
                found.push(message.id);
            }
        }
    }
    found
}

/// Marks the words in the messages that have them.
fn mark(found: &[EventId], query: &str) {
    let mut marks = Vec::new();
    for text in found
        .iter()
        .filter_map(|id| browser::by_id(&words_id(*id)))
        .flat_map(|words| browser::texts_in(&words, NOT_SAID))
    {
        let places = places(&text.data(), query);
        marks.extend(places.into_iter().map(|place| (text.clone(), place)));
    }
    browser::highlight("found", &marks);
}
