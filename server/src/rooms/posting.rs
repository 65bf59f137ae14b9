//! Messages and leaves by form.

use std::time::Duration;

use app::api::{Field, Refusal};
use protocol::{ErrorCode, EventId, EventKind, LeaveReason, MemberId, MessageBody, RoomCode};
use store::{Appended, NameKeys, NewEvent, Room, StoreError};
use uuid::Uuid;

use super::{RequestRooms, failed, refusal, too_fast};
use crate::{clock, entropy};

impl RequestRooms {
    pub(super) async fn try_post(&self, code: RoomCode, id: Option<EventId>, body: &str) -> Result<(), Refusal> {
        self.take_form(Field::Body)?;
        let refuse = |error| refusal(Field::Body, error);
        let lost = if self.is_page() { ErrorCode::Cookie } else { ErrorCode::NoSeat };
        let session = self.session().ok_or(refuse(lost))?;
        let body: MessageBody = body.parse().map_err(|error: protocol::body::BodyError| refuse(error.code()))?;
        let id = id.ok_or(refuse(ErrorCode::NotAllowed))?;
        let found = self.find(code, Some(session)).await;
        let (Room { id: room, settings, .. }, member) = found.map_err(|error| refuse(failed("find a room", &error)))?;
        let member = member.ok_or(refuse(ErrorCode::NoSeat))?;
        let other = other_id(id, member, &body);
        if settings.slow_ms > 0 && settings.host != Some(member) {
            let interval = Duration::from_millis(settings.slow_ms.into());
            // Another text under an id that is in use is another message, and waits as one.
            self.state.slow_mode.take(member, other, interval).map_err(|wait| too_fast(Field::Body, wait))?;
        }
        self.state.append_rate.take(member).map_err(|wait| too_fast(Field::Body, wait))?;
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

    pub(super) async fn try_leave(&self, code: RoomCode) -> Result<(), Refusal> {
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
    pub(super) async fn is_last(&self, code: RoomCode) -> bool {
        let Some(session) = self.session() else { return false };
        let found = self.find(code, Some(session)).await;
        found.is_ok_and(|(room, member)| room.members.len() == 1 && member.is_some())
    }
}

/// Derives the event id of a message whose form brought an id that is in use (RFC 9562 section 5.5). The same form gets
/// the same id, so that a retry is idempotent.
fn other_id(id: EventId, member: MemberId, body: &MessageBody) -> EventId {
    EventId(Uuid::new_v5(&id.0, &[member.0.as_bytes(), body.as_str().as_bytes()].concat()))
}
