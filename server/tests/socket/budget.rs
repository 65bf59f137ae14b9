//! Budget per member for inbound frames of every kind: a member over it is read later, loses nothing, and delays nobody
//! else.

use std::time::Duration;

use tokio::time::Instant;

use super::raw::{CLOSE, FIN, PING, PONG, Raw, TEXT, frame};
use crate::support::Server;
use testkit::browser::{Browser, Person};

/// Maximum KiB at once, at the default rate of appends (PROTOCOL.md, Limits).
const BURST: f64 = 640.0;
/// KiB per second, at the default rate of appends.
const RATE: f64 = 320.0;
/// KiB charged for a frame beside its bytes.
const FRAME: f64 = 4.0;
/// KiB charged for a new connection.
const OPENING: f64 = 16.0;
const FLOOD: Duration = Duration::from_secs(2);

/// Number of WebSocket messages that the server has read from all of its clients.
async fn frames_read(server: &Server) -> f64 {
    let metrics = Browser { address: server.metrics, cookie: None }.get("/metrics").await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("flasky_frames_total "));
    line.expect("frames are counted").parse().unwrap()
}

async fn two_members() -> (Server, Person, Person) {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let eve = Person::join(&server, ana.code, "Eve").await;
    (server, ana, eve)
}

/// Frames that are cheap for a client to send, with their descriptions.
fn cheap_frames() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| frame(FIN | TEXT, text.as_bytes());
    let v4 = "9f3c1d1e-6d0a-4b0e-9c1e-2f6d3a4b5c6d";
    vec![
        ("of an unknown type", text(r#"{"type":"x"}"#)),
        ("WebSocket pings", frame(FIN | PING, b"")),
        ("long WebSocket pings", frame(FIN | PING, &[7; 125])),
        ("WebSocket pongs", frame(FIN | PONG, b"")),
        ("refused appends", text(&format!(r#"{{"type":"append","id":"{v4}","event":{{"kind":"x"}}}}"#))),
        ("signals", text(r#"{"type":"signal","typing":false}"#)),
        ("fragmented", [frame(TEXT, b"{\"type\":"), frame(0, b""), frame(FIN, b"\"x\"}")].concat()),
        ("large", text(&format!(r#"{{"type":"x","pad":"{}"}}"#, "x".repeat(60_000)))),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_over_the_budget_are_not_read() {
    for (what, bytes) in cheap_frames() {
        let (server, ana, eve) = two_members().await;
        let (mut at_ana, mut at_eve) = (ana.connect().await, Raw::greet(&eve).await);
        let (before, began) = (frames_read(&server).await, Instant::now());
        let pieces = bytes.repeat(64 * 1024 / bytes.len() + 1);
        at_eve.flood(&pieces, FLOOD).await;
        let read = frames_read(&server).await - before;
        let size = FRAME.max(bytes.len() as f64 / 1024.0);
        let most = (BURST + RATE * began.elapsed().as_secs_f64()) / size + 1.0;
        assert!(read <= most, "{what}: {read} read, {most} allowed");
        assert!(read >= BURST / (size + FRAME) / 2.0, "{what}: {read} read, fewer than the burst allows");
        at_ana.is_well(1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_of_a_member_share_a_budget_and_members_do_not() {
    let (server, ana, eve) = two_members().await;
    let mut at_ana = ana.connect().await;
    let mut tabs = Vec::new();
    for _ in 0..4 {
        tabs.push(Raw::greet(&eve).await);
    }
    let (before, began) = (frames_read(&server).await, Instant::now());
    let pings = frame(FIN | PING, b"").repeat(10_000);
    let floods = tabs.into_iter().map(|mut tab| {
        let pings = pings.clone();
        tokio::spawn(async move { tab.flood(&pings, FLOOD).await })
    });
    for flood in floods.collect::<Vec<_>>() {
        flood.await.unwrap();
    }
    let read = frames_read(&server).await - before;
    let most = (BURST + RATE * began.elapsed().as_secs_f64()) / FRAME + 4.0;
    assert!(read <= most, "{read} read, {most} allowed");
    for n in 0..50 {
        at_ana.is_well(n).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fragments_over_the_budget_are_read_later() {
    let (_server, ana, eve) = two_members().await;
    let (mut at_ana, mut at_eve) = (ana.connect().await, Raw::greet(&eve).await);
    let fragment = frame(0, b"");
    let count = 600;
    // All but those of the last read, of 1 KiB, which are charged after the message that they complete.
    let size = FRAME * (count as f64 - 1024.0 / fragment.len() as f64);
    let began = Instant::now();
    at_eve.write(&frame(TEXT, br#"{"type":"ping","#)).await;
    at_eve.write(&fragment.repeat(count)).await;
    at_eve.write(&frame(FIN, br#""n":9}"#)).await;
    at_ana.is_well(1).await;
    assert_eq!(at_eve.said().await, r#"{"type":"pong","n":9}"#);
    let least = (size - BURST) / RATE;
    assert!(began.elapsed().as_secs_f64() >= 0.9 * least, "{:?} for {size} KiB", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_a_refused_connection_over_the_budget_are_not_read() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut stranger = Person::create(&server, "Eve").await;
    stranger.code = ana.code;
    // With a cookie the refusal follows `hello`, without one it is immediate. Both connections have a budget until they
    // end.
    for cookie in [stranger.browser.cookie.clone(), None] {
        stranger.browser.cookie = cookie;
        let mut raw = Raw::open(&stranger).await;
        raw.text(super::raw::HELLO).await;
        let (before, began) = (frames_read(&server).await, Instant::now());
        raw.flood(&frame(FIN | PING, b"").repeat(10_000), FLOOD).await;
        let read = frames_read(&server).await - before;
        let most = (BURST + RATE * began.elapsed().as_secs_f64()) / FRAME + 1.0;
        assert!(read <= most, "{read} read, {most} allowed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_over_the_budget_are_opened_later() {
    let (_server, ana, eve) = two_members().await;
    let mut at_ana = ana.connect().await;
    let (mut opened, began) = (0.0, Instant::now());
    while began.elapsed() < FLOOD {
        let mut raw = Raw::greet(&eve).await;
        raw.write(&frame(FIN | CLOSE, &[])).await;
        raw.code().await;
        raw.ends().await;
        opened += 1.0;
    }
    let most = (BURST + RATE * began.elapsed().as_secs_f64()) / OPENING;
    assert!(opened <= most, "{opened} opened, {most} allowed");
    at_ana.is_well(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_over_the_budget_are_answered_later_and_in_order() {
    let (_server, _ana, eve) = two_members().await;
    let mut raw = Raw::greet(&eve).await;
    let pings: Vec<u8> =
        (0..300).flat_map(|n| frame(FIN | TEXT, format!(r#"{{"type":"ping","n":{n}}}"#).as_bytes())).collect();
    raw.write(&pings).await;
    for n in 0..300 {
        assert_eq!(raw.said().await, format!(r#"{{"type":"pong","n":{n}}}"#));
    }
}
