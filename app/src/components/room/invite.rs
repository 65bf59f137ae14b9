//! The way to bring others in.

use leptos::prelude::*;

/// The way to bring others in.
#[component]
pub(crate) fn Invite() -> impl IntoView {
    // STUB
}
