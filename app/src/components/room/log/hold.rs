//! The message being read, held in its place while the log changes around it.

use leptos::html::{Div, Section};
use leptos::prelude::*;

use super::auto_scroll::AT_END;
use super::ids::element_id;
use super::scroll_anchor::anchor_at;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::tab_storage::ScrollAnchor;

/// The message being read. What comes at the end of a `column-reverse` scroller pushes up what is above it. No browser is
/// asked to hold the place (`overflow-anchor`): Chromium holds it sometimes, and sometimes only in part. A handle.
#[derive(Clone, Copy)]
pub(super) struct ReadingHold {
    scroller: NodeRef<Section>,
    /// Its place, and how far the log was scrolled then.
    noted: StoredValue<Option<(ScrollAnchor, i32)>>,
}

impl ReadingHold {
    /// Holds the reading position until the reactive owner is cleaned up.
    pub(super) fn new(scroller: NodeRef<Section>, sheet: NodeRef<Div>) -> Self {
        let hold = Self { scroller, noted: StoredValue::new(None) };
        effect(move || {
            if let Some(sheet) = sheet.get() {
                browser::observe_size(&sheet, move || hold.put_back());
            }
        });
        hold
    }

    /// Notes the message in the middle of the log. None at the end, which is followed.
    pub(super) fn scrolled(self) {
        let Some(Some(scroller)) = self.scroller.try_get_untracked() else { return };
        let top = scroller.scroll_top();
        let anchor = (top < -AT_END).then(|| anchor_at(&scroller, scroller.client_height() / 2)).flatten();
        self.noted.set_value(anchor.map(|anchor| (anchor, top)));
    }

    /// Scrolls by as much as the message was moved, unless something has scrolled since. Called before the browser paints.
    fn put_back(self) {
        let Some(Some((anchor, top))) = self.noted.try_get_value() else { return };
        let Some(Some(scroller)) = self.scroller.try_get_untracked() else { return };
        let Some(message) = browser::by_id(&element_id(anchor.message)) else { return };
        let moved = browser::top_within(&message, &scroller) - anchor.offset;
        if moved != 0 && scroller.scroll_top() == top {
            scroller.set_scroll_top(top + moved);
        }
    }
}
