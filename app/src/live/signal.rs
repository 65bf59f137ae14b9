//! Writing of signals.

use leptos::prelude::*;

/// Writes a value that is another one than before, so that an equal one draws nothing. Does nothing once the page is
/// gone.
pub fn set_if_new<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_read_untracked().is_some_and(|held| *held != value) {
        signal.set(value);
    }
}
