//! A message as it is written: paragraphs, lists, links.

use leptos::prelude::*;

use crate::text;

/// A sentence in which names keep their own writing direction.
pub(crate) fn sentence(pieces: Vec<text::Piece>) -> AnyView {
    // STUB
    let _ = pieces;
    ().into_any()
}

/// The beginning of a message, on one line. Reads what may change it, so it belongs into a closure.
pub(crate) fn excerpt(body: &str) -> String {
    // STUB
    body.to_owned()
}
