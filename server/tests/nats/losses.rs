//! What is lost between a server and an engine, and found all the same.

use std::sync::Arc;
use std::time::Duration;

use protocol::{LeaveReason, Limits, MemberId, RoomCode, Seq};
use server::backend::{self, Backend, BackendError, Delivery, Subscription};
use tokio::time::{Instant, sleep, timeout};

use crate::nats_server::Server;
use crate::support::{lease, left, member, message, ms, next, room_of, stored};

/// Two looks at the heads, and what they take.
const TIDES: Duration = Duration::from_secs(8);

/// A server that never tells `deaf` of third events, although it hears of all others.
fn server() -> Server {
    let deaf =
        r#"{ user: deaf, password: x, permissions: { publish: ">", subscribe: { allow: ">", deny: "*.live.*.3" } } }"#;
    Server::start_with(format!("authorization {{ users: [{{ user: hears, password: x }}, {deaf}] }}\n"))
}

async fn open(server: &Server, user: &str) -> Arc<dyn Backend> {
    backend::open(&format!("nats://{user}:x@{}", server.address()), &Limits::default()).await.unwrap()
}

/// Nothing more comes of a feed that lost something: it ends, and not as a room does.
async fn is_given_up(subscription: &mut Subscription) {
    let end = async {
        while let Some(delivery) = subscription.deliveries.recv().await {
            assert_eq!(delivery, Delivery::RollCall, "told although the one before was lost");
        }
    };
    timeout(TIDES, end).await.expect("nobody has found out what was lost");
}

async fn speak(speaker: &dyn Backend, code: RoomCode, words: &str) {
    stored(speaker.append(code, message(1, words)).await);
}

#[tokio::test]
async fn a_lost_event_is_found_by_the_next_one_or_by_the_tide() {
    let server = server();
    let (speaker, deaf) = (open(&server, "hears").await, open(&server, "deaf").await);
    let codes = [room_of(&*speaker, 50, &[1, 2]).await, room_of(&*speaker, 50, &[1, 2]).await];
    for (code, then) in codes.into_iter().zip([Some("fourth"), None]) {
        let mut heard = deaf.subscribe(code).await.unwrap();
        speak(&*speaker, code, "third").await;
        if let Some(fourth) = then {
            speak(&*speaker, code, fourth).await;
        }
        is_given_up(&mut heard).await;
        // And what comes after that is heard.
        let mut again = deaf.subscribe(code).await.unwrap();
        assert_eq!(again.head.seq, Seq(3 + u64::from(then.is_some())));
        speak(&*speaker, code, "later").await;
        assert_eq!(next(&mut again).await.prev, again.head.seq);
    }
}

/// A server that dies after it was asked and before it answers.
#[tokio::test]
async fn a_lost_answer_does_not_stop_the_tide() {
    let mut server = server();
    let (speaker, deaf) = (open(&server, "hears").await, open(&server, "deaf").await);
    let code = room_of(&*speaker, 50, &[1, 2]).await;
    let mut heard = deaf.subscribe(code).await.unwrap();
    server.pause();
    // Longer than from one tide to the next, so that one of them asks and waits.
    sleep(Duration::from_millis(2_500)).await;
    server.kill();
    server.start_again();
    is_given_up(&mut heard).await;
    let mut heard = timeout(TIDES, deaf.subscribe(code)).await.unwrap().unwrap();
    stored(timeout(TIDES, speaker.append(code, message(1, "third"))).await.unwrap());
    is_given_up(&mut heard).await;
}

/// The leases of a server that stands alone are gone with it, however fast it is back.
#[tokio::test]
async fn nobody_is_put_out_by_a_server_that_lost_the_leases() {
    let mut server = server();
    let grace = ms(Limits::default().grace_ms);
    let (here, there, code, now) = held_elsewhere(&server, grace).await;
    let now = now + grace;
    server.kill();
    server.start_again();
    let seen = seats_once_back(&*here, now).await;
    assert_eq!(seen, [], "put out although the leases are not known");
    there.hold(lease(code, 1, 7), 8 * grace).await.unwrap();
    assert_eq!(seats(&*here, now + grace).await, [member(2)]);
}

/// The same where no connection breaks: another server had them, or somebody took their stream away.
#[tokio::test]
async fn nobody_is_put_out_by_a_stream_of_leases_that_is_lost() {
    let server = server();
    let grace = ms(Limits::default().grace_ms);
    let (here, there, code, now) = held_elsewhere(&server, grace).await;
    let client = async_nats::ConnectOptions::with_user_and_password("hears".into(), "x".into());
    let jetstream = async_nats::jetstream::new(client.connect(server.address()).await.unwrap());
    jetstream.delete_stream("flasky_leases").await.unwrap();
    // One node finds out and makes it again, before the other one looks.
    seats_once_back(&*there, Instant::now()).await;
    assert_eq!(seats_once_back(&*here, now).await, [], "put out although the leases are not known");
    let vanished = here.append(code, left(1, LeaveReason::Vanished)).await;
    assert!(matches!(vanished, Err(BackendError::Conflict)), "{vanished:?}");
    there.hold(lease(code, 1, 7), 8 * grace).await.unwrap();
    assert_eq!(seats(&*here, now + grace).await, [member(2)]);
}

/// Two nodes and a room of two, of whom the first has a lease at the other node; and a time past every grace that the
/// start of a node gives.
async fn held_elsewhere(server: &Server, grace: Duration) -> (Arc<dyn Backend>, Arc<dyn Backend>, RoomCode, Instant) {
    let (here, there) = (open(server, "hears").await, open(server, "hears").await);
    let code = room_of(&*here, 50, &[1, 2]).await;
    there.hold(lease(code, 1, 7), 8 * grace).await.unwrap();
    let now = Instant::now() + 2 * grace;
    assert_eq!(seats(&*here, now).await, [member(2)]);
    (here, there, code, now)
}

/// What the first sweep finds that can be made.
async fn seats_once_back(backend: &dyn Backend, now: Instant) -> Vec<MemberId> {
    for _ in 0..50 {
        match backend.expired(now).await {
            Ok(seats) => return seats.into_iter().map(|seat| seat.member).collect(),
            Err(_) => sleep(ms(100)).await,
        }
    }
    panic!("the leases are not back");
}

async fn seats(backend: &dyn Backend, now: Instant) -> Vec<MemberId> {
    backend.expired(now).await.unwrap().into_iter().map(|seat| seat.member).collect()
}
