//! Helpers for the laws and for other tests of stores: drafts, rooms, leases and assertions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use protocol::{
    DisplayName, Epoch, Event, EventId, EventKind, LeaveReason, MemberId, RoomChange, RoomCode, RoomId, RoomName, Seq,
    ShownName,
};
use uuid::Uuid;

use crate::{
    Appended, Delivery, Lease, NameKeys, NewEvent, NewRoom, Page, PresenceKind, PresenceUpdate, Store, StoreError,
    Subscription,
};

/// A number that was not returned before in this process.
pub fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An id that is none of a client, which has a time and a version in it.
pub fn id() -> EventId {
    EventId(Uuid::from_u128(u128::from(fresh()) << 80 | 0xe))
}

pub fn member(n: u64) -> MemberId {
    MemberId(Uuid::from_u128(u128::from(n) << 64 | 0xa))
}

pub fn code() -> RoomCode {
    let bytes = fresh().to_be_bytes();
    RoomCode::from_entropy([bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
}

/// A room that does not exist.
pub fn nowhere() -> RoomId {
    RoomId(Uuid::from_u128(u128::from(fresh())))
}

/// A room with this code that is not created yet.
pub fn new_room(code: RoomCode, capacity: u32) -> NewRoom {
    NewRoom { code, epoch: Epoch(fresh()), capacity, name: RoomName::default() }
}

pub fn name(n: u64) -> DisplayName {
    format!("Member {n}").parse().unwrap()
}

/// A draft of a member.
fn draft(n: u64, at: u64, kind: EventKind) -> NewEvent {
    NewEvent { id: id(), at, by: member(n), kind, keys: NameKeys::default() }
}

pub fn joined(n: u64) -> NewEvent {
    draft(n, 1, EventKind::Joined { member: member(n), name: name(n).into() })
}

/// Joins under a name whose only key is the name itself.
pub fn joined_as(n: u64, name: &str) -> NewEvent {
    let kind = EventKind::Joined { member: member(n), name: unnumbered(name) };
    NewEvent { keys: NameKeys(vec![name.to_owned()]), ..draft(n, 1, kind) }
}

pub fn renamed(n: u64, name: &str) -> NewEvent {
    let kind = EventKind::Renamed { member: member(n), name: unnumbered(name), was: unnumbered(name) };
    NewEvent { keys: NameKeys(vec![name.to_owned()]), ..draft(n, 7, kind) }
}

pub fn room_named(n: u64, name: &str) -> NewEvent {
    changed(n, RoomChange { name: name.parse().ok(), ..RoomChange::default() })
}

pub fn changed(n: u64, change: RoomChange) -> NewEvent {
    draft(n, 8, EventKind::Settings(change))
}

pub fn locked(n: u64, locked: bool) -> NewEvent {
    changed(n, RoomChange { locked: Some(locked), ..RoomChange::default() })
}

pub fn removed(host: u64, n: u64) -> NewEvent {
    draft(host, 9, EventKind::Left { member: member(n), why: LeaveReason::Removed })
}

pub fn handed_over(host: u64, n: u64) -> NewEvent {
    draft(host, 10, EventKind::Host { member: member(n) })
}

pub fn code_renewed(host: u64, code: RoomCode) -> NewEvent {
    draft(host, 11, EventKind::Code { code })
}

pub fn ended(host: u64) -> NewEvent {
    draft(host, 12, EventKind::Ended)
}

/// The name before a store has given it number and hue.
pub fn unnumbered(name: &str) -> ShownName {
    name.parse::<DisplayName>().unwrap().into()
}

pub fn left(n: u64, why: LeaveReason) -> NewEvent {
    draft(n, 2, EventKind::Left { member: member(n), why })
}

pub fn message(n: u64, body: &str) -> NewEvent {
    draft(n, 3, EventKind::message(body.parse().unwrap()))
}

pub fn edited(n: u64, target: EventId, body: &str) -> NewEvent {
    draft(n, 4, EventKind::Edited { target, body: Some(body.parse().unwrap()) })
}

pub fn deleted(n: u64, target: EventId) -> NewEvent {
    draft(n, 5, EventKind::Deleted { target })
}

pub fn reacted(n: u64, target: EventId, on: bool) -> NewEvent {
    let emoji = "\u{1f980}".parse().unwrap();
    draft(n, 6, EventKind::Reacted { target, emoji, on })
}

pub fn typing(n: u64) -> PresenceUpdate {
    PresenceUpdate { member: member(n), kind: PresenceKind::Typing(true) }
}

pub fn lease(room: RoomId, n: u64, id: u128) -> Lease {
    Lease { room, member: member(n), id: Uuid::from_u128(id) }
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Creates a room and gives these members a seat.
pub async fn room_of(store: &dyn Store, capacity: u32, members: &[u64]) -> RoomId {
    let room = store.create_room(new_room(code(), capacity)).await.unwrap();
    for n in members {
        stored(store.append(room, joined(*n)).await);
    }
    room
}

/// Event of an append. Panics if the append failed or was a duplicate.
pub fn stored(result: Result<Appended, StoreError>) -> Event {
    match result.unwrap() {
        Appended::Stored(event) => event,
        other => panic!("not stored: {other:?}"),
    }
}

pub async fn latest(store: &dyn Store, room: RoomId) -> Vec<Event> {
    store.read(room, crate::ReadFrom::Latest, 10_000).await.unwrap().events
}

/// Names of a page, without numbers and hues.
pub fn names_of(page: &Page) -> BTreeMap<MemberId, DisplayName> {
    page.names.iter().map(|(member, shown)| (*member, shown.name.clone())).collect()
}

/// Sequence numbers of a page's events. Panics unless each event follows the one before it.
pub fn seqs(page: &Page) -> Vec<Seq> {
    unbroken(&page.events);
    page.events.iter().map(|event| event.seq).collect()
}

pub fn unbroken(events: &[Event]) {
    for pair in events.windows(2) {
        assert!(pair[0].seq < pair[1].seq, "{:?} then {:?}", pair[0].seq, pair[1].seq);
        assert_eq!(pair[1].prev, pair[0].seq, "a gap or a duplicate");
    }
}

/// The next event. Skips presence requests, which other nodes send when they begin to listen, and panics on anything
/// else.
pub async fn next(subscription: &mut Subscription) -> Event {
    loop {
        match subscription.deliveries.recv().await {
            Some(Delivery::Event(event)) => return (*event).clone(),
            Some(Delivery::PresenceRequest) => {}
            other => panic!("no event: {other:?}"),
        }
    }
}

/// The next `n` events.
pub async fn take(subscription: &mut Subscription, n: usize) -> Vec<Event> {
    let mut events = Vec::with_capacity(n);
    for _ in 0..n {
        events.push(next(subscription).await);
    }
    events
}

/// Asserts that the result is this error.
#[macro_export]
macro_rules! refused {
    ($result:expr, $error:ident) => {
        match $result {
            Err($crate::StoreError::$error { .. }) => {}
            other => panic!(concat!("expected ", stringify!($error), ", got {:?}"), other.map(drop)),
        }
    };
}
