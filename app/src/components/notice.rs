//! The calm end of a dead link, and the next step.

use leptos::prelude::*;

use crate::live::room::Ending;

/// What stands in the place of a room that this page has nothing more to do with.
#[component]
pub(crate) fn EndNotice(
    /// Why.
    ending: Ending,
    /// What was written there and never sent.
    unsent: Signal<Vec<String>>,
) -> impl IntoView {
    // STUB
}
