//! Refusals of members who are not the host, and of strangers.

use protocol::ErrorCode;
use testkit::browser::Person;

use crate::actions::Scene;
use crate::deed::{Deed, ROADS, act, by_form};

#[tokio::test]
async fn member_who_is_not_the_host_is_refused_everything_and_the_log_has_nothing_of_it() {
    for road in ROADS {
        let scene = Scene::set(&["--append-burst=50"]).await;
        let Scene { ana, mut bo, cy, mut at_ana, mut at_bo, .. } = scene;
        let before = (ana.connect().await.position(), ana.connect().await.welcome().room.clone());
        for deed in Deed::all(cy.me).into_iter().chain([Deed::Remove(ana.me), Deed::HandOver(bo.me)]) {
            assert_eq!(act(road, &mut bo, &mut at_bo, deed).await, Err(ErrorCode::NotAllowed), "{road:?} {deed:?}");
        }
        let after = ana.connect().await;
        assert_eq!((after.position(), after.welcome().room.clone()), before, "{road:?}");
        assert_eq!(after.welcome().members.len(), 3);
        at_ana.is_well(1).await;
    }
}

#[tokio::test]
async fn stranger_is_refused_every_form_of_the_host() {
    let scene = Scene::set(&[]).await;
    let Scene { server, ana, cy, .. } = scene;
    let elsewhere = Person::create(&server, "Eve").await;
    let mut stranger = Person { code: ana.code, ..elsewhere };
    let before = ana.connect().await.position();
    for deed in Deed::all(cy.me) {
        assert_eq!(by_form(&mut stranger, deed).await, Err(ErrorCode::NoSeat), "{deed:?}");
    }
    stranger.browser.cookie = None;
    assert_eq!(by_form(&mut stranger, Deed::End).await, Err(ErrorCode::NoSeat), "without a session");
    assert_eq!(ana.connect().await.position(), before);
}

/// Table of forms that ask for nothing that there is.
#[tokio::test]
async fn form_that_asks_for_nothing_that_there_is_changes_nothing() {
    let scene = Scene::set(&["--append-burst=50"]).await;
    let Scene { mut ana, .. } = scene;
    let (code, before) = (ana.code.to_string(), ana.connect().await.position());
    for (action, member, value, error) in [
        ("", "", "", "not_allowed"),
        ("paint", "", "", "not_allowed"),
        ("remove", "", "", "not_allowed"),
        ("hand_over", "nobody", "", "not_allowed"),
        ("slow", "", "soon", "not_allowed"),
        ("slow", "", "-1", "not_allowed"),
        ("slow", "", "3600001", "not_allowed"),
        ("capacity", "", "many", "capacity_bad"),
        ("capacity", "", "", "capacity_bad"),
    ] {
        let fields = [("code", &*code), ("action", action), ("member", member), ("value", value)];
        let answer = ana.browser.call("/api/manage_room", &fields).await.json();
        assert_eq!(answer["refused"]["error"], error, "{action} {member} {value}");
    }
    assert_eq!(ana.connect().await.position(), before);
}
