//! The log.

use leptos::prelude::*;

/// The log.
#[component]
pub(crate) fn LogView() -> impl IntoView {
    // STUB
}
