//! Servers that fail while a node uses them.

use std::time::{Duration, Instant};

use protocol::Limits;
use store::laws::support::{joined, latest, message, room_of, stored};
use store::{Store, StoreError};
use testkit::nats::{Server, store_url};
use testkit::proxy::{Proxy, Way};
use tokio::task::JoinSet;

use crate::{open, open_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_event_survives_a_killed_server() {
    let mut server = Server::start();
    let store = open(&format!("nats://{}", server.address())).await;
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
    let store = open(&format!("nats://{}", server.address())).await;
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
    let error = open_with("nats://user:secret@127.0.0.1:1", &Limits::default()).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(!format!("{error:?}").contains("secret"));
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// A node may be started while the servers elect a leader: any request that opens the store may have no answer.
#[tokio::test]
async fn store_opens_although_its_connection_is_lost() {
    let mut opening = JoinSet::new();
    for requests in 1..=16 {
        let url = store_url();
        let (address, name) = url.strip_prefix("nats://").unwrap().rsplit_once('/').unwrap();
        let proxy = Proxy::start(address.parse().unwrap()).await.unwrap();
        // The connection is lost during one of the requests, and the client repeats none by itself.
        proxy.cut_after(Way::ToServer, requests * 500);
        let url = format!("nats://{}/{name}", proxy.address);
        opening.spawn(async move {
            let opened = open_with(&url, &Limits::default()).await;
            (requests, proxy.has_cut(Way::ToServer), opened.map(drop))
        });
    }
    let opened = opening.join_all().await;
    let failed: Vec<_> = opened.iter().filter(|(.., opened)| opened.is_err()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let cut = opened.iter().filter(|(_, cut, _)| *cut).count();
    assert!(cut >= 8, "the connection was lost in {cut} starts only");
}
