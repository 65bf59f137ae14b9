//! `/`: one card, one form.

use leptos::prelude::*;

/// `/`: one card, one form.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    // STUB
}
