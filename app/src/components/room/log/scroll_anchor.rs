//! Restores the reader's scroll position after a reload and after a visit to another page.

use client::RowKey;
use leptos::ev;
use leptos::html::Section;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use protocol::{EventId, Position};
use web_sys::Element;

use super::auto_scroll::AT_END;
use super::ids::element_id;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::{Room, Status};
use crate::live::tab_storage::{self, ScrollAnchor};

/// Maximum number of older pages that are loaded to get back to the anchor's message.
const MAX_PAGES: u8 = 5;
/// Number of frames in which the message is put in its place. What comes on the screen gets its real size only then,
/// and moves what is above it.
const FRAMES: u8 = 4;

/// Restores the stored scroll anchor, and stores the current one when the page goes away.
pub(super) fn restore_scroll_anchor(room: Room, scroller: NodeRef<Section>) {
    let pending = restore(room, scroller);
    // When the reactive owner is cleaned up, the rows are off the screen already, and have no place any more. The
    // address changes before.
    let pathname = use_location().pathname;
    let mut here = None;
    effect(move || {
        let path = pathname.get();
        if here.as_ref().is_some_and(|here| *here != path) {
            save(room, scroller, pending);
        }
        here = Some(path);
    });
    effect(move || browser::on_window_event(ev::pagehide, move |_| save(room, scroller, pending)));
}

/// Stores the scroll anchor; none at the end, and none once the stay is over, when everything of the room is cleared.
/// An anchor that is still being restored stays stored.
fn save(room: Room, scroller: NodeRef<Section>, pending: StoredValue<Option<ScrollAnchor>>) {
    let Some(Some(scroller)) = scroller.try_get_untracked() else { return };
    let is_over = matches!(room.status.get_untracked(), Status::Ended(_));
    if is_over || scroller.client_height() == 0 {
        return;
    }
    let anchor = (scroller.scroll_top() < -AT_END).then(|| anchor_at(&scroller, 0)).flatten();
    if anchor.is_none() && pending.try_get_value().flatten().is_some() {
        return;
    }
    tab_storage::set_scroll_anchor(room.id, anchor);
}

/// The message this far below the top edge, in CSS pixels, or the next one. Its row is only as wide as what it says.
pub(super) fn anchor_at(scroller: &Element, below: i32) -> Option<ScrollAnchor> {
    let edge = scroller.get_bounding_client_rect().top() + f64::from(below);
    let is_below = |element: &Element| element.get_bounding_client_rect().bottom() > edge;
    // Works block by block: reading the position of a row makes the browser lay out the whole block around it.
    let mut blocks = browser::find_all(scroller, ".block").into_iter().filter(is_below);
    blocks.find_map(|block| {
        let row = browser::find_all(&block, "[data-message]").into_iter().find(is_below)?;
        let message = row.get_attribute("data-message")?.parse().ok().map(EventId)?;
        Some(ScrollAnchor { message, offset: browser::top_within(&row, scroller) })
    })
}

/// Scrolls to the stored anchor, once its message is shown: it may be on an older page. Where it is on none of those
/// that are loaded for it, the reader stays at the end. Returns the anchor while it is being restored.
fn restore(room: Room, scroller: NodeRef<Section>) -> StoredValue<Option<ScrollAnchor>> {
    let pending = StoredValue::new(None);
    let mut pages = None;
    effect(move || {
        if pages.is_none() {
            pending.set_value(tab_storage::get_scroll_anchor(room.id));
        }
        let on = pending.get_value().and_then(|anchor| search_step(room, scroller, anchor, pages.unwrap_or_default()));
        if on.is_none() {
            pending.set_value(None);
        }
        pages = Some(on.unwrap_or_default());
    });
    pending
}

/// Older pages that were asked for to get back to a message.
#[derive(Clone, Copy, Default)]
struct Pages {
    /// Number of them.
    asked: u8,
    /// End of the last one.
    before: Option<Position>,
}

/// Scrolls to the anchor, or loads another page: with each page that came, and once more where it may have failed with
/// the connection. `None` when the search is over.
fn search_step(room: Room, scroller: NodeRef<Section>, anchor: ScrollAnchor, pages: Pages) -> Option<Pages> {
    // Whoever has scrolled while a page was on its way wants to be there.
    if pages.asked > 0 && scroller.get_untracked()?.scroll_top() < 0 {
        return None;
    }
    if room.log.find(RowKey::Event(anchor.message)).is_some() {
        scroll_to(scroller, anchor, FRAMES);
        return None;
    }
    let before = Some(room.older.get()?);
    let is_live = room.status.get() == Status::Live;
    if before == pages.before {
        if is_live {
            room.load_older();
        }
        return Some(pages);
    }
    (pages.asked < MAX_PAGES).then(|| {
        room.load_older();
        Pages { asked: pages.asked + 1, before }
    })
}

/// Scrolls until the message stands in its place, in this many frames.
fn scroll_to(scroller: NodeRef<Section>, anchor: ScrollAnchor, frames: u8) {
    request_animation_frame(move || {
        let Some(Some(log)) = scroller.try_get_untracked() else { return };
        let Some(row) = browser::by_id(&element_id(anchor.message)) else { return };
        log.set_scroll_top(log.scroll_top() + browser::top_within(&row, &log) - anchor.offset);
        if frames > 1 {
            scroll_to(scroller, anchor, frames - 1);
        }
    });
}
