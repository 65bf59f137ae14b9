//! Port from the server functions to the server. The server implements it per request, where cookies and response
//! headers are at hand, so that this crate names no web framework and no store.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use protocol::{EventId, RoomCode, Seq};

use super::types::{EnterForm, Entry, Home, Inside, ManageForm, MyRoom, OlderPage, Posted, Visit};

/// An answer in the making.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The port, as the context provides it.
pub type SharedRooms = Arc<dyn Rooms>;

/// Rooms as seen by one request. Failures of the store are logged behind it and answered with a value.
pub trait Rooms: Send + Sync {
    /// See [`super::enter`].
    fn enter(&self, form: EnterForm) -> Answer<'_, Entry>;
    /// See [`super::post_message`].
    fn post_message(&self, code: String, id: String, body: String) -> Answer<'_, Posted>;
    /// See [`super::leave_room`].
    fn leave_room(&self, code: String, sure: String) -> Answer<'_, Posted>;
    /// See [`super::manage_room`].
    fn manage_room(&self, form: ManageForm) -> Answer<'_, Posted>;
    /// See [`super::home`].
    fn home(&self) -> Answer<'_, Home>;
    /// See [`super::my_rooms`].
    fn my_rooms(&self, rooms: String) -> Answer<'_, Option<Vec<MyRoom>>>;
    /// See [`super::room_snapshot`]. On the page itself it also sets the status.
    fn visit(&self, code: String, again: bool) -> Answer<'_, Visit>;
    /// Returns the room for its host's page. Whoever is not the host is led to the room's page and gets `None`.
    fn as_host(&self, code: String) -> Answer<'_, Option<Inside>>;
    /// See [`super::older_page`].
    fn older_page(&self, code: RoomCode, before: Seq) -> Answer<'_, Option<OlderPage>>;
    /// See [`super::quoted_message`].
    fn quoted_message(&self, code: RoomCode, id: EventId) -> Answer<'_, Option<OlderPage>>;
}
