//! What the rooms of this process are beside their rows: who listens, and who is held. Never stored.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::{Event, MemberId, RoomCode};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use crate::backend::leases::Leases;
use crate::backend::{BACKLOG, Delivery, Lease, Signal};

/// Every room of the store.
#[derive(Debug, Default)]
pub(super) struct Memory {
    rooms: HashMap<RoomCode, LiveRoom>,
}

#[derive(Debug)]
struct LiveRoom {
    /// When the room ends if nobody has arrived.
    arrival: Instant,
    /// One entry per stored seat, held or not.
    seats: HashMap<MemberId, Leases>,
    subscribers: Vec<mpsc::Sender<Delivery>>,
}

/// What a sweep finds.
#[derive(Debug, Default)]
pub(super) struct Expired {
    pub(super) seats: Vec<(RoomCode, MemberId)>,
    pub(super) rooms: Vec<RoomCode>,
}

impl Memory {
    pub(super) fn created(&mut self, code: RoomCode, arrival: Instant) {
        self.rooms.insert(code, LiveRoom { arrival, seats: HashMap::new(), subscribers: Vec::new() });
    }

    /// The member took a seat and keeps it until then under the arrival lease.
    pub(super) fn seated(&mut self, code: RoomCode, member: MemberId, now: Instant, until: Instant) {
        if let Some(room) = self.rooms.get_mut(&code) {
            room.seats.entry(member).or_default().hold(Uuid::nil(), now, until);
        }
    }

    pub(super) fn freed(&mut self, code: RoomCode, member: MemberId) {
        if let Some(room) = self.rooms.get_mut(&code) {
            room.seats.remove(&member);
        }
    }

    /// Tells the subscribers and forgets the room.
    pub(super) fn ended(&mut self, code: RoomCode) {
        self.deliver(code, &Delivery::Ended);
        self.rooms.remove(&code);
    }

    pub(super) fn event(&mut self, code: RoomCode, event: Arc<Event>) {
        self.deliver(code, &Delivery::Event(event));
    }

    /// One whose backlog is half full hears nothing of it: the rest is for events.
    pub(super) fn signal(&self, code: RoomCode, signal: Signal) {
        let subscribers = self.rooms.get(&code).map(|room| &room.subscribers);
        for subscriber in subscribers.into_iter().flatten().filter(|one| one.capacity() > BACKLOG / 2) {
            // Gone: found out by the next event.
            drop(subscriber.try_send(Delivery::Signal(signal)));
        }
    }

    /// A subscriber that is gone or does not keep up is dropped; its stream then closes without `Ended`.
    fn deliver(&mut self, code: RoomCode, delivery: &Delivery) {
        if let Some(room) = self.rooms.get_mut(&code) {
            room.subscribers.retain(|subscriber| subscriber.try_send(delivery.clone()).is_ok());
        }
    }

    /// None when there is no such room.
    pub(super) fn subscribe(&mut self, code: RoomCode) -> Option<mpsc::Receiver<Delivery>> {
        let room = self.rooms.get_mut(&code)?;
        room.subscribers.retain(|subscriber| !subscriber.is_closed());
        let (subscriber, deliveries) = mpsc::channel(BACKLOG);
        room.subscribers.push(subscriber);
        Some(deliveries)
    }

    /// False when the member has no seat.
    pub(super) fn hold(&mut self, lease: Lease, now: Instant, until: Instant) -> bool {
        let seat = self.rooms.get_mut(&lease.code).and_then(|room| room.seats.get_mut(&lease.member));
        seat.map(|leases| leases.hold(lease.id, now, until)).is_some()
    }

    pub(super) fn release(&mut self, lease: Lease) {
        if let Some(leases) = self.rooms.get_mut(&lease.code).and_then(|room| room.seats.get_mut(&lease.member)) {
            leases.release(lease.id);
        }
    }

    pub(super) fn is_held(&self, code: RoomCode, member: MemberId, now: Instant) -> bool {
        self.rooms.get(&code).and_then(|room| room.seats.get(&member)).is_some_and(|leases| leases.alive(now))
    }

    pub(super) fn expired(&self, now: Instant) -> Expired {
        let mut expired = Expired::default();
        for (code, room) in &self.rooms {
            if room.seats.is_empty() && room.arrival <= now {
                expired.rooms.push(*code);
            }
            let unheld = room.seats.iter().filter(|(_, leases)| !leases.alive(now));
            expired.seats.extend(unheld.map(|(member, _)| (*code, *member)));
        }
        expired
    }
}
