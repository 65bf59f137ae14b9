//! Resuming from a position in the log.

use protocol::{Epoch, Event, Position, Seq};

use crate::support::{Server, TALKATIVE};
use testkit::browser::{Person, Socket, body};

/// Sends `count` messages and returns the event of the last one.
async fn send_messages(socket: &mut Socket, count: usize, text: &str) -> Event {
    for _ in 0..count {
        socket.say(text).await;
    }
    for _ in 1..count {
        socket.event().await;
    }
    socket.event().await
}

fn bodies(events: &[Event]) -> Vec<&str> {
    events.iter().map(body).collect()
}

#[tokio::test]
async fn resume_replays_exactly_the_missed_events() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let position = at_ana.position();
    drop(at_ana);
    for text in ["one", "two", "three"] {
        at_bo.said(text).await;
    }
    let mut back = ana.resume(position).await;
    assert!(back.welcome().recovered);
    assert_eq!(bodies(&back.replay), ["one", "two", "three"]);
    assert_eq!(back.replay[0].prev, position.seq);
    at_bo.said("four").await;
    assert_eq!(back.message().await, "four");

    let again = ana.resume(back.position()).await;
    assert!(again.welcome().recovered);
    assert_eq!(again.replay, [], "nothing was missed");
}

#[tokio::test]
async fn position_of_another_epoch_above_the_head_or_trimmed_is_not_recovered() {
    const KEPT: usize = 5;
    let server = Server::start(&["--events=5"]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut socket = ana.connect().await;
    let early = socket.position();
    for n in 0..8 {
        socket.said(&n.to_string()).await;
    }
    let head = socket.position();
    let other_life = Position { epoch: Epoch(head.epoch.0 ^ 1), seq: head.seq };
    let above = Position { seq: Seq(head.seq.0 + 1), ..head };
    for (why, position) in [("epoch", other_life), ("above the head", above), ("trimmed", early)] {
        let mut back = ana.resume(position).await;
        assert!(!back.welcome().recovered, "{why}");
        assert_eq!(bodies(&back.replay), ["3", "4", "5", "6", "7"], "{why}");
        assert_eq!(back.welcome().position, head, "{why}");
        assert_eq!(back.welcome().oldest, back.replay[0].seq, "{why}");
        back.is_well(1).await;
    }
    // The earliest position that can be resumed is the one just before the oldest event.
    let first = ana.connect().await.replay[0].clone();
    let edge = ana.resume(Position { seq: first.prev, ..head }).await;
    assert!(edge.welcome().recovered);
    assert_eq!(edge.replay.len(), KEPT);
}

#[tokio::test]
async fn long_replay_comes_in_frames_of_at_most_200_events() {
    let server = Server::start(&TALKATIVE).await;
    let ana = Person::create(&server, "Ana").await;
    let mut socket = ana.connect().await;
    let position = socket.position();
    send_messages(&mut socket, 450, "x").await;
    let back = ana.resume(position).await;
    assert!(back.welcome().recovered);
    assert_eq!(back.replay.len(), 450);
    assert!(back.frames.iter().all(|(events, _)| *events <= 200), "{:?}", back.frames);
    let new = ana.connect().await;
    assert_eq!(new.replay.len(), 100, "the first window");
    assert_eq!(new.replay.last(), back.replay.last());
}

#[tokio::test]
async fn replay_of_long_messages_comes_in_frames_of_at_most_64_kib() {
    const FRAME: usize = 64 * 1024;
    let server = Server::start(&TALKATIVE).await;
    let ana = Person::create(&server, "Ana").await;
    let mut socket = ana.connect().await;
    let position = socket.position();
    let long = "\u{8a9e}".repeat(4_000);
    send_messages(&mut socket, 80, &long).await;
    for (back, missed) in [(ana.connect().await, 81), (ana.resume(position).await, 80)] {
        assert_eq!(back.replay.len(), missed);
        for (events, bytes) in &back.frames {
            assert!(*bytes <= FRAME + 1_024 || *events == 1, "{:?}", back.frames);
        }
    }
}
