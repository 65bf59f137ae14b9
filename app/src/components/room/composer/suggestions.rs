//! List of names for an unfinished mention, steered from the box, as the ARIA Authoring Practices describe it.
//!
//! The box stays a multi-line `textbox`, for which ARIA 1.2 has no `aria-expanded`: that the list is open is said by
//! `aria-controls` and `aria-activedescendant`, which exist only then.

use leptos::prelude::*;
use protocol::Member;

use super::editor::Editor;
use super::mention::{LIST_ID, Suggestions, option_id};
use crate::components::click::click;
use crate::components::name::{Avatar, Name};
use crate::text;

/// The list. Pressing an option leaves the caret where it is.
pub(in crate::components::room) fn suggestions(editor: Editor) -> AnyView {
    let list = move || {
        let Suggestions { members, active, .. } = editor.mention.suggestions.get()?;
        let option = |(place, Member { name, .. }): (usize, Member)| {
            let selected = if Some(place) == active { "true" } else { "false" };
            view! {
                <li id=option_id(place) role="option" aria-selected=selected on:click=click(move |_| editor.complete(Some(place)))>
                    <Avatar name=&name/>
                    <Name name=name.to_string()/>
                </li>
            }
            .into_any()
        };
        Some(
            view! {
                <ul
                    id=LIST_ID
                    class="offer"
                    role="listbox"
                    aria-label=text::PEOPLE
                    on:mousedown=|event| event.prevent_default()
                >
                    {members.into_iter().enumerate().map(option).collect_view()}
                </ul>
            }
            .into_any(),
        )
    };
    view! { {move || list()} }.into_any()
}
