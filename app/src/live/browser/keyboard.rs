//! Kinds of keys.

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::page::{closest, target};

/// While an input method composes, its keys arrive with this code and belong to it (UI Events, section 8.3.1).
const COMPOSING: u32 = 229;

/// True for a key of an input method that composes.
#[must_use]
pub fn is_composing(event: &KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == COMPOSING
}

/// True with Ctrl, Alt or Meta.
#[must_use]
pub fn is_modified(event: &KeyboardEvent) -> bool {
    event.ctrl_key() || event.meta_key() || event.alt_key()
}

/// True for a key that writes a character, or begins to, as the dead key of an accent does.
#[must_use]
pub fn is_printable(key: &str) -> bool {
    // Named keys are words in ASCII.
    key == "Dead" || key.chars().count() == 1 || !key.is_ascii()
}

/// True for a key that is for nothing else: it was not pressed in a field, a dialog or an open popover, and no modal
/// dialog is open.
#[must_use]
pub fn is_unclaimed(event: &KeyboardEvent) -> bool {
    let takes_keys = "input, textarea, select, [contenteditable], dialog, :popover-open";
    let is_claimed = target(event).is_some_and(|target| closest(&target, takes_keys).is_some());
    !is_claimed && document().query_selector("dialog:modal").is_ok_and(|dialog| dialog.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_keys_are_distinguished_from_named_ones() {
        assert!(["a", "€", "/", " ", "Dead", "ñ", "नी"].into_iter().all(is_printable));
        assert!(!["Enter", "F2", "ArrowUp", "Shift", "Process"].into_iter().any(is_printable));
    }
}
