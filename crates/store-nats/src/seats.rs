//! Cache of all seats, from which a sweep selects the seats to check. The sweep then reads the store, so a wrong entry
//! is detected before its seat is freed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::leases::Leases;
use ::store::{Lease, Seat};
use protocol::{Epoch, Limits, MemberId, RoomId, Seq};
use tokio::time::Instant;
use uuid::Uuid;

use super::record::Roster;

/// Cache of the seats of every room in the store.
#[derive(Debug)]
pub(super) struct Seats {
    rooms: Mutex<HashMap<RoomId, LiveRoom>>,
    /// Offset at which the next sweep begins.
    turn: AtomicUsize,
    /// Time for which a cached lease that another node may have ended is trusted: one renewal interval.
    trust: Duration,
    /// Time for which a new seat waits for its member's first page or connection, and a new room for its first join.
    arrival: Duration,
}

#[derive(Debug)]
struct LiveRoom {
    /// Stream sequence of the roster: of two rosters, the one with the higher sequence is current.
    seq: u64,
    epoch: Epoch,
    /// Time at which the room ends if nobody has taken a seat. `None` until a sweep has seen the room.
    arrival: Option<Instant>,
    seats: HashMap<MemberId, LiveSeat>,
}

#[derive(Debug)]
struct LiveSeat {
    joined: Seq,
    /// Time before which the seat is not checked. `None` until a sweep has seen the seat.
    floor: Option<Instant>,
    leases: Leases,
}

/// Source of a roster.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    /// This process wrote it, at this time.
    Own(Instant),
    /// It existed when this process started: the time of the start, and the end of every seat's grace period.
    Found(Instant, Instant),
    /// Another process wrote it, some time ago.
    Heard,
}

/// Seats and rooms that a sweep has to check.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) seats: Vec<Seat>,
    pub(super) rooms: Vec<RoomId>,
}

impl Seats {
    pub(super) fn new(limits: &Limits) -> Self {
        let [trust, arrival] = [limits.grace_ms / 3, limits.arrival_ms].map(Duration::from_millis);
        Self { rooms: Mutex::default(), turn: AtomicUsize::new(0), trust, arrival }
    }

    /// Updates the cache with the roster, unless a newer one is known.
    pub(super) fn learn(&self, id: RoomId, seq: u64, roster: &Roster, known: Known) {
        let mut rooms = self.rooms();
        let room = rooms.entry(id).or_insert_with(|| LiveRoom {
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
            let seat = room.seats.entry(seated.member).or_insert_with(|| LiveSeat {
                joined: seated.joined,
                floor: None,
                leases: Leases::default(),
            });
            match known {
                // A seat that was not known before has just been taken by an append of this process.
                Known::Own(now) if seat.floor.is_none() => {
                    seat.floor = Some(now);
                    seat.leases.hold(Uuid::nil(), now, now + self.arrival);
                }
                Known::Found(_, until) => seat.floor = Some(until),
                Known::Own(_) | Known::Heard => {}
            }
        }
        if let Known::Own(now) | Known::Found(now, _) = known {
            room.arrival.get_or_insert(now + self.arrival);
        }
    }

    /// Removes a room that ended at this stream sequence, unless a newer roster is known.
    pub(super) fn forget(&self, id: RoomId, seq: u64) {
        let mut rooms = self.rooms();
        if rooms.get(&id).is_some_and(|room| room.seq <= seq) {
            rooms.remove(&id);
        }
    }

    /// Postpones the checks of all seats until this time, because leases could not be renewed for a while.
    pub(super) fn shelter(&self, until: Instant) {
        for seat in self.rooms().values_mut().flat_map(|room| room.seats.values_mut()) {
            seat.floor = Some(seat.floor.map_or(until, |floor| floor.max(until)));
        }
    }

    /// Returns the seq of the seat's `joined` event, if the member is known to have a seat.
    pub(super) fn joined(&self, id: RoomId, member: MemberId) -> Option<Seq> {
        Some(self.rooms().get(&id)?.seats.get(&member)?.joined)
    }

    pub(super) fn hold(&self, lease: Lease, now: Instant, until: Instant) {
        // Only this process ends the lease of its connection, but any node may end an arrival or page lease.
        let until = if lease.id.is_nil() { until.min(now + self.trust) } else { until };
        self.with(lease, |seat| seat.leases.hold(lease.id, now, until));
    }

    pub(super) fn release(&self, lease: Lease) {
        self.with(lease, |seat| seat.leases.release(lease.id));
    }

    /// Updates a seat with the leases that were read from the store.
    pub(super) fn renew(&self, seat: &Seat, leases: &[(Uuid, Instant)], now: Instant) {
        let mut rooms = self.rooms();
        let known = rooms.get_mut(&seat.room).and_then(|room| room.seats.get_mut(&seat.member));
        if let Some(known) = known.filter(|known| known.joined == seat.joined) {
            for (id, until) in leases {
                known.leases.hold(*id, now, (*until).min(now + self.trust));
            }
        }
    }

    /// Returns the seat if it has to be checked now.
    pub(super) fn due(&self, id: RoomId, member: MemberId, now: Instant) -> Option<Seat> {
        let rooms = self.rooms();
        let room = rooms.get(&id)?;
        room.seats.get(&member).filter(|seat| seat.is_due(now)).map(|seat| seat.named(id, room.epoch, member))
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
                seat.floor.get_or_insert(now + self.arrival);
                if seat.is_due(now) {
                    due.seats.push(seat.named(*id, room.epoch, *member));
                }
            }
        }
        let turn = self.turn.fetch_add(most, Ordering::Relaxed);
        take_turn(&mut due.seats, turn, most);
        take_turn(&mut due.rooms, turn, most);
        due
    }

    fn with(&self, lease: Lease, change: impl FnOnce(&mut LiveSeat)) {
        if let Some(seat) = self.rooms().get_mut(&lease.room).and_then(|room| room.seats.get_mut(&lease.member)) {
            change(seat);
        }
    }

    /// Locks the cache. Code under this lock neither awaits nor panics.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, LiveRoom>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_turn<T>(all: &mut Vec<T>, turn: usize, most: usize) {
    if all.len() > most {
        let begin = turn % all.len();
        all.rotate_left(begin);
        all.truncate(most);
    }
}

impl LiveSeat {
    fn is_due(&self, now: Instant) -> bool {
        self.floor.is_some_and(|floor| floor <= now) && !self.leases.alive(now)
    }

    fn named(&self, id: RoomId, epoch: Epoch, member: MemberId) -> Seat {
        Seat { room: id, epoch, member, joined: self.joined }
    }
}
