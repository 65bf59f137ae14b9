//! Ids of the log's elements.

use protocol::EventId;

/// The id of a message's element.
pub(crate) fn element_id(id: EventId) -> String {
    format!("m-{id}")
}

/// The id of the element that holds a message's words.
pub(crate) fn words_id(id: EventId) -> String {
    format!("w-{id}")
}
