//! In-memory state of the rooms: their subscribers and leases. It is never stored.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::{Event, MemberId, RoomId};
use store::leases::Leases;
use store::{Delivery, Lease, PresenceUpdate, SUBSCRIBER_QUEUE};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

/// In-memory state of every room in the store.
#[derive(Debug, Default)]
pub(super) struct LiveState {
    rooms: HashMap<RoomId, LiveRoom>,
}

#[derive(Debug)]
struct LiveRoom {
    /// Time at which the room ends if nobody has taken a seat.
    arrival: Instant,
    /// Leases of each taken seat; a seat may have none.
    seats: HashMap<MemberId, Leases>,
    subscribers: Vec<mpsc::Sender<Delivery>>,
}

/// Seats without an active lease, and rooms in which nobody took a seat in time.
#[derive(Debug, Default)]
pub(super) struct Expired {
    pub(super) seats: Vec<(RoomId, MemberId)>,
    pub(super) rooms: Vec<RoomId>,
}

impl LiveState {
    pub(super) fn created(&mut self, id: RoomId, arrival: Instant) {
        self.rooms.insert(id, LiveRoom { arrival, seats: HashMap::new(), subscribers: Vec::new() });
    }

    /// Records a taken seat, with an arrival lease until `until`.
    pub(super) fn seated(&mut self, id: RoomId, member: MemberId, now: Instant, until: Instant) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.seats.entry(member).or_default().hold(Uuid::nil(), now, until);
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

    /// Takes or renews a lease. False when the member has no seat.
    pub(super) fn hold(&mut self, lease: Lease, now: Instant, until: Instant) -> bool {
        let seat = self.rooms.get_mut(&lease.room).and_then(|room| room.seats.get_mut(&lease.member));
        seat.map(|leases| leases.hold(lease.id, now, until)).is_some()
    }

    pub(super) fn release(&mut self, lease: Lease) {
        if let Some(leases) = self.rooms.get_mut(&lease.room).and_then(|room| room.seats.get_mut(&lease.member)) {
            leases.release(lease.id);
        }
    }

    pub(super) fn is_held(&self, id: RoomId, member: MemberId, now: Instant) -> bool {
        self.rooms.get(&id).and_then(|room| room.seats.get(&member)).is_some_and(|leases| leases.any_active(now))
    }

    pub(super) fn expired(&self, now: Instant) -> Expired {
        let mut expired = Expired::default();
        for (id, room) in &self.rooms {
            if room.seats.is_empty() && room.arrival <= now {
                expired.rooms.push(*id);
            }
            let unheld = room.seats.iter().filter(|(_, leases)| !leases.any_active(now));
            expired.seats.extend(unheld.map(|(member, _)| (*id, *member)));
        }
        expired
    }
}
