//! Keys that are pressed somewhere in the room.

use leptos::ev::KeyboardEvent;

use super::editor::Editor;
use crate::live::browser;

impl Editor {
    /// Writes what is typed anywhere in the room into the box, where no field, dialog or control has a use for the key.
    ///
    /// The focus goes to the box, and the browser goes on with the key there: also with what an accent begins.
    pub(super) fn page_key(self, event: &KeyboardEvent) {
        let key = event.key();
        let is_for_box = browser::is_printable(&key)
            && !is_shortcut(event)
            && !browser::is_composing(event)
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
    browser::is_modified(event) && !event.get_modifier_state("AltGraph")
}

/// True where single keys are shortcuts: in the log, unless the reader has switched them off (WCAG 2.1.4).
fn has_log_keys(event: &KeyboardEvent) -> bool {
    let in_log = browser::target(event).is_some_and(|target| browser::closest(&target, "[role=log]").is_some());
    in_log && browser::has_log_keys()
}
