//! Names of people.

use leptos::prelude::*;

use crate::text::Piece;

/// A name in its own writing direction, which no translator touches.
#[component]
pub(crate) fn Name(
    /// The name.
    #[prop(into)]
    name: String,
    /// Classes beside.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    if class.is_empty() {
        // No class at all: the server would write an empty one, which is another page than the browser makes.
        view! { <bdi translate="no">{name}</bdi> }.into_any()
    } else {
        view! { <bdi class=class translate="no">{name}</bdi> }.into_any()
    }
}

/// A sentence in which names keep their own writing direction.
pub(crate) fn sentence(pieces: Vec<Piece>) -> Vec<AnyView> {
    let view = |piece| match piece {
        Piece::Name(name) => view! { <Name name/> }.into_any(),
        Piece::Words(words) => words.into_any(),
    };
    pieces.into_iter().map(view).collect()
}

/// A member's colour and initial, for the eye only.
#[component]
pub(crate) fn Avatar(
    /// The member.
    member: protocol::MemberId,
    /// Initial of that member's name.
    initial: String,
) -> impl IntoView {
    view! { <span class=format!("avatar hue-{}", member.hue()) aria-hidden="true" translate="no">{initial}</span> }
}
