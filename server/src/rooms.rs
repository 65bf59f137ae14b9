//! Implementation of the pages' port [`Rooms`] for one request: forms become rooms, seats and messages.

mod caller;
mod entry;
mod host;
mod my_rooms;
mod posting;
mod visit;

use std::sync::OnceLock;
use std::time::Duration;

use app::api::port::{Answer, Rooms};
use app::api::{EnterForm, Entry, Field, Home, Inside, ManageForm, MyRoom, OlderPage, Posted, Refusal, Visit};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use leptos_axum::ResponseOptions;
use protocol::room_code::RoomCodeError;
use protocol::{ErrorCode, EventId, MemberId, RoomCode, Seq};
use store::{ReadFrom, Room, StoreError};

use crate::client_address::Network;
use crate::identity::Session;
use crate::request::seconds;
use crate::state::AppState;

/// Page that shows a refused form which belongs to no room's page.
pub const HOME: &str = "/";
/// Page that says what this server holds.
pub const PRIVACY: &str = "/privacy";

/// Access to the rooms for one request.
pub struct RequestRooms {
    state: AppState,
    parts: Parts,
    response: ResponseOptions,
    /// Network that it comes from, by which limits count; `None` where those are off.
    network: Option<Network>,
    /// Session that this request has created.
    begun: OnceLock<Session>,
}

impl RequestRooms {
    /// Creates the access for a request and the response it will get.
    #[must_use]
    pub fn new(state: AppState, parts: Parts, response: ResponseOptions) -> Self {
        let network = state.address_limits.network(&parts.extensions, &parts.headers);
        Self { state, parts, response, network, begun: OnceLock::new() }
    }

    /// Refuses a form whose room code cannot be parsed. It goes back to the home page, where the code can be corrected.
    fn refuse_code(&self, typed: String, error: &RoomCodeError, body: String) -> Posted {
        let form = EnterForm { code: typed, ..EnterForm::default() };
        Posted { refused: Some(self.refuse(refusal(Field::Code, error.code()), form, (body, None), HOME)) }
    }

    /// Finds the room of a code, and the caller's member id if the caller has a seat in it. A former code leads nobody else
    /// to it.
    async fn find(&self, code: RoomCode, session: Option<Session>) -> Result<(Room, Option<MemberId>), StoreError> {
        let room = self.state.store.find(code).await?;
        let member = session.map(|session| self.state.identity.member(session, room.id));
        let member = member.filter(|member| room.has(*member));
        if member.is_none() && room.settings.code != code {
            return Err(StoreError::NotFound);
        }
        Ok((room, member))
    }

    /// Returns the code of the room that a form with this code is about, which is another one where it was renewed under
    /// the page of a member. A refused form comes back on the page of that code.
    async fn present_code(&self, code: RoomCode) -> RoomCode {
        if !self.wants_page() {
            return code;
        }
        match self.find(code, self.session()).await {
            Ok((room, _)) => room.settings.code,
            Err(_) => code,
        }
    }

    /// Takes the token of a form.
    fn take_form(&self, field: Field) -> Result<(), Refusal> {
        self.state.address_limits.forms.take(self.network).map_err(|wait| too_fast(field, wait))
    }

    /// Pays for the try of a code that led to no seat.
    fn pay_for_code(&self) -> Result<(), Duration> {
        self.state.address_limits.codes.take(self.network)
    }

    /// Pays for the try of a code where a refusal says that it led to no seat. Who has nothing left to pay with is not told.
    fn paid(&self, refused: Refusal) -> Refusal {
        if !matches!(refused.error, ErrorCode::CodeUnknown | ErrorCode::NoSeat) {
            return refused;
        }
        self.pay_for_code().map_or_else(|wait| too_fast(Field::Code, wait), |()| refused)
    }

    /// Answers with 429 and the time to wait.
    fn limit(&self, wait: Duration) {
        self.response.set_status(StatusCode::TOO_MANY_REQUESTS);
        self.response.insert_header(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }

    /// Returns true if this is a call by script beyond what its address may make. It is answered with 429 then.
    fn call_is_limited(&self) -> bool {
        let wait = if self.renders_page() { None } else { self.state.address_limits.forms.take(self.network).err() };
        wait.inspect(|wait| self.limit(*wait)).is_some()
    }
}

impl Rooms for RequestRooms {
    fn enter(&self, form: EnterForm) -> Answer<'_, Entry> {
        Box::pin(async move {
            match self.try_enter(&form).await {
                Ok((code, member)) => {
                    if self.wants_page() {
                        self.redirect(&room_page(code));
                    }
                    Entry { code: Some(code), member: Some(member), refused: None }
                }
                Err(refused) => {
                    // A room that does not exist has no page to show the form on, nor has one that may not be asked for.
                    let is_home = matches!(refused.error, ErrorCode::CodeUnknown | ErrorCode::Rate);
                    let to = if is_home { HOME.to_owned() } else { own_page(&form.from) };
                    Entry { refused: Some(self.refuse(refused, form, (String::new(), None), &to)), ..Entry::default() }
                }
            }
        })
    }

