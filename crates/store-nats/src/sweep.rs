//! Sweep: finds seats without an active lease, and ends rooms in which nobody took a seat in time.

use std::time::Duration;

use ::store::{BackendError, Seat};
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use protocol::{MemberId, RoomId};
use tokio::time::Instant;

use super::record::{End, Roster, decode};
use super::room::{Room, full};
use super::seats::Known;
use super::store::{CommitError, Put};
use super::{Engine, lease, schema};

/// Maximum number of seats, of rooms and of pending purges that one sweep handles, so that it stays far below an
/// operation's time limit. The next sweep continues with the next ones.
pub(super) const MOST: usize = 500;
/// Number of seats whose leases are read at once. A seat usually has a few, and the server returns at most 1 024
/// messages.
const SEATS: usize = 100;
/// Maximum number of rooms that are handled concurrently.
pub(super) const AT_ONCE: usize = 32;

impl Engine {
    /// Returns seats that no lease holds, and ends rooms in which nobody took a seat in time.
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
        let ends = due.rooms.into_iter().map(async |id| {
            if let Err(error) = self.end_empty(id).await {
                tracing::error!(error = &error as &dyn std::error::Error, "an empty room cannot be ended");
            }
        });
        let () = iter(ends).buffer_unordered(AT_ONCE).collect().await;
        self.run_out(due.seats, beat, now).await
    }

    /// True if a lease holds the member's seat.
    pub(super) async fn is_held(&self, id: RoomId, member: MemberId, now: Instant) -> Result<bool, BackendError> {
        let Some(seat) = self.seats.due(id, member, now) else { return Ok(true) };
        let beat = self.beat(now).await?;
        Ok(self.run_out(vec![seat], beat, now).await?.is_empty())
    }

    /// Writes a heartbeat, which fails while leases cannot be renewed: then none counts as expired. If leases could not
    /// be renewed for a while before, every seat gets a new grace period.
    async fn beat(&self, now: Instant) -> Result<u64, BackendError> {
        let beat = lease::beat(&self.store).await?;
        if self.store.was_troubled() {
            self.seats.shelter(now + Duration::from_millis(self.limits.grace_ms));
        }
        Ok(beat)
    }

    /// Returns those of the seats that no node holds. `beat` was stored after `now` was taken, so a replica that has it
    /// also has every lease that was renewed before `now`.
    async fn run_out(&self, seats: Vec<Seat>, beat: u64, now: Instant) -> Result<Vec<Seat>, BackendError> {
        let mut out = Vec::new();
        for part in seats.chunks(SEATS) {
            let mut part = part.to_vec();
            // Two passes, because a lease that is renewed while it is read may be missing from the answer.
            for _ in 0..2 {
                if part.is_empty() {
                    break;
                }
                let leases = lease::read(&self.store, &self.clock, &part, beat, now).await?;
                part.retain(|seat| {
                    if let Some(leases) = leases.get(&(seat.room, seat.member)) {
                        self.seats.renew(seat, leases, now);
                    }
                    self.seats.due(seat.room, seat.member, now).is_some()
                });
            }
            let looks = part.into_iter().map(async |seat| match self.is_seated(&seat).await {
                // False: the seat was freed, and this node has not received that roster yet.
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

    /// Reads the room's roster, updates the cache with it, and returns true if the seat is still taken.
    async fn is_seated(&self, seat: &Seat) -> Result<bool, BackendError> {
        let names = self.store.names.room(seat.room);
        let Some(found) = full(self.store.last(&names.stream, &names.roster()).await?) else {
            self.seats.forget(seat.room, u64::MAX);
            return Ok(false);
        };
        let roster: Roster = decode(&found.payload)?;
        self.seats.learn(seat.room, found.seq, &roster, Known::Heard);
        Ok(roster.epoch == seat.epoch && roster.seat(seat.member).is_some_and(|seated| seated.joined == seat.joined))
    }

    /// Ends the room if nobody has taken a seat.
    async fn end_empty(&self, id: RoomId) -> Result<(), BackendError> {
        let room = match Room::load(&self.store, id).await {
            Ok(room) if room.roster.members.is_empty() => room,
            // A member joined, and this node has not received that roster yet.
            Ok(_) => return Ok(()),
            Err(BackendError::NotFound) => {
                self.seats.forget(id, u64::MAX);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let names = self.store.names.room(id);
        let Roster { code, epoch, .. } = room.roster;
        let end = Put::new(names.end(), &End { code, epoch, seq: room.head.seq })?;
        let freed = Put::empty(self.store.names.code(code).1);
        let head = Put::empty(names.head()).expecting(room.mark);
        match self.store.commit(vec![freed, end, Put::empty(names.roster()), head]).await {
            Ok(mark) => {
                self.seats.forget(id, mark);
                self.bury(id, code, mark).await;
                Ok(())
            }
            // Another process changed the room just now.
            Err(CommitError::Conflict) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }
}
