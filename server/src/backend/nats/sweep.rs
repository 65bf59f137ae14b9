//! Whose time has run out.

use std::time::Duration;

use app::protocol::{Epoch, MemberId, RoomCode};
use tokio::time::Instant;

use super::record::{End, Roster, decode};
use super::room::{Room, full};
use super::seats::Known;
use super::store::{CommitError, Put};
use super::{Engine, lease};
use crate::backend::{BackendError, Seat};

impl Engine {
    /// Seats that nothing holds, and the end of rooms nobody arrived in.
    pub(super) async fn sweep(&self, now: Instant) -> Result<Vec<Seat>, BackendError> {
        // Where leases cannot be renewed, none has run out.
        let beat = lease::beat(&self.store).await?;
        if self.store.was_troubled() {
            self.seats.shelter(now + Duration::from_millis(self.limits.grace_ms));
        }
        self.tidy(now).await?;
        let due = self.seats.all_due(now);
        for (code, epoch) in due.rooms {
            if let Err(error) = self.end_empty(code, epoch).await {
                tracing::error!(error = &error as &dyn std::error::Error, "an empty room cannot be ended");
            }
        }
        self.run_out(due.seats, beat, now).await
    }

    /// Whether a lease holds the member's seat.
    pub(super) async fn is_held(&self, code: RoomCode, member: MemberId, now: Instant) -> Result<bool, BackendError> {
        let Some(seat) = self.seats.due(code, member, now) else { return Ok(true) };
        let beat = lease::beat(&self.store).await?;
        Ok(self.run_out(vec![seat], beat, now).await?.is_empty())
    }

    /// Those of the seats that no node holds. `beat` was stored after the seats were found to be due here.
    async fn run_out(&self, mut seats: Vec<Seat>, beat: u64, now: Instant) -> Result<Vec<Seat>, BackendError> {
        // Twice: a lease that is renewed while it is read may be missing from the answer.
        for _ in 0..2 {
            if seats.is_empty() {
                return Ok(seats);
            }
            let leases = lease::read(&self.store, &self.clock, &seats, beat, now).await?;
            seats.retain(|seat| {
                if let Some(leases) = leases.get(&(seat.code, seat.member)) {
                    self.seats.renew(seat, leases, now);
                }
                self.seats.due(seat.code, seat.member, now).is_some()
            });
        }
        let mut out = Vec::new();
        for seat in seats {
            match self.is_seated(&seat).await {
                Ok(true) => out.push(seat),
                // Gone from a room that this node has not heard of since.
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a seat cannot be looked at");
                }
            }
        }
        Ok(out)
    }

    /// Asks the room, and takes its answer for what is true.
    async fn is_seated(&self, seat: &Seat) -> Result<bool, BackendError> {
        let names = self.store.names.room(seat.code);
        let Some(found) = full(self.store.last(&names.stream, &names.roster()).await?) else {
            self.seats.forget(seat.code, u64::MAX);
            return Ok(false);
        };
        let roster: Roster = decode(&found.payload)?;
        self.seats.learn(seat.code, found.seq, &roster, Known::Heard);
        Ok(roster.epoch == seat.epoch && roster.seat(seat.member).is_some_and(|seated| seated.joined == seat.joined))
    }

    /// Ends the room if nobody has come to it.
    async fn end_empty(&self, code: RoomCode, epoch: Epoch) -> Result<(), BackendError> {
        let room = match Room::load(&self.store, code).await {
            Ok(room) if room.head.epoch == epoch && room.roster.members.is_empty() => room,
            // Somebody came, or it ended, and this node has not heard of it.
            Ok(_) => return Ok(()),
            Err(BackendError::NotFound) => {
                self.seats.forget(code, u64::MAX);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let names = self.store.names.room(code);
        let end = Put::new(names.end(), &End { epoch, seq: room.head.seq })?;
        let head = Put::empty(names.head()).expecting(room.mark);
        match self.store.commit(vec![end, Put::empty(names.roster()), head]).await {
            Ok(mark) => {
                self.seats.forget(code, mark);
                self.bury(code, mark).await;
                Ok(())
            }
            // Somebody came just now.
            Err(CommitError::Conflict) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }
}
