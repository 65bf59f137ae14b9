//! Events, answers and leases that are lost between the servers and a node, and how the node notices.

use std::sync::Arc;
use std::time::Duration;

use protocol::{LeaveReason, Limits, MemberId, RoomId, Seq};
use server::stores;
use store::{Delivery, Store, StoreError, Subscription};
use testkit::nats::Server;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{lease, left, member, message, ms, next, room_of, stored};

/// Longer than two reconcile intervals (2 s each) with their requests.
const TIDES: Duration = Duration::from_secs(8);

/// Starts a server that never delivers a room's third event to the user `deaf`, but all other events.
fn server() -> Server {
    let deaf =
        r#"{ user: deaf, password: x, permissions: { publish: ">", subscribe: { allow: ">", deny: "*.live.*.3" } } }"#;
    Server::start_with(format!("authorization {{ users: [{{ user: hears, password: x }}, {deaf}] }}\n"))
}

async fn open(server: &Server, user: &str) -> Arc<dyn Store> {
    stores::open(&format!("nats://{user}:x@{}", server.address()), &Limits::default()).await.unwrap()
}

/// Asserts that a feed that lost something delivers no more events and closes without `Ended`.
async fn assert_feed_closes(subscription: &mut Subscription) {
    let end = async {
        while let Some(delivery) = subscription.deliveries.recv().await {
            assert_eq!(delivery, Delivery::PresenceRequest, "delivered although an earlier event was lost");
        }
    };
    timeout(TIDES, end).await.expect("the loss was not noticed");
}

async fn send(speaker: &dyn Store, id: RoomId, words: &str) {
    stored(speaker.append(id, message(1, words)).await);
}

#[tokio::test]
async fn lost_event_is_noticed_by_the_next_one_or_by_reconciliation() {
    let server = server();
    let (speaker, deaf) = (open(&server, "hears").await, open(&server, "deaf").await);
    let ids = [room_of(&*speaker, 50, &[1, 2]).await, room_of(&*speaker, 50, &[1, 2]).await];
    for (id, then) in ids.into_iter().zip([Some("fourth"), None]) {
        let mut heard = deaf.subscribe(id).await.unwrap();
        send(&*speaker, id, "third").await;
        if let Some(fourth) = then {
            send(&*speaker, id, fourth).await;
        }
        assert_feed_closes(&mut heard).await;
        // A new subscription delivers later events.
        let mut again = deaf.subscribe(id).await.unwrap();
        assert_eq!(again.head.seq, Seq(3 + u64::from(then.is_some())));
        send(&*speaker, id, "later").await;
        assert_eq!(next(&mut again).await.prev, again.head.seq);
    }
}

/// The server dies after it has received a request of the reconcile loop and before it answers.
#[tokio::test]
async fn lost_answer_does_not_stop_the_reconcile_loop() {
    let mut server = server();
    let (speaker, deaf) = (open(&server, "hears").await, open(&server, "deaf").await);
    let id = room_of(&*speaker, 50, &[1, 2]).await;
    let mut heard = deaf.subscribe(id).await.unwrap();
    server.pause();
    // Longer than the reconcile interval, so that a request is waiting for its answer.
    sleep(Duration::from_millis(2_500)).await;
    server.kill();
    server.start_again();
    assert_feed_closes(&mut heard).await;
    let mut heard = timeout(TIDES, deaf.subscribe(id)).await.unwrap().unwrap();
    stored(timeout(TIDES, speaker.append(id, message(1, "third"))).await.unwrap());
    assert_feed_closes(&mut heard).await;
}

/// Leases are kept in memory: a single server loses them when it is killed, however fast it restarts.
#[tokio::test]
async fn no_seat_expires_after_a_server_lost_the_leases() {
    let mut server = server();
    let grace = ms(Limits::default().grace_ms);
    let (here, there, id, now) = room_with_a_lease_elsewhere(&server, grace).await;
    let now = now + grace;
    server.kill();
    server.start_again();
    let seen = first_successful_sweep(&*here, now).await;
    assert_eq!(seen, [], "a seat expired although the leases are unknown");
    there.acquire_lease(lease(id, 1, 7), 8 * grace).await.unwrap();
    assert_eq!(sweep(&*here, now + grace).await, [member(2)]);
}

/// The same without a broken connection, as when another server held the leases or somebody deleted their stream.
#[tokio::test]
async fn no_seat_expires_after_the_lease_stream_was_deleted() {
    let server = server();
    let grace = ms(Limits::default().grace_ms);
    let (here, there, id, now) = room_with_a_lease_elsewhere(&server, grace).await;
    let client = async_nats::ConnectOptions::with_user_and_password("hears".into(), "x".into());
    let jetstream = async_nats::jetstream::new(client.connect(server.address()).await.unwrap());
    jetstream.delete_stream("flasky_leases").await.unwrap();
    // One node notices and creates the stream again before the other one checks.
    first_successful_sweep(&*there, Instant::now()).await;
    assert_eq!(first_successful_sweep(&*here, now).await, [], "a seat expired although the leases are unknown");
    let vanished = here.append(id, left(1, LeaveReason::Vanished)).await;
    assert!(matches!(vanished, Err(StoreError::Conflict)), "{vanished:?}");
    there.acquire_lease(lease(id, 1, 7), 8 * grace).await.unwrap();
    assert_eq!(sweep(&*here, now + grace).await, [member(2)]);
}

/// Two nodes, and a room of two members of whom the first has a lease at the second node. The time is after every grace
/// period that the start of a node gives.
async fn room_with_a_lease_elsewhere(
    server: &Server,
    grace: Duration,
) -> (Arc<dyn Store>, Arc<dyn Store>, RoomId, Instant) {
    let (here, there) = (open(server, "hears").await, open(server, "hears").await);
    let id = room_of(&*here, 50, &[1, 2]).await;
    there.acquire_lease(lease(id, 1, 7), 8 * grace).await.unwrap();
    let now = Instant::now() + 2 * grace;
    assert_eq!(sweep(&*here, now).await, [member(2)]);
    (here, there, id, now)
}

/// Members whose seats the first successful sweep finds expired. Sweeps are tried for about 5 s.
async fn first_successful_sweep(store: &dyn Store, now: Instant) -> Vec<MemberId> {
    for _ in 0..50 {
        match store.expire(now).await {
            Ok(seats) => return seats.into_iter().map(|seat| seat.member).collect(),
            Err(_) => sleep(ms(100)).await,
        }
    }
    panic!("no sweep succeeds");
}

async fn sweep(store: &dyn Store, now: Instant) -> Vec<MemberId> {
    store.expire(now).await.unwrap().into_iter().map(|seat| seat.member).collect()
}
