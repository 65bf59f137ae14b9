//! Unsent texts of the reader, and the question before they, or the whole room, are given up.

use std::mem;

use leptos::ev::{self, MouseEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::question::{LogSize, Question};
use super::room::Room;
use super::{browser, my_rooms, notices, tab_storage};

impl Room {
    /// All unsent texts of this page, the composer's text last.
    #[must_use]
    pub fn unsent_texts(self) -> Vec<String> {
        let waiting = self.unsent.get_untracked();
        let waiting = waiting.iter().map(|body| body.as_str().to_owned());
        let (draft, half_typed) = self.cells.with_value(|cells| (cells.draft.clone(), cells.half_typed.clone()));
        let typed = [draft, self.edited_text().unwrap_or_default()];
        let half_typed = half_typed.into_iter().map(|half| half.text);
        waiting.chain(half_typed.chain(typed).filter(|text| !text.trim().is_empty())).collect()
    }

    /// The question to whoever wants to leave; `None` where nothing is given up by it.
    #[must_use]
    pub fn leave_question(self) -> Option<Question> {
        let unsent = self.unsent_texts().len();
        let is_last = self.members.read_untracked().len() <= 1;
        let size = || LogSize { messages: self.log.count(), has_older: !self.is_whole() };
        (unsent > 0 || is_last).then(|| Question::Leave { unsent, ends: is_last.then(size) })
    }

    /// Leaves the room, asked first where something is given up by it. False when nothing runs here yet: then the form
    /// has to say it.
    pub fn leave_or_ask(self) -> bool {
        match self.leave_question().filter(|_| self.runs()) {
            None => self.leave(),
            question => {
                self.question.set(question);
                true
            }
        }
    }

    /// Holds back a click that would show another page in this document where something stays behind, and asks. What
    /// loads a document is asked about by the browser.
    pub fn confirm_navigation(self, event: &MouseEvent) {
        let Some(to) = browser::routed_address(event) else { return };
        let unsent = self.unsent_on_unload();
        if unsent > 0 {
            event.prevent_default();
            self.question.set(Some(Question::Go { unsent, to }));
        } else {
            self.leave_page();
        }
    }

    /// Gives up what the tab keeps of a room that is over, whose page showed it: the reader goes to another page.
    pub fn leave_page(self) {
        if self.is_over() {
            self.forget();
        }
    }

    /// Asks before the document goes away with something unsent.
    pub(super) fn warn_before_unload(self) {
        browser::on_window_event(ev::beforeunload, move |event| {
            // For this time alone: what was to be loaded may not come, and then the page stays.
            let reloads = self.cells.try_update_value(|cells| mem::take(&mut cells.is_reloading));
            if (self.is_over() || reloads != Some(true)) && self.unsent_on_unload() > 0 {
                event.prevent_default();
            }
        });
    }

    /// Loads the page anew, whose tab keeps what was typed and what is not sent. Where it cannot, the browser asks.
    pub fn reload(self) {
        self.prepare_reload();
        browser::reload();
    }

    /// Stores what the document that follows needs to go on. If it cannot, the browser asks before this one goes.
    fn prepare_reload(self) {
        self.write_to_storage();
        let keeps = self.saved_draft().is_some();
        if let Some(mut cells) = self.cells.try_write_value() {
            cells.is_reloading = keeps;
        }
    }

    /// Loads the page anew if the server answers; otherwise tries to connect.
    pub fn refresh(self) {
        self.load_if_reachable(browser::reload);
    }

    /// Stores what the document that follows needs, and loads it if the server answers. Otherwise tries to connect: the
    /// browser would show a page of its own in the place of the room.
    pub fn load_if_reachable(self, load: impl FnOnce() + 'static) {
        let load: Box<dyn FnOnce()> = Box::new(load);
        spawn_local(async move {
            // Not the room's own page: the one that loads would break its answer off.
            if browser::is_reachable("/healthz").await {
                self.prepare_reload();
                load();
            } else {
                self.try_now();
            }
        });
    }

    /// Stores what is needed when the reader comes back, and clears what is no longer needed.
    /// A reader who goes back to the page before cannot be asked, and finds the unsent texts on coming forward again.
    pub(super) fn close(self) {
        self.write_to_storage();
        if self.leaving.get_untracked() {
            my_rooms::forget(self.code);
        }
        if self.is_over() && self.unsent_on_unload() == 0 {
            self.forget();
        }
    }

    /// Clears the tab's storage of a room that is over, whose page showed it.
    pub(super) fn forget(self) {
        self.write_to_storage();
        tab_storage::clear(self.code, self.id);
        notices::forget_setting(self.present_code());
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
