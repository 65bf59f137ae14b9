//! Whose time has run out.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use protocol::{Epoch, MemberId, RoomCode};
use tokio::time::Instant;

use super::record::{End, Roster, decode};
use super::room::{Room, full};
use super::seats::Known;
use super::store::{CommitError, Put};
use super::{Engine, lease, schema};
use crate::backend::{BackendError, Seat};

/// Seats, rooms and graves that one sweep looks at: what it takes stays far below a verb's time. The next one takes the
/// next.
pub(super) const MOST: usize = 500;
/// Seats whose leases are read at once: usually a few each, and the server answers at most 1 024 messages.
const SEATS: usize = 100;
/// Rooms that are asked at a time.
pub(super) const AT_ONCE: usize = 32;

impl Engine {
    /// Seats that nothing holds, and the end of rooms nobody arrived in.
    pub(super) async fn sweep(&self, now: Instant) -> Result<Vec<Seat>, BackendError> {
        let beat = match self.beat(now).await {
            Ok(beat) => beat,
            Err(error) => {
                schema::restore(&self.store).await;
                return Err(error);
            }
        };
        self.tidy(now).await;
        let due = self.seats.all_due(now, MOST);
        let ends = due.rooms.into_iter().map(async |(code, epoch)| {
            if let Err(error) = self.end_empty(code, epoch).await {
                tracing::error!(error = &error as &dyn std::error::Error, "an empty room cannot be ended");
            }
        });
        let () = iter(ends).buffer_unordered(AT_ONCE).collect().await;
        self.run_out(due.seats, beat, now).await
    }

    /// Whether a lease holds the member's seat.
    pub(super) async fn is_held(&self, code: RoomCode, member: MemberId, now: Instant) -> Result<bool, BackendError> {
        let Some(seat) = self.seats.due(code, member, now) else { return Ok(true) };
        let beat = self.beat(now).await?;
        Ok(self.run_out(vec![seat], beat, now).await?.is_empty())
    }

    /// Where leases cannot be renewed, none has run out; and where they could not be, everybody gets a new grace.
    async fn beat(&self, now: Instant) -> Result<u64, BackendError> {
        let beat = lease::beat(&self.store).await?;
        if self.store.was_troubled() {
            self.seats.shelter(now + Duration::from_millis(self.limits.grace_ms));
        }
        Ok(beat)
    }

    /// Those of the seats that no node holds. `beat` was stored after the seats were found to be due here.
    async fn run_out(&self, seats: Vec<Seat>, beat: u64, now: Instant) -> Result<Vec<Seat>, BackendError> {
        let mut out = Vec::new();
        for part in seats.chunks(SEATS) {
            let mut part = part.to_vec();
            // Twice: a lease that is renewed while it is read may be missing from the answer.
            for _ in 0..2 {
                if part.is_empty() {
                    break;
                }
                let leases = lease::read(&self.store, &self.clock, &part, beat, now).await?;
                part.retain(|seat| {
                    if let Some(leases) = leases.get(&(seat.code, seat.member)) {
                        self.seats.renew(seat, leases, now);
                    }
                    self.seats.due(seat.code, seat.member, now).is_some()
                });
            }
            let looks = part.into_iter().map(async |seat| match self.is_seated(&seat).await {
                // False: gone from a room that this node has not heard of since.
                Ok(seated) => seated.then_some(seat),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a seat cannot be looked at");
                    None
                }
            });
            out.extend(iter(looks).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().flatten());
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
