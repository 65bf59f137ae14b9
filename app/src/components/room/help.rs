//! What the keys do.

use leptos::prelude::*;

/// What the keys do.
#[component]
pub(crate) fn Help() -> impl IntoView {
    // STUB
}
