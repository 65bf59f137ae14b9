//! Cache of all seats, from which a sweep selects the seats to check. The sweep then reads the store, so a wrong entry
//! is detected before its seat is freed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::leases::Leases;
use ::store::{ExpiredSeat, Lease};
use protocol::{Epoch, Limits, MemberId, RoomId, Seq};
use tokio::time::Instant;
use uuid::Uuid;

use super::record::Roster;

/// Cache of the seats of every room in the store.
#[derive(Debug)]
pub(super) struct SeatCache {
    rooms: Mutex<HashMap<RoomId, CachedRoom>>,
    /// Offset at which the next sweep begins.
    next_offset: AtomicUsize,
    /// Time for which a cached lease that another node may have ended is trusted: one renewal interval.
    cache_ttl: Duration,
    /// Time for which a new seat waits for its member's first page or connection, and a new room for its first join.
    arrival: Duration,
}

#[derive(Debug)]
struct CachedRoom {
    /// Stream sequence of the roster: of two rosters, the one with the higher sequence is current.
    seq: u64,
    epoch: Epoch,
    /// Time at which the room ends if nobody has taken a seat. `None` until a sweep has seen the room.
    arrival: Option<Instant>,
    seats: HashMap<MemberId, CachedSeat>,
}

#[derive(Debug)]
struct CachedSeat {
    joined: Seq,
    /// Time before which the seat is not checked. `None` until a sweep has seen the seat.
    not_before: Option<Instant>,
    leases: Leases,
}

/// Source of a roster.
#[derive(Clone, Copy, Debug)]
pub(super) enum RosterSource {
    /// This process wrote it, at this time.
    Own(Instant),
    /// It existed when this process started, or can be read only now: the time of that, and the end of every seat's grace
    /// period.
    AtStart(Instant, Instant),
    /// Another process wrote it, at a time that is not known.
    Remote,
}

/// Seats and rooms that a sweep has to check.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) seats: Vec<ExpiredSeat>,
    pub(super) rooms: Vec<RoomId>,
}

impl SeatCache {
    pub(super) fn new(limits: &Limits) -> Self {
        let [cache_ttl, arrival] = [limits.grace_ms / 3, limits.arrival_ms].map(Duration::from_millis);
        Self { rooms: Mutex::default(), next_offset: AtomicUsize::new(0), cache_ttl, arrival }
    }

    /// Updates the cache with the roster, unless a newer one is known.
    pub(super) fn update_roster(&self, id: RoomId, seq: u64, roster: &Roster, known: RosterSource) {
        let mut rooms = self.rooms();
        let room = rooms.entry(id).or_insert_with(|| CachedRoom {
            seq: 0,
            epoch: roster.epoch,
            arrival: None,
            seats: HashMap::new(),
        });
        if room.seq > seq {
            return;
        }
        room.seq = seq;
        room.seats.retain(|member, seat| roster.seat(*member).is_some_and(|seated| seated.joined == seat.joined));
        for seated in &roster.members {
            let seat = room.seats.entry(seated.member).or_insert_with(|| CachedSeat {
                joined: seated.joined,
                not_before: None,
                leases: Leases::default(),
            });
            match known {
                // A seat that was not known before has just been taken by an append of this process.
                RosterSource::Own(now) if seat.not_before.is_none() => {
                    seat.not_before = Some(now);
                    seat.leases.hold(Uuid::nil(), now, now + self.arrival);
                }
                RosterSource::AtStart(_, until) => seat.not_before = Some(until),
                RosterSource::Own(_) | RosterSource::Remote => {}
            }
        }
        if let RosterSource::Own(now) | RosterSource::AtStart(now, _) = known {
            room.arrival.get_or_insert(now + self.arrival);
        }
    }

    /// Removes a room that ended at this stream sequence, unless a newer roster is known.
    pub(super) fn remove_room(&self, id: RoomId, seq: u64) {
        let mut rooms = self.rooms();
        if rooms.get(&id).is_some_and(|room| room.seq <= seq) {
            rooms.remove(&id);
        }
    }

