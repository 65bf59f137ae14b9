//! The log.

use leptos::prelude::*;

pub(crate) mod row;

/// The log.
#[component]
pub(crate) fn LogView() -> impl IntoView {
    // STUB
}
