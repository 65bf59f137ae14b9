//! The bar at the top.

use leptos::prelude::*;

/// The bar at the top.
#[component]
pub(crate) fn Header() -> impl IntoView {
    // STUB
}