    /// Postpones the checks of all seats until this time, because leases could not be renewed for a while.
    pub(super) fn extend_grace(&self, until: Instant) {
        for seat in self.rooms().values_mut().flat_map(|room| room.seats.values_mut()) {
            seat.not_before = Some(seat.not_before.map_or(until, |not_before| not_before.max(until)));
        }
    }

    /// Returns the seq of the seat's `joined` event, if the member is known to have a seat.
    pub(super) fn joined(&self, id: RoomId, member: MemberId) -> Option<Seq> {
        Some(self.rooms().get(&id)?.seats.get(&member)?.joined)
    }

    pub(super) fn hold(&self, lease: Lease, now: Instant, until: Instant) {
        // Only this process ends the lease of its connection, but any node may end an arrival or page lease.
        let until = if lease.id.is_nil() { until.min(now + self.cache_ttl) } else { until };
        self.with(lease, |seat| seat.leases.hold(lease.id, now, until));
    }

    pub(super) fn release(&self, lease: Lease) {
        self.with(lease, |seat| seat.leases.release(lease.id));
    }

    /// Updates a seat with the leases that were read from the store.
    pub(super) fn update_leases(&self, seat: &ExpiredSeat, leases: &[(Uuid, Instant)], now: Instant) {
        let mut rooms = self.rooms();
        let known = rooms.get_mut(&seat.room).and_then(|room| room.seats.get_mut(&seat.member));
        if let Some(known) = known.filter(|known| known.joined == seat.joined) {
            for (id, until) in leases {
                known.leases.hold(*id, now, (*until).min(now + self.cache_ttl));
            }
        }
    }

    /// Returns the seat if it has to be checked now.
    pub(super) fn if_due(&self, id: RoomId, member: MemberId, now: Instant) -> Option<ExpiredSeat> {
        let rooms = self.rooms();
        let room = rooms.get(&id)?;
        room.seats.get(&member).filter(|seat| seat.is_due(now)).map(|seat| seat.to_seat(id, room.epoch, member))
    }

    /// Returns the seats and rooms that have to be checked now, at most `most` of each, and the next ones at every
    /// call. A seat or room that no sweep has seen before is checked only after its time for arrival.
    pub(super) fn all_due(&self, now: Instant, most: usize) -> Due {
        let mut due = Due::default();
        for (id, room) in self.rooms().iter_mut() {
            let arrival = *room.arrival.get_or_insert(now + self.arrival);
            if room.seats.is_empty() && arrival <= now {
                due.rooms.push(*id);
            }
            for (member, seat) in &mut room.seats {
                seat.not_before.get_or_insert(now + self.arrival);
                if seat.is_due(now) {
                    due.seats.push(seat.to_seat(*id, room.epoch, *member));
                }
            }
        }
        let next_offset = self.next_offset.fetch_add(most, Ordering::Relaxed);
        take_turn(&mut due.seats, next_offset, most);
        take_turn(&mut due.rooms, next_offset, most);
        due
    }

    fn with(&self, lease: Lease, change: impl FnOnce(&mut CachedSeat)) {
        if let Some(seat) = self.rooms().get_mut(&lease.room).and_then(|room| room.seats.get_mut(&lease.member)) {
            change(seat);
        }
    }

    /// Locks the cache. Code under this lock neither awaits nor panics.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, CachedRoom>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_turn<T>(all: &mut Vec<T>, next_offset: usize, most: usize) {
    if all.len() > most {
        let begin = next_offset % all.len();
        all.rotate_left(begin);
        all.truncate(most);
    }
}

impl CachedSeat {
    fn is_due(&self, now: Instant) -> bool {
        self.not_before.is_some_and(|not_before| not_before <= now) && !self.leases.any_active(now)
    }

    fn to_seat(&self, id: RoomId, epoch: Epoch, member: MemberId) -> ExpiredSeat {
        ExpiredSeat { room: id, epoch, member, joined: self.joined }
    }
}
