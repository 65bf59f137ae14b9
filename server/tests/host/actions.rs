//! Lock, remove, hand over and change the number of seats.

use protocol::{ErrorCode, EventKind, LeaveReason, RoomChange, RoomCode};
use serde_json::Value;
use testkit::browser::{Browser, Person, Socket};

use crate::deed::{Deed, ROADS, act, refusal};
use crate::support::Server;

const HELLO: &str = r#"{"type":"hello","v":1}"#;

/// A room with a host and two members, each with one socket. Taken apart in a second statement: what a `let` with `..`
/// does not name would be dropped at once.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) ana: Person,
    pub(crate) bo: Person,
    pub(crate) cy: Person,
    pub(crate) at_ana: Socket,
    pub(crate) at_bo: Socket,
    pub(crate) at_cy: Socket,
}

impl Scene {
    pub(crate) async fn set(flags: &[&str]) -> Self {
        let server = Server::start(flags).await;
        let ana = Person::create(&server, "Ana").await;
        let bo = Person::join(&server, ana.code, "Bo").await;
        let cy = Person::join(&server, ana.code, "Cy").await;
        let (at_ana, at_bo, at_cy) = (ana.connect().await, bo.connect().await, cy.connect().await);
        Self { server, ana, bo, cy, at_ana, at_bo, at_cy }
    }
}

/// Enters with this session. Returns the reason if that was refused.
pub(crate) async fn enter(browser: &mut Browser, code: RoomCode) -> Option<ErrorCode> {
    let answer = browser.call("/api/enter", &[("name", "Dee"), ("code", &code.to_string())]).await.json();
    refusal(&answer)
}

/// Code with which a new socket of this person is refused.
pub(crate) async fn knocks(person: &Person) -> u16 {
    let mut socket = person.knock().await;
    socket.send_text(HELLO.to_owned()).await;
    socket.end().await
}

/// The room as the calls of a page tell it.
pub(crate) async fn visit(person: &mut Person) -> Value {
    person.browser.call("/api/room_snapshot", &[("code", &person.code.to_string())]).await.json()
}

#[tokio::test]
async fn locked_room_takes_nobody_in_and_members_who_blinked_back() {
    for road in ROADS {
        let scene = Scene::set(&[]).await;
        let Scene { server, mut ana, mut bo, mut at_ana, at_bo, mut at_cy, .. } = scene;
        let mut stranger = Browser::new(&server);
        let lock = |on| EventKind::Settings(RoomChange { locked: Some(on), ..RoomChange::default() });
        act(road, &mut ana, &mut at_ana, Deed::Lock(true)).await.unwrap();
        let event = at_cy.event().await;
        assert_eq!((event.by, event.kind), (ana.me, lock(true)), "{road:?}");
        assert_eq!(enter(&mut stranger, ana.code).await, Some(ErrorCode::Locked));
        let mut outside = Person { browser: stranger.clone(), ..ana.clone() };
        assert_eq!(visit(&mut outside).await["Door"]["closed"], "locked");
        let seen = at_bo.position();
        drop(at_bo);
        at_cy.away(bo.me).await;
        assert_eq!(enter(&mut bo.browser, ana.code).await, None, "a member enters again");
        let mut back = bo.resume(seen).await;
        assert!(back.welcome().recovered && back.welcome().room.locked);
        assert_eq!(back.said("here").await.by, bo.me);
        act(road, &mut ana, &mut at_ana, Deed::Lock(false)).await.unwrap();
        assert_eq!(enter(&mut stranger, ana.code).await, None);
        assert_eq!(back.event().await.kind, lock(false));
    }
}

#[tokio::test]
async fn removed_member_is_closed_with_4504_and_gets_in_on_no_road() {
    for road in ROADS {
        let scene = Scene::set(&[]).await;
        let Scene { server, mut ana, mut bo, mut at_ana, mut at_bo, mut at_cy, .. } = scene;
        let mut other_tab = bo.connect().await;
        act(road, &mut ana, &mut at_ana, Deed::Remove(bo.me)).await.unwrap();
        assert_eq!((at_bo.end().await, other_tab.end().await), (4504, 4504), "{road:?}");
        let event = at_cy.event().await;
        assert_eq!((event.by, event.kind), (ana.me, EventKind::Left { member: bo.me, why: LeaveReason::Removed }));
        assert_eq!(knocks(&bo).await, 4504);
        assert_eq!(enter(&mut bo.browser, ana.code).await, Some(ErrorCode::Removed));
        let id = testkit::event_id().to_string();
        let code = bo.code.to_string();
        let message = [("code", &*code), ("id", &id), ("body", "let me in")];
        let posted = bo.browser.call("/api/post_message", &message).await.json();
        assert_eq!(refusal(&posted), Some(ErrorCode::NoSeat));
        assert_eq!(visit(&mut bo).await["Door"]["closed"], "removed");
        let mine = bo.browser.call("/api/my_rooms", &[("rooms", &format!("{code} 0 0"))]).await.json();
        assert_eq!(mine, serde_json::json!([]));
        // It is the session that cannot come back.
        assert_eq!(enter(&mut Browser::new(&server), ana.code).await, None);
        assert_eq!(at_cy.joined().await.1, "Dee");
    }
}

