//! Sending and receiving messages.

use protocol::{ErrorCode, Event, LeaveReason};
use testkit::faulty::StoreFault;

use crate::support::{Server, TALKATIVE};
use testkit::browser::{Person, body};

#[tokio::test]
async fn cookie_of_the_enter_form_opens_the_socket() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let socket = ana.connect().await;
    let welcome = socket.welcome();
    assert_eq!((welcome.member, welcome.room.code, welcome.room.capacity), (ana.me, ana.code, 50));
    assert!(!welcome.recovered);
    let inside: Vec<_> = welcome.members.iter().map(|member| (member.member, member.name.text())).collect();
    assert_eq!(inside, [(ana.me, "Ana".into())]);
    assert_eq!(welcome.limits.grace_ms, 120_000);
    assert_eq!(socket.replay.len(), 1, "her own `joined`");
    assert_eq!(socket.position(), welcome.position);
}

#[tokio::test]
async fn every_member_receives_every_event_in_order() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    assert_eq!(at_ana.joined().await, (bo.me, "Bo".to_owned()));
    let mut at_bo = bo.connect().await;

    let first = at_ana.said("Hello Bo").await;
    assert_eq!(at_bo.event().await, first);
    assert_eq!((first.by, body(&first)), (ana.me, "Hello Bo"));
    let second = at_bo.said("Hello Ana").await;
    assert_eq!(at_ana.event().await, second);
    assert_eq!((second.by, second.prev), (bo.me, first.seq));
}

#[tokio::test]
async fn concurrent_messages_have_the_same_order_for_every_reader() {
    const EACH: usize = 100;
    let server = Server::start(&TALKATIVE).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let mut listens = ana.connect().await;
    for n in 0..EACH {
        at_ana.say(&format!("a{n}")).await;
        at_bo.say(&format!("b{n}")).await;
    }
    let mut logs: [Vec<Event>; 3] = Default::default();
    for (log, socket) in logs.iter_mut().zip([&mut at_ana, &mut at_bo, &mut listens]) {
        for _ in 0..2 * EACH {
            log.push(socket.event().await);
        }
    }
    assert!(logs[0] == logs[1] && logs[1] == logs[2]);
    for (person, letter) in [(&ana, 'a'), (&bo, 'b')] {
        let said: Vec<_> = logs[0].iter().filter(|event| event.by == person.me).map(body).collect();
        assert_eq!(said, (0..EACH).map(|n| format!("{letter}{n}")).collect::<Vec<_>>(), "in the order of sending");
    }
}

#[tokio::test]
async fn joins_and_leaves_reach_every_member() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut others = [ana.connect().await, bo.connect().await];
    let mut chidi = Person::join(&server, ana.code, "Chidi").await;
    for other in &mut others {
        assert_eq!(other.joined().await, (chidi.me, "Chidi".to_owned()));
    }
    chidi.browser.call("/api/leave_room", &[("code", &chidi.code.to_string())]).await.json();
    for other in &mut others {
        assert_eq!(other.left().await, (chidi.me, LeaveReason::Choice));
    }
    let late = ana.connect().await;
    assert_eq!(late.names.get(&chidi.me).map(|name| name.text()), Some("Chidi".into()), "a name of a member who left");
    assert_eq!(late.welcome().members.len(), 2);
}

#[tokio::test]
async fn message_text_is_normalized_and_otherwise_unchanged() {
    let server = Server::start(&[]).await;
    let mut socket = Person::create(&server, "Ana").await.connect().await;
    for (typed, said) in [
        ("  \n  indented\r\nnext \n", "  indented\nnext"),
        ("<b>\"&\u{1f469}\u{200d}\u{1f680}\\", "<b>\"&\u{1f469}\u{200d}\u{1f680}\\"),
        ("\u{202e}txt.exe", "\u{202e}txt.exe"),
    ] {
        assert_eq!(body(&socket.said(typed).await), said);
    }
    let longest = "\u{10348}".repeat(4_000);
    assert_eq!(body(&socket.said(&longest).await), longest);
}

/// A store that takes no event fails only the append, as long as it renews leases. Otherwise it counts as one that does
/// not answer, and the connection ends, so that the page says so.
#[tokio::test]
async fn store_that_keeps_no_lease_closes_with_4005() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    store.make(StoreFault::StoresNothing);
    let id = at_ana.say("not now").await;
    assert_eq!(at_ana.answer(id).await, Err((ErrorCode::Storage, Some(1_000))));
    at_ana.is_well(1).await;

    store.make(StoreFault::Silent);
    at_ana.append(id, "not now").await;
    assert_eq!(at_ana.end().await, 4005);
    let mut early = ana.knock().await;
    early.send_text(r#"{"type":"hello","v":1}"#.to_owned()).await;
    assert_eq!(early.end().await, 4005, "a connection that cannot take a lease is not opened");
    store.heal();
    let mut back = ana.resume(at_ana.position()).await;
    assert!(back.welcome().recovered);
    back.append(id, "not now").await;
    assert_eq!(back.event().await.id, id);
}
