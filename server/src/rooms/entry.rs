//! Rooms made and seats taken.

use std::time::Duration;

use app::api::{EnterForm, Field, Refusal};
use protocol::room_code::RoomCodeError;
use protocol::room_name::RoomNameError;
use protocol::{DisplayName, ErrorCode, EventKind, MemberId, RoomCode, RoomId, RoomName};
use store::{Lease, NewEvent, NewRoom, StoreError};
use uuid::Uuid;

use super::{RequestRooms, failed, refusal, too_fast};
use crate::identity::Session;
use crate::{clock, code_renewal, entropy, name_keys};

impl RequestRooms {
    pub(super) async fn try_enter(&self, form: &EnterForm) -> Result<(RoomCode, MemberId), Refusal> {
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
            let member = self.state.identity.member(session, room.id);
            if !room.has(member) {
                limits.take_seat(self.network, &self.state.hub).map_err(|wait| too_fast(Field::Code, wait))?;
            }
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

    pub(super) fn capacity(&self, typed: &str) -> Result<u32, Refusal> {
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
        let allowed = self.state.address_limits.take_room(self.network, &self.state.hub);
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
    pub(super) async fn hold_page(&self, room: RoomId, member: MemberId, ttl: Duration) {
        if self.state.hub.is_connected(room, member) {
            return;
        }
        match self.state.store.acquire_lease(Lease { room, member, id: Uuid::nil() }, ttl).await {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "could not hold a seat"),
        }
    }
}
