//! Ends: of the room, by its host, and of the host's stay.

use hyper::StatusCode;
use protocol::{ErrorCode, EventKind, LeaveReason};
use store::{Store as _, StoreError};
use testkit::browser::{Browser, Person};

use crate::actions::{Scene, enter, knocks};
use crate::deed::{Deed, ROADS, act, by_form};
use crate::support::Server;

#[tokio::test]
async fn room_that_the_host_ends_closes_every_socket_with_4509_and_frees_its_codes() {
    for road in ROADS {
        let (server, store) = Server::troubled(&[]).await;
        let mut ana = Person::create(&server, "Ana").await;
        let bo = Person::join(&server, ana.code, "Bo").await;
        let mut sockets = [bo.connect().await, bo.connect().await, ana.connect().await];
        let mut at_ana = ana.connect().await;
        let mut codes = vec![ana.code];
        for _ in 0..3 {
            act(road, &mut ana, &mut at_ana, Deed::RenewCode).await.unwrap();
            codes.push(ana.connect().await.welcome().room.code);
        }
        act(road, &mut ana, &mut at_ana, Deed::End).await.unwrap();
        for socket in &mut sockets {
            let mut last = socket.event().await;
            while last.kind != EventKind::Ended {
                last = socket.event().await;
            }
            assert_eq!((last.by, socket.end().await), (ana.me, 4509), "{road:?}");
        }
        assert_eq!(at_ana.end().await, 4509);
        for code in codes {
            assert!(matches!(store.resolve(code).await, Err(StoreError::NotFound)), "{road:?}");
            for person in [&ana, &bo] {
                let mut person = Person { code, ..person.clone() };
                assert_eq!(knocks(&person).await, 4502);
                assert_eq!(person.browser.get(&person.page()).await.status, StatusCode::NOT_FOUND);
                assert_eq!(by_form(&mut person, Deed::End).await, Err(ErrorCode::CodeUnknown));
                assert_eq!(enter(&mut person.browser, code).await, Some(ErrorCode::CodeUnknown));
            }
        }
    }
}

#[tokio::test]
async fn member_who_has_been_there_longest_follows_the_host_who_leaves() {
    let scene = Scene::set(&["--grace-ms=1500"]).await;
    let Scene { mut ana, mut bo, cy, at_ana, mut at_bo, mut at_cy, .. } = scene;
    // By choice.
    let mut leaving = ana.browser.clone();
    leaving.call("/api/leave_room", &[("code", &ana.code.to_string())]).await.json();
    assert_eq!(at_cy.left().await, (ana.me, LeaveReason::Choice));
    let event = at_cy.event().await;
    assert_eq!((event.by, event.kind), (bo.me, EventKind::Host { member: bo.me }));
    drop(at_ana);
    assert_eq!(enter(&mut ana.browser, ana.code).await, None);
    let mut at_ana = ana.connect().await;
    assert_eq!(by_form(&mut ana, Deed::Lock(true)).await, Err(ErrorCode::NotAllowed), "it is not given back");
    act(ROADS[1], &mut bo, &mut at_bo, Deed::Name("Mine")).await.unwrap();
    // By vanishing. Cy has been there longer than Ana, who came back.
    drop(at_bo);
    at_ana.away(bo.me).await;
    while at_ana.event().await.kind != (EventKind::Left { member: bo.me, why: LeaveReason::Vanished }) {}
    let event = at_ana.event().await;
    assert_eq!((event.by, event.kind), (cy.me, EventKind::Host { member: cy.me }));
    act(ROADS[1], &mut cy.clone(), &mut cy.connect().await, Deed::Lock(true)).await.unwrap();
}

#[tokio::test]
async fn form_of_a_page_without_script_leads_on_to_the_room_as_it_is_then() {
    let scene = Scene::set(&[]).await;
    let Scene { server, mut ana, mut bo, .. } = scene;
    let old = ana.code;
    let submit = async |person: &mut Person, deed: Deed| {
        let body = deed.form(&old.to_string());
        let answer = person.browser.ask("POST", "/api/manage_room", "text/html", &[], body).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{deed:?}");
        answer.header("location").to_owned()
    };
    assert_eq!(submit(&mut ana, Deed::Lock(true)).await, format!("/room/{old}/host"));
    assert_eq!(submit(&mut ana, Deed::RenewCode).await, {
        let code = ana.connect().await.welcome().room.code;
        assert_ne!(code, old);
        format!("/room/{code}/host")
    });
    // A refusal is shown by the page that it leads to.
    let to = submit(&mut ana, Deed::Capacity(1)).await;
    let shown = ana.browser.get(&to).await;
    assert_eq!((shown.status, shown.body.contains(r#"role="alert""#)), (StatusCode::OK, true), "{to}: {}", shown.body);
    let to = submit(&mut bo, Deed::Lock(false)).await;
    assert_eq!(bo.browser.get(&to).await.status, StatusCode::SEE_OTHER, "{to} is the host's");
    let stranger = Browser::new(&server).get(&to).await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER);
    assert!(submit(&mut ana, Deed::End).await.ends_with("?left"));
}
