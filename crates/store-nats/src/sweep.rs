//! Sweep: finds seats without an active lease, and ends rooms in which nobody took a seat in time.

use std::time::Duration;

use ::store::{ExpiredSeat, StoreError};
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use protocol::{MemberId, RoomId};
use tokio::time::Instant;

use super::jetstream::{CONCURRENCY, CommitError};
use super::record::{Head, Roster};
use super::room::{self, non_empty};
use super::seal::Place;
use super::seats::RosterSource;
use super::{Shared, lease, schema, secrets};

/// Maximum number of seats, of rooms and of pending purges that one sweep handles, so that it stays far below an
/// operation's time limit. The next sweep continues with the next ones.
pub(super) const MAX_PER_SWEEP: usize = 500;
/// Number of seats whose leases are read at once. A seat usually has a few, and the server returns at most 1 024
/// messages.
const SEATS: usize = 100;

impl Shared {
    /// Returns seats that no lease holds, and ends rooms in which nobody took a seat in time.
    pub(super) async fn sweep(&self, now: Instant) -> Result<Vec<ExpiredSeat>, StoreError> {
        let heartbeat = match self.heartbeat(now).await {
            Ok(heartbeat) => heartbeat,
            Err(error) => {
                schema::restore(&self.jetstream).await;
                return Err(error);
            }
        };
        self.purge_pending(now).await;
        self.check_unreadable(now).await;
        let due = self.seats.all_due(now, MAX_PER_SWEEP);
        let ends = due.rooms.into_iter().map(async |id| {
            if let Err(error) = self.end_empty(id).await {
                tracing::error!(error = &error as &dyn std::error::Error, "an empty room cannot be ended");
            }
        });
        let () = iter(ends).buffer_unordered(CONCURRENCY).collect().await;
        self.without_lease(due.seats, heartbeat, now).await
    }

    /// True if a lease holds the member's seat.
    pub(super) async fn is_held(&self, id: RoomId, member: MemberId, now: Instant) -> Result<bool, StoreError> {
        let Some(seat) = self.seats.if_due(id, member, now) else { return Ok(true) };
        let heartbeat = self.heartbeat(now).await?;
        Ok(self.without_lease(vec![seat], heartbeat, now).await?.is_empty())
    }

    /// Writes a heartbeat, which fails while leases cannot be renewed: then none counts as expired. If leases could not
    /// be renewed for a while before, every seat gets a new grace period.
    async fn heartbeat(&self, now: Instant) -> Result<u64, StoreError> {
        let heartbeat = lease::heartbeat(&self.jetstream).await?;
        if self.jetstream.take_had_failures() {
            self.seats.extend_grace(now + Duration::from_millis(self.limits.grace_ms));
        }
        Ok(heartbeat)
    }

    /// Returns those of the seats that no node holds. `heartbeat` was stored after `now` was taken, so a replica that
    /// has it also has every lease that was renewed before `now`.
    async fn without_lease(
        &self,
        seats: Vec<ExpiredSeat>,
        heartbeat: u64,
        now: Instant,
    ) -> Result<Vec<ExpiredSeat>, StoreError> {
        let mut out = Vec::new();
        for part in seats.chunks(SEATS) {
            let mut part = part.to_vec();
            // Two passes, because a lease that is renewed while it is read may be missing from the answer.
            for _ in 0..2 {
                if part.is_empty() {
                    break;
                }
                let leases = lease::read(&self.jetstream, &self.clock, &part, heartbeat, now).await?;
                part.retain(|seat| {
                    if let Some(leases) = leases.get(&(seat.room, seat.member)) {
                        self.seats.update_leases(seat, leases, now);
                    }
                    self.seats.if_due(seat.room, seat.member, now).is_some()
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
            out.extend(iter(looks).buffer_unordered(CONCURRENCY).collect::<Vec<_>>().await.into_iter().flatten());
        }
        Ok(out)
    }

    /// Reads the room's roster, updates the cache with it, and returns true if the seat is still taken.
    async fn is_seated(&self, seat: &ExpiredSeat) -> Result<bool, StoreError> {
        let names = self.jetstream.names.room(seat.room);
        let Some(found) = non_empty(self.jetstream.last(&names.stream, &names.roster()).await?) else {
            self.forget_room(seat.room, u64::MAX);
            return Ok(false);
        };
        let key = self.key(seat.room).await?.ok_or_else(secrets::missing)?;
        let roster: Roster = key.open(Place::Roster, &found.payload)?;
        self.seats.update_roster(seat.room, found.seq, &roster, RosterSource::Remote);
        Ok(roster.epoch == seat.epoch && roster.seat(seat.member).is_some_and(|seated| seated.joined == seat.joined))
    }

    /// Ends the room if nobody has taken a seat.
    async fn end_empty(&self, id: RoomId) -> Result<(), StoreError> {
        match self.load(id).await {
            Ok(room) if room.roster.members.is_empty() => self.end(id, room.head_seq, &room.head).await,
            // A member joined, and this node has not received that roster yet.
            Ok(_) => Ok(()),
            Err(StoreError::NotFound) => {
                self.forget_room(id, u64::MAX);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Ends a room with this head, unless another process has changed it.
    pub(super) async fn end(&self, id: RoomId, head_seq: u64, head: &Head) -> Result<(), StoreError> {
        let messages = room::end(&self.jetstream.names, id, head_seq, head)?;
        match self.jetstream.commit(messages).await {
            Ok(head_seq) => {
                self.seats.remove_room(id, head_seq);
                self.purge_or_enqueue(id, &head.codes, head_seq).await;
                Ok(())
            }
            // Another process changed the room just now.
            Err(CommitError::Conflict) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }
}
