//! The head of a page with one card: the way home, and the look.

use leptos::prelude::*;

/// The head of a page with one card: the way home, and the look.
#[component]
pub(crate) fn Top() -> impl IntoView {
    // STUB
}
