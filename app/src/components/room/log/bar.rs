//! The bar of actions: one for all messages, beside the bubble that is pointed at or has the keyboard's focus. It covers no
//! words: styles keep space for it, and show as much of it as there is space for.

use leptos::html::Div;
use leptos::prelude::*;

use super::actions::can_be_acted_on;
use super::ids::words_id;
use super::pointing::Pointing;
use crate::components::room::tools::TOOLS;
use crate::language::Language;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::text;

pub(in crate::components::room) mod buttons;

use buttons::ButtonsProps;

/// The bar; empty and hidden while there is no message for it.
#[component]
pub(super) fn ActionBar(
    /// Knows which message it is for.
    pointing: Pointing,
    /// The element that bar and rows stand on.
    sheet: NodeRef<Div>,
) -> impl IntoView {
    let room = expect_context::<Room>();
    let bar = NodeRef::<Div>::new();
    let shown = Memo::new(move |_| pointing.target.get().filter(|id| can_be_acted_on(room.log, *id)));
    let is_own = move || shown.get().and_then(|id| room.message(id)).is_some_and(|message| message.own);
    let place = move || {
        if let (Some(Some(id)), Some(Some(bar)), Some(Some(sheet))) =
            (shown.try_get_untracked(), bar.try_get_untracked(), sheet.try_get_untracked())
            && let Some(words) = browser::by_id(&words_id(id))
        {
            let own = room.message(id).is_some_and(|message| message.own);
            browser::set_custom_property(&bar, "--at", &format!("{}px", browser::top_within(&words, &sheet)));
            let beside = browser::width_beside(&words, &sheet, own == Language::current().is_rtl());
            browser::set_custom_property(&bar, "--beside", &format!("{beside}px"));
        }
    };
    // What comes above the bubble, or gets its size there, moves it, and changes the sheet's size. An edit changes its own.
    effect(move || {
        let words = shown.get().and_then(|id| browser::by_id(&words_id(id)));
        place();
        if let (Some(words), Some(sheet)) = (words, sheet.get_untracked()) {
            browser::observe_size(&words, place);
            browser::observe_size(&sheet, place);
        }
    });
    let content = move || {
        let id = shown.get()?;
        Some((TOOLS.get()?.bar)(ButtonsProps { id, pointing }))
    };
    view! {
        <div
            id="actions"
            class="actions"
            class:own=is_own
            role="toolbar"
            aria-label=text::actions()
            hidden=move || shown.get().is_none()
            data-message=move || shown.get().map(|id| id.to_string())
            node_ref=bar
        >
            {content}
        </div>
    }
}