    fn post_message(&self, code: String, id: String, body: String) -> Answer<'_, Posted> {
        Box::pin(async move {
            let code = match code.parse::<RoomCode>() {
                Ok(code) => code,
                Err(error) => return self.refuse_code(code, &error, body),
            };
            let page = room_page(code);
            let id = id.parse().map(EventId).ok().filter(|id| id.is_v7());
            match self.try_post(code, id, &body).await.map_err(|refused| self.paid(refused)) {
                Ok(()) => {
                    if self.wants_page() {
                        self.redirect(&page);
                    }
                    Posted { refused: None }
                }
                Err(refused) => {
                    // A store that did not answer may have taken it; under the same id it is taken once.
                    let id = id.filter(|_| refused.error != ErrorCode::TooOld);
                    let (form, to) = sent_back(refused, self.present_code(code).await);
                    Posted { refused: Some(self.refuse(refused, form, (body, id), &to)) }
                }
            }
        })
    }

    fn leave_room(&self, code: String, sure: String) -> Answer<'_, Posted> {
        Box::pin(async move {
            let code = match code.parse::<RoomCode>() {
                Ok(code) => code,
                Err(error) => return self.refuse_code(code, &error, String::new()),
            };
            let page = room_page(self.present_code(code).await);
            if self.wants_page() && sure.is_empty() && self.is_last(code).await {
                self.redirect(&format!("{page}?leave"));
                return Posted { refused: None };
            }
            match self.try_leave(code).await {
                Ok(()) => {
                    if self.wants_page() {
                        self.redirect(&format!("{page}?left"));
                    }
                    Posted { refused: None }
                }
                Err(refused) => {
                    let (form, to) = sent_back(refused, self.present_code(code).await);
                    Posted { refused: Some(self.refuse(refused, form, (String::new(), None), &to)) }
                }
            }
        })
    }

    fn manage_room(&self, form: ManageForm) -> Answer<'_, Posted> {
        Box::pin(async move {
            let code = match form.code.parse::<RoomCode>() {
                Ok(code) => code,
                Err(error) => return self.refuse_code(form.code, &error, String::new()),
            };
            match self.try_manage(code, &form).await {
                Ok(code) => {
                    if self.wants_page() {
                        let left = || format!("{}?left", room_page(code));
                        self.redirect(&if form.action == "end" { left() } else { host_page(code) });
                    }
                    Posted { refused: None }
                }
                Err(refused) => {
                    let code = self.present_code(code).await;
                    let (back, mut to) = sent_back(refused, code);
                    if refused.field != Field::Code {
                        to = host_page(code);
                    }
                    let form = match form.action.as_str() {
                        "capacity" => EnterForm { capacity: form.value, ..back },
                        "name" => EnterForm { room_name: form.value, ..back },
                        _ => back,
                    };
                    Posted { refused: Some(self.refuse(refused, form, (String::new(), None), &to)) }
                }
            }
        })
    }

    fn home(&self) -> Answer<'_, Home> {
        Box::pin(async move {
            if self.call_is_limited() {
                return Home::default();
            }
            self.ensure_session();
            Home { flash: self.flash(HOME), capacity: self.state.limits.capacity }
        })
    }

    fn my_rooms(&self, rooms: String) -> Answer<'_, Option<Vec<MyRoom>>> {
        Box::pin(async move {
            if self.call_is_limited() {
                return None;
            }
            self.try_my_rooms(&rooms).await.unwrap_or_else(|error| {
                failed("list rooms", &error);
                self.response.set_status(StatusCode::SERVICE_UNAVAILABLE);
                None
            })
        })
    }

    fn visit(&self, code: String, again: bool) -> Answer<'_, Visit> {
        Box::pin(async move {
            if self.call_is_limited() {
                return Visit::Unavailable;
            }
            let visit = self.try_visit(&code).await;
            if matches!(visit, Ok(Visit::JoinPage(_)) | Err(StoreError::NotFound))
                && code.parse::<RoomCode>().is_ok()
                && let codes = &self.state.address_limits.codes
                && let Err(wait) = if again { codes.take_spare(self.network) } else { codes.take(self.network) }
            {
                self.limit(wait);
                return Visit::Unavailable;
            }
            match visit {
                Ok(Visit::JoinPage(mut page)) => {
                    self.ensure_session();
                    page.flash = self.flash(&room_page(page.code));
                    Visit::JoinPage(page)
                }
                Ok(visit) => visit,
                Err(StoreError::NotFound) => {
                    self.ensure_session();
                    self.page_status(StatusCode::NOT_FOUND);
                    let flash = code.parse().ok().and_then(|code| self.flash(&room_page(code)));
                    let unsent = flash.map(|flash| flash.body).filter(|body| !body.trim().is_empty());
                    Visit::Unknown(unsent.into_iter().collect())
                }
                Err(error) => {
                    failed("show a room", &error);
                    self.page_status(StatusCode::SERVICE_UNAVAILABLE);
                    Visit::Unavailable
                }
            }
        })
    }

    fn as_host(&self, code: String) -> Answer<'_, Option<Inside>> {
        Box::pin(async move {
            let mut to = own_page(&format!("/room/{code}"));
            // Whoever has no seat pays on the page that follows.
            if let Ok(Visit::Inside(mut inside)) = self.try_visit(&code).await
                && inside.snapshot.room.host == Some(inside.snapshot.member)
            {
                to = host_page(inside.snapshot.room.code);
                if to == format!("/room/{code}/host") {
                    inside.flash = self.flash(&to);
                    return Some(*inside);
                }
            }
            self.redirect(&to);
            None
        })
    }

    fn older_page(&self, code: RoomCode, before: Seq) -> Answer<'_, Option<OlderPage>> {
        Box::pin(self.page(code, ReadFrom::Before(before)))
    }

    fn quoted_message(&self, code: RoomCode, id: EventId) -> Answer<'_, Option<OlderPage>> {
        Box::pin(self.page(code, ReadFrom::Message(id)))
    }
}

