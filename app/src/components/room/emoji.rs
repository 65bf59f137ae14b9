//! The one emoji picker of the page: for the text in the composer, and for reactions to messages.

use leptos::html;
use leptos::prelude::*;
use web_sys::Element;

use super::context::{ComposerContext, EmojiTarget};
use super::log::ids::element_id;
use super::tools::{TOOLS, with_tools};
use crate::components::click::click;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::live::signal::set_if_new;
use crate::text;

pub(super) mod grid;
mod keys;
pub(super) mod pick;
mod recent;
mod table;

/// The picker's id, for buttons with `popovertarget`.
pub(super) const ID: &str = "emoji";
/// Id of the field that finds emoji.
const SEARCH_ID: &str = "emoji-search";

/// The picker. A button with `popovertarget` opens it for the composer, and [`ComposerContext::emoji_target`] for a
/// reaction.
#[component]
pub(crate) fn EmojiPicker(
    /// Puts an emoji into the composer's text.
    insert: Callback<String>,
) -> impl IntoView {
    let picker = Picker {
        room: expect_context(),
        composer: expect_context(),
        insert,
        panel: NodeRef::new(),
        query: RwSignal::new(None),
    };
    let Picker { composer, panel, query, .. } = picker;
    effect(move || {
        if let (Some(EmojiTarget::Reaction(message)), Some(panel)) =
            (composer.emoji_target.get(), panel.get_untracked())
            && !browser::is_open(&panel)
        {
            browser::open_popover(&panel, browser::by_id(&element_id(message)));
        }
    });
    let clicked = move |event| {
        with_tools(|tools| (tools.picker_clicked)(picker, &event));
    };
    let pressed = move |event| {
        with_tools(|tools| (tools.picker_pressed)(picker, &event));
    };
    effect(|| on_cleanup(|| browser::toggle_root_attribute("data-picking", false)));
    let is_open = Memo::new(move |_| query.read().is_some());
    let content = move || match TOOLS.get_or_fetch() {
        Some(tools) => (tools.picker)(query),
        None => view! { <p class="wait">{text::STILL_LOADING}</p> }.into_any(),
    };
    view! {
        <div
            id=ID
            node_ref=panel
            class="picker"
            class:above=move || composer.emoji_target.get() == Some(EmojiTarget::Composer)
            popover="auto"
            role="dialog"
            aria-label=text::EMOJI
            on:beforetoggle=move |_: web_sys::Event| picker.before_toggle()
            on:toggle=move |_| picker.toggled()
            on:click=click(clicked)
            on:keydown=pressed
        >
            {move || is_open.get().then(content)}
        </div>
    }
}

/// The picker's state. A handle.
#[derive(Clone, Copy)]
pub(super) struct Picker {
    room: Room,
    composer: ComposerContext,
    insert: Callback<String>,
    panel: NodeRef<html::Div>,
    /// Text to search for; `None` while the picker is closed.
    query: RwSignal<Option<String>>,
}

impl Picker {
    /// Makes the content before it is shown: the microtasks of this event's listeners, which draw, run at the latest
    /// before [`toggled`](Self::toggled).
    fn before_toggle(self) {
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
    fn toggled(self) {
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
fn first(panel: &Element) -> Option<Element> {
    panel.query_selector("button").ok().flatten()
}
