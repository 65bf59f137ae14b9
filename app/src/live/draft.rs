//! What is in the composer, as this tab keeps it.

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
        let Aim { edits, target, text } = self.cells.try_with_value(|cells| cells.aim.clone()).flatten()?;
        let says = self.message(target).and_then(|message| message.body);
        (edits && says.is_none_or(|says| says.as_str() != text)).then_some(text)
    }

    /// Keeps the change of a message that is being written over a reload of this tab, as soon as a draft.
    pub fn keep_change(self, text: &str) {
        let waited = self.cells.try_update_value(|cells| {
            if let Some(aim) = &mut cells.aim {
                text.clone_into(&mut aim.text);
            }
            std::mem::replace(&mut cells.aim_waits, true)
        });
        self.write_soon(waited);
    }

    /// Keeps over a reload of this tab what the composer is for, where it is no new message.
    pub fn keep_aim(self, aim: Option<Aim>) {
        let is_new = self.cells.try_update_value(|cells| {
            let is_new = cells.aim != aim;
            cells.aim_waits |= is_new;
            cells.aim = aim;
            is_new
        });
        if is_new == Some(true) {
            self.write_draft();
        }
    }

    /// Goes on with what the composer was for.
    pub fn adopt_aim(self, aim: &Aim) {
        self.cells.update_value(|cells| cells.aim = Some(aim.clone()));
    }

    /// True if this is what the composer is for.
    #[must_use]
    pub fn has_aim(self, aim: Option<&Aim>) -> bool {
        self.cells.with_value(|cells| cells.aim.as_ref() == aim)
    }

    /// What the composer was for before a reload.
    #[must_use]
    pub fn kept_aim(self) -> Option<Aim> {
        keeper::kept_aim(self.code)
    }

    /// Keeps the composer's text over a reload of this tab: within [`DRAFT_WITHIN`], and no text at once, because what
    /// was there is in the outbox then.
    pub fn keep_draft(self, text: &str) {
        let waited = self.cells.try_update_value(|cells| {
            text.clone_into(&mut cells.draft);
            std::mem::replace(&mut cells.draft_waits, true)
        });
        self.write_soon(waited);
        if text.is_empty() {
            self.write_draft();
        }
    }

    fn write_soon(self, waited: Option<bool>) {
        if waited == Some(false) {
            set_timeout(move || self.write_draft(), DRAFT_WITHIN);
        }
    }

    /// Writes what the tab does not keep yet. Does nothing once the page is gone: it was written then.
    pub(super) fn write_draft(self) {
        let waiting = self.cells.try_update_value(|cells| {
            let draft = std::mem::take(&mut cells.draft_waits).then(|| cells.draft.clone());
            (draft, std::mem::take(&mut cells.aim_waits).then(|| cells.aim.clone()))
        });
        let Some((draft, aim)) = waiting else { return };
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
