//! The parser apart from the program: it is a quarter of what a room's page would fetch, and many rooms never need it.
//!
//! The server has it at hand. The browser fetches it when it first has to draw what may hold markup; until then, and when
//! it cannot be fetched, a message stands as it was typed. What the server wrote stays as it wrote it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Context, Node, as_typed, is_plain};

/// A way of reading messages.
pub type Read = fn(&str, Context<'_>) -> Vec<Node>;

/// Reads a message. Whoever draws what it says draws again when the parser has come that it needs.
#[must_use]
pub fn read(body: &str, context: Context<'_>) -> Vec<Node> {
    if !is_plain(body) {
        fetch();
    }
    read_if_here(body, context)
}

/// Reads a message, and fetches nothing for it: it stands as it was typed while the parser is not here.
#[must_use]
pub fn read_if_here(body: &str, context: Context<'_>) -> Vec<Node> {
    match parser() {
        Some(parse) if !is_plain(body) => parse(body, context),
        _ => as_typed(body, context),
    }
}

/// Fetches the parser where a text that is being written will need it. Asks once: a message that is drawn asks again.
pub fn foresee(text: &str) {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let text = text.trim();
    if !text.is_empty() && !ASKED.load(Ordering::Relaxed) && !is_plain(text) {
        ASKED.store(true, Ordering::Relaxed);
        fetch();
    }
}

/// Waits until the message can be read in full, or it is known that it cannot: for what is said once and not drawn again.
pub async fn until_read(body: &str) {
    if !is_plain(body) {
        come().await;
    }
}

/// Whether messages are read in full. Who has asked is told when they are.
#[must_use]
pub fn has_come() -> bool {
    parser().is_some()
}

// A debug build is not split: `cargo leptos watch` needs no flag then.
#[cfg(any(not(feature = "hydrate"), debug_assertions))]
use at_hand::{come, fetch, parser};
#[cfg(all(feature = "hydrate", not(debug_assertions)))]
use fetched::{come, fetch, parser};

#[cfg(any(not(feature = "hydrate"), debug_assertions))]
mod at_hand {
    pub(super) fn fetch() {}

    pub(super) async fn come() {}

    pub(super) fn parser() -> Option<super::Read> {
        Some(super::super::parser::parse)
    }
}

#[cfg(all(feature = "hydrate", not(debug_assertions)))]
mod fetched {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{LazyLock, OnceLock};

    use reactive_graph::signal::ArcTrigger;
    use reactive_graph::traits::{Notify, Track};
    use wasm_bindgen_futures::spawn_local;
    use wasm_split_helpers::{SplitLoaderError, wasm_split};

    use super::Read;

    static PARSER: OnceLock<Read> = OnceLock::new();
    static CAME: LazyLock<ArcTrigger> = LazyLock::new(ArcTrigger::new);
    static ON_ITS_WAY: AtomicBool = AtomicBool::new(false);

    /// Everything that only this leads to is in the part that is fetched for it.
    #[wasm_split(markup, fallible)]
    fn fetched_parser() -> Result<Read, SplitLoaderError> {
        Ok(super::super::parser::parse)
    }

    pub(super) fn fetch() {
        if PARSER.get().is_some() || ON_ITS_WAY.swap(true, Ordering::Relaxed) {
            return;
        }
        spawn_local(async {
            come().await;
            ON_ITS_WAY.store(false, Ordering::Relaxed);
        });
    }

    pub(super) async fn come() {
        // What goes wrong the browser says; the next message asks again.
        if PARSER.get().is_none()
            && let Ok(parse) = fetched_parser().await
            && PARSER.set(parse).is_ok()
        {
            CAME.notify();
        }
    }

    pub(super) fn parser() -> Option<Read> {
        CAME.track();
        PARSER.get().copied()
    }
}
