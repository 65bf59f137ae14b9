//! Seats and rooms: what frees a seat and ends a room (leaving, expired leases), and what does not (reload, restart).

use std::collections::HashSet;
use std::time::Duration;

use hyper::StatusCode;
use protocol::{ClientFrame, EventKind, LeaveReason};
use testkit::faulty::StoreFault;
use testkit::within;
use tokio::time::{Instant, sleep};

use crate::support::Server;
use testkit::browser::{Browser, Person, body};

const GRACE: Duration = Duration::from_millis(1_500);
const SHORT_GRACE: &str = "--grace-ms=1500";
const HELLO: &str = r#"{"type":"hello","v":1}"#;

/// Waits until the room's page answers 404. Requests from outside renew no lease.
async fn wait_until_the_room_has_ended(server: &Server, page: &str) {
    let mut stranger = Browser::new(server);
    within(async {
        while stranger.get(page).await.status != StatusCode::NOT_FOUND {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn leave_closes_every_connection_of_the_member_with_1000() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_bo = bo.connect().await;
    let (mut tab, mut other_tab) = (ana.connect().await, ana.connect().await);
    tab.send(&ClientFrame::Leave).await;
    assert_eq!(tab.end().await, 1000);
    assert_eq!(other_tab.end().await, 1000);
    assert_eq!(at_bo.left().await, (ana.me, LeaveReason::Choice));
    assert_eq!(at_bo.event().await.kind, EventKind::Host { member: bo.me });
    at_bo.is_well(1).await;

    let mut late = ana.knock().await;
    late.send_text(HELLO.to_owned()).await;
    assert_eq!(late.end().await, 4501);
    // A member who left may enter again, with the same member id.
    let mut browser = ana.browser.clone();
    let (_, me) = browser.enter(&[("name", "Ana again"), ("code", &ana.code.to_string())]).await;
    assert_eq!(me, ana.me);
    assert_eq!(at_bo.joined().await, (ana.me, "Ana again".to_owned()));
    let said = ana.connect().await.said("Here again").await;
    assert_eq!(at_bo.event().await, said);
}

#[tokio::test]
async fn leave_form_closes_the_connections_of_the_member_with_1000() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let answer = ana.browser.submit("/api/leave_room", &[("code", &ana.code.to_string())]).await;
    let left = format!("/room/{}?left", ana.code);
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, &*left));
    assert_eq!(at_ana.end().await, 1000);
    assert_eq!(at_bo.left().await, (ana.me, LeaveReason::Choice));
}

#[tokio::test]
async fn room_ends_when_its_last_member_leaves() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let mut socket = ana.connect().await;
    socket.said("nobody will read this").await;
    socket.send(&ClientFrame::Leave).await;
    assert_eq!(socket.end().await, 1000);
    let page = ana.browser.get(&ana.page()).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.body.contains("There is no room with this code"));
    assert!(!page.body.contains("nobody will read this"));
    let mut late = ana.knock().await;
    late.send_text(HELLO.to_owned()).await;
    assert_eq!(late.end().await, 4502);
    let refused = ana.browser.call("/api/enter", &[("name", "Ana"), ("code", &ana.code.to_string())]).await.json();
    assert_eq!(refused["refused"]["error"], "code_unknown");
}

#[tokio::test]
async fn seat_freed_while_a_connection_opens_closes_with_4501_or_4502() {
    let (server, store) = Server::troubled(&[]).await;
    for (alone, code) in [(true, 4502), (false, 4501)] {
        let ana = Person::create(&server, "Ana").await;
        if !alone {
            Person::join(&server, ana.code, "Bo").await;
        }
        store.make(StoreFault::LosesSeat(ana.me, LeaveReason::Vanished));
        let mut socket = ana.knock().await;
        socket.send_text(HELLO.to_owned()).await;
        assert_eq!(socket.end().await, code, "alone: {alone}");
    }
}

