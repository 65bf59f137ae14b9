//! Forms of a room's host.

use app::api::{Field, ManageForm, Refusal};
use protocol::room_name::RoomNameError;
use protocol::{ErrorCode, EventKind, LeaveReason, MAX_SLOW_MS, MemberId, RoomChange, RoomCode, RoomName};
use store::{NameKeys, NewEvent, StoreError};

use super::{RequestRooms, failed, refusal, too_fast};
use crate::{clock, code_renewal, entropy};

impl RequestRooms {
    /// Does what a host asks for. Returns the room's code after that, or this one where the room has ended.
    pub(super) async fn try_manage(&self, code: RoomCode, form: &ManageForm) -> Result<RoomCode, Refusal> {
        self.take_form(Field::Body)?;
        let refuse = |error| refusal(Field::Body, error);
        let lost = if self.is_page() { ErrorCode::Cookie } else { ErrorCode::NoSeat };
        let session = self.session().ok_or_else(|| self.paid(refuse(lost)))?;
        let found = self.find(code, Some(session)).await;
        let (room, member) = found.map_err(|error| self.paid(refuse(failed("find a room", &error))))?;
        let member = member.ok_or_else(|| self.paid(refuse(ErrorCode::NoSeat)))?;
        let mut code = room.settings.code;
        for kind in self.actions(form)? {
            self.state.append_rate.take(member).map_err(|wait| too_fast(Field::Body, wait))?;
            let draft = NewEvent {
                id: entropy::event_id(),
                at: clock::unix_ms(),
                by: member,
                keys: NameKeys::default(),
                kind: kind.clone(),
            };
            let appended = match kind {
                EventKind::Code { .. } => code_renewal::renew(&*self.state.store, room.id, draft).await,
                _ => self.state.store.append(room.id, draft).await,
            };
            match appended {
                Ok(store::Appended::Stored(event)) => {
                    if let EventKind::Code { code: new } = event.kind {
                        code = new;
                    }
                }
                Ok(_) => {}
                // The member who was to be removed, or to become the host, has left.
                Err(StoreError::Conflict) => return Err(refuse(ErrorCode::NoSeat)),
                Err(StoreError::NotHost) => return Err(refuse(ErrorCode::NotAllowed)),
                Err(StoreError::Full) => return Err(refusal(Field::Capacity, ErrorCode::CapacityBad)),
                Err(error) => return Err(refuse(failed("change a room", &error))),
            }
        }
        Ok(code)
    }

    /// Parses the form into the events that it asks for, in order.
    fn actions(&self, form: &ManageForm) -> Result<Vec<EventKind>, Refusal> {
        let not_allowed = refusal(Field::Body, ErrorCode::NotAllowed);
        let member = || form.member.parse().map(MemberId).map_err(|_| not_allowed);
        let change = |change| Ok(vec![EventKind::Settings(change)]);
        // A checkbox that is not checked is not sent.
        let is_on = match form.value.as_str() {
            "on" => Ok(true),
            "off" | "" => Ok(false),
            _ => Err(not_allowed),
        };
        match form.action.as_str() {
            "lock" => change(RoomChange { locked: Some(is_on?), ..RoomChange::default() }),
            "host_only" => change(RoomChange { host_only: Some(is_on?), ..RoomChange::default() }),
            "slow" => {
                let slow_ms = form.value.parse().ok().filter(|ms| *ms <= MAX_SLOW_MS).ok_or(not_allowed)?;
                change(RoomChange { slow_ms: Some(slow_ms), ..RoomChange::default() })
            }
            "capacity" if form.value.trim().is_empty() => Err(refusal(Field::Capacity, ErrorCode::CapacityBad)),
            "capacity" => {
                let capacity = self.capacity(&form.value)?;
                change(RoomChange { capacity: Some(capacity), ..RoomChange::default() })
            }
            "name" => {
                let name: Result<RoomName, RoomNameError> = form.value.parse();
                change(name.map_err(|error| refusal(Field::RoomName, error.code()))?.into())
            }
            "remove" => Ok(vec![EventKind::Left { member: member()?, why: LeaveReason::Removed }]),
            // Locked first, so that nobody comes back in between.
            "remove_and_lock" => Ok(vec![
                EventKind::Settings(RoomChange { locked: Some(true), ..RoomChange::default() }),
                EventKind::Left { member: member()?, why: LeaveReason::Removed },
            ]),
            "hand_over" => Ok(vec![EventKind::Host { member: member()? }]),
            "renew_code" => Ok(vec![EventKind::Code { code: entropy::room_code() }]),
            "end" => Ok(vec![EventKind::Ended]),
            _ => Err(not_allowed),
        }
    }
}
