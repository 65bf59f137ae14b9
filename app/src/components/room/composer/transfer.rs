//! Answers to a paste into the box or a drop on the page: of text that is far too long, pictures and files.
//!
//! A file that is dropped would be opened in the place of the room: the script in the document's head keeps it from that.

use leptos::prelude::*;
use protocol::body;
use web_sys::{DataTransfer, Event};

use super::editor::Editor;
use super::state;
use crate::components::click::click;
use crate::live::browser;
use crate::live::signal::set_if_new;
use crate::text;

/// Says what cannot be taken in. The text beside a picture is.
pub(in crate::components::room) fn on_paste(editor: Editor, event: &Event, data: &DataTransfer) {
    let has_files = data.files().is_some_and(|files| files.length() > 0);
    let into_box = browser::target(event).is_some_and(|target| target.id() == "body");
    let text = if into_box { data.get_data("text/plain").unwrap_or_default() } else { String::new() };
    if into_box && editor.refuse_long(&text) {
        event.prevent_default();
    } else if has_files {
        if text.is_empty() {
            event.prevent_default();
        } else if event.default_prevented() {
            editor.insert(&text, None);
        }
        let says = if text.is_empty() { text::no_files() } else { text::text_only() };
        // After the event that tells of the text.
        request_animation_frame(move || editor.say(says.to_owned(), ""));
    }
}

impl Editor {
    /// Refuses a text that is far too long, and offers its beginning. Returns true if it did.
    fn refuse_long(self, text: &str) -> bool {
        let Some(field) = self.field.get_untracked() else { return false };
        let selected = field.selection_end().ok().flatten().zip(field.selection_start().ok().flatten());
        let selected = selected.map_or(0, |(end, start)| (end - start) as usize);
        let standing = (field.text_length() as usize).saturating_sub(selected);
        let Some((length, space)) = state::refused_paste(standing, text) else { return false };
        let beginning = text.replace("\r\n", "\n").chars().take(space).collect::<String>();
        self.say(text::paste_refused(length, body::MAX_SCALARS), &beginning);
        true
    }

    fn say(self, sentence: String, pastable: &str) {
        set_if_new(self.pastable, pastable.chars().count());
        set_if_new(self.note, Some(sentence));
        if let Some(mut aside) = self.aside.try_write_value() {
            pastable.clone_into(&mut aside.pastable);
        }
    }

    pub(super) fn clear_note(self) {
        if self.note.read_untracked().is_some() {
            self.note.set(None);
            self.pastable.set(0);
        }
    }

    fn paste_beginning(self) {
        let beginning = std::mem::take(&mut self.aside.write_value().pastable);
        self.clear_note();
        self.insert(&beginning, None);
    }
}

/// The answer to something that was pasted or dropped, and the way to paste the beginning of a long text.
#[component]
pub(super) fn NoteLine(
    /// Handle of the box.
    editor: Editor,
) -> impl IntoView {
    let offer = move || {
        let count = editor.pastable.get();
        let button = || {
            view! {
                <button type="button" on:click=click(move |_| editor.paste_beginning())>
                    {text::paste_beginning(count)}
                </button>
            }
            .into_any()
        };
        (count > 0).then(button)
    };
    view! {
        <div class="note">
            <p id="body-note" role="status">
                {move || editor.note.get()}
            </p>
            {move || offer()}
        </div>
    }
}
