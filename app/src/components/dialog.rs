//! A dialog with a heading and a way to close it.

use leptos::prelude::*;

/// A dialog with a heading and a way to close it.
#[component]
pub(crate) fn Dialog() -> impl IntoView {
    // STUB
}
