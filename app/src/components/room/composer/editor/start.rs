//! Start of the box: it goes on where the page before stopped, and listens to the page.

use leptos::ev;
use leptos::prelude::*;
use protocol::EventId;
use web_sys::DataTransfer;

use super::{Editor, SetAside};
use crate::api::Flash;
use crate::components::room::composer::mention::Mention;
use crate::components::room::composer::state;
use crate::components::room::context::{ComposerContext, Mode};
use crate::components::room::tools::with_tools;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::live::tab_storage::ComposeTarget;
use crate::text;

impl Editor {
    pub(in crate::components::room::composer) fn new(
        room: Room,
        composer: ComposerContext,
        post_id: EventId,
        flash: Option<&Flash>,
    ) -> Self {
        let this = Self {
            room,
            composer,
            field: NodeRef::new(),
            error: RwSignal::new(flash.map(|flash| text::form_refused(flash.refused))),
            note: RwSignal::new(None),
            pastable: RwSignal::new(0),
            length: RwSignal::new(0),
            aside: StoredValue::new(SetAside::default()),
            mention: Mention::new(room),
        };
        // A refused message comes back into the box, before whatever stands there.
        effect(move || {
            if let Some(back) = room.restored_text.get() {
                this.end_mode();
                this.prepend(&back);
                this.focus();
            }
        });
        effect(move || this.start(post_id));
        let mut has_begun = false;
        effect(move || {
            let mode = composer.mode.get();
            this.apply_mode(&mode);
            // Not when the page begins: the reader may be somewhere else.
            if has_begun {
                this.focus();
            }
            has_begun = true;
        });
        this
    }

    /// Goes on where the page before a reload stopped. What was typed before there was script counts from now on, too.
    fn start(self, post_id: EventId) {
        let Some(field) = self.field.get_untracked() else { return };
        if browser::is_touch() {
            let _ = field.set_attribute("enterkeyhint", "enter");
        }
        // Both are read before either is written again.
        let (draft, target) = (self.room.saved_draft(), self.room.saved_compose_target());
        self.prepend(&draft.unwrap_or_default());
        self.send_early(post_id);
        self.room.load_half_typed();
        if let Some(target) = target {
            self.resume(target);
        }
        browser::on_window_event(ev::pageshow, move |event| {
            if event.persisted() {
                self.restore_from_page_cache();
            }
        });
        browser::on_window_event(ev::keydown, move |event| self.page_key(&event));
        let on_paste = move |event: &ev::Event, data: Option<DataTransfer>| {
            if let Some(data) = data {
                with_tools(|tools| (tools.on_paste)(self, event, &data));
            }
        };
        browser::on_window_event(ev::paste, move |event| on_paste(&event, event.clipboard_data()));
        browser::on_window_event(ev::drop, move |event| on_paste(&event, event.data_transfer()));
    }

    /// Sends what the script in the document's head took before the program was here.
    fn send_early(self, post_id: EventId) {
        let Some(typed) = browser::take_attribute("composer", "data-early") else { return };
        if let Err(refused) = self.room.send_early(post_id, &typed) {
            self.prepend(&typed);
            self.error.set(state::problem(&Mode::New, refused).map(str::to_owned));
        }
        if let Some(says) = browser::by_id("connecting") {
            says.set_text_content(None);
        }
    }

    /// Goes on with the answer or change that was being written before a reload.
    fn resume(self, target: ComposeTarget) {
        self.room.adopt_compose_target(&target);
        let ComposeTarget { edits, target, text: typed } = target;
        let message = self.room.message(target).filter(|message| message.body.is_some());
        match message.map(Box::new) {
            Some(message) if edits => {
                self.aside.write_value().edited_text = Some(typed);
                self.composer.mode.set(Mode::Edit(message));
            }
            Some(message) => self.composer.mode.set(Mode::Reply(message)),
            None => {
                self.prepend(&typed);
                if self.field.get_untracked().is_some_and(|field| !field.value().is_empty()) {
                    self.error.set(Some(text::compose_target_lost().to_owned()));
                }
                self.room.save_compose_target(None);
            }
        }
    }

    /// Reads the storage again after the browser's page cache: another page of this tab may have gone on with the
    /// draft.
    fn restore_from_page_cache(self) {
        let Some(draft) = self.room.saved_draft() else { return };
        self.room.load_half_typed();
        let target = self.room.saved_compose_target();
        if !self.room.has_compose_target(target.as_ref()) {
            self.cancel();
            self.set_text(&draft);
            if let Some(target) = target {
                self.resume(target);
            }
        } else if self.is_changing() {
            self.aside.write_value().draft = Some(draft);
        } else {
            self.set_text(&draft);
        }
    }
}
