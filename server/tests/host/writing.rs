//! Permission to write, and how often.

use std::time::Duration;

use protocol::{ErrorCode, EventKind, Proposal, RoomChange};
use serde_json::{Value, json};
use server::entropy;
use testkit::browser::{Person, Socket};
use testkit::event_id;
use tokio::time::sleep;

use crate::actions::Scene;
use crate::deed::{Deed, ROADS, Road, act, refusal};

/// Writes a message. A refusal comes with the time to wait, if there is one.
async fn write(
    road: Road,
    person: &mut Person,
    socket: &mut Socket,
    body: &str,
) -> Result<(), (ErrorCode, Option<u64>)> {
    let id = event_id();
    if road == Road::Socket {
        socket.append(id, body).await;
        return socket.answer(id).await.map(drop);
    }
    let (code, id) = (person.code.to_string(), id.to_string());
    let fields = [("code", &*code), ("id", &*id), ("body", body)];
    let answer: Value = person.browser.call("/api/post_message", &fields).await.json();
    refusal(&answer).map_or(Ok(()), |error| Err((error, answer["refused"]["retry_ms"].as_u64())))
}

/// Everything that was said in the room.
async fn said(person: &Person) -> Vec<String> {
    let replay = person.connect().await.replay;
    let body = |event: &protocol::Event| match &event.kind {
        EventKind::Message { body: Some(body), .. } => Some(body.as_str().to_owned()),
        _ => None,
    };
    replay.iter().filter_map(body).collect()
}

#[tokio::test]
async fn form_and_socket_share_one_interval_of_slow_mode_and_the_host_has_none() {
    const HOUR_MS: u32 = 3_600_000;
    for road in ROADS {
        let scene = Scene::set(&[]).await;
        let Scene { mut ana, mut bo, mut at_ana, mut at_bo, mut at_cy, .. } = scene;
        let refused = act(road, &mut ana, &mut at_ana, Deed::Slow(HOUR_MS + 1)).await;
        assert_eq!(refused, Err(ErrorCode::NotAllowed), "{road:?}: longer than an hour");
        act(road, &mut ana, &mut at_ana, Deed::Slow(HOUR_MS)).await.unwrap();
        // Whoever has read it knows that the server's sessions know it, too.
        assert!(matches!(at_cy.event().await.kind, EventKind::Settings(_)), "{road:?}");
        write(road, &mut bo, &mut at_bo, "first").await.unwrap();
        for again in ROADS {
            let (error, wait) = write(again, &mut bo, &mut at_bo, "again").await.unwrap_err();
            assert_eq!(error, ErrorCode::Rate, "{again:?} after {road:?}");
            assert!(wait.is_some_and(|ms| (1..=u64::from(HOUR_MS) + 1).contains(&ms)), "{again:?}: {wait:?}");
        }
        let other_tab = &mut bo.connect().await;
        assert!(write(Road::Socket, &mut bo, other_tab, "again").await.is_err(), "of the member, not of the socket");
        for own in [Road::Form, Road::Form, Road::Socket, Road::Socket] {
            write(own, &mut ana, &mut at_ana, "host").await.unwrap();
        }
        act(road, &mut ana, &mut at_ana, Deed::HandOver(bo.me)).await.unwrap();
        while !matches!(at_cy.event().await.kind, EventKind::Host { .. }) {}
        write(road, &mut bo, &mut at_bo, "new host").await.unwrap();
        act(road, &mut bo, &mut at_bo, Deed::Slow(0)).await.unwrap();
        while !matches!(at_cy.event().await.kind, EventKind::Settings(RoomChange { slow_ms: Some(0), .. })) {}
        for own in ROADS {
            write(own, &mut ana, &mut at_ana, "old host").await.unwrap();
        }
        assert_eq!(said(&ana).await, ["first", "host", "host", "host", "host", "new host", "old host", "old host"]);
    }
}

