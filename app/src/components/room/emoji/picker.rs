//! State of the emoji picker: open or closed, and for what.

use leptos::html;
use leptos::prelude::*;
use web_sys::Element;

use crate::components::room::context::{ComposerContext, EmojiTarget};
use crate::components::room::log::ids::element_id;
use crate::live::browser;
use crate::live::room::Room;
use crate::live::signal::set_if_new;

/// The picker's id, for buttons with `popovertarget`.
pub(in crate::components::room) const ID: &str = "emoji";
/// Id of the field that finds emoji.
pub(super) const SEARCH_ID: &str = "emoji-search";

/// The picker's state. A handle.
#[derive(Clone, Copy)]
pub(in crate::components::room) struct Picker {
    pub(super) room: Room,
    pub(super) composer: ComposerContext,
    pub(super) insert: Callback<String>,
    pub(super) panel: NodeRef<html::Div>,
    /// Text to search for; `None` while the picker is closed.
    pub(super) query: RwSignal<Option<String>>,
}

impl Picker {
    /// Makes the content before it is shown: the microtasks of this event's listeners, which draw, run at the latest
    /// before [`toggled`](Self::toggled).
    pub(super) fn before_toggle(self) {
        let Some(panel) = self.panel.get_untracked().filter(|panel| !browser::is_open(panel)) else { return };
        set_if_new(self.query, Some(String::new()));
        if self.composer.emoji_target.get_untracked().is_none() {
            self.composer.emoji_target.set(Some(EmojiTarget::Composer));
        }
        if let Some(form) = browser::by_id("composer") {
            browser::set_custom_property(&panel, "--above", &format!("{}px", browser::distance_to_bottom(&form)));
        }
    }

    /// Goes to the first emoji of the picker that was opened, or takes the content of the closed one away.
    pub(super) fn toggled(self) {
        // The event is a task of its own: the page may be gone.
        let Some(panel) = self.panel.try_get_untracked().flatten() else { return };
        let is_open = browser::is_open(&panel);
        // For styles. A `:has()` of the room would be looked at with each row that comes: 5 of 8 ms of a frame's styles at
        // a processor 4 times slower.
        browser::toggle_root_attribute("data-picking", is_open);
        if is_open {
            if let Some(first) = first(&panel) {
                browser::focus_on(&first);
            }
            return;
        }
        // The bar it was opened from may be gone.
        if let (Some(EmojiTarget::Reaction(message)), true) =
            (self.composer.emoji_target.get_untracked(), has_lost_focus(&panel))
        {
            browser::focus(&element_id(message));
        }
        self.composer.emoji_target.set(None);
        self.query.set(None);
    }
}

/// True when nothing on the page has the focus, or what is no longer shown in this panel: browsers take it from there
/// later.
fn has_lost_focus(panel: &Element) -> bool {
    browser::is_focus_lost() || document().active_element().is_some_and(|element| panel.contains(Some(&element)))
}

/// The first emoji that is shown.
pub(super) fn first(panel: &Element) -> Option<Element> {
    panel.query_selector("button").ok().flatten()
}
