//! Goals of the reader in the log, on the page or before it.

use leptos::prelude::*;
use protocol::EventId;

/// Purpose for which older pages are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::components::room) enum Goal {
    /// To go to this message.
    Message(EventId),
    /// To go to the first message of this day or after it, in days since 1970-01-01 in the reader's zone.
    Day(i64),
    /// To search in all of it.
    Search,
    /// To save all of it in this form.
    Save(Form),
}

/// Form of a saved talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::components::room) enum Form {
    /// A list in Markdown, with the messages as they were typed.
    Markdown,
    /// Text for people.
    Plain,
}

/// The goal, until it is reached or given up. A context.
#[derive(Clone, Copy)]
pub(in crate::components::room) struct Seek(pub(in crate::components::room) RwSignal<Option<Goal>>);

impl Seek {
    pub(in crate::components::room) fn new() -> Self {
        Self(RwSignal::new(None))
    }
}