#[tokio::test]
async fn member_in_slow_mode_may_write_after_the_time_that_was_told() {
    const INTERVAL_MS: u32 = 1_000;
    let scene = Scene::set(&[]).await;
    let Scene { mut ana, mut bo, mut at_ana, mut at_bo, .. } = scene;
    act(Road::Socket, &mut ana, &mut at_ana, Deed::Slow(INTERVAL_MS)).await.unwrap();
    assert!(matches!(at_bo.event().await.kind, EventKind::Settings(_)));
    for (road, other) in [(Road::Socket, Road::Form), (Road::Form, Road::Socket)] {
        write(road, &mut bo, &mut at_bo, "first").await.unwrap();
        let (_, wait) = write(other, &mut bo, &mut at_bo, "second").await.unwrap_err();
        sleep(Duration::from_millis(wait.unwrap())).await;
        write(other, &mut bo, &mut at_bo, "second").await.unwrap();
        let (_, wait) = write(road, &mut bo, &mut at_bo, "third").await.unwrap_err();
        sleep(Duration::from_millis(wait.unwrap())).await;
    }
    assert_eq!(said(&bo).await, ["first", "second", "first", "second"]);
}

/// The page of a form is still there after "back", with the id of the message that was sent from it.
#[tokio::test]
async fn other_words_under_the_id_of_a_form_wait_in_slow_mode_and_the_same_words_do_not() {
    let scene = Scene::set(&[]).await;
    let Scene { mut ana, mut bo, mut at_ana, .. } = scene;
    act(Road::Socket, &mut ana, &mut at_ana, Deed::Slow(60_000)).await.unwrap();
    let (code, id) = (bo.code.to_string(), entropy::event_id().to_string());
    let mut post = async |body| {
        let fields = [("code", &*code), ("id", &*id), ("body", body)];
        bo.browser.call("/api/post_message", &fields).await.json()["refused"]["error"].clone()
    };
    assert_eq!(post("first").await, json!(null));
    assert_eq!(post("first").await, json!(null));
    assert_eq!(post("second").await, json!("rate"));
    assert_eq!(said(&ana).await, ["first"]);
}

/// At the rate of messages they would push what the host said out of the log within minutes.
#[tokio::test]
async fn names_reactions_and_edits_are_few_where_the_host_restricts_writing() {
    for restriction in [Deed::Slow(60_000), Deed::HostOnly(true)] {
        let scene = Scene::set(&["--append-burst=100", "--appends-per-second=100"]).await;
        let Scene { mut ana, mut at_ana, mut at_bo, .. } = scene;
        write(Road::Socket, &mut ana, &mut at_ana, "read this").await.unwrap();
        let target = at_bo.event().await.id;
        let reacted = |on| Proposal::Reacted { target, emoji: "\u{1f44d}".to_owned(), on };
        act(Road::Socket, &mut ana, &mut at_ana, restriction).await.unwrap();
        while !matches!(at_bo.event().await.kind, EventKind::Settings(_)) {}
        for nth in 0..10 {
            let event =
                if nth % 2 == 0 { reacted(nth % 4 == 0) } else { Proposal::Renamed { name: format!("Bo {nth}") } };
            at_bo.asked(event).await.unwrap();
        }
        assert_eq!(at_bo.asked(reacted(true)).await, Err(ErrorCode::Rate), "{restriction:?}");
        assert_eq!(at_bo.asked(Proposal::Renamed { name: "Bob".to_owned() }).await, Err(ErrorCode::Rate));
        for nth in 0..12 {
            at_ana.asked(reacted(nth % 2 == 0)).await.expect("the host is not restricted");
        }
    }
}

#[tokio::test]
async fn nobody_but_the_host_writes_while_that_is_set() {
    for road in ROADS {
        let scene = Scene::set(&[]).await;
        let Scene { mut ana, mut bo, mut at_ana, mut at_bo, .. } = scene;
        let target = at_bo.said("before").await.id;
        act(road, &mut ana, &mut at_ana, Deed::HostOnly(true)).await.unwrap();
        for by in ROADS {
            assert_eq!(write(by, &mut bo, &mut at_bo, "may I?").await, Err((ErrorCode::HostOnly, None)), "{by:?}");
            write(by, &mut ana, &mut at_ana, "host").await.unwrap();
        }
        let edit = Proposal::Edited { target, body: "may I?".to_owned() };
        assert_eq!(at_bo.asked(edit).await, Err(ErrorCode::HostOnly));
        assert!(bo.connect().await.welcome().room.host_only);
        act(road, &mut ana, &mut at_ana, Deed::HostOnly(false)).await.unwrap();
        write(road, &mut bo, &mut at_bo, "after").await.unwrap();
        assert_eq!(said(&bo).await, ["before", "host", "host", "after"], "{road:?}");
    }
}
