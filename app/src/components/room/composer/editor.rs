//! The box, and what is known of its text.

use leptos::prelude::*;
use leptos::{ev, html};
use protocol::body;
use web_sys::HtmlTextAreaElement;

use super::super::{Desk, Mode};
use super::mention::Mention;
use super::state::{self, Act, Facts, Press, Submit};
use crate::api::Flash;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::keeper::Aim;
use crate::live::room::{Room, set_if_new};
use crate::{markup, text};

/// While an input method composes, its keys arrive with this code and belong to it (UI Events, section 8.3.1).
const COMPOSING: u32 = 229;

/// The box, and what is known of its text. A handle.
#[derive(Clone, Copy)]
pub(super) struct Editor {
    pub(super) room: Room,
    pub(super) desk: Desk,
    pub(super) field: NodeRef<html::Textarea>,
    pub(super) error: RwSignal<Option<String>>,
    /// Length of the text, from [`state::NEAR_LIMIT`] on; 0 below.
    pub(super) length: RwSignal<usize>,
    kept: StoredValue<Kept>,
    pub(super) mention: Mention,
}

/// Texts that are not in the box.
#[derive(Default)]
struct Kept {
    /// The draft, while a message is being changed in the box; `Some` exactly then.
    aside: Option<String>,
    /// What had been typed for a change before a reload.
    resumed: Option<String>,
}

impl Editor {
    pub(super) fn new(room: Room, desk: Desk, flash: Option<&Flash>) -> Self {
        let this = Self {
            room,
            desk,
            field: NodeRef::new(),
            error: RwSignal::new(flash.map(|flash| text::refusal(flash.refused, &flash.form))),
            length: RwSignal::new(0),
            kept: StoredValue::new(Kept::default()),
            mention: Mention::new(room),
        };
        // A refused message comes back into the box, before whatever stands there.
        effect(move || {
            if let Some(back) = room.taken.get() {
                this.cancel();
                this.bring(&back);
                this.focus();
            }
        });
        effect(move || this.start());
        let mut has_begun = false;
        effect(move || {
            let mode = desk.mode.get();
            this.enter(&mode);
            // Not when the page begins: the reader may be somewhere else.
            if has_begun {
                this.focus();
            }
            has_begun = true;
        });
        this
    }

    /// Goes on where the page before a reload stopped. What was typed before there was script counts from now on, too.
    fn start(self) {
        let Some(field) = self.field.get_untracked() else { return };
        if browser::is_touch() {
            let _ = field.set_attribute("enterkeyhint", "enter");
        }
        // Both are read before either is written again.
        let (draft, aim) = (self.room.kept_draft(), self.room.kept_aim());
        self.bring(&draft.unwrap_or_default());
        if let Some(aim) = aim {
            self.resume(aim);
        }
        browser::hear(ev::pageshow, move |event| {
            if event.persisted() {
                self.wake();
            }
        });
        browser::hear(ev::keydown, move |event| self.page_key(&event));
    }

    /// Goes on with the answer or change that was being written before a reload.
    fn resume(self, aim: Aim) {
        self.room.adopt_aim(&aim);
        let Aim { edits, target, text: typed } = aim;
        let message = self.room.message(target).filter(|message| message.body.is_some());
        match message.map(Box::new) {
            Some(message) if edits => {
                self.kept.write_value().resumed = Some(typed);
                self.desk.mode.set(Mode::Edit(message));
            }
            Some(message) => self.desk.mode.set(Mode::Reply(message)),
            None => {
                self.bring(&typed);
                if self.field.get_untracked().is_some_and(|field| !field.value().is_empty()) {
                    self.error.set(Some(text::AIM_LOST.to_owned()));
                }
                self.room.keep_aim(None);
            }
        }
    }

    /// Comes out of the browser's page cache: another page of this tab may have gone on with what stood in the box.
    fn wake(self) {
        let Some(draft) = self.room.kept_draft() else { return };
        let aim = self.room.kept_aim();
        if !self.room.has_aim(aim.as_ref()) {
            self.cancel();
            self.fill(&draft);
            if let Some(aim) = aim {
                self.resume(aim);
            }
        } else if self.is_changing() {
            self.kept.write_value().aside = Some(draft);
        } else {
            self.fill(&draft);
        }
    }

    /// Makes the box ready for this mode.
    fn enter(self, mode: &Mode) {
        let Some(field) = self.field.get_untracked() else { return };
        let aim = state::aim(mode, self.kept.write_value().resumed.take());
        match &aim {
            Some(aim) if aim.edits => {
                self.kept.write_value().aside.get_or_insert_with(|| field.value());
                self.fill(&aim.text);
            }
            _ => self.put_back(),
        }
        self.room.keep_aim(aim);
    }

    /// True while a message is being changed in the box.
    fn is_changing(self) -> bool {
        self.kept.read_value().aside.is_some()
    }

    fn put_back(self) {
        let aside = self.kept.try_write_value().and_then(|mut kept| kept.aside.take());
        if let Some(text) = aside {
            self.fill(&text);
        }
    }

