//! In-memory state of the rooms: their subscribers and leases. It is never stored.
//!
//! Leases and subscriptions do not wait for the writer thread. It changes this state with that of the rooms, under both
//! locks, so that a subscriber gets every event after the head that it was told, and no other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{Event, MemberId, RoomId};
use store::leases::Leases;
use store::{Delivery, Lease, PresenceUpdate, SUBSCRIBER_QUEUE};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

/// In-memory state of every room in the store, shared by the threads. Locked after the state of the rooms, if both are.
#[derive(Clone, Debug, Default)]
pub(super) struct Live(Arc<Mutex<LiveState>>);

impl Live {
    /// Locks the state. Code under this lock does not wait for anything, and cannot panic half-way.
    pub(super) fn lock(&self) -> MutexGuard<'_, LiveState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(super) struct LiveState {
    is_closed: bool,
    rooms: HashMap<RoomId, LiveRoom>,
}

#[derive(Debug)]
struct LiveRoom {
    /// Time at which the room ends if nobody has taken a seat.
    arrival: Instant,
    seats: HashMap<MemberId, Seat>,
    subscribers: Vec<mpsc::Sender<Delivery>>,
}

/// A taken seat.
#[derive(Debug, Default)]
struct Seat {
    /// May be none.
    leases: Leases,
    /// True while a commit is to free the seat, because no lease held it.
    is_leaving: bool,
}

/// Outcome of [`LiveState::hold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Held,
    /// The member has no seat.
    NoSeat,
    /// A commit that frees the seat is being made: its outcome decides.
    Undecided,
}

/// Seats without an active lease, and rooms in which nobody took a seat in time.
#[derive(Debug, Default)]
pub(super) struct Expired {
    pub(super) seats: Vec<(RoomId, MemberId)>,
    pub(super) rooms: Vec<RoomId>,
}

impl LiveState {
    /// Closes all subscriptions without `Ended`.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.rooms.clear();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn created(&mut self, id: RoomId, arrival: Instant) {
        self.rooms.insert(id, LiveRoom { arrival, seats: HashMap::new(), subscribers: Vec::new() });
    }

    /// Records a taken seat, with an arrival lease until `until`.
    pub(super) fn seated(&mut self, id: RoomId, member: MemberId, now: Instant, until: Instant) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.seats.entry(member).or_default().leases.hold(Uuid::nil(), now, until);
        }
    }

    pub(super) fn freed(&mut self, id: RoomId, member: MemberId) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.seats.remove(&member);
        }
    }

    /// Delivers `Ended` to the subscribers and removes the room.
    pub(super) fn ended(&mut self, id: RoomId) {
        self.deliver(id, &Delivery::Ended);
        self.rooms.remove(&id);
    }

    pub(super) fn event(&mut self, id: RoomId, event: Arc<Event>) {
        self.deliver(id, &Delivery::Event(event));
    }

    /// Delivers a presence update, except to a subscriber whose queue is half full: the other half is reserved for
    /// events.
    pub(super) fn send_presence(&self, id: RoomId, update: PresenceUpdate) {
        let subscribers = self.rooms.get(&id).map(|room| &room.subscribers);
        for subscriber in subscribers.into_iter().flatten().filter(|one| one.capacity() > SUBSCRIBER_QUEUE / 2) {
            // The next event removes a subscriber that is gone.
            drop(subscriber.try_send(Delivery::Presence(update)));
        }
    }

    /// Drops a subscriber that is gone or whose queue is full; its stream then closes without `Ended`.
    fn deliver(&mut self, id: RoomId, delivery: &Delivery) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.subscribers.retain(|subscriber| subscriber.try_send(delivery.clone()).is_ok());
        }
    }

    /// Adds a subscriber. `None` when the room does not exist.
    pub(super) fn subscribe(&mut self, id: RoomId) -> Option<mpsc::Receiver<Delivery>> {
        let room = self.rooms.get_mut(&id)?;
        room.subscribers.retain(|subscriber| !subscriber.is_closed());
        let (subscriber, deliveries) = mpsc::channel(SUBSCRIBER_QUEUE);
        room.subscribers.push(subscriber);
        Some(deliveries)
    }

    /// Takes or renews a lease.
    pub(super) fn hold(&mut self, lease: Lease, now: Instant, until: Instant) -> Hold {
        match self.seat(lease.room, lease.member) {
            None => Hold::NoSeat,
            Some(seat) if seat.is_leaving => Hold::Undecided,
            Some(seat) => {
                seat.leases.hold(lease.id, now, until);
                Hold::Held
            }
        }
    }

    pub(super) fn release(&mut self, lease: Lease) {
        if let Some(seat) = self.seat(lease.room, lease.member) {
            seat.leases.release(lease.id);
        }
    }

    /// Lets a commit free a seat, unless a lease holds it: then false. Until [`LiveState::settle`], none is taken.
    pub(super) fn let_leave(&mut self, id: RoomId, member: MemberId, now: Instant) -> bool {
        match self.seat(id, member) {
            Some(seat) => {
                seat.is_leaving |= !seat.leases.any_active(now);
                seat.is_leaving
            }
            None => true,
        }
    }

    /// Lets leases be taken again of a seat that a commit was to free.
    pub(super) fn settle(&mut self, id: RoomId, member: MemberId) {
        if let Some(seat) = self.seat(id, member) {
            seat.is_leaving = false;
        }
    }

    fn seat(&mut self, id: RoomId, member: MemberId) -> Option<&mut Seat> {
        self.rooms.get_mut(&id)?.seats.get_mut(&member)
    }

    pub(super) fn expired(&self, now: Instant) -> Expired {
        let mut expired = Expired::default();
        for (id, room) in &self.rooms {
            if room.seats.is_empty() && room.arrival <= now {
                expired.rooms.push(*id);
            }
            let unheld = room.seats.iter().filter(|(_, seat)| !seat.leases.any_active(now));
            expired.seats.extend(unheld.map(|(member, _)| (*id, *member)));
        }
        expired
    }
}
