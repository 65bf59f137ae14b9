//! The renewed code: the old one leads members to the room, and is a code of no room for everybody else.

use hyper::StatusCode;
use protocol::{EventKind, RoomCode};
use serde_json::{Value, json};
use testkit::browser::{Browser, Person};

use crate::actions::{Scene, knocks};
use crate::deed::{Deed, ROADS, act, by_form};

/// A code of no room.
const NOWHERE: &str = "ZZZZ-ZZZZ";
/// Codes before the present one that lead members to the room.
const FORMER: usize = 8;

/// Forms that take a code, with the rest of their fields.
fn calls(code: RoomCode) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let id = testkit::event_id().to_string();
    let one = |path, more: &[(&'static str, &str)]| {
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        (path, std::iter::once(("code", code.to_string())).chain(more).collect::<Vec<_>>())
    };
    vec![
        one("/api/enter", &[("name", "Dee")]),
        one("/api/post_message", &[("id", &id), ("body", "hi")]),
        one("/api/manage_room", &[("action", "lock"), ("value", "on")]),
        one("/api/older_page", &[("before", "99")]),
        one("/api/quoted_message", &[("id", &id)]),
        one("/api/room_snapshot", &[]),
        one("/api/leave_room", &[]),
        ("/api/my_rooms", vec![("rooms", format!("{code} 0 0"))]),
    ]
}

async fn call(browser: &mut Browser, path: &str, fields: &[(&str, String)]) -> Value {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
    browser.call(path, &fields).await.json()
}

#[tokio::test]
async fn old_code_is_for_strangers_the_code_of_no_room_on_every_road() {
    for road in ROADS {
        let scene = Scene::set(&[]).await;
        let Scene { server, mut ana, mut at_ana, mut at_cy, .. } = scene;
        act(road, &mut ana, &mut at_ana, Deed::RenewCode).await.unwrap();
        let EventKind::Code { code: new } = at_cy.event().await.kind else { panic!("{road:?}") };
        assert_ne!(new, ana.code);
        let eve = Person::create(&server, "Eve").await;
        let mut answers = Vec::new();
        for code in [ana.code, NOWHERE.parse().unwrap()] {
            let mut eve = Person { code, ..eve.clone() };
            let mut told = vec![json!(knocks(&eve).await), json!(eve.browser.get(&eve.page()).await.status.as_u16())];
            for (path, fields) in calls(code) {
                told.push(json!([path, call(&mut eve.browser, path, &fields).await]));
            }
            answers.push(told);
        }
        assert_eq!(answers[0][..2], [json!(4502), json!(404)], "{road:?}");
        assert_eq!(answers[0], answers[1], "{road:?}");
        Person::join(&server, new, "Dee").await;
    }
}

#[tokio::test]
async fn old_code_leads_members_to_the_room_and_its_new_code_on_every_road() {
    let scene = Scene::set(&["--append-burst=50"]).await;
    let Scene { mut ana, mut bo, mut at_ana, at_bo, .. } = scene;
    let seen = at_bo.position();
    drop(at_bo);
    let mut new = ana.code;
    for road in ROADS {
        act(road, &mut ana, &mut at_ana, Deed::RenewCode).await.unwrap();
        new = ana.connect().await.welcome().room.code;
    }
    let back = bo.resume(seen).await;
    assert!(back.welcome().recovered);
    assert_eq!(back.welcome().room.code, new);
    let page = bo.browser.get(&bo.page()).await;
    assert_eq!((page.status, page.header("location")), (StatusCode::SEE_OTHER, &*format!("/room/{new}")));
    for (path, fields) in calls(bo.code) {
        let told = call(&mut bo.browser, path, &fields).await;
        let led = match path {
            "/api/enter" => told == json!({ "code": new, "member": bo.me }),
            "/api/post_message" | "/api/leave_room" => told == json!({}),
            // Asked and refused as a member, and not for the code.
            "/api/manage_room" => told["refused"]["error"] == "not_allowed",
            "/api/older_page" => told["events"].as_array().is_some_and(|events| !events.is_empty()),
            "/api/quoted_message" => told["events"][0]["body"] == "hi",
            "/api/room_snapshot" => told["Inside"]["snapshot"]["room"]["code"] == json!(new),
            "/api/my_rooms" => told == json!([]),
            _ => false,
        };
        // The list comes last, after the form that left.
        assert!(led, "{path}: {told}");
    }
    // Once, under the code that comes first.
    let rooms = format!("{} 0 0\n{new} 0 0", ana.code);
    let mine = call(&mut ana.browser, "/api/my_rooms", &[("rooms", rooms)]).await;
    let codes: Vec<_> = mine.as_array().unwrap().iter().map(|room| &room["code"]).collect();
    assert_eq!(codes, [&json!(ana.code)]);
}

#[tokio::test]
async fn eight_codes_before_the_present_one_lead_members_to_the_room() {
    let scene = Scene::set(&["--append-burst=50", "--tabs=50"]).await;
    let Scene { mut ana, mut at_ana, .. } = scene;
    let mut codes = vec![ana.code];
    for n in 0..=FORMER {
        ana.code = codes[n];
        act(ROADS[n % 2], &mut ana, &mut at_ana, Deed::RenewCode).await.unwrap();
        codes.push(ana.connect().await.welcome().room.code);
    }
    let newest = *codes.last().unwrap();
    for code in &codes[1..] {
        let person = Person { code: *code, ..ana.clone() };
        assert_eq!(person.connect().await.welcome().room.code, newest);
    }
    let mut person = Person { code: codes[0], ..ana.clone() };
    assert_eq!(knocks(&person).await, 4502, "the ninth is forgotten");
    assert_eq!(by_form(&mut person, Deed::RenewCode).await, Err(protocol::ErrorCode::CodeUnknown));
}

/// A page without script may have been loaded under the old code.
#[tokio::test]
async fn refused_form_of_a_page_under_the_old_code_comes_back_on_the_page_of_the_new_one() {
    let scene = Scene::set(&[]).await;
    let Scene { mut ana, mut bo, mut at_ana, .. } = scene;
    act(ROADS[1], &mut ana, &mut at_ana, Deed::RenewCode).await.unwrap();
    act(ROADS[1], &mut ana, &mut at_ana, Deed::HostOnly(true)).await.unwrap();
    let new = ana.connect().await.welcome().room.code;
    let (code, id) = (bo.code.to_string(), testkit::event_id().to_string());
    let post = [("code", &*code), ("id", &id), ("body", "a long letter")];
    let refused = bo.browser.submit("/api/post_message", &post).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, &*format!("/room/{new}")));
    let page = bo.browser.get(refused.header("location")).await;
    assert!(page.body.contains("a long letter"), "{}", page.body);
    let seats = [("code", &*code), ("action", "capacity"), ("value", "2")];
    let refused = ana.browser.submit("/api/manage_room", &seats).await;
    assert_eq!(refused.header("location"), format!("/room/{new}/host"));
    let page = ana.browser.get(refused.header("location")).await;
    assert!(page.body.contains(r#"role="alert""#), "{}", page.body);
}
