//! What this process knows of everybody's seats: whose turn it is to be looked at by a sweep, and nothing else. What is
//! decided is decided by the store; a seat that is wrong here is found out when it is acted upon.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::{Epoch, Limits, MemberId, RoomCode, Seq};
use tokio::time::Instant;
use uuid::Uuid;

use super::record::Roster;
use crate::backend::leases::Leases;
use crate::backend::{Lease, Seat};

/// Every room of the store.
#[derive(Debug)]
pub(super) struct Seats {
    rooms: Mutex<HashMap<RoomCode, LiveRoom>>,
    /// Where the next sweep goes on.
    turn: AtomicUsize,
    /// For how long what another process may have ended meanwhile is taken for true: as long as from one renewal of a
    /// lease to the next.
    trust: Duration,
    /// How long a seat or a room waits for whoever is to arrive.
    arrival: Duration,
}

#[derive(Debug)]
struct LiveRoom {
    /// The roster's place in the stream: of two, the later one is true.
    seq: u64,
    epoch: Epoch,
    /// When the room ends if nobody has arrived. None until a sweep has seen the room.
    arrival: Option<Instant>,
    seats: HashMap<MemberId, LiveSeat>,
}

#[derive(Debug)]
struct LiveSeat {
    joined: Seq,
    /// Not looked at before. None until a sweep has seen the seat.
    floor: Option<Instant>,
    leases: Leases,
}

/// How a roster came to be known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    /// This process made it, now.
    Own(Instant),
    /// It was there when this process began: now, and until when everybody may come back.
    Found(Instant, Instant),
    /// Another process made it, some time ago.
    Heard,
}

/// What a sweep is to look at.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) seats: Vec<Seat>,
    pub(super) rooms: Vec<(RoomCode, Epoch)>,
}

impl Seats {
    pub(super) fn new(limits: &Limits) -> Self {
        let [trust, arrival] = [limits.grace_ms / 3, limits.arrival_ms].map(Duration::from_millis);
        Self { rooms: Mutex::default(), turn: AtomicUsize::new(0), trust, arrival }
    }

    /// Takes the roster for true if it is not an older one.
    pub(super) fn learn(&self, code: RoomCode, seq: u64, roster: &Roster, known: Known) {
        let mut rooms = self.rooms();
        let room = rooms.entry(code).or_insert_with(|| LiveRoom {
            seq: 0,
            epoch: roster.epoch,
            arrival: None,
            seats: HashMap::new(),
        });
        if room.seq > seq {
            return;
        }
        if room.epoch != roster.epoch {
            (room.epoch, room.arrival) = (roster.epoch, None);
            room.seats.clear();
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
                // A seat that was not known before has just been taken: by an append of this process.
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

    /// The room ended with what is stored at this place.
    pub(super) fn forget(&self, code: RoomCode, seq: u64) {
        let mut rooms = self.rooms();
        if rooms.get(&code).is_some_and(|room| room.seq <= seq) {
            rooms.remove(&code);
        }
    }

    /// Nobody is looked at before then: for a while nobody could renew a lease.
    pub(super) fn shelter(&self, until: Instant) {
        for seat in self.rooms().values_mut().flat_map(|room| room.seats.values_mut()) {
            seat.floor = Some(seat.floor.map_or(until, |floor| floor.max(until)));
        }
    }

    /// The seat's `joined`, if the member is known to have one.
    pub(super) fn joined(&self, code: RoomCode, member: MemberId) -> Option<Seq> {
        Some(self.rooms().get(&code)?.seats.get(&member)?.joined)
    }

    pub(super) fn hold(&self, lease: Lease, now: Instant, until: Instant) {
        // A connection is this process's own; any other may end what keeps the seat of a page.
        let until = if lease.id.is_nil() { until.min(now + self.trust) } else { until };
        self.with(lease, |seat| seat.leases.hold(lease.id, now, until));
    }

    pub(super) fn release(&self, lease: Lease) {
        self.with(lease, |seat| seat.leases.release(lease.id));
    }

    /// What the store says of a seat's leases.
    pub(super) fn renew(&self, seat: &Seat, leases: &[(Uuid, Instant)], now: Instant) {
        let mut rooms = self.rooms();
        let known = rooms.get_mut(&seat.code).and_then(|room| room.seats.get_mut(&seat.member));
        if let Some(known) = known.filter(|known| known.joined == seat.joined) {
            for (id, until) in leases {
                known.leases.hold(*id, now, (*until).min(now + self.trust));
            }
        }
    }

    /// The seat, if it is to be looked at now.
    pub(super) fn due(&self, code: RoomCode, member: MemberId, now: Instant) -> Option<Seat> {
        let rooms = self.rooms();
        let room = rooms.get(&code)?;
        room.seats.get(&member).filter(|seat| seat.is_due(now)).map(|seat| seat.named(code, room.epoch, member))
    }

    /// The seats and rooms that are to be looked at now, at most so many of each and every time others. Those that were
    /// not known get their time to arrive.
    pub(super) fn all_due(&self, now: Instant, most: usize) -> Due {
        let mut due = Due::default();
        for (code, room) in self.rooms().iter_mut() {
            let arrival = *room.arrival.get_or_insert(now + self.arrival);
            if room.seats.is_empty() && arrival <= now {
                due.rooms.push((*code, room.epoch));
            }
            for (member, seat) in &mut room.seats {
                seat.floor.get_or_insert(now + self.arrival);
                if seat.is_due(now) {
                    due.seats.push(seat.named(*code, room.epoch, *member));
                }
            }
        }
        let turn = self.turn.fetch_add(most, Ordering::Relaxed);
        take_turn(&mut due.seats, turn, most);
        take_turn(&mut due.rooms, turn, most);
        due
    }

    fn with(&self, lease: Lease, change: impl FnOnce(&mut LiveSeat)) {
        if let Some(seat) = self.rooms().get_mut(&lease.code).and_then(|room| room.seats.get_mut(&lease.member)) {
            change(seat);
        }
    }

    /// Nothing is awaited and nothing can panic under this lock.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomCode, LiveRoom>> {
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

    fn named(&self, code: RoomCode, epoch: Epoch, member: MemberId) -> Seat {
        Seat { code, epoch, member, joined: self.joined }
    }
}
