//! An address that is no page.

use leptos::prelude::*;

/// An address that is no page.
#[component]
pub(crate) fn MissingPage() -> impl IntoView {
    // STUB
}
