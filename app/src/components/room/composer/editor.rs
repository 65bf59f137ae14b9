//! The box, and what is known of its text.

use leptos::prelude::*;
use leptos::{ev, html};
use protocol::body;
use web_sys::HtmlTextAreaElement;

use super::super::context::{ComposerContext, Mode};
use super::mention::Mention;
use super::state::{self, KeyAction, KeyContext, KeyPress, Submit};
use crate::live::browser;
use crate::live::room::Room;
use crate::live::signal::set_if_new;
use crate::markup;

mod start;

/// The box, and what is known of its text. A handle.
#[derive(Clone, Copy)]
pub(in crate::components::room) struct Editor {
    pub(super) room: Room,
    pub(super) composer: ComposerContext,
    pub(super) field: NodeRef<html::Textarea>,
    pub(super) error: RwSignal<Option<String>>,
    /// Answer to what was pasted or dropped and cannot be taken in.
    pub(super) note: RwSignal<Option<String>>,
    /// Number of characters that can be pasted of a text that was too long; 0 when there is none.
    pub(super) pastable: RwSignal<usize>,
    /// Length of the text, from [`state::NEAR_LIMIT`] on; 0 below.
    pub(super) length: RwSignal<usize>,
    pub(super) aside: StoredValue<SetAside>,
    pub(super) mention: Mention,
}

/// Texts set aside while the box holds another one.
#[derive(Default)]
pub(super) struct SetAside {
    /// The draft, while a message is being changed in the box; `Some` exactly then.
    draft: Option<String>,
    /// Text that had been typed for an edit before a reload.
    edited_text: Option<String>,
    /// Beginning of a text that was too long to be pasted.
    pub(super) pastable: String,
}

impl Editor {
    /// Makes the box ready for this mode.
    fn apply_mode(self, mode: &Mode) {
        let Some(field) = self.field.get_untracked() else { return };
        let edited_text = self.aside.write_value().edited_text.take().or_else(|| match mode {
            Mode::Edit(message) => self.room.take_half_typed(message.id),
            _ => None,
        });
        let target = state::compose_target(mode, edited_text);
        match &target {
            Some(target) if target.edits => {
                self.aside.write_value().draft.get_or_insert_with(|| field.value());
                self.set_text(&target.text);
            }
            _ => self.restore_draft(),
        }
        self.room.save_compose_target(target);
    }

    /// True while a message is being changed in the box.
    fn is_changing(self) -> bool {
        self.aside.read_value().draft.is_some()
    }

    fn restore_draft(self) {
        let aside = self.aside.try_write_value().and_then(|mut aside| aside.draft.take());
        if let Some(text) = aside {
            self.set_text(&text);
        }
    }

    /// Makes the box one for a new message again, and gives up what was typed for a change.
    pub(super) fn cancel(self) {
        self.room.discard_edited_text();
        self.end_mode();
    }

    /// Makes the box one for a new message again.
    fn end_mode(self) {
        self.restore_draft();
        set_if_new(self.error, None);
        set_if_new(self.composer.mode, Mode::New);
    }

    pub(super) fn focus(self) {
        if let Some(field) = self.field.get_untracked() {
            let _ = field.focus();
        }
    }

