//! Limits per network address and in all, against the real server. Everybody here has the address 127.0.0.1.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "support/server.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use hyper::{StatusCode, header, header::HeaderName};
use protocol::{CloseCode, RoomCode, ServerFrame};
use serde_json::Value;
use server::entropy;
use testkit::browser::{Browser, Person};
use testkit::http::form;
use testkit::node::Program;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::support::Server;

const NO_ROOM: &str = "ZZZZ-ZZZZ";
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Fails unless a page or call was answered with 429 and a wait of up to this many seconds.
fn assert_waits(answer: &testkit::http::Answer, most: u64) {
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.body);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=most).contains(&wait), "{wait} s");
}

/// Returns the time to wait, in milliseconds, that a form's answer tells.
fn refused_for(answer: &Value) -> Option<u64> {
    let refused = &answer["refused"];
    (refused["error"] == "rate").then(|| refused["retry_ms"].as_u64().expect("a wait"))
}

#[tokio::test]
async fn class_of_30_on_one_address_joins_on_default_settings() {
    assert_class_joins(30, &[]).await;
}

/// With what DEPLOY.md says for 200.
#[tokio::test]
async fn class_of_200_on_one_address_joins_as_configured() {
    let flags = ["--wrong-codes=400,60", "--joins=400,100", "--forms=4000,2000", "--sockets-per-address=1000"];
    assert_class_joins(200, &flags).await;
}

async fn assert_class_joins(students: usize, flags: &[&str]) {
    let server = Server::limited(flags).await;
    let mut ada = Browser::new(&server);
    let (code, me) = ada.enter(&[("name", "Ms Ada"), ("capacity", "1000")]).await;
    let teacher = Person { browser: ada, code, me };
    let mut class = tokio::task::JoinSet::new();
    // More would only wait for each other on a slow machine.
    let at_once = Arc::new(Semaphore::new(30));
    for n in 0..students {
        let (mut browser, code, page) = (Browser::new(&server), teacher.code, teacher.page());
        let at_once = at_once.clone();
        class.spawn(async move {
            let _turn = at_once.acquire_owned().await.unwrap();
            assert_eq!(browser.get(&page).await.status, StatusCode::OK, "the page that the link opens");
            let (code, me) = browser.enter(&[("name", &format!("Student {n}")), ("code", &code.to_string())]).await;
            let mut student = Person { browser, code, me };
            for _ in 0..3 {
                student.connect().await;
                assert_eq!(student.browser.get(&page).await.status, StatusCode::OK, "a reload");
            }
            student.connect().await
        });
    }
    let inside = timeout(Duration::from_secs(60), class.join_all()).await.expect("within a minute");
    assert_eq!(inside.len(), students);
    let mut late = Browser::new(&server);
    assert_eq!(late.get(&format!("/room/{NO_ROOM}")).await.status, StatusCode::NOT_FOUND, "tokens are left for a typo");
}

/// A way to try a code.
#[derive(Clone, Copy, Debug)]
enum Road {
    Page,
    Picture,
    Socket,
    Enter,
    Post,
    Leave,
    Manage,
    Snapshot,
    Older,
    Quoted,
    MyRooms,
}

