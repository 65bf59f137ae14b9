//! What is lost between a server and an engine, and found all the same.

use std::sync::Arc;
use std::time::Duration;

use app::protocol::{Limits, RoomCode, Seq};
use server::backend::{self, Backend, Delivery, Subscription};
use tokio::time::{Instant, sleep, timeout};

use crate::nats_server::Server;
use crate::support::{lease, member, message, ms, next, room_of, stored};

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
    let (here, there) = (open(&server, "hears").await, open(&server, "hears").await);
    let code = room_of(&*here, 50, &[1, 2]).await;
    let grace = ms(Limits::default().grace_ms);
    there.hold(lease(code, 1, 7), 8 * grace).await.unwrap();
    // Past every grace that the start of a node gives.
    let now = Instant::now() + 2 * grace;
    assert_eq!(seats(&*here, now).await, [member(2)]);
    let now = now + grace;
    server.kill();
    server.start_again();
    let mut tries = 0;
    let seen = loop {
        match here.expired(now).await {
            Ok(seats) => break seats,
            Err(error) => assert!(tries < 50, "the leases are not back: {error:?}"),
        }
        tries += 1;
        sleep(ms(100)).await;
    };
    assert_eq!(seen, [], "put out although the leases are not known");
    there.hold(lease(code, 1, 7), 8 * grace).await.unwrap();
    assert_eq!(seats(&*here, now + grace).await, [member(2)]);
}

async fn seats(backend: &dyn Backend, now: Instant) -> Vec<app::protocol::MemberId> {
    backend.expired(now).await.unwrap().into_iter().map(|seat| seat.member).collect()
}
