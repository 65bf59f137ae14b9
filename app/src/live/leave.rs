//! Leaving a room that goes on after its page is gone.

use std::cell::RefCell;

use leptos::task::spawn_local;
use protocol::{RoomCode, RoomId};

use super::{browser, tab_storage};
use crate::api;

/// Time between two tries, in milliseconds.
const RETRY_MS: u32 = 2_000;

thread_local! {
    /// Rooms that are still to be left.
    static PENDING: RefCell<Vec<RoomCode>> = const { RefCell::new(Vec::new()) };
}

/// Leaves a room as soon as there is a connection, beside any page: the one that would have said it is gone.
pub(super) fn finish(code: RoomCode, room: RoomId) {
    if is_pending(code) {
        return;
    }
    PENDING.with_borrow_mut(|pending| pending.push(code));
    spawn_local(async move {
        while is_pending(code) {
            if browser::is_online() && post(code).await {
                // Whoever leaves was asked, and has given up what is not sent.
                tab_storage::clear(code, room);
                cancel(code);
            } else {
                browser::sleep(RETRY_MS).await;
            }
        }
    });
}

/// Stays in a room after all: the reader is there again.
pub(super) fn cancel(code: RoomCode) {
    PENDING.with_borrow_mut(|pending| pending.retain(|other| *other != code));
}

/// Leaves a room by form; true when that is done.
pub(super) async fn post(code: RoomCode) -> bool {
    api::leave_room(code.to_string(), String::new()).await.is_ok_and(|answer| answer.refused.is_none())
}

fn is_pending(code: RoomCode) -> bool {
    PENDING.with_borrow(|pending| pending.contains(&code))
}
