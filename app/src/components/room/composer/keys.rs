//! Kinds of keys, and those that are pressed somewhere in the room.

use leptos::ev::KeyboardEvent;

use super::editor::Editor;
use crate::live::browser;

/// While an input method composes, its keys arrive with this code and belong to it (UI Events, section 8.3.1).
const COMPOSING: u32 = 229;

impl Editor {
    /// Writes what is typed anywhere in the room into the box, where no field, dialog or control has a use for the key.
    ///
    /// The focus goes to the box, and the browser goes on with the key there: also with what an accent begins.
    pub(super) fn page_key(self, event: &KeyboardEvent) {
        let key = event.key();
        let is_for_box = is_printable(&key)
            && !is_shortcut(event)
            && !is_composing(event)
            && !event.default_prevented()
            // Space presses a button, and scrolls the log.
            && (key != " " || browser::is_focus_lost())
            && browser::is_unclaimed(event);
        if !is_for_box {
            return;
        }
        match key.as_str() {
            "?" if has_log_keys(event) => browser::open_dialog("help"),
            "/" if has_log_keys(event) => self.focus(),
            _ => return self.focus(),
        }
        event.prevent_default();
    }
}

/// True with Ctrl, Alt or Meta, unless they stand for the third level of a keyboard, where `@` and `€` are.
fn is_shortcut(event: &KeyboardEvent) -> bool {
    is_modified(event) && !event.get_modifier_state("AltGraph")
}

/// True where single keys are shortcuts: in the log, unless the reader has switched them off (WCAG 2.1.4).
fn has_log_keys(event: &KeyboardEvent) -> bool {
    let in_log = browser::target(event).is_some_and(|target| browser::closest(&target, "[role=log]").is_some());
    in_log && browser::has_log_keys()
}

/// True for a key of an input method that composes.
pub(super) fn is_composing(event: &KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == COMPOSING
}

/// True with Ctrl, Alt or Meta.
pub(in crate::components::room) fn is_modified(event: &KeyboardEvent) -> bool {
    event.ctrl_key() || event.meta_key() || event.alt_key()
}

/// True for a key that writes a character, or begins to, as the dead key of an accent does.
pub(in crate::components::room) fn is_printable(key: &str) -> bool {
    // Named keys are words in ASCII.
    key == "Dead" || key.chars().count() == 1 || !key.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_keys_are_told_from_named_ones() {
        assert!(["a", "€", "/", " ", "Dead", "ñ", "नी"].into_iter().all(is_printable));
        assert!(!["Enter", "F2", "ArrowUp", "Shift", "Process"].into_iter().any(is_printable));
    }
}
