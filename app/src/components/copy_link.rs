//! Buttons that copy or share the link to a room.

use leptos::prelude::*;

/// Buttons that copy or share the link to a room.
#[component]
pub(crate) fn CopyLink() -> impl IntoView {
    // STUB
}