/// Tries a code. Returns true if the answer says no more than that there have been too many.
async fn is_limited(road: Road, person: &Person, code: &str) -> bool {
    let mut browser = person.browser.clone();
    let id = entropy::event_id().to_string();
    let called = |answer: testkit::http::Answer| {
        let is_limited = answer.status == StatusCode::TOO_MANY_REQUESTS;
        if is_limited {
            assert_waits(&answer, 60);
        }
        is_limited
    };
    let refused = |answer: Value| refused_for(&answer).inspect(|wait| assert!(*wait <= 60_000)).is_some();
    match road {
        Road::Page => called(browser.get(&format!("/room/{code}")).await),
        Road::Picture => called(browser.get(&format!("/room/{code}/qr.svg")).await),
        Road::Socket => {
            let mut handshake = person.handshake();
            handshake.code = code.to_owned();
            let mut socket = handshake.open().await.unwrap();
            socket.send_text(r#"{"type":"hello","v":1}"#.to_owned()).await;
            let ServerFrame::Bye { code, retry_ms, .. } = socket.frame().await else { panic!("no bye") };
            let is_limited = code == CloseCode::StoreUnavailable.number();
            assert_eq!(is_limited, retry_ms.is_some());
            is_limited
        }
        Road::Enter => refused(browser.call("/api/enter", &[("name", "Eve"), ("code", code)]).await.json()),
        Road::Post => {
            refused(browser.call("/api/post_message", &[("code", code), ("id", &id), ("body", "hi")]).await.json())
        }
        Road::Leave => refused(browser.call("/api/leave_room", &[("code", code)]).await.json()),
        Road::Manage => refused(
            browser.call("/api/manage_room", &[("code", code), ("action", "lock"), ("value", "on")]).await.json(),
        ),
        Road::Snapshot => called(browser.call("/api/room_snapshot", &[("code", code)]).await),
        Road::Older => called(browser.call("/api/older_page", &[("code", code), ("before", "9")]).await),
        Road::Quoted => called(browser.call("/api/quoted_message", &[("code", code), ("id", &id)]).await),
        Road::MyRooms => called(browser.call("/api/my_rooms", &[("rooms", &format!("{code} 0 0"))]).await),
    }
}

/// Room whose code is tried.
#[derive(Clone, Copy, Debug)]
enum Room {
    None,
    Full,
    Locked,
    /// Has another code by now.
    Renewed,
    /// Eve was removed from it.
    Removed,
}

/// Makes a room in which Eve has no seat, and returns its code.
async fn make_room(server: &Server, room: Room, eve: &mut Person) -> String {
    let mut ana = Browser::new(server);
    let (code, me) = ana.enter(&[("name", "Ana"), ("capacity", "2")]).await;
    let code = code.to_string();
    let mut manage = async |action, member: &str, value| {
        let form = [("code", &*code), ("action", action), ("member", member), ("value", value)];
        let answer = ana.call("/api/manage_room", &form).await.json();
        assert_eq!(answer["refused"], Value::Null, "{action}");
    };
    match room {
        Room::None => return NO_ROOM.to_owned(),
        Room::Full => drop(Person::join(server, code.parse().unwrap(), "Bo").await),
        Room::Locked => manage("lock", "", "on").await,
        Room::Renewed => manage("renew_code", "", "").await,
        Room::Removed => {
            let joined = eve.browser.call("/api/enter", &[("name", "Eve"), ("code", &code)]).await.json();
            let member = joined["member"].as_str().expect("a seat").to_owned();
            assert_ne!(member, me.to_string());
            manage("remove", &member, "").await;
        }
    }
    code
}

#[tokio::test]
async fn every_try_of_a_code_without_a_seat_takes_one_token_on_every_road() {
    use Road::*;
    for road in [Page, Picture, Socket, Enter, Post, Leave, Manage, Snapshot, Older, Quoted, MyRooms] {
        for room in [Room::None, Room::Full, Room::Locked, Room::Renewed, Room::Removed] {
            let server = Server::limited(&["--wrong-codes=3,1"]).await;
            let mut eve = Person::create(&server, "Eve").await;
            let code = make_room(&server, room, &mut eve).await;
            for nth in 1..=3 {
                assert!(!is_limited(road, &eve, &code).await, "{road:?}, {room:?}, try {nth}");
            }
            for other in [road, Page, Enter, Socket] {
                assert!(is_limited(other, &eve, &code).await, "{other:?} after {road:?}, {room:?}");
            }
            let own: RoomCode = eve.code;
            for free in [Page, Picture, Enter, Snapshot, Older, MyRooms] {
                assert!(!is_limited(free, &eve, &own.to_string()).await, "{free:?}: a member is not limited");
            }
            eve.connect().await;
        }
    }
}

/// Input before `hello` costs nothing, and has the same answer for each code.
#[tokio::test]
async fn socket_without_a_good_hello_says_nothing_about_its_code() {
    let server = Server::limited(&["--wrong-codes=1,1"]).await;
    let ana = Person::create(&server, "Ana").await;
    let eve = Person::create(&server, "Eve").await;
    for code in [ana.code.to_string(), NO_ROOM.to_owned(), ana.code.to_string(), NO_ROOM.to_owned()] {
        let mut handshake = eve.handshake();
        handshake.code = code;
        let mut socket = handshake.open().await.unwrap();
        socket.send_text("{}".to_owned()).await;
        let ServerFrame::Bye { code, .. } = socket.frame().await else { panic!("no bye") };
        assert_eq!(code, CloseCode::BadFrame.number());
    }
    assert!(!is_limited(Road::Page, &eve, NO_ROOM).await, "the token is still there");
}

#[tokio::test]
async fn seat_that_is_taken_gives_the_token_back() {
    let server = Server::limited(&["--wrong-codes=1,1"]).await;
    let ana = Person::create(&server, "Ana").await;
    for n in 0..5 {
        Person::join(&server, ana.code, &format!("Bo {n}")).await;
    }
    assert!(!is_limited(Road::Page, &ana, NO_ROOM).await);
    let entry = Browser::new(&server).call("/api/enter", &[("name", "Eve"), ("code", &ana.code.to_string())]).await;
    assert!(refused_for(&entry.json()).is_some(), "without a token also a right code leads nowhere");
}

#[tokio::test]
async fn limited_form_comes_back_with_what_was_typed_and_the_seconds_to_wait() {
    let server = Server::limited(&["--wrong-codes=1,10"]).await;
    let mut eve = Browser::new(&server);
    eve.get("/").await;
    assert_eq!(eve.get(&format!("/room/{NO_ROOM}")).await.status, StatusCode::NOT_FOUND);
    let from = format!("/room/{NO_ROOM}");
    let id = entropy::event_id().to_string();
    let enter = [("name", "Eve of Ely"), ("code", NO_ROOM), ("intent", "join"), ("from", &from)];
    let post = [("code", NO_ROOM), ("id", &id), ("body", "a long letter")];
    for (path, fields, kept) in [
        ("/api/enter", form(&enter), &["Eve of Ely", NO_ROOM][..]),
        ("/api/post_message", form(&post), &["a long letter"]),
    ] {
        let answer = eve.ask("POST", path, "text/html", &[], fields).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"), "{path}");
        let home = eve.get("/").await;
        for words in kept.iter().chain(&["Try again in 6\u{20}s"]) {
            assert!(home.body.contains(words), "{path}: {words} in {}", home.body);
        }
    }
    let page = eve.get(&from).await;
    assert_waits(&page, 6);
    assert!(page.body.contains("<h1>") && page.body.contains("Try again in") && !page.body.contains("<script"));
    assert!(page.header("content-security-policy").contains("style-src 'self'"));
}

#[tokio::test]
async fn rooms_joins_and_forms_are_limited_per_address() {
    for (flag, allowed) in [("--new-rooms=2,1", 2), ("--forms=3,1", 3), ("--rooms=1", 1)] {
        let server = Server::limited(&[flag]).await;
        let mut open = Vec::new();
        for _ in 0..allowed {
            open.push(Person::create(&server, "Ana").await.connect().await);
        }
        let refused = Browser::new(&server).call("/api/enter", &[("name", "Ana")]).await.json();
        assert!(refused_for(&refused).is_some_and(|wait| (1_000..=60_000).contains(&wait)), "{flag}: {refused}");
    }
    let server = Server::limited(&["--joins=1,1"]).await;
    let ana = Person::create(&server, "Ana").await;
    Person::join(&server, ana.code, "Bo").await;
    let code = ana.code.to_string();
    let refused = Browser::new(&server).call("/api/enter", &[("name", "Cy"), ("code", &code)]).await.json();
    assert!(refused_for(&refused).is_some(), "{refused}");
    let server = Server::limited(&["--forms=1,1"]).await;
    let mut ana = Person::create(&server, "Ana").await;
    assert_waits(&ana.browser.call("/api/home", &[]).await, 60);
    assert_eq!(ana.browser.get("/").await.status, StatusCode::OK, "pages are no forms");
}

#[tokio::test]
async fn pages_that_wait_for_a_seat_leave_half_of_the_tries_to_others() {
    let server = Server::limited(&["--wrong-codes=8,1"]).await;
    let mut ana = Browser::new(&server);
    let (full, _) = ana.enter(&[("name", "Ana"), ("capacity", "2")]).await;
    Person::join(&server, full, "Bo").await;
    let (mut cy, full) = (Browser::new(&server), full.to_string());
    let waiting = [("code", &*full), ("again", "true")];
    for _ in 0..4 {
        assert_eq!(cy.call("/api/room_snapshot", &waiting).await.status, StatusCode::OK);
    }
    assert_waits(&cy.call("/api/room_snapshot", &waiting).await, 60);
    for _ in 0..4 {
        assert_eq!(cy.get(&format!("/room/{NO_ROOM}")).await.status, StatusCode::NOT_FOUND);
    }
    assert_waits(&cy.get(&format!("/room/{NO_ROOM}")).await, 60);
}

#[tokio::test]
async fn nobody_takes_a_seat_while_as_many_members_are_connected_as_may_be() {
    let server = Server::limited(&["--members=2"]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut bo = Person::join(&server, ana.code, "Bo").await;
    let (open, bos) = (ana.connect().await, bo.connect().await);
    let code = ana.code.to_string();
    let mut cy = Browser::new(&server);
    for form in [&[("name", "Cy")][..], &[("name", "Cy"), ("code", &code)]] {
        let refused = cy.call("/api/enter", form).await.json();
        assert!(refused_for(&refused).is_some_and(|wait| wait > 1_000), "{form:?}: {refused}");
    }
    let again = bo.browser.call("/api/enter", &[("name", "Bo"), ("code", &code)]).await.json();
    assert_eq!(again["refused"], Value::Null, "who has a seat is not counted twice");
    drop((open, bos));
    let free = async { while cy.call("/api/enter", &[("name", "Cy")]).await.json()["refused"] != Value::Null {} };
    timeout(Duration::from_secs(20), free).await.expect("places are given back");
}

#[tokio::test]
async fn open_sockets_are_limited_per_address_and_in_all() {
    for (flag, status) in [("--sockets-per-address=2", 429), ("--sockets=2", 503)] {
        let server = Server::limited(&[flag]).await;
        let ana = Person::create(&server, "Ana").await;
        let open = [ana.connect().await, ana.connect().await];
        assert_eq!(ana.handshake().open().await.err(), Some(status), "{flag}");
        drop(open);
        let free = async { while ana.handshake().open().await.is_err() {} };
        timeout(Duration::from_secs(20), free).await.expect("places are given back");
    }
}

#[tokio::test]
async fn sockets_of_strangers_leave_half_of_the_places_to_members() {
    let server = Server::limited(&["--sockets-per-address=4"]).await;
    let ana = Person::create(&server, "Ana").await;
    let eve = Person::create(&server, "Eve").await;
    let silent = || {
        let mut handshake = eve.handshake();
        handshake.code = NO_ROOM.to_owned();
        handshake.open()
    };
    let strangers = [silent().await.unwrap(), silent().await.unwrap()];
    assert_eq!(silent().await.err(), Some(429));
    let members = [ana.connect().await, eve.connect().await];
    assert_eq!(ana.handshake().open().await.err(), Some(429));
    drop((strangers, members));
}

#[tokio::test]
async fn addresses_behind_a_trusted_proxy_have_limits_of_their_own() {
    let server = Server::limited(&["--trusted-proxies=1", "--wrong-codes=1,1"]).await;
    let mut eve = Browser::new(&server);
    for (forwarded, status) in [
        (Some("192.0.2.1"), 404),
        (Some("192.0.2.1"), 429),
        (Some("6.6.6.6, 192.0.2.1"), 429),
        (Some("192.0.2.2"), 404),
        (Some("2001:db8:0:1::1"), 404),
        (Some("2001:db8:0:1:ffff::2"), 429),
        (Some("2001:db8:0:2::1"), 404),
        (Some("nonsense"), 404),
        (None, 429),
    ] {
        let headers: Vec<_> = forwarded.into_iter().map(|value| (FORWARDED_FOR, value)).collect();
        let page = eve.ask("GET", &format!("/room/{NO_ROOM}"), "text/html", &headers, String::new()).await;
        assert_eq!(page.status.as_u16(), status, "{forwarded:?}");
    }
}

#[tokio::test]
async fn proxy_that_nobody_configured_turns_limits_per_address_off_and_warns_once() {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("RUST_LOG", "warn"), ("WRONG_CODES", "1,1")].map(|(name, value)| (name, value.to_owned()));
    let mut server =
        Program::new(env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"), environment.into());
    let stderr = server.start_listened().await;
    let mut eve = Browser { address: server.address, cookie: None };
    for _ in 0..3 {
        for name in [FORWARDED_FOR, header::FORWARDED] {
            let headers = [(name, "192.0.2.1")];
            let page = eve.ask("GET", &format!("/room/{NO_ROOM}"), "text/html", &headers, String::new()).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND);
        }
    }
    server.terminate(Duration::from_secs(10)).await;
    let log = stderr.await.unwrap().unwrap();
    assert_eq!(log.matches("TRUSTED_PROXIES is 0").count(), 1, "{log}");
    assert!(!log.contains("192.0.2.1"), "{log}");
}
