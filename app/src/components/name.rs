//! Names of people.

use leptos::prelude::*;

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
    view! { <bdi class=(!class.is_empty()).then_some(class) translate="no">{name}</bdi> }
}

/// A member's colour and initial, for the eye only.
#[component]
pub(crate) fn Avatar(
    /// Whose.
    member: protocol::MemberId,
    /// What that member is called.
    initial: String,
) -> impl IntoView {
    view! { <span class=format!("avatar hue-{}", member.hue()) aria-hidden="true" translate="no">{initial}</span> }
}
