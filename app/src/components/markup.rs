//! A message as it is written: paragraphs, lists, links.

use leptos::prelude::*;

/// A message as it is written: paragraphs, lists, links.
#[component]
pub(crate) fn Markup() -> impl IntoView {
    // STUB
}
