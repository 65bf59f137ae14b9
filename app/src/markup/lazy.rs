//! The parser apart from the program: it is a quarter of what a room's page would fetch, and many rooms never need it.
//!
//! The server has it at hand. The browser fetches it when it first has to draw what may hold markup, and what the server
//! did not read for it: see [`ServerMarkup`](super::ServerMarkup). Until it has come, and when it cannot be fetched, a message stands
//! as it was typed.

use std::sync::atomic::{AtomicBool, Ordering};

use super::rules::{Prepared, prepare};
use super::{Context, Node, as_typed, is_plain};

/// Parses a message that is not plain.
type Parse = fn(&str, &Prepared, Context<'_>) -> Vec<Node>;

/// Reads a message. Where the parser is needed and has not come yet, fetches it, and runs the effect that asked again
/// when it is here.
#[must_use]
pub(crate) fn read(body: &str, context: Context<'_>) -> Vec<Node> {
    if is_plain(body) {
        return as_typed(body, context);
    }
    match parser() {
        Some(parse) => parse(body, &prepare(body, context), context),
        None => {
            fetch();
            as_typed(body, context)
        }
    }
}

/// Fetches the parser where a text that is being written will need it. Asks once: a message that is drawn asks again.
pub(crate) fn prefetch_parser(text: &str) {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let text = text.trim();
    if !text.is_empty() && !ASKED.load(Ordering::Relaxed) && !is_plain(text) {
        ASKED.store(true, Ordering::Relaxed);
        fetch();
    }
}

/// Waits until the message can be read in full, or it is known that it cannot: for what is said once and not drawn again.
pub(crate) async fn wait_for_parser(body: &str) {
    if !is_plain(body) {
        come().await;
    }
}

// A debug build is not split: `cargo leptos watch` needs no flag then.
#[cfg(any(not(feature = "hydrate"), debug_assertions))]
pub(crate) use at_hand::stop_fetching;
#[cfg(any(not(feature = "hydrate"), debug_assertions))]
use at_hand::{come, fetch, parser};
#[cfg(all(feature = "hydrate", not(debug_assertions)))]
pub(crate) use fetched::stop_fetching;
#[cfg(all(feature = "hydrate", not(debug_assertions)))]
use fetched::{come, fetch, parser};

#[cfg(any(not(feature = "hydrate"), debug_assertions))]
mod at_hand {
    pub(super) fn fetch() {}

    pub(crate) fn stop_fetching() {}

    pub(super) async fn come() {}

    pub(super) fn parser() -> Option<super::Parse> {
        Some(super::super::parser::parse)
    }
}

#[cfg(all(feature = "hydrate", not(debug_assertions)))]
mod fetched {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{LazyLock, OnceLock};

    use leptos::prelude::{ArcTrigger, Notify, Track};
    use leptos::task::spawn_local;
    use wasm_split_helpers::{SplitLoaderError, wasm_split};

    use super::Parse;

    static PARSER: OnceLock<Parse> = OnceLock::new();
    static CAME: LazyLock<ArcTrigger> = LazyLock::new(ArcTrigger::new);
    static ON_ITS_WAY: AtomicBool = AtomicBool::new(false);
    static IS_STOPPED: AtomicBool = AtomicBool::new(false);

    /// Everything that only this leads to is in the part that is fetched for it. `#[lazy]` of leptos 0.8 expands to the same
    /// attribute without `fallible`, and then a part that does not come ends the program: leptos-rs/leptos#4785.
    #[wasm_split(markup, fallible)]
    fn fetched_parser() -> Result<Parse, SplitLoaderError> {
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

    /// Asks for it no more: the server has become another build, and has the parts of this one no longer.
    pub(crate) fn stop_fetching() {
        IS_STOPPED.store(true, Ordering::Relaxed);
    }

    pub(super) async fn come() {
        // What goes wrong the browser says; the next message asks again.
        if !IS_STOPPED.load(Ordering::Relaxed)
            && PARSER.get().is_none()
            && let Ok(parse) = fetched_parser().await
            && PARSER.set(parse).is_ok()
        {
            CAME.notify();
        }
    }

    pub(super) fn parser() -> Option<Parse> {
        let parser = PARSER.get().copied();
        if parser.is_none() {
            CAME.track();
        }
        parser
    }
}
