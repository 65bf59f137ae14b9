//! One row of the log.

use leptos::prelude::*;
use protocol::EventId;

use crate::live::log::RowHandle;

/// A row of the log: a message, a line, a day, or the beginning of what is unread.
#[component]
pub(crate) fn RowView(
    /// Its place in the log.
    handle: RowHandle,
) -> impl IntoView {
    // STUB
    let _ = handle;
}

/// The id of a message's element.
pub(crate) fn element_id(id: EventId) -> String {
    format!("m-{id}")
}
