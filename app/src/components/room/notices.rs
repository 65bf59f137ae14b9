//! What reaches somebody who is looking elsewhere.

use leptos::prelude::*;

use crate::live::room::Room;

/// What the person wants to hear of. A context.
#[derive(Clone, Copy)]
pub(crate) struct Notices(RwSignal<usize>);

impl Notices {
    pub(crate) fn new(_room: Room) -> Self {
        Self(RwSignal::new(0))
    }

    /// Number of messages that came while the page is not on the screen.
    pub(crate) fn unseen(self) -> usize {
        self.0.get()
    }
}
