//! Names of people.

use leptos::prelude::*;
use protocol::ShownName;

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

/// Hue of a member; the first where the server never sent the name.
pub(crate) fn hue(name: Option<&ShownName>) -> u8 {
    name.map_or(0, |name| name.hue)
}

/// A member's colour and initials, for the eye only.
#[component]
pub(crate) fn Avatar<'a>(
    /// The member's name.
    name: &'a ShownName,
) -> impl IntoView + use<> {
    let class = format!("avatar hue-{}", name.hue);
    view! { <span class=class aria-hidden="true" translate="no">{name.name.initials()}</span> }
}
