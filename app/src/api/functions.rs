//! The server functions, with fixed paths: usable as plain HTML forms without script, and through their generated
//! clients with it.

#![expect(
    missing_docs,
    reason = "the server macro makes a struct of each function's arguments; the functions are documented"
)]

use leptos::prelude::*;
use protocol::{EventId, RoomCode, Seq};

use super::encoding::Json;
use super::error::CallError;
#[cfg(feature = "ssr")]
use super::types::{EnterForm, ManageForm};
use super::types::{Entry, Home, MyRoom, OlderPage, Posted, Visit};

#[cfg(feature = "ssr")]
fn rooms() -> Result<super::port::SharedRooms, CallError> {
    let error = "the server provides no rooms".to_owned();
    use_context().ok_or(CallError { error, ..CallError::default() })
}

/// Creates a room or joins one, and takes a seat. Without `intent` it joins when `code` is not empty.
#[server(prefix = "/api", endpoint = "enter", output = Json)]
pub async fn enter(
    #[server(default)] name: String,
    #[server(default)] code: String,
    #[server(default)] capacity: String,
    #[server(default)] room_name: String,
    #[server(default)] intent: String,
    #[server(default)] from: String,
) -> Result<Entry, CallError> {
    Ok(rooms()?.enter(EnterForm { name, code, capacity, room_name, intent, from }).await)
}

/// Appends a message: the composer of a page without script.
#[server(prefix = "/api", endpoint = "post_message", output = Json)]
pub async fn post_message(
    #[server(default)] code: String,
    #[server(default)] id: String,
    #[server(default)] body: String,
) -> Result<Posted, CallError> {
    Ok(rooms()?.post_message(code, id, body).await)
}

/// Frees the caller's seat. A page's form without `sure` asks the last one inside before it does.
#[server(prefix = "/api", endpoint = "leave_room", output = Json)]
pub async fn leave_room(#[server(default)] code: String, #[server(default)] sure: String) -> Result<Posted, CallError> {
    Ok(rooms()?.leave_room(code, sure).await)
}

/// Changes a room as its host: the forms of a page with script and without.
#[server(prefix = "/api", endpoint = "manage_room", output = Json)]
pub async fn manage_room(
    #[server(default)] code: String,
    #[server(default)] action: String,
    #[server(default)] member: String,
    #[server(default)] value: String,
) -> Result<Posted, CallError> {
    Ok(rooms()?.manage_room(ManageForm { code, action, member, value }).await)
}

/// Returns what the home page shows beside its empty form.
#[server(name = GetHome, prefix = "/api", endpoint = "home", output = Json)]
pub async fn home() -> Result<Home, CallError> {
    Ok(rooms()?.home().await)
}

/// Returns those of these rooms in which the caller has a seat, in the same order. `rooms` has a line for each, see
/// [`ReadRoom`](super::ReadRoom). `None` where that cannot be told now.
#[server(name = GetMyRooms, prefix = "/api", endpoint = "my_rooms", output = Json)]
pub async fn my_rooms(#[server(default)] rooms: String) -> Result<Option<Vec<MyRoom>>, CallError> {
    let answer = self::rooms()?.my_rooms(rooms).await;
    Ok(answer)
}

/// Returns what `/room/{code}` shows to the caller. `again` is for a page that waits for a seat: its look at the room is
/// limited before the tries of others behind its address are.
#[server(name = GetVisit, prefix = "/api", endpoint = "room_snapshot", output = Json)]
pub async fn room_snapshot(code: String, #[server(default)] again: bool) -> Result<Visit, CallError> {
    Ok(rooms()?.visit(code, again).await)
}

/// Returns the page of events before `before`, for a member.
#[server(name = GetOlderPage, prefix = "/api", endpoint = "older_page", output = Json)]
pub async fn older_page(code: RoomCode, before: Seq) -> Result<Option<OlderPage>, CallError> {
    Ok(rooms()?.older_page(code, before).await)
}

/// The message of this id as a page of its own, for a member: empty when the log does not have it.
#[server(name = GetQuotedMessage, prefix = "/api", endpoint = "quoted_message", output = Json)]
pub async fn quoted_message(code: RoomCode, id: EventId) -> Result<Option<OlderPage>, CallError> {
    Ok(rooms()?.quoted_message(code, id).await)
}
