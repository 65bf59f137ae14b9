//! The form that opens a room: the same with and without script.

use leptos::prelude::*;

/// The form that opens a room: the same with and without script.
#[component]
pub(crate) fn EnterForm() -> impl IntoView {
    // STUB
}
