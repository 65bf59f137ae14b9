//! The place where somebody reads, over a reload and over a look at another page.

use client::RowKey;
use leptos::ev;
use leptos::html::Section;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use protocol::EventId;
use web_sys::Element;

use super::following::AT_END;
use super::row::element_id;
use crate::live::browser;
use crate::live::keeper::{self, Place};
use crate::live::room::{Room, Status};

/// Maximum number of older pages that are loaded to get back to a message.
const MOST_PAGES: u8 = 5;
/// Number of frames in which the message is put in its place. What comes on the screen gets its real size only then, and
/// moves what is above it.
const FRAMES: u8 = 4;

/// Goes back to where the reader was, and keeps where they are when the page goes away.
pub(super) fn keep_reading_place(room: Room, scroller: NodeRef<Section>) {
    go_back(room, scroller);
    // When the owner ends the rows are off the screen already, and have no place any more. The address changes before.
    let pathname = use_location().pathname;
    Effect::new(move |here: Option<String>| {
        let path = pathname.get();
        if here.is_some_and(|here| here != path) {
            keep(room, scroller);
        }
        path
    });
    Effect::new(move |_| browser::hear(ev::pagehide, move |_| keep(room, scroller)));
}

/// Keeps the reader's place; none at the end, and none once the stay is over, when everything of the room is forgotten.
fn keep(room: Room, scroller: NodeRef<Section>) {
    let Some(Some(scroller)) = scroller.try_get_untracked() else { return };
    let is_over = room.status.with_untracked(|status| matches!(status, Status::Ended(_)));
    if is_over || scroller.client_height() == 0 {
        return;
    }
    let place = (scroller.scroll_top() < -AT_END).then(|| top_message(&scroller)).flatten();
    keeper::keep_place(room.code, place);
}

/// The message at the top edge.
fn top_message(scroller: &Element) -> Option<Place> {
    let edge = scroller.get_bounding_client_rect().top();
    let is_below = |element: &Element| element.get_bounding_client_rect().bottom() > edge;
    // Block by block: whoever asks where a row is makes the browser lay out the whole block around it.
    let mut blocks = browser::find_all(scroller, ".block").into_iter().filter(is_below);
    blocks.find_map(|block| {
        let row = browser::find_all(&block, "[data-message]").into_iter().find(is_below)?;
        let message = row.get_attribute("data-message")?.parse().ok().map(EventId)?;
        Some(Place { message, offset: browser::top_within(&row, scroller) })
    })
}

/// Goes back to the kept place, once its message is shown: it may be on an older page. Where it is on none of those that
/// are loaded for it, the reader stays at the end.
fn go_back(room: Room, scroller: NodeRef<Section>) {
    Effect::new(move |search: Option<Option<(Place, u8)>>| {
        let (place, pages) = match search {
            None => (keeper::kept_place(room.code)?, 0),
            Some(search) => search?,
        };
        // Whoever has scrolled while a page was on its way wants to be there.
        if pages > 0 && scroller.get_untracked()?.scroll_top() < 0 {
            return None;
        }
        if room.log.find(RowKey::Event(place.message)).is_some() {
            put(scroller, place, FRAMES);
            return None;
        }
        // Another one with each page that comes.
        room.older.get().filter(|_| pages < MOST_PAGES)?;
        room.load_older();
        Some((place, pages + 1))
    });
}

/// Scrolls until the message stands in its place, in this many frames.
fn put(scroller: NodeRef<Section>, place: Place, frames: u8) {
    request_animation_frame(move || {
        let Some(Some(log)) = scroller.try_get_untracked() else { return };
        let Some(row) = browser::by_id(&element_id(place.message)) else { return };
        log.set_scroll_top(log.scroll_top() + browser::top_within(&row, &log) - place.offset);
        if frames > 1 {
            put(scroller, place, frames - 1);
        }
    });
}
