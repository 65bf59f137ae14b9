//! Implementation of the pages' port [`Rooms`] for one request: forms become rooms, seats and messages.

mod caller;
mod host;

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::Duration;

use app::api::port::{Answer, Rooms};
use app::api::{
    self, EnterForm, Entry, Field, Home, Inside, JoinPage, ManageForm, MessageMarkup, MyRoom, OlderPage, Posted,
    ReadRoom, Refusal, Visit,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use futures_util::future::try_join_all;
use leptos_axum::ResponseOptions;
use protocol::room_code::RoomCodeError;
use protocol::room_name::RoomNameError;
use protocol::{
    DisplayName, ErrorCode, Event, EventId, EventKind, LeaveReason, Member, MemberId, MessageBody, Names, Position,
    RoomCode, RoomId, RoomName, Seq, Snapshot,
};
use store::{Appended, Lease, NameKeys, NewEvent, NewRoom, Page, ReadFrom, Room, StoreError};
use uuid::Uuid;

use crate::client_address::Network;
use crate::identity::Session;
use crate::request::seconds;
use crate::state::AppState;
use crate::{clock, code_renewal, entropy, name_keys};

/// Page that shows a refused form which belongs to no room's page.
pub const HOME: &str = "/";
/// Page that says what this server holds.
pub const PRIVACY: &str = "/privacy";
/// Maximum number of messages that come with a page because its replies quote them.
const QUOTED: usize = 20;
/// Maximum number of rooms that one call about the caller's rooms may name.
const MY_ROOMS: usize = 20;

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

    async fn try_enter(&self, form: &EnterForm) -> Result<(RoomCode, MemberId), Refusal> {
        self.take_form(Field::Code)?;
        let name: DisplayName =
            form.name.parse().map_err(|error: protocol::name::NameError| refusal(Field::Name, error.code()))?;
        let joins = match form.intent.as_str() {
            "create" => false,
            "join" => true,
            _ => !form.code.trim().is_empty(),
        };
        if joins {
            let code = form.code.parse().map_err(|error: RoomCodeError| refusal(Field::Code, error.code()))?;
            let session = self.session_for_seat()?;
            return self.join(code, session, name).await;
        }
        let capacity = self.capacity(&form.capacity)?;
        let room_name = form.room_name.parse();
        let room_name = room_name.map_err(|error: RoomNameError| refusal(Field::RoomName, error.code()))?;
        let session = self.session_for_seat()?;
        let (code, room) = self.create(capacity, room_name).await?;
        let member = self.state.identity.member(session, room);
        self.take_seat(room, member, name).await?;
        Ok((code, member))
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

    /// Takes a seat in the room with this code. The try of the code is paid before it is looked up, and paid back with the
    /// seat: a class behind one address needs as many tokens as its members mistype codes and load pages.
    async fn join(&self, code: RoomCode, session: Session, name: DisplayName) -> Result<(RoomCode, MemberId), Refusal> {
        let limits = &self.state.address_limits;
        let paid = limits.codes.take(self.network);
        if let Err(wait) = paid
            && !self.state.has_seat(Some(session), code).await
        {
            return Err(too_fast(Field::Code, wait));
        }
        let joined = async {
            let found = self.find(code, Some(session)).await;
            let (room, _) = found.map_err(|error| refusal(Field::Code, failed("find a room", &error)))?;
            limits.joins.take(self.network).map_err(|wait| too_fast(Field::Code, wait))?;
            let member = self.state.identity.member(session, room.id);
            self.take_seat(room.id, member, name).await.map(|()| (room.settings.code, member))
        };
        let joined = joined.await;
        // A store that fails has not said whether there is such a room.
        let tells_nothing = joined.as_ref().is_err_and(|refused| refused.error == ErrorCode::Storage);
        if paid.is_ok() && (joined.is_ok() || tells_nothing) {
            limits.codes.give_back(self.network);
        }
        joined
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

    fn capacity(&self, typed: &str) -> Result<u32, Refusal> {
        let limits = &self.state.limits;
        match typed.trim() {
            "" => Ok(limits.capacity),
            typed => typed
                .parse()
                .ok()
                .filter(|capacity| (limits.capacity_min..=limits.capacity_max).contains(capacity))
                .ok_or(refusal(Field::Capacity, ErrorCode::CapacityBad)),
        }
    }

    async fn create(&self, capacity: u32, name: RoomName) -> Result<(RoomCode, RoomId), Refusal> {
        let allowed = self.state.address_limits.take_room(self.network, self.state.hub.rooms());
        allowed.map_err(|wait| too_fast(Field::Code, wait))?;
        for _ in 0..code_renewal::DRAWS {
            let code = entropy::room_code();
            let new = NewRoom { code, epoch: entropy::epoch(), capacity, name: name.clone() };
            match self.state.store.create_room(new).await {
                Ok(room) => return Ok((code, room)),
                Err(StoreError::CodeTaken) => {}
                Err(error) => return Err(refusal(Field::Code, failed("create a room", &error))),
            }
        }
        Err(refusal(Field::Code, ErrorCode::Storage))
    }

    async fn take_seat(&self, room: RoomId, member: MemberId, name: DisplayName) -> Result<(), Refusal> {
        self.state.join_rate.take(member).map_err(|wait| too_fast(Field::Code, wait))?;
        let joined = NewEvent {
            id: entropy::event_id(),
            at: clock::unix_ms(),
            by: member,
            keys: name_keys::keys(name.as_str()),
            kind: EventKind::Joined { member, name: name.into() },
        };
        match self.state.store.append(room, joined).await {
            Ok(_) => Ok(()),
            // Already a member. This lease keeps the seat until the page that follows renews it.
            Err(StoreError::Conflict) => {
                let arrival = Duration::from_millis(self.state.limits.arrival_ms);
                self.hold_page(room, member, arrival).await;
                Ok(())
            }
            Err(error) => Err(refusal(Field::Code, failed("take a seat", &error))),
        }
    }

    /// Holds the seat for a page, as long as no connection does. Best effort: a failure is logged, and the page goes on,
    /// as far as the store has left it time.
    async fn hold_page(&self, room: RoomId, member: MemberId, ttl: Duration) {
        if self.state.hub.is_connected(room, member) {
            return;
        }
        match self.state.store.acquire_lease(Lease { room, member, id: Uuid::nil() }, ttl).await {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "could not hold a seat"),
        }
    }

    async fn try_post(&self, code: RoomCode, id: Option<EventId>, body: &str) -> Result<(), Refusal> {
        self.take_form(Field::Body)?;
        let refuse = |error| refusal(Field::Body, error);
        let lost = if self.is_page() { ErrorCode::Cookie } else { ErrorCode::NoSeat };
        let session = self.session().ok_or(refuse(lost))?;
        let body: MessageBody = body.parse().map_err(|error: protocol::body::BodyError| refuse(error.code()))?;
        let id = id.ok_or(refuse(ErrorCode::NotAllowed))?;
        let found = self.find(code, Some(session)).await;
        let (Room { id: room, settings, .. }, member) = found.map_err(|error| refuse(failed("find a room", &error)))?;
        let member = member.ok_or(refuse(ErrorCode::NoSeat))?;
        if settings.slow_ms > 0 && settings.host != Some(member) {
            let interval = Duration::from_millis(settings.slow_ms.into());
            self.state.slow_mode.take(member, interval).map_err(|wait| too_fast(Field::Body, wait))?;
        }
        self.state.append_rate.take(member).map_err(|wait| too_fast(Field::Body, wait))?;
        let other = other_id(id, member, &body);
        let draft = NewEvent {
            id,
            at: clock::unix_ms(),
            by: member,
            kind: EventKind::message(body),
            keys: NameKeys::default(),
        };
        let appended = match self.state.store.append(room, draft.clone()).await {
            Ok(Appended::Duplicate(first)) if first.by == member && first.kind == draft.kind => return Ok(()),
            // The page's id is in use, and nothing shows that it was for this text: the text is another message.
            Ok(Appended::Duplicate(_) | Appended::DuplicateTrimmed(_)) => {
                self.state.store.append(room, NewEvent { id: other, ..draft }).await
            }
            appended => appended,
        };
        match appended {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict) => Err(refuse(ErrorCode::NoSeat)),
            Err(StoreError::HostOnly) => Err(refuse(ErrorCode::HostOnly)),
            Err(error) => Err(refuse(failed("append a message", &error))),
        }
    }

    async fn try_leave(&self, code: RoomCode) -> Result<(), Refusal> {
        self.take_form(Field::Body)?;
        let no_seat = || self.pay_for_code().map_err(|wait| too_fast(Field::Code, wait));
        let Some(session) = self.session() else { return Ok(()) };
        let room = match self.state.store.resolve(code).await {
            Ok(room) => room,
            Err(StoreError::NotFound) => return no_seat(),
            Err(error) => return Err(refusal(Field::Body, failed("leave", &error))),
        };
        let member = self.state.identity.member(session, room);
        let kind = EventKind::Left { member, why: LeaveReason::Choice };
        let keys = NameKeys::default();
        let left = NewEvent { id: entropy::event_id(), at: clock::unix_ms(), by: member, kind, keys };
        match self.state.store.append(room, left).await {
            Ok(_) => Ok(()),
            Err(StoreError::NotFound | StoreError::Conflict) => no_seat(),
            Err(error) => Err(refusal(Field::Body, failed("leave", &error))),
        }
    }

    /// Returns true if the caller is the last member, so that leaving ends the room.
    async fn is_last(&self, code: RoomCode) -> bool {
        let Some(session) = self.session() else { return false };
        let found = self.find(code, Some(session)).await;
        found.is_ok_and(|(room, member)| room.members.len() == 1 && member.is_some())
    }

    async fn try_visit(&self, typed: &str) -> Result<Visit, StoreError> {
        let Ok(code) = typed.parse::<RoomCode>() else { return Err(StoreError::NotFound) };
        let (room, member) = self.find(code, self.session()).await?;
        let Some(member) = member else { return Ok(self.join_page(&room)) };
        if room.settings.code != code && self.renders_page() {
            self.redirect(&room_page(room.settings.code));
        }
        self.hold_page(room.id, member, Duration::from_millis(self.state.limits.page_lease_ms)).await;
        let (room, page) = self.state.store.snapshot(room.id, ReadFrom::Latest, self.state.limits.page).await?;
        if !room.has(member) {
            return Ok(self.join_page(&room));
        }
        let Page { events, mut names, .. } = page;
        let quoted = self.quoted(room.id, &events, &mut names).await?;
        Ok(Visit::Inside(Box::new(self.inside(room, member, (events, quoted, names)))))
    }

    /// Returns the room as it is seen from outside, without a refused form.
    fn join_page(&self, room: &Room) -> Visit {
        Visit::JoinPage(Box::new(JoinPage {
            code: room.settings.code,
            inside: room.members.len() as u32,
            capacity: room.settings.capacity,
            closed: self.closed(room),
            flash: None,
        }))
    }

    /// Returns why the room takes the caller not in, apart from its seats.
    fn closed(&self, room: &Room) -> Option<ErrorCode> {
        let member = self.session().map(|session| self.state.identity.member(session, room.id));
        match member {
            Some(member) if room.settings.removed.contains(&member) => Some(ErrorCode::Removed),
            _ => room.settings.locked.then_some(ErrorCode::Locked),
        }
    }

    /// Reads a page of the log for a member, and the messages that its replies quote.
    async fn try_page(&self, code: RoomCode, from: ReadFrom) -> Result<OlderPage, StoreError> {
        let (room, member) = self.find(code, self.session()).await?;
        let member = member.ok_or(StoreError::NotFound)?;
        let (room, page) = self.state.store.snapshot(room.id, from, self.state.limits.page).await?;
        let Page { events, mut names, .. } = page;
        let quoted = if let ReadFrom::Message(_) = from {
            Vec::new()
        } else {
            self.quoted(room.id, &events, &mut names).await?
        };
        Ok(OlderPage { markup: markup_of(&events, &quoted, &room.members, member), events, names, quoted })
    }

    /// Returns the page for a member. `None` without a seat and, with status 503, when the store fails.
    async fn page(&self, code: RoomCode, from: ReadFrom) -> Option<OlderPage> {
        if self.call_is_limited() {
            return None;
        }
        match self.try_page(code, from).await {
            Ok(page) => Some(page),
            Err(StoreError::NotFound) => {
                self.pay_for_code().unwrap_or_else(|wait| self.limit(wait));
                None
            }
            Err(error) => {
                failed("read a page", &error);
                self.response.set_status(StatusCode::SERVICE_UNAVAILABLE);
                None
            }
        }
    }

    /// Returns those of these rooms in which the caller has a seat. Reads only: no lease is renewed. `None`, with status
    /// 429, for who asks too often or whose address has named too many others.
    async fn try_my_rooms(&self, rooms: &str) -> Result<Option<Vec<MyRoom>>, StoreError> {
        let Some(session) = self.session() else { return Ok(Some(Vec::new())) };
        let caller = self.state.identity.member(session, RoomId(Uuid::nil()));
        let refuse = |wait| {
            self.limit(wait);
            Ok(None)
        };
        if let Err(wait) = self.state.list_rate.take(caller) {
            return refuse(wait);
        }
        let mut asked: Vec<ReadRoom> = Vec::new();
        for room in rooms.lines().take(MY_ROOMS).filter_map(|line| line.parse::<ReadRoom>().ok()) {
            if !asked.iter().any(|known| known.code == room.code) {
                asked.push(room);
            }
        }
        let found = try_join_all(asked.iter().map(|asked| self.my_room(session, *asked))).await?;
        let mine: Vec<(RoomId, MyRoom)> = found.into_iter().flatten().collect();
        let wrong = (asked.len() - mine.len()) as u32;
        if let Err(wait) = self.state.address_limits.codes.take_many(self.network, wrong) {
            return refuse(wait);
        }
        // A room that had another code may be asked for under both.
        let mut rooms = HashSet::new();
        Ok(Some(mine.into_iter().filter(|(id, _)| rooms.insert(*id)).map(|(_, room)| room).collect()))
    }

    /// Returns the room as the caller's home page lists it; `None` without a seat in it.
    async fn my_room(&self, session: Session, asked: ReadRoom) -> Result<Option<(RoomId, MyRoom)>, StoreError> {
        let found = async {
            let (room, member) = self.find(asked.code, Some(session)).await?;
            let member = member.ok_or(StoreError::NotFound)?;
            let (unread, more) = self.unread(&room, member, asked.read).await?;
            let Room { id, settings, members, .. } = room;
            // Under the code that was asked for, also where it is a former one: by it the page knows its line.
            let inside = members.len() as u32;
            Ok((id, MyRoom { code: asked.code, inside, name: settings.name, unread, more }))
        };
        match found.await {
            Ok(room) => Ok(Some(room)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Counts the messages of others after a position, on one page of the log; true if there may be more of them.
    async fn unread(&self, room: &Room, reader: MemberId, read: Position) -> Result<(u32, bool), StoreError> {
        if read == room.position {
            return Ok((0, false));
        }
        let limit = self.state.limits.page;
        let (page, more) = match self.state.store.read(room.id, ReadFrom::After(read), limit).await {
            // Of a log that is trimmed there, or of another one: all that is left is unread.
            Err(StoreError::Reset) => {
                let page = self.state.store.read(room.id, ReadFrom::Latest, limit).await?;
                let more = page.events.first().is_some_and(|first| first.seq > room.oldest);
                (page, more)
            }
            page => {
                let page = page?;
                let more = page.more;
                (page, more)
            }
        };
        let is_unread =
            |event: &&Event| event.by != reader && matches!(event.kind, EventKind::Message { body: Some(_), .. });
        let unread = page.events.iter().filter(is_unread).count();
        Ok((unread as u32, more))
    }

    /// Reads the messages that these events reply to and that are not among them, at most [`QUOTED`], those of the
    /// newest replies first. Adds the names of their authors.
    async fn quoted(&self, room: RoomId, events: &[Event], names: &mut Names) -> Result<Vec<Event>, StoreError> {
        let known: HashSet<EventId> = events.iter().map(|event| event.id).collect();
        let mut asked = Vec::new();
        for event in events.iter().rev() {
            if let EventKind::Message { body: Some(_), reply_to: Some(target), .. } = event.kind
                && !known.contains(&target)
                && !asked.contains(&target)
                && asked.len() < QUOTED
            {
                asked.push(target);
            }
        }
        let pages = asked.into_iter().map(|target| self.state.store.read(room, ReadFrom::Message(target), 1));
        let mut quoted = Vec::new();
        for page in try_join_all(pages).await? {
            quoted.extend(page.events);
            names.extend(page.names);
        }
        Ok(quoted)
    }

    fn inside(
        &self,
        mut room: Room,
        member: MemberId,
        (events, quoted, names): (Vec<Event>, Vec<Event>, Names),
    ) -> Inside {
        self.state.hub.set_away_flags(room.id, &mut room.members);
        for seated in &mut room.members {
            // The member who requests the page is not away.
            seated.away &= seated.member != member;
        }
        Inside {
            markup: markup_of(&events, &quoted, &room.members, member),
            snapshot: Snapshot {
                member,
                position: room.position,
                room: room.info(),
                members: room.members,
                events,
                names,
                quoted,
                oldest: room.oldest,
            },
            post_id: entropy::event_id(),
            flash: self.flash(&room_page(room.settings.code)),
        }
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
            let page = room_page(code);
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
                    let form = EnterForm { capacity: form.value.clone(), room_name: form.value, ..back };
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

    fn visit(&self, code: String) -> Answer<'_, Visit> {
        Box::pin(async move {
            if self.call_is_limited() {
                return Visit::Unavailable;
            }
            let visit = self.try_visit(&code).await;
            if matches!(visit, Ok(Visit::JoinPage(_)) | Err(StoreError::NotFound))
                && code.parse::<RoomCode>().is_ok()
                && let Err(wait) = self.pay_for_code()
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
            if let Visit::Inside(mut inside) = self.visit(code.clone()).await
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

/// Returns the parsed markup of a page's messages and of those it quotes.
fn markup_of(events: &[Event], quoted: &[Event], members: &[Member], reader: MemberId) -> Vec<MessageMarkup> {
    api::markup_of(&[events, quoted].concat(), members, reader)
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

/// Derives the event id of a message whose form brought an id that is in use (RFC 9562 section 5.5). The same form gets
/// the same id, so that a retry is idempotent.
fn other_id(id: EventId, member: MemberId, body: &MessageBody) -> EventId {
    EventId(Uuid::new_v5(&id.0, &[member.0.as_bytes(), body.as_str().as_bytes()].concat()))
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
