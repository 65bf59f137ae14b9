//! Who is here.

use leptos::prelude::*;

/// Who is here.
#[component]
pub(crate) fn Roster() -> impl IntoView {
    // STUB
}
