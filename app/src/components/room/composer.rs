//! Where a message is written.

use leptos::prelude::*;
use protocol::EventId;

use crate::api::Flash;

/// Where a message is written.
#[component]
pub(crate) fn Composer(post_id: EventId, flash: Option<Flash>) -> impl IntoView {
    // STUB
}
