//! The button for the look of all pages.

use leptos::prelude::*;

/// The button for the look of all pages.
#[component]
pub(crate) fn LookButton() -> impl IntoView {
    // STUB
}
