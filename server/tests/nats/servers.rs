//! Servers that fail while a node uses them.

use std::time::{Duration, Instant};

use server::stores;
use store::{Store, StoreError};
use testkit::nats::Server;

use crate::support::{joined, latest, message, room_of, stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_event_survives_a_killed_server() {
    let mut server = Server::start();
    let store = stores::open(&format!("nats://{}", server.address()), &Default::default()).await.unwrap();
    let id = room_of(&*store, 50, &[1, 2]).await;
    let mut heard = store.subscribe(id).await.unwrap();
    let mut acked = Vec::new();
    for n in 0..50 {
        acked.push(stored(store.append(id, message(1, &format!("{n}"))).await));
    }
    server.kill();
    // The subscription ends, so that no subscriber takes the silence for an idle room.
    while heard.deliveries.recv().await.is_some() {}
    let began = Instant::now();
    let lost = message(1, "lost");
    let (refused, swept) = tokio::join!(store.append(id, lost.clone()), store.expire(tokio::time::Instant::now()),);
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(matches!(swept, Err(StoreError::Unavailable(_))), "{swept:?}");
    assert!(began.elapsed() < Duration::from_secs(9), "it took {:?} to give up", began.elapsed());
    server.start_again();
    acked.push(append_until_stored(&*store, id, lost).await);
    assert_eq!(latest(&*store, id).await[2..], acked);
    stored(store.append(id, joined(3)).await);
}

/// Appends the same draft, as a client does, until it is known to be stored. Panics after 20 attempts.
async fn append_until_stored(store: &dyn Store, id: protocol::RoomId, draft: store::NewEvent) -> protocol::Event {
    for _ in 0..20 {
        match store.append(id, draft.clone()).await {
            Ok(store::Appended::Stored(event) | store::Appended::Duplicate(event)) => return event,
            Err(StoreError::Unavailable(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("the store does not come back");
}

/// An append that times out has an unknown outcome for its caller, and must not be stored later.
#[tokio::test]
async fn timed_out_join_takes_no_seat_later() {
    let server = Server::start();
    let store = stores::open(&format!("nats://{}", server.address()), &Default::default()).await.unwrap();
    let id = room_of(&*store, 50, &[1]).await;
    stored(store.append(id, message(1, "all is well")).await);
    server.pause();
    // The second append waits in the queue until the first one is given up.
    let second = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        store.append(id, joined(2)).await
    };
    let (first, second) = tokio::join!(store.append(id, message(1, "is it?")), second);
    for outcome in [first, second] {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    server.resume();
    stored(store.append(id, message(1, "again")).await);
    assert_eq!(store.room(id).await.unwrap().members.len(), 1, "a join took a seat after it was reported as failed");
}

#[tokio::test]
async fn unreachable_server_is_reported_within_60_s() {
    let began = Instant::now();
    let error = stores::open("nats://user:secret@127.0.0.1:1", &Default::default()).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(!format!("{error:?}").contains("secret"));
    assert!(began.elapsed() < Duration::from_secs(60));
}
