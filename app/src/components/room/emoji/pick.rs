//! Picking an emoji, by a click or by Enter in the search.

use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use web_sys::Element;

use super::keys::{button, on_key};
use super::picker::{Picker, first};
use super::recent;
use crate::components::room::context::EmojiTarget;
use crate::live::browser;

/// Takes the emoji that is clicked.
pub(in crate::components::room) fn on_click(picker: Picker, event: &MouseEvent) {
    if let Some(chosen) = button(event) {
        picker.pick(&chosen, event.shift_key());
    }
}

/// Takes the first emoji that was found, at Enter in the search, or leads the focus.
pub(in crate::components::room) fn on_press(picker: Picker, event: &KeyboardEvent) {
    let is_search = event.key() == "Enter" && button(event).is_none();
    match picker.panel.get_untracked().and_then(|panel| first(&panel)).filter(|_| is_search) {
        Some(found) => {
            event.prevent_default();
            picker.pick(&found, event.shift_key());
        }
        None => on_key(event),
    }
}

impl Picker {
    /// Takes an emoji. The picker stays open for the text where it `goes_on`, and where fingers pick.
    fn pick(self, chosen: &Element, goes_on: bool) {
        let Some(panel) = self.panel.get_untracked() else { return };
        let emoji = chosen.text_content().unwrap_or_default();
        recent::remember(&emoji);
        if let Some(EmojiTarget::Reaction(message)) = self.composer.emoji_target.get_untracked() {
            // First: closing gives the focus back.
            let _ = panel.hide_popover();
            self.room.toggle_reaction(message, &emoji);
        } else if goes_on || browser::is_touch() {
            browser::without_keyboard("body", || self.insert.run(emoji));
            browser::focus_on(chosen);
        } else {
            let _ = panel.hide_popover();
            self.insert.run(emoji);
        }
    }
}
