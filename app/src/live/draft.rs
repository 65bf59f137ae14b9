//! The composer's text and target, as this tab stores them.

use std::mem;
use std::time::Duration;

use leptos::prelude::*;
use protocol::EventId;

use super::room::Room;
use super::tab_storage::{self, ComposeTarget};

/// After a key its text is written to the tab's storage within this time: writing takes as long as everything else at a
/// key together, and the key's own frame goes first.
const DRAFT_WITHIN: Duration = Duration::from_millis(50);

impl Room {
    /// Text of an edit that differs from the message's own text.
    pub(super) fn edited_text(self) -> Option<String> {
        let ComposeTarget { edits, target, text } = self.cells.try_read_value()?.compose_target.clone()?;
        let says = self.message(target).and_then(|message| message.body);
        (edits && says.is_none_or(|says| says.as_str() != text)).then_some(text)
    }

    /// Stores the text of an edit for a reload of this tab, as soon as a draft.
    pub fn save_edited_text(self, text: &str) {
        let Some(mut cells) = self.cells.try_write_value() else { return };
        if let Some(target) = &mut cells.compose_target {
            text.clone_into(&mut target.text);
        }
        self.write_soon(mem::replace(&mut cells.compose_target_is_dirty, true));
    }

    /// Stores the compose target for a reload of this tab. An edit of another message that is half typed is set aside.
    pub fn save_compose_target(self, target: Option<ComposeTarget>) {
        let half_typed = self.edited_text().is_some();
        let Some(mut cells) = self.cells.try_write_value() else { return };
        if cells.compose_target != target || cells.compose_target_is_dirty {
            let is_same = |before: &ComposeTarget| target.as_ref().is_some_and(|target| target.target == before.target);
            let before = cells.compose_target.take().filter(|before| half_typed && !is_same(before));
            cells.half_typed.extend(before);
            cells.compose_target = target;
            cells.compose_target_is_dirty = true;
            drop(cells);
            self.write_to_storage();
        }
    }

    /// Gives up what was typed for the change of a message.
    pub fn discard_edited_text(self) {
        if let Some(mut cells) = self.cells.try_write_value()
            && cells.compose_target.take().is_some()
        {
            cells.compose_target_is_dirty = true;
        }
    }

    /// Takes what was half typed for a change of this message before another one was begun.
    #[must_use]
    pub fn take_half_typed(self, message: EventId) -> Option<String> {
        let mut cells = self.cells.try_write_value()?;
        let at = cells.half_typed.iter().position(|half| half.target == message)?;
        cells.compose_target_is_dirty = true;
        Some(cells.half_typed.remove(at).text)
    }

    /// Reads the changes that this tab set aside.
    pub fn load_half_typed(self) {
        self.cells.write_value().half_typed = tab_storage::get_half_typed(self.id);
    }

    /// Takes the compose target that was stored before a reload.
    pub fn adopt_compose_target(self, target: &ComposeTarget) {
        self.cells.write_value().compose_target = Some(target.clone());
    }

    /// True if this is the current compose target.
    #[must_use]
    pub fn has_compose_target(self, target: Option<&ComposeTarget>) -> bool {
        self.cells.read_value().compose_target.as_ref() == target
    }

    /// Compose target that was stored before a reload.
    #[must_use]
    pub fn saved_compose_target(self) -> Option<ComposeTarget> {
        tab_storage::get_compose_target(self.id)
    }

    /// Stores the composer's text for a reload of this tab: within [`DRAFT_WITHIN`], and no text at once, because what
    /// was there is in the outbox then.
    pub fn save_draft(self, text: &str) {
        let Some(mut cells) = self.cells.try_write_value() else { return };
        text.clone_into(&mut cells.draft);
        self.write_soon(mem::replace(&mut cells.draft_is_dirty, true));
        drop(cells);
        if text.is_empty() {
            self.write_to_storage();
        }
    }

    fn write_soon(self, was_dirty: bool) {
        if !was_dirty {
            set_timeout(move || self.write_to_storage(), DRAFT_WITHIN);
        }
    }

    /// Writes what is not stored yet. Does nothing once the page is gone: it was written then.
    pub(super) fn write_to_storage(self) {
        let Some(mut cells) = self.cells.try_write_value() else { return };
        let draft = mem::take(&mut cells.draft_is_dirty).then(|| cells.draft.clone());
        let target = mem::take(&mut cells.compose_target_is_dirty)
            .then(|| (cells.compose_target.clone(), cells.half_typed.clone()));
        drop(cells);
        if let Some(text) = draft {
            tab_storage::set_draft(self.id, &text);
        }
        if let Some((target, half_typed)) = target {
            tab_storage::set_half_typed(self.id, &half_typed);
            tab_storage::set_compose_target(self.id, target.as_ref(), self.edited_text().is_some());
        }
    }

    /// The composer's stored text; `None` when that cannot be read.
    #[must_use]
    pub fn saved_draft(self) -> Option<String> {
        tab_storage::get_draft(self.id)
    }
}