#[tokio::test]
async fn seat_freed_before_a_lease_renewal_closes_with_the_code_of_its_reason() {
    let (server, store) = Server::troubled(&["--grace-ms=900"]).await;
    for (why, alone, code) in [
        (LeaveReason::Vanished, true, 4509),
        (LeaveReason::Choice, true, 1000),
        (LeaveReason::Vanished, false, 4501),
        (LeaveReason::Choice, false, 1000),
    ] {
        let ana = Person::create(&server, "Ana").await;
        let mut at_ana = ana.connect().await;
        let _at_bo = if alone { None } else { Some(Person::join(&server, ana.code, "Bo").await.connect().await) };
        store.make(StoreFault::LosesSeat(ana.me, why));
        assert_eq!(at_ana.end().await, code, "{why:?}, alone: {alone}");
    }
}

#[tokio::test]
async fn single_renewals_that_find_no_seat_do_not_close_the_connection() {
    let (server, store) = Server::troubled(&[SHORT_GRACE]).await;
    let mut at_ana = Person::create(&server, "Ana").await.connect().await;
    // Every third renewal finds no seat.
    store.make(StoreFault::ThrowsOut);
    within(async {
        while store.counted() < 7 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    at_ana.is_well(1).await;
}

#[tokio::test]
async fn vanished_member_leaves_after_the_grace_period() {
    let server = Server::start(&[SHORT_GRACE]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, at_bo) = (ana.connect().await, bo.connect().await);
    let gone = Instant::now();
    drop(at_bo);
    assert_eq!(at_ana.left().await, (bo.me, LeaveReason::Vanished));
    assert!(gone.elapsed() >= GRACE, "after {:?}", gone.elapsed());
    let mut late = bo.knock().await;
    late.send_text(HELLO.to_owned()).await;
    assert_eq!(late.end().await, 4501);
    // Ana's connection has kept her seat for longer than the grace period.
    at_ana.said("Where is Bo?").await;
}

/// The store appends none of the events before all of them are in flight.
#[tokio::test]
async fn seats_of_vanished_members_are_freed_concurrently() {
    const SEATS: usize = 16;
    let (server, store) = Server::troubled(&["--arrival-ms=300"]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    store.make(StoreFault::Gathers(SEATS));
    let mut gone = HashSet::new();
    for n in 0..SEATS {
        gone.insert(Person::join(&server, ana.code, &format!("Bo {n}")).await.me);
    }
    while !gone.is_empty() {
        if let EventKind::Left { member, why } = at_ana.event().await.kind {
            assert!(why == LeaveReason::Vanished && gone.remove(&member));
        }
    }
}

#[tokio::test]
async fn connection_takes_its_lease_once_and_renews_it_a_third_of_the_grace_period_later() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    for n in 0..3 {
        at_ana.is_well(n).await;
    }
    assert_eq!(store.acquired_leases(), 1, "the grace period is two minutes");

    let (server, store) = Server::troubled(&["--grace-ms=300"]).await;
    let ana = Person::create(&server, "Ana").await;
    let _at_ana = ana.connect().await;
    within(async {
        while store.acquired_leases() < 3 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn reconnect_within_the_grace_period_appends_no_event() {
    let server = Server::start(&[SHORT_GRACE]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let chidi = Person::join(&server, ana.code, "Chidi").await;
    let (mut at_ana, at_bo, at_chidi) = (ana.connect().await, bo.connect().await, chidi.connect().await);
    let position = at_bo.position();
    drop(at_bo);
    let mut back = bo.resume(position).await;
    assert!(back.welcome().recovered);
    // Chidi disconnects after Bo did. When his grace period has passed, Bo's would have, too.
    drop(at_chidi);
    assert_eq!(at_ana.left().await, (chidi.me, LeaveReason::Vanished));
    assert_eq!(back.left().await, (chidi.me, LeaveReason::Vanished));
    let said = back.said("I never left").await;
    assert_eq!(at_ana.event().await, said);
}

#[tokio::test]
async fn end_of_one_of_two_connections_keeps_the_seat() {
    let server = Server::start(&[SHORT_GRACE]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let chidi = Person::join(&server, ana.code, "Chidi").await;
    let mut at_ana = ana.connect().await;
    let (tab, mut other_tab) = (bo.connect().await, bo.connect().await);
    let at_chidi = chidi.connect().await;
    drop(tab);
    drop(at_chidi);
    assert_eq!(at_ana.left().await, (chidi.me, LeaveReason::Vanished));
    assert_eq!(other_tab.left().await.0, chidi.me);
    other_tab.said("Still here").await;
}

#[tokio::test]
async fn room_ends_when_its_last_member_vanishes() {
    let server = Server::start(&["--grace-ms=300"]).await;
    let ana = Person::create(&server, "Ana").await;
    drop(ana.connect().await);
    wait_until_the_room_has_ended(&server, &ana.page()).await;
}

#[tokio::test]
async fn room_ends_when_its_only_arrival_lease_expires() {
    let server = Server::start(&["--arrival-ms=500"]).await;
    let began = Instant::now();
    let ana = Person::create(&server, "Ana").await;
    assert_eq!(Browser::new(&server).get(&ana.page()).await.status, StatusCode::OK);
    wait_until_the_room_has_ended(&server, &ana.page()).await;
    assert!(began.elapsed() >= Duration::from_millis(500), "after {:?}", began.elapsed());
}

#[tokio::test]
async fn page_without_a_connection_keeps_its_seat() {
    let server = Server::start(&["--arrival-ms=300", "--grace-ms=300"]).await;
    let mut ana = Person::create(&server, "Ana").await;
    assert!(ana.browser.get(&ana.page()).await.body.contains("Messages"));
    // Bo joins later and never loads the page. When his seat is freed, Ana's arrival lease would have expired, too.
    Person::join(&server, ana.code, "Bo").await;
    let mut stranger = Browser::new(&server);
    within(async {
        while !stranger.get(&ana.page()).await.body.contains("1 person is inside") {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    ana.connect().await;
}

#[tokio::test]
async fn reload_never_ends_the_room() {
    let server = Server::start(&["--grace-ms=1000"]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let mut socket = ana.connect().await;
    let said = socket.said("still here?").await;
    for _ in 0..20 {
        drop(socket);
        let page = ana.browser.get(&ana.page()).await;
        assert!(page.status == StatusCode::OK && page.body.contains("still here?"));
        socket = ana.connect().await;
        assert_eq!(socket.replay.last(), Some(&said), "somebody joined or left");
    }
}

#[tokio::test]
async fn restart_keeps_every_seat_and_resumes_connections() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let mut bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    at_ana.said("before").await;
    at_bo.event().await;
    let position = at_bo.position();
    at_ana.said("missed by Bo").await;
    let restarted = tokio::spawn(server.restart());
    assert_eq!(at_ana.end().await, 1001);
    assert_eq!(at_bo.end().await, 1001);
    drop((at_ana, at_bo));
    let server = within(restarted).await.unwrap();
    ana.follow(&server);
    bo.follow(&server);

    let mut at_bo = bo.resume(position).await;
    assert!(at_bo.welcome().recovered);
    assert_eq!(at_bo.replay.iter().map(body).collect::<Vec<_>>(), ["missed by Bo"]);
    assert_eq!((at_bo.welcome().member, at_bo.welcome().members.len()), (bo.me, 2));
    let mut at_ana = ana.connect().await;
    assert_eq!(at_ana.replay.len(), 4, "two `joined`, two messages");
    let said = at_ana.said("after").await;
    assert_eq!(at_bo.event().await, said);
    assert!(ana.browser.get(&ana.page()).await.body.contains("missed by Bo"));
}

#[tokio::test]
async fn member_who_does_not_return_after_a_restart_vanishes() {
    let server = Server::start(&[SHORT_GRACE]).await;
    let ana = Person::create(&server, "Ana").await;
    let at_ana = ana.connect().await;
    drop(at_ana);
    let began = Instant::now();
    let server = server.restart().await;
    assert_eq!(Browser::new(&server).get(&ana.page()).await.status, StatusCode::OK);
    wait_until_the_room_has_ended(&server, &ana.page()).await;
    assert!(began.elapsed() >= GRACE, "after {:?}", began.elapsed());
}

#[tokio::test]
async fn shutdown_closes_every_connection_with_1001() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut greeted = ana.connect().await;
    let mut silent = ana.knock().await;
    server.shut_down();
    assert_eq!(greeted.end().await, 1001);
    assert_eq!(silent.end().await, 1001);
    server.stop().await;
}