#[tokio::test]
async fn member_removed_and_locked_out_does_not_return_under_another_session() {
    for road in ROADS {
        let scene = Scene::set(&[]).await;
        let Scene { server, mut ana, bo, mut at_ana, mut at_bo, .. } = scene;
        act(road, &mut ana, &mut at_ana, Deed::RemoveAndLock(bo.me)).await.unwrap();
        assert_eq!(at_bo.end().await, 4504, "{road:?}");
        assert_eq!(enter(&mut bo.browser.clone(), ana.code).await, Some(ErrorCode::Removed));
        assert_eq!(enter(&mut Browser::new(&server), ana.code).await, Some(ErrorCode::Locked));
    }
}

#[tokio::test]
async fn member_who_is_not_there_cannot_be_removed_nor_become_the_host() {
    for road in ROADS {
        let scene = Scene::set(&[]).await;
        let Scene { mut ana, bo, mut at_ana, mut at_cy, .. } = scene;
        let gone = bo.me;
        bo.browser.clone().call("/api/leave_room", &[("code", &bo.code.to_string())]).await.json();
        assert_eq!(at_ana.left().await.0, gone);
        for (deed, error) in [
            (Deed::Remove(gone), ErrorCode::NoSeat),
            (Deed::HandOver(gone), ErrorCode::NoSeat),
            (Deed::Remove(ana.me), ErrorCode::NoSeat),
        ] {
            assert_eq!(act(road, &mut ana, &mut at_ana, deed).await, Err(error), "{road:?} {deed:?}");
        }
        assert_eq!(at_cy.left().await.0, gone);
        assert_eq!(at_ana.said("nothing between").await, at_cy.event().await);
    }
}

#[tokio::test]
async fn new_host_decides_and_the_old_one_is_refused() {
    for road in ROADS {
        let scene = Scene::set(&["--append-burst=50"]).await;
        let Scene { mut ana, mut bo, cy, mut at_ana, mut at_bo, mut at_cy, .. } = scene;
        act(road, &mut ana, &mut at_ana, Deed::HandOver(bo.me)).await.unwrap();
        let event = at_cy.event().await;
        assert_eq!((event.by, event.kind), (ana.me, EventKind::Host { member: bo.me }), "{road:?}");
        for deed in Deed::all(cy.me) {
            assert_eq!(act(road, &mut ana, &mut at_ana, deed).await, Err(ErrorCode::NotAllowed), "{road:?} {deed:?}");
        }
        assert_eq!(cy.connect().await.welcome().room.host, Some(bo.me));
        act(road, &mut bo, &mut at_bo, Deed::Remove(ana.me)).await.unwrap();
        assert_eq!(at_ana.end().await, 4504);
        assert_eq!(at_cy.event().await.kind, EventKind::Left { member: ana.me, why: LeaveReason::Removed });
    }
}

#[tokio::test]
async fn capacity_is_never_below_the_number_of_members() {
    for road in ROADS {
        let scene = Scene::set(&[]).await;
        let Scene { server, mut ana, mut at_ana, mut at_cy, .. } = scene;
        for seats in [0, 1, 2, 1_001] {
            let refused = act(road, &mut ana, &mut at_ana, Deed::Capacity(seats)).await;
            assert_eq!(refused, Err(ErrorCode::CapacityBad), "{road:?} {seats}");
        }
        act(road, &mut ana, &mut at_ana, Deed::Capacity(3)).await.unwrap();
        let three = RoomChange { capacity: Some(3), ..RoomChange::default() };
        assert_eq!(at_cy.event().await.kind, EventKind::Settings(three));
        let mut dee = Browser::new(&server);
        assert_eq!(enter(&mut dee, ana.code).await, Some(ErrorCode::Full));
        act(road, &mut ana, &mut at_ana, Deed::Capacity(4)).await.unwrap();
        assert_eq!(enter(&mut dee, ana.code).await, None);
        assert_eq!(ana.connect().await.welcome().room.capacity, 4);
    }
}

#[tokio::test]
async fn room_is_named_by_form_and_by_socket() {
    for road in ROADS {
        let scene = Scene::set(&[]).await;
        let Scene { mut ana, mut at_ana, mut at_cy, .. } = scene;
        assert_eq!(act(road, &mut ana, &mut at_ana, Deed::Name("a\u{202e}b")).await, Err(ErrorCode::RoomNameBad));
        for name in ["Chess", ""] {
            act(road, &mut ana, &mut at_ana, Deed::Name(name)).await.unwrap();
            let EventKind::Settings(RoomChange { name: Some(said), .. }) = at_cy.event().await.kind else { panic!() };
            assert_eq!(said.to_string(), name, "{road:?}");
        }
    }
}
