//! The others who are writing, and what the host allows.

use leptos::prelude::*;

use crate::components::name::sentence;
use crate::live::room::Room;
use crate::text;

/// Limits that the host sets to the reader's writing.
#[component]
pub(super) fn RulesLine() -> impl IntoView {
    let room = expect_context::<Room>();
    let words = move || {
        let rules = room.rules.get();
        match rules.slow_ms.div_ceil(1_000) {
            _ if room.host.get() == Some(room.me) => String::new(),
            _ if rules.host_only => text::host_only_now().to_owned(),
            0 => String::new(),
            seconds => text::slow_mode_now(seconds as usize),
        }
    };
    view! { <p class="note" role="status">{words}</p> }
}

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