    /// Puts text before whatever stands in the box.
    fn prepend(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            self.set_text(&state::prepend_text(text, &field.value()));
        }
    }

    fn set_text(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            if field.value() != text {
                browser::replace_text(&field, text, 0, field.text_length());
            }
            self.text_changed(&field, text);
            self.mention.close();
        }
    }

    /// Puts text where the caret is, or in place of everything between `from` and the caret, in UTF-16 units.
    pub(super) fn insert(self, text: &str, from: Option<u32>) {
        let Some(field) = self.field.get_untracked() else { return };
        let _ = field.focus();
        let caret = |place: Result<Option<u32>, _>| place.ok().flatten().unwrap_or_default();
        let (start, end) = (from.unwrap_or_else(|| caret(field.selection_start())), caret(field.selection_end()));
        browser::replace_text(&field, text, start, end);
        self.input();
    }

    /// Stores the changed text and updates the counter and the height of the box.
    fn text_changed(self, field: &HtmlTextAreaElement, text: &str) {
        if !self.is_changing() {
            self.room.save_draft(text);
        }
        set_if_new(self.length, state::counter_length(text));
        browser::fit_rows(field);
    }

    /// Handles the box's `input` event. Others' messages wait while this runs, at every key: it
    /// subscribes to nothing, and writes a signal only where its value is another one.
    pub(super) fn input(self) {
        if browser::is_replacing_text() {
            return;
        }
        self.room.note_key();
        let Some(field) = self.field.get_untracked() else { return };
        let text = field.value();
        self.text_changed(&field, &text);
        self.mention.update(&field, &text);
        markup::prefetch_parser(&text);
        if self.is_changing() {
            self.room.save_edited_text(&text);
        } else if !text.is_empty() {
            self.room.note_typing();
        }
        if self.length.get_untracked() <= body::MAX_SCALARS {
            set_if_new(self.error, None);
        }
        self.clear_note();
    }

    pub(super) fn send(self) {
        let Some(field) = self.field.get_untracked().filter(|_| !self.room.leaving.get_untracked()) else { return };
        let typed = field.value();
        let mode = self.composer.mode.get_untracked();
        let sent = match state::submit(&mode, &typed) {
            Submit::Send(reply_to) => self.room.send(&typed, reply_to),
            Submit::Change(target) => self.room.edit_message(target, &typed),
            Submit::Unchanged => Ok(()),
        };
        match sent {
            Ok(()) => {
                if !matches!(mode, Mode::Edit(_)) {
                    self.set_text("");
                }
                self.cancel();
                self.clear_note();
            }
            Err(refused) => set_if_new(self.error, state::problem(&mode, refused).map(str::to_owned)),
        }
        let _ = field.focus();
    }

    pub(super) fn key(self, event: &ev::KeyboardEvent) {
        if browser::is_composing(event) {
            return;
        }
        let key = event.key();
        let press = KeyPress { key: &key, shift: event.shift_key(), modified: browser::is_modified(event) };
        let facts = KeyContext {
            offers: self.mention.is_open(),
            marked: self.mention.is_marked(),
            new: matches!(*self.composer.mode.read_untracked(), Mode::New),
            // Asked for where it decides: a key does not wait for what it does not need.
            empty: key == "ArrowUp" && self.field.get_untracked().is_some_and(|field| field.value().is_empty()),
            touch: key == "Enter" && browser::is_touch(),
        };
        if state::key_action(press, facts).is_some_and(|act| self.perform(act)) {
            event.prevent_default();
        }
    }

    /// Does what a key means. Returns true when it is not to do anything else.
    fn perform(self, act: KeyAction) -> bool {
        match act {
            KeyAction::Next => self.mention.step(true),
            KeyAction::Previous => self.mention.step(false),
            KeyAction::Dismiss => self.mention.dismiss(),
            KeyAction::Complete => self.complete(None),
            KeyAction::Send => self.send(),
            KeyAction::Cancel => self.cancel(),
            KeyAction::EditLast => return self.edit_last(),
            KeyAction::Close => {
                self.mention.close();
                return false;
            }
        }
        true
    }

    fn edit_last(self) -> bool {
        let last = self.room.log.last_own().map(Box::new);
        let found = last.is_some();
        if let Some(message) = last {
            self.composer.mode.set(Mode::Edit(message));
        }
        found
    }

    /// Writes out the mention of the member at this place of the list; without a place, of the marked one.
    pub(super) fn complete(self, place: Option<usize>) {
        if let Some((from, name)) = self.mention.accept(place) {
            self.insert(&format!("@{name} "), Some(from));
        }
    }
}
