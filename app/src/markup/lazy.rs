//! The parser apart from the program: it is an eighth of the whole, and many rooms never need it.
//!
//! The server has it at hand. The browser fetches it when it first has to draw what may hold markup, and what the server
//! did not read for it: see [`ServerMarkup`](super::ServerMarkup). Until it has come, and when it cannot be fetched, a message stands
//! as it was typed.

use std::sync::atomic::{AtomicBool, Ordering};

use super::context::Context;
use super::node::Node;
use super::parser::parse;
use super::plain::{is_plain, parse_plain};
use super::rules::{Preprocessed, preprocess};
use crate::chunk::chunk;

/// Parses a message that is not plain.
type Parse = fn(&str, &Preprocessed, Context<'_>) -> Vec<Node>;

chunk! {
    static PARSER: Parse = markup::fetched_parser(parse);
}

/// Reads a message. Where the parser is needed and has not come yet, fetches it, and runs the effect that asked again
/// when it is here.
#[must_use]
pub(crate) fn read(body: &str, context: Context<'_>) -> Vec<Node> {
    if is_plain(body) {
        return parse_plain(body, context);
    }
    match PARSER.get_or_fetch() {
        Some(parse) => parse(body, &preprocess(body, context), context),
        None => parse_plain(body, context),
    }
}

/// Fetches the parser where a text that is being written will need it. Asks once: a message that is drawn asks again.
pub(crate) fn prefetch_parser(text: &str) {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let text = text.trim();
    if !text.is_empty() && !ASKED.load(Ordering::Relaxed) && !is_plain(text) {
        ASKED.store(true, Ordering::Relaxed);
        PARSER.prefetch();
    }
}

/// Waits until the message can be read in full, or it is known that it cannot: for what is said once and not drawn again.
pub(crate) async fn wait_for_parser(body: &str) {
    if !is_plain(body) {
        PARSER.load().await;
    }
}
