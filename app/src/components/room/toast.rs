//! Text that is shown for a moment. Each time it is a node of its own, so that screen readers say equal words again,
//! and it goes by itself, so that nobody finds it in the page later.

use std::time::Duration;

use leptos::prelude::*;

use crate::components::list::{Item, ItemKey, List};

/// Time for which the toast is shown.
const SHOWN: Duration = Duration::from_secs(3);

/// Words that are said now.
#[derive(Clone)]
pub(crate) struct Note {
    /// Key among all of its list.
    pub(crate) id: u32,
    words: String,
}

/// Notes in the order they were added. A handle.
#[derive(Clone, Copy)]
pub(crate) struct Notes {
    shown: RwSignal<Vec<Note>>,
    added: StoredValue<u32>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self { shown: RwSignal::default(), added: StoredValue::default() }
    }

    /// Adds a note for a time, and returns its id. Does nothing once the page is gone.
    pub(crate) fn add(self, words: String, time: Duration) -> u32 {
        let count = |added: &mut u32| {
            *added += 1;
            *added
        };
        let id = self.added.try_update_value(count).unwrap_or_default();
        self.shown.update(|shown| shown.push(Note { id, words }));
        set_timeout(move || self.remove(id), time);
        id
    }

    /// Takes a note away, if it is still there.
    pub(crate) fn remove(self, id: u32) {
        if self.shown.try_read_untracked().is_some_and(|shown| shown.iter().any(|note| note.id == id)) {
            self.shown.update(|shown| shown.retain(|note| note.id != id));
        }
    }
}

fn item(note: Note) -> Item {
    Item::new(ItemKey::Number(note.id.into()), || view! { <span>{note.words}</span> }.into_any())
}

/// The notes, one element each.
#[component]
pub(crate) fn NoteList(
    /// The notes.
    notes: Notes,
) -> impl IntoView {
    view! {
        <List each=Box::new(move || notes.shown.get().into_iter().map(item).collect())/>
    }
}

/// A short answer to what the reader did: one at a time, above the composer. A context.
#[derive(Clone, Copy)]
pub(crate) struct Toast(Notes);

impl Toast {
    pub(crate) fn new() -> Self {
        Self(Notes::new())
    }

    /// Says these words instead of those before.
    pub(crate) fn show(self, words: &str) {
        self.0.shown.update(Vec::clear);
        self.0.add(words.to_owned(), SHOWN);
    }
}

/// The place of the toast.
#[component]
pub(crate) fn ToastView() -> impl IntoView {
    let Toast(notes) = expect_context::<Toast>();
    view! {
        <p class="toast" role="status">
            <NoteList notes/>
        </p>
    }
}
