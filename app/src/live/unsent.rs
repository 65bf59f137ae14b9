//! Unsent texts of the reader, and the question before they leave them behind.

use leptos::ev::{self, MouseEvent};
use leptos::prelude::*;

use super::room::Room;
use super::{browser, tab_storage};
use crate::text;

impl Room {
    /// All unsent texts of this page, the composer's text last.
    #[must_use]
    pub fn unsent_texts(self) -> Vec<String> {
        let waiting = self.unsent.get_untracked();
        let waiting = waiting.iter().map(|body| body.as_str().to_owned());
        let typed = [self.cells.with_value(|cells| cells.draft.clone()), self.edited_text().unwrap_or_default()];
        waiting.chain(typed.into_iter().filter(|text| !text.trim().is_empty())).collect()
    }

    /// Asks before unsent texts are given up by leaving. True where there are none, or the reader agrees.
    #[must_use]
    pub fn confirm_leave(self) -> bool {
        confirm_discard(self.unsent_texts().len())
    }

    /// Holds back a click that would show another page in this document, unless the reader may go, asked where
    /// something stays behind. What loads a document is asked about by the browser.
    pub fn guard_click(self, event: &MouseEvent) {
        if !browser::is_for_router(event) {
            return;
        }
        if !confirm_discard(self.unsent_on_unload()) {
            event.prevent_default();
        } else if self.is_over() {
            self.forget();
        }
    }

    /// Asks before the document goes away with something unsent.
    pub(super) fn warn_before_unload(self) {
        browser::on_window_event(ev::beforeunload, move |event| {
            if self.unsent_on_unload() > 0 {
                event.prevent_default();
            }
        });
    }

    /// Stores what is needed when the reader comes back, and clears what is no longer needed.
    /// A reader who goes back to the page before cannot be asked, and finds the unsent texts on coming forward again.
    pub(super) fn close(self) {
        self.write_to_storage();
        if self.is_over() && self.unsent_on_unload() == 0 {
            self.forget();
        }
    }

    /// Clears the tab's storage of a room that is over, whose page showed it.
    pub(super) fn forget(self) {
        self.write_to_storage();
        tab_storage::clear(self.code);
    }

    /// Number of texts that stay behind when the page goes away: none where the reader leaves, who was asked then.
    fn unsent_on_unload(self) -> usize {
        match (self.leaving.get_untracked(), self.is_over()) {
            (true, _) => 0,
            // The composer's text comes back with the page, as long as there is a room to come back to.
            (false, false) => self.unsent.read_untracked().len(),
            (false, true) => self.unsent_texts().len(),
        }
    }
}

fn confirm_discard(unsent: usize) -> bool {
    unsent == 0 || browser::confirm(&text::leave_unsent(unsent))
}