    /// Makes the box one for a new message again.
    pub(super) fn cancel(self) {
        self.put_back();
        set_if_new(self.error, None);
        set_if_new(self.desk.mode, Mode::New);
    }

    fn focus(self) {
        if let Some(field) = self.field.get_untracked() {
            let _ = field.focus();
        }
    }

    /// Puts text before whatever stands in the box.
    fn bring(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            self.fill(&state::joined(text, &field.value()));
        }
    }

    fn fill(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            field.set_value(text);
            self.note(&field, text);
            self.mention.close();
        }
    }

    /// Puts text where the caret is, or in place of everything between `from` and the caret, in UTF-16 units.
    pub(super) fn insert(self, text: &str, from: Option<u32>) {
        let Some(field) = self.field.get_untracked() else { return };
        let _ = field.focus();
        let caret = |place: Result<Option<u32>, _>| place.ok().flatten().unwrap_or_default();
        let (start, end) = (from.unwrap_or_else(|| caret(field.selection_start())), caret(field.selection_end()));
        let _ = field.set_range_text_with_start_and_end_and_mode(text, start, end, "end");
        self.input();
    }

    /// Notes that the text in the box is another one.
    fn note(self, field: &HtmlTextAreaElement, text: &str) {
        if !self.is_changing() {
            self.room.keep_draft(text);
        }
        set_if_new(self.length, state::counted(text));
        browser::grow(field);
    }

    /// Hears that the reader changed the text in the box. Others' messages wait while this runs, at every key: it
    /// subscribes to nothing, and writes a signal only where its value is another one.
    pub(super) fn input(self) {
        self.room.note_key();
        let Some(field) = self.field.get_untracked() else { return };
        let text = field.value();
        self.note(&field, &text);
        self.mention.look(&field, &text);
        markup::foresee(&text);
        if self.is_changing() {
            self.room.keep_change(&text);
        } else if !text.is_empty() {
            self.room.typing_now();
        }
        if self.length.get_untracked() <= body::MAX_SCALARS {
            set_if_new(self.error, None);
        }
    }

    pub(super) fn send(self) {
        let Some(field) = self.field.get_untracked().filter(|_| !self.room.leaving.get_untracked()) else { return };
        let typed = field.value();
        let mode = self.desk.mode.get_untracked();
        let sent = match state::submit(&mode, &typed) {
            Submit::Send(reply_to) => self.room.send(&typed, reply_to),
            Submit::Change(target) => self.room.change(target, &typed),
            Submit::Unchanged => Ok(()),
        };
        match sent {
            Ok(()) => {
                if !matches!(mode, Mode::Edit(_)) {
                    self.fill("");
                }
                self.cancel();
            }
            Err(refused) => set_if_new(self.error, state::problem(&mode, refused).map(str::to_owned)),
        }
        let _ = field.focus();
    }

    pub(super) fn key(self, event: &ev::KeyboardEvent) {
        if event.is_composing() || event.key_code() == COMPOSING {
            return;
        }
        let key = event.key();
        let press = Press { key: &key, shift: event.shift_key(), modified: is_modified(event) };
        let facts = Facts {
            offers: self.mention.is_open(),
            new: matches!(*self.desk.mode.read_untracked(), Mode::New),
            // Asked for where it decides: a key does not wait for what it does not need.
            empty: key == "ArrowUp" && self.field.get_untracked().is_some_and(|field| field.value().is_empty()),
            touch: key == "Enter" && browser::is_touch(),
        };
        if state::act(press, facts).is_some_and(|act| self.perform(act)) {
            event.prevent_default();
        }
    }

    /// Does what a key means. Returns true when it is not to do anything else.
    fn perform(self, act: Act) -> bool {
        match act {
            Act::Next => self.mention.step(true),
            Act::Previous => self.mention.step(false),
            Act::Refuse => self.mention.refuse(),
            Act::Complete => self.complete(None),
            Act::Send => self.send(),
            Act::Cancel => self.cancel(),
            Act::EditLast => return self.edit_last(),
            Act::Close => {
                self.mention.close();
                return false;
            }
        }
        true
    }

    /// `/` goes to the box from everywhere, and `?` to the list of keys.
    fn page_key(self, event: &ev::KeyboardEvent) {
        if browser::is_writing(event) || is_modified(event) {
            return;
        }
        match event.key().as_str() {
            "/" => self.focus(),
            "?" => browser::open_dialog("help"),
            _ => return,
        }
        event.prevent_default();
    }

    fn edit_last(self) -> bool {
        let last = self.room.log.last_own().map(Box::new);
        let found = last.is_some();
        if let Some(message) = last {
            self.desk.mode.set(Mode::Edit(message));
        }
        found
    }

    /// Writes out the mention of the member at this place of the list; without a place, of the marked one.
    pub(super) fn complete(self, place: Option<usize>) {
        if let Some((from, name)) = self.mention.take(place) {
            self.insert(&format!("@{name} "), Some(from));
        }
    }
}

fn is_modified(event: &ev::KeyboardEvent) -> bool {
    event.ctrl_key() || event.meta_key() || event.alt_key()
}
