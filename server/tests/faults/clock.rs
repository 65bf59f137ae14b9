//! A clock that is set back between appends: timestamps are for display, and the log decides the order.

use protocol::{DisplayName, Epoch, Event, EventId, EventKind, Limits, MemberId, Position, RoomCode, Seq};
use server::stores;
use store::{Delivery, NewEvent, NewRoom, ReadFrom, Store as _};
use uuid::Uuid;

use testkit::faulty::{FaultyStore, StoreFault};

const ME: MemberId = MemberId(Uuid::from_u128(7));
const DAY_MS: u64 = 86_400_000;

fn draft(n: u64, kind: EventKind) -> NewEvent {
    NewEvent { id: EventId(Uuid::from_u128(n.into())), at: 100 * DAY_MS, by: ME, kind, keys: Default::default() }
}

#[tokio::test]
async fn order_of_the_log_is_independent_of_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("flasky.db").display());
    let store = FaultyStore::with(stores::open(&url, &Limits::default()).await.unwrap(), StoreFault::ClockBackwards);
    let code = RoomCode::from_entropy([7; 5]);
    let room =
        store.create_room(NewRoom { code, epoch: Epoch(1), capacity: 2, name: Default::default() }).await.unwrap();
    let mut live = store.subscribe(room).await.unwrap();
    let name: DisplayName = "Ana".parse().unwrap();
    store.append(room, draft(1, EventKind::Joined { member: ME, name: name.into() })).await.unwrap();
    for n in 2..=20 {
        store.append(room, draft(n, EventKind::message(format!("{n}").parse().unwrap()))).await.unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < 20 {
        let Some(Delivery::Event(event)) = live.deliveries.recv().await else { panic!("the feed ended") };
        heard.push((*event).clone());
    }
    let start = Position { epoch: Epoch(1), seq: Seq(0) };
    for (from, count) in [(ReadFrom::After(start), 20), (ReadFrom::Latest, 20), (ReadFrom::Before(Seq(11)), 10)] {
        let events = store.read(room, from, 100).await.unwrap().events;
        assert_eq!(events, heard[..count], "{from:?}");
    }
    let falls = |pair: &[Event]| pair[0].at > pair[1].at && pair[0].seq < pair[1].seq && pair[1].prev == pair[0].seq;
    assert!(heard.windows(2).all(falls), "the clock did not run backwards: {heard:?}");
    assert!(heard.iter().zip(1..).all(|(event, n)| event.id == EventId(Uuid::from_u128(n))), "{heard:?}");
    store.close().await;
}
