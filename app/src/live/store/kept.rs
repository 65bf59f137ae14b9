//! What is in the composer, as this tab keeps it.

use super::super::keeper::{self, Aim};
use super::super::{browser, signal::Signal};
use super::RoomStore;

/// After a key its text is written to the tab's storage within this time, in milliseconds: writing takes as long as
/// everything else at a key together, and the key's own frame goes first.
const DRAFT_WITHIN_MS: i32 = 50;

impl RoomStore {
    /// What was typed for a change, where it is something else than what the message says.
    pub(super) fn changed_words(self) -> Option<String> {
        let Aim { edits, target, text } = self.aim.get_untracked()?;
        let says = self.message(target).and_then(|message| message.body);
        (edits && says.is_none_or(|says| says.as_str() != text)).then_some(text)
    }

    /// Keeps the change of a message that is being written over a reload of this tab, as soon as a draft.
    pub fn keep_change(self, text: &str) {
        self.aim.update(|aim| {
            if let Some(aim) = aim {
                text.clone_into(&mut aim.text);
            }
        });
        self.write_soon(self.aim_waits);
    }

    /// Keeps over a reload of this tab what the composer is for, where it is no new message.
    pub fn keep_aim(self, aim: Option<Aim>) {
        if self.aim.with_untracked(|known| *known != aim) {
            self.aim.set(aim);
            self.aim_waits.set(true);
            self.write_draft();
        }
    }

    /// Goes on with what the composer was for.
    pub fn adopt_aim(self, aim: &Aim) {
        self.aim.set(Some(aim.clone()));
    }

    /// Whether the composer is for this.
    #[must_use]
    pub fn has_aim(self, aim: Option<&Aim>) -> bool {
        self.aim.with_untracked(|known| known.as_ref() == aim)
    }

    /// What the composer was for before a reload.
    #[must_use]
    pub fn kept_aim(self) -> Option<Aim> {
        keeper::kept_aim(self.code)
    }

    /// Keeps the composer's text over a reload of this tab: within [`DRAFT_WITHIN_MS`], and no text at once, because what
    /// was there is in the outbox then.
    pub fn keep_draft(self, text: &str) {
        self.draft.set(text.to_owned());
        self.write_soon(self.draft_waits);
        if text.is_empty() {
            self.write_draft();
        }
    }

    fn write_soon(self, what: Signal<bool>) {
        if !what.update(|waits| std::mem::replace(waits, true)) {
            browser::later(DRAFT_WITHIN_MS, move || self.write_draft());
        }
    }

    pub(super) fn write_draft(self) {
        if self.draft_waits.update(std::mem::take) {
            self.draft.with_untracked(|text| keeper::keep_draft(self.code, text));
        }
        if self.aim_waits.update(std::mem::take) {
            let is_unsent = self.changed_words().is_some();
            self.aim.with_untracked(|aim| keeper::keep_aim(self.code, aim.as_ref(), is_unsent));
        }
    }

    /// The composer's text as this tab keeps it; `None` when that cannot be read.
    #[must_use]
    pub fn kept_draft(self) -> Option<String> {
        keeper::kept_draft(self.code)
    }
}
