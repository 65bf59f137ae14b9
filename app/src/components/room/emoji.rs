//! The one emoji picker of the page: for the text in the composer, and for reactions to messages.

use leptos::prelude::*;

use super::context::EmojiTarget;
use super::log::ids::element_id;
use super::tools::{TOOLS, with_tools};
use crate::components::click::click;
use crate::live::browser;
use crate::live::effect::effect;
use crate::text;

pub(super) mod grid;
mod keys;
pub(super) mod pick;
pub(super) mod picker;
mod recent;
mod table;

pub(super) use picker::ID;

use picker::Picker;

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
        None => view! { <p class="wait">{text::still_loading()}</p> }.into_any(),
    };
    view! {
        <div
            id=ID
            node_ref=panel
            class="picker"
            class:above=move || composer.emoji_target.get() == Some(EmojiTarget::Composer)
            popover="auto"
            role="dialog"
            aria-label=text::emoji()
            on:beforetoggle=move |_: web_sys::Event| picker.before_toggle()
            on:toggle=move |_| picker.toggled()
            on:click=click(clicked)
            on:keydown=pressed
        >
            {move || is_open.get().then(content)}
        </div>
    }
}
