//! Invalid, oversized and unknown frames: they end at most the connection of their sender.

use std::time::Duration;

use futures_util::SinkExt as _;
use protocol::{ClientFrame, ServerFrame, VERSION};
use server::entropy;
use testkit::within;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;

use crate::support::Server;
use testkit::browser::{Person, Socket};

const HELLO: &str = r#"{"type":"hello","v":1}"#;

/// A connected member who must not be affected, and a member who sends the frames under test.
async fn two_members() -> (Server, Socket, Person) {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let eve = Person::join(&server, ana.code, "Eve").await;
    let at_ana = ana.connect().await;
    (server, at_ana, eve)
}

#[tokio::test]
async fn invalid_frame_ends_the_connection() {
    let (_server, mut at_ana, eve) = two_members().await;
    let append =
        format!(r#"{{"type":"append","id":"{}","event":{{"kind":"message","body":"x"}}}}"#, entropy::event_id());
    let large = format!(r#"{{"type":"ping","n":1,"pad":"{}"}}"#, "x".repeat(64 * 1024));
    let deep = "[".repeat(60_000);
    for (n, (greeted, text, code)) in [
        (false, "not JSON", 4500),
        (false, "", 4500),
        (false, r#"{"v":1}"#, 4500),
        (false, append.as_str(), 4500),
        (false, r#"{"type":"leave"}"#, 4500),
        (false, r#"{"type":"of_a_later_version"}"#, 4500),
        (false, r#"{"type":"hello","v":2}"#, 4508),
        (false, r#"{"type":"hello"}"#, 4500),
        (false, r#"{"type":"hello","v":1,"position":{"epoch":"zz","seq":1}}"#, 4500),
        (false, large.as_str(), 4507),
        (true, HELLO, 4500),
        (true, "{", 4500),
        (true, deep.as_str(), 4500),
        (true, r#"{"type":"append","id":"mine","event":{"kind":"message","body":"x"}}"#, 4500),
        (true, r#"{"type":"ping","n":-1}"#, 4500),
        (true, large.as_str(), 4507),
    ]
    .into_iter()
    .enumerate()
    {
        let mut socket = if greeted { eve.connect().await } else { eve.knock().await };
        socket.send_text(text.to_owned()).await;
        assert_eq!(socket.end().await, code, "{}", &text[..text.len().min(60)]);
        at_ana.is_well(n as u64).await;
    }
}

#[tokio::test]
async fn binary_message_closes_with_4500() {
    let (_server, mut at_ana, eve) = two_members().await;
    for greeted in [false, true] {
        let mut socket = if greeted { eve.connect().await } else { eve.knock().await };
        within(socket.stream.send(Message::Binary(HELLO.into()))).await.unwrap();
        assert_eq!(socket.end().await, 4500);
    }
    at_ana.is_well(1).await;
}

#[tokio::test]
async fn frame_of_an_unknown_type_is_ignored() {
    let (_server, mut at_ana, _) = two_members().await;
    at_ana.send_text(r#"{"type":"signal","typing":true}"#.to_owned()).await;
    at_ana.send_text(r#"{"type":"of_a_later_version","body":"x"}"#.to_owned()).await;
    at_ana.is_well(1).await;
}

#[tokio::test]
async fn frame_of_exactly_the_limit_is_accepted() {
    let (_server, mut at_ana, _) = two_members().await;
    let frame = |pad: usize| format!(r#"{{"type":"ping","n":7,"pad":"{}"}}"#, "x".repeat(pad));
    let text = frame(64 * 1024 - frame(0).len());
    assert_eq!(text.len(), 64 * 1024);
    at_ana.send_text(text).await;
    assert_eq!(at_ana.frame().await, ServerFrame::Pong { n: 7 });
}

#[tokio::test]
async fn partial_frame_does_not_affect_other_members() {
    let (_server, mut at_ana, eve) = two_members().await;
    // A masked text frame that announces 100 bytes and has two of them, and bytes that are no frame (reserved bits
    // set).
    for bytes in [&[0x81, 0xe4, 0, 0, 0, 0, b'{', b'"'][..], &[0xff; 64]] {
        let mut socket = eve.connect().await;
        within(socket.stream.get_mut().write_all(bytes)).await.unwrap();
        drop(socket);
        at_ana.is_well(1).await;
    }
    let mut back = eve.connect().await;
    let said = back.said("I am back").await;
    assert_eq!(at_ana.event().await, said);
}

#[tokio::test]
async fn hello_timeout_closes_with_4500() {
    const TIMEOUT: Duration = Duration::from_secs(10);
    let (_server, mut at_ana, eve) = two_members().await;
    let began = Instant::now();
    let mut silent = eve.knock().await;
    // Half of it before: `end` waits 10 s at most.
    sleep(TIMEOUT / 2).await;
    assert_eq!(silent.end().await, 4500);
    assert!(began.elapsed() >= TIMEOUT, "{:?}", began.elapsed());
    at_ana.is_well(1).await;
}

#[tokio::test]
async fn frames_after_an_invalid_frame_are_ignored() {
    let (_server, mut at_ana, eve) = two_members().await;
    let mut socket = eve.connect().await;
    socket.send_text("{".to_owned()).await;
    socket.say("too late").await;
    socket.send(&ClientFrame::Hello { v: VERSION, position: None }).await;
    assert_eq!(socket.end().await, 4500);
    let marker = at_ana.said("nothing before this").await;
    assert_eq!(eve.connect().await.replay.last(), Some(&marker));
}
