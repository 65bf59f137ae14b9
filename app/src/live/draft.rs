//! What is in the composer, as this tab keeps it.

use std::mem;
use std::time::Duration;

use leptos::prelude::*;

use super::keeper::{self, Aim};
use super::room::Room;

/// After a key its text is written to the tab's storage within this time: writing takes as long as everything else at a
/// key together, and the key's own frame goes first.
const DRAFT_WITHIN: Duration = Duration::from_millis(50);

impl Room {
    /// What was typed for a change, where it is something else than what the message says.
    pub(super) fn changed_words(self) -> Option<String> {
        let Aim { edits, target, text } = self.cells.try_read_value()?.aim.clone()?;
        let says = self.message(target).and_then(|message| message.body);
        (edits && says.is_none_or(|says| says.as_str() != text)).then_some(text)
    }

    /// Keeps the change of a message that is being written over a reload of this tab, as soon as a draft.
    pub fn keep_change(self, text: &str) {
        let Some(mut cells) = self.cells.try_write_value() else { return };
        if let Some(aim) = &mut cells.aim {
            text.clone_into(&mut aim.text);
        }
        self.write_soon(mem::replace(&mut cells.aim_waits, true));
    }

    /// Keeps over a reload of this tab what the composer is for, where it is no new message.
    pub fn keep_aim(self, aim: Option<Aim>) {
        let Some(mut cells) = self.cells.try_write_value() else { return };
        if cells.aim != aim {
            cells.aim = aim;
            cells.aim_waits = true;
            drop(cells);
            self.write_draft();
        }
    }

    /// Goes on with what the composer was for.
    pub fn adopt_aim(self, aim: &Aim) {
        self.cells.write_value().aim = Some(aim.clone());
    }

    /// True if this is what the composer is for.
    #[must_use]
    pub fn has_aim(self, aim: Option<&Aim>) -> bool {
        self.cells.read_value().aim.as_ref() == aim
    }

    /// What the composer was for before a reload.
    #[must_use]
    pub fn kept_aim(self) -> Option<Aim> {
        keeper::kept_aim(self.code)
    }

    /// Keeps the composer's text over a reload of this tab: within [`DRAFT_WITHIN`], and no text at once, because what
    /// was there is in the outbox then.
    pub fn keep_draft(self, text: &str) {
        let Some(mut cells) = self.cells.try_write_value() else { return };
        text.clone_into(&mut cells.draft);
        self.write_soon(mem::replace(&mut cells.draft_waits, true));
        drop(cells);
        if text.is_empty() {
            self.write_draft();
        }
    }

    fn write_soon(self, waits: bool) {
        if !waits {
            set_timeout(move || self.write_draft(), DRAFT_WITHIN);
        }
    }

    /// Writes what the tab does not keep yet. Does nothing once the page is gone: it was written then.
    pub(super) fn write_draft(self) {
        let Some(mut cells) = self.cells.try_write_value() else { return };
        let draft = mem::take(&mut cells.draft_waits).then(|| cells.draft.clone());
        let aim = mem::take(&mut cells.aim_waits).then(|| cells.aim.clone());
        drop(cells);
        if let Some(text) = draft {
            keeper::keep_draft(self.code, &text);
        }
        if let Some(aim) = aim {
            keeper::keep_aim(self.code, aim.as_ref(), self.changed_words().is_some());
        }
    }

    /// The composer's text as this tab keeps it; `None` when that cannot be read.
    #[must_use]
    pub fn kept_draft(self) -> Option<String> {
        keeper::kept_draft(self.code)
    }
}