fn refusal(field: Field, error: ErrorCode) -> Refusal {
    Refusal { field, error, retry_ms: None }
}

/// Returns the refusal of somebody who has to wait. Rounded up: who comes back then is not too early.
fn too_fast(field: Field, wait: Duration) -> Refusal {
    Refusal { field, error: ErrorCode::Rate, retry_ms: Some(wait.as_millis() as u64 + 1) }
}

/// Returns the form and the page that bring a message or a leave back. Of a code that may not be tried there is no page.
fn sent_back(refused: Refusal, code: RoomCode) -> (EnterForm, String) {
    if refused.field == Field::Code {
        return (EnterForm { code: code.to_string(), ..EnterForm::default() }, HOME.to_owned());
    }
    (EnterForm::default(), room_page(code))
}

/// Returns the error that the user gets for a failure of the store, and logs its cause. No caller logs it again.
fn failed(what: &'static str, error: &StoreError) -> ErrorCode {
    match error {
        StoreError::NotFound => ErrorCode::CodeUnknown,
        StoreError::Full => ErrorCode::Full,
        StoreError::Locked => ErrorCode::Locked,
        StoreError::Removed => ErrorCode::Removed,
        StoreError::TooOld => ErrorCode::TooOld,
        error => {
            tracing::error!(error = error as &dyn std::error::Error, what, "the store failed");
            ErrorCode::Storage
        }
    }
}

/// Returns the path of a room's page.
#[must_use]
pub fn room_page(code: RoomCode) -> String {
    format!("/room/{code}")
}

/// Returns the path of the page of a room's host.
fn host_page(code: RoomCode) -> String {
    format!("{}/host", room_page(code))
}

/// Returns the page that a form goes back to: a room's or the home page, so that no form redirects to another site.
#[must_use]
pub fn own_page(from: &str) -> String {
    let code = from.strip_prefix("/room/");
    // The parser also finds a code within pasted text; in a path it must stand alone.
    let alone = |code: &&str| code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let room = code.filter(alone).and_then(|code| code.parse::<RoomCode>().ok());
    room.map_or_else(|| HOME.to_owned(), room_page)
}

#[cfg(test)]
mod tests {
    #[test]
    fn refused_form_goes_back_to_this_site_only() {
        assert_eq!(super::own_page("/room/KXQ4-7M2P"), "/room/KXQ4-7M2P");
        assert_eq!(super::own_page("/room/kxq47m2p"), "/room/KXQ4-7M2P");
        for elsewhere in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "/room/?", "/nowhere"]
        {
            assert_eq!(super::own_page(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
