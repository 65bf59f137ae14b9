//! The others who are writing.

use leptos::prelude::*;

use crate::components::name::sentence;
use crate::live::room::Room;
use crate::text;

/// Names of the others who are writing. Never announced: it would interrupt everything else.
#[component]
pub(super) fn TypingLine() -> impl IntoView {
    let room = expect_context::<Room>();
    view! {
        <p class="typing" aria-hidden="true">
            {move || {
                let typing = room.typing.read();
                let names: Vec<_> = typing.iter().map(|member| &member.name).collect();
                sentence(text::typing(&names)).into_any()
            }}
        </p>
    }
}
