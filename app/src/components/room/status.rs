//! The connection, in words.

use leptos::prelude::*;

/// The connection, in words.
#[component]
pub(crate) fn StatusBanner() -> impl IntoView {
    // STUB
}
