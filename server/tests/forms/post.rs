//! `POST /api/post_message` and `POST /api/leave_room`.

use hyper::StatusCode;
use protocol::EventKind;
use serde_json::json;
use server::entropy;

use crate::support::client::{Browser, Person, body};
use crate::support::server::{Server, TALKATIVE};
use crate::support::troubled::Trouble;

/// The value of the hidden field on the page.
fn hidden(page: &str, name: &str) -> String {
    let field = page.split("<input").find(|field| field.contains(&format!(r#"name="{name}""#))).unwrap();
    field.split(r#"value=""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_without_script_can_talk() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_bo = bo.connect().await;
    let page = ana.browser.get(&ana.page()).await.body;
    let (code, id) = (ana.code.to_string(), hidden(&page, "id"));
    let form = [("code", &*code), ("id", &id), ("body", "Hello,\r\nBo")];
    // Pressed twice: one message.
    for _ in 0..2 {
        let posted = ana.browser.submit("/api/post_message", &form).await;
        assert_eq!((posted.status, posted.header("location")), (StatusCode::SEE_OTHER, &*ana.page()));
    }
    let heard = at_bo.event().await;
    assert_eq!((body(&heard), heard.by, heard.id.to_string()), ("Hello,\nBo", ana.me, id.clone()));
    at_bo.said("Hello Ana").await;
    let page = ana.browser.get(&ana.page()).await.body;
    assert_eq!(page.matches(r#"data-message="#).count(), 2);
    assert!(page.contains("Hello,<br>Bo") && page.contains("Hello Ana"));
    assert_ne!(hidden(&page, "id"), id, "the next message has an id of its own");
}

/// The messages of a room, as somebody inside reads them.
async fn said(person: &Person) -> Vec<String> {
    let replay = person.connect().await.replay;
    replay.iter().filter(|event| matches!(event.kind, EventKind::Message { .. })).map(|e| body(e).to_owned()).collect()
}

#[tokio::test]
async fn other_words_under_a_used_id_are_another_message() {
    let server = Server::start(&TALKATIVE).await;
    let mut ana = Person::create(&server, "Ana").await;
    let mut bo = Person::join(&server, ana.code, "Bo").await;
    let (code, id) = (ana.code.to_string(), entropy::event_id().to_string());
    for words in ["one", "two", "two", "one", "three", "two"] {
        ana.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", words)]).await.json();
    }
    assert_eq!(said(&ana).await, ["one", "two", "three"]);
    // Somebody else's words are other words, too.
    for _ in 0..2 {
        bo.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", "one")]).await.json();
    }
    assert_eq!(said(&ana).await, ["one", "two", "three", "one"]);
}

#[tokio::test]
async fn words_under_the_id_of_a_trimmed_message_are_not_lost() {
    let server = Server::start(&[&TALKATIVE[..], &["--events=3"]].concat()).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, id) = (ana.code.to_string(), entropy::event_id().to_string());
    ana.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", "one")]).await.json();
    for n in 0..3 {
        let id = entropy::event_id().to_string();
        ana.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", &n.to_string())]).await.json();
    }
    for _ in 0..2 {
        ana.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", "two")]).await.json();
    }
    assert_eq!(said(&ana).await, ["1", "2", "two"]);
}

#[tokio::test]
async fn a_form_whose_code_cannot_be_read_comes_home_with_everything() {
    const TYPED: &str = "KXQ4-7M2";
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let id = entropy::event_id().to_string();
    for (path, fields) in [
        ("/api/post_message", &[("code", TYPED), ("id", &id), ("body", "a long letter")][..]),
        ("/api/leave_room", &[("code", TYPED)]),
        ("/api/enter", &[("name", "Ana"), ("code", TYPED), ("intent", "join"), ("from", "/room/KXQ4-7M2")]),
    ] {
        let refused = ana.browser.submit(path, fields).await;
        assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, "/"), "{path}");
        let shown = ana.browser.get("/").await.body;
        assert!(shown.contains("One is missing."), "{path}: {shown}");
        for (name, typed) in fields.iter().filter(|(name, _)| matches!(*name, "code" | "body" | "name")) {
            assert!(shown.contains(typed), "{path}: the {name} is lost");
        }
        assert!(!ana.browser.get("/").await.body.contains("One is missing."), "{path}");
    }
    // A field that is not there at all.
    let refused = ana.browser.submit("/api/post_message", &[("body", "another letter")]).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, "/"));
    assert!(ana.browser.get("/").await.body.contains("another letter"));
}

#[tokio::test]
async fn a_program_can_talk_too() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, id) = (ana.code.to_string(), entropy::event_id().to_string());
    for _ in 0..2 {
        let posted = ana.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", "x")]).await;
        assert_eq!(posted.json(), json!({}));
    }
    assert_eq!(ana.connect().await.replay.len(), 2, "an arrival and one message");
}

#[tokio::test]
async fn a_message_that_cannot_be_is_refused() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let code = ana.code.to_string();
    let id = entropy::event_id().to_string();
    let long = "x".repeat(4_001);
    for (fields, field, reason) in [
        ([("code", "?"), ("id", &*id), ("body", "x")], "code", "code_bad"),
        ([("code", "ZZZZ-ZZZZ"), ("id", &id), ("body", "x")], "body", "code_unknown"),
        ([("code", &code), ("id", &id), ("body", " ")], "body", "empty"),
        ([("code", &code), ("id", &id), ("body", &long)], "body", "too_long"),
        ([("code", &code), ("id", &id), ("body", "\u{1b}")], "body", "empty"),
        ([("code", &code), ("id", ""), ("body", "x")], "body", "not_allowed"),
        ([("code", &code), ("id", "9f3c1d1e-6d0a-4b0e-9c1e-2f6d3a4b5c6d"), ("body", "x")], "body", "not_allowed"),
    ] {
        let refused = ana.browser.call("/api/post_message", &fields).await.json();
        assert_eq!(refused, json!({ "refused": { "field": field, "code": reason } }), "{}", fields[2].1.len());
    }
    let mut stranger = Browser::new(&server);
    let fields = [("code", &*code), ("id", &id), ("body", "x")];
    assert_eq!(stranger.call("/api/post_message", &fields).await.json()["refused"]["code"], "no_seat");
    stranger.enter(&[("name", "Bo")]).await;
    assert_eq!(stranger.call("/api/post_message", &fields).await.json()["refused"]["code"], "no_seat");
    assert_eq!(ana.connect().await.replay.len(), 1, "nothing was said");
}

#[tokio::test]
async fn a_refused_message_comes_back_whole_and_once() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, page) = (ana.code.to_string(), ana.page());
    // Every character is three bytes, nine in the form: the most a form may have to carry back, and some.
    let typed = "\u{8a9e}".repeat(4_001);
    let id = entropy::event_id().to_string();
    let refused = ana.browser.submit("/api/post_message", &[("code", &code), ("id", &id), ("body", &typed)]).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, &*page));
    let first = ana.browser.get(&page).await.body;
    assert!(first.contains(&typed) && first.contains("This message is too long"));
    let second = ana.browser.get(&page).await.body;
    assert!(!second.contains(&typed) && !second.contains("This message is too long"));
}

#[tokio::test]
async fn the_longest_message_fits_into_a_form() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    // Four bytes each, and every byte percent-encoded: 48 000 bytes.
    let longest = "\u{1f37e}".repeat(4_000);
    let (code, id) = (ana.code.to_string(), entropy::event_id().to_string());
    let posted = ana.browser.submit("/api/post_message", &[("code", &code), ("id", &id), ("body", &longest)]).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    assert!(ana.browser.get(&ana.page()).await.body.contains(&longest));
}

#[tokio::test]
async fn too_much_at_once_is_refused_and_not_lost() {
    let server = Server::start(&["--append-burst=1", "--appends-per-second=1"]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let code = ana.code.to_string();
    let refused = loop {
        let id = entropy::event_id().to_string();
        let answer = ana.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", "x")]).await.json();
        if answer != json!({}) {
            break answer;
        }
    };
    assert_eq!(refused, json!({ "refused": { "field": "body", "code": "rate" } }));
}

#[tokio::test]
async fn leaving_is_leaving() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let code = ana.code.to_string();
    let left = ana.browser.submit("/api/leave_room", &[("code", &code)]).await;
    let page = format!("{}?left", ana.page());
    assert_eq!((left.status, left.header("location")), (StatusCode::SEE_OTHER, &*page));
    let page = ana.browser.get(&page).await.body;
    assert!(page.contains(&format!("You left {code}")) && page.contains("1 person is still inside"), "{page}");
    assert!(ana.browser.get(&ana.page()).await.body.contains("1 person is inside"));
    // Again, and from outside, and out of a room that is not there: nothing to do, and no error.
    for code in [&*code, "ZZZZ-ZZZZ"] {
        assert_eq!(ana.browser.call("/api/leave_room", &[("code", code)]).await.json(), json!({}));
        assert_eq!(Browser::new(&server).call("/api/leave_room", &[("code", code)]).await.json(), json!({}));
    }
    bo.connect().await.is_well(1).await;
}

#[tokio::test]
async fn the_last_one_is_asked_by_a_page_before_they_leave() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let mut bo = Person::join(&server, ana.code, "Bo").await;
    ana.connect().await.said("one").await;
    let code = ana.code.to_string();
    bo.browser.submit("/api/leave_room", &[("code", &code)]).await;

    let asked = ana.browser.submit("/api/leave_room", &[("code", &code)]).await;
    let question = format!("{}?leave", ana.page());
    assert_eq!((asked.status, asked.header("location")), (StatusCode::SEE_OTHER, &*question));
    let page = ana.browser.get(&question).await.body;
    assert!(page.contains("You are the last one") && page.contains("1 message will be deleted."), "{page}");
    // Nobody else is asked anything at that address.
    assert!(bo.browser.get(&question).await.body.contains("1 person is inside"));

    let left = ana.browser.submit("/api/leave_room", &[("code", &code), ("sure", "yes")]).await;
    let page = format!("{}?left", ana.page());
    assert_eq!((left.status, left.header("location")), (StatusCode::SEE_OTHER, &*page));
    let gone = ana.browser.get(&page).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(
        gone.body.contains(&format!("You left {code}")) && gone.body.contains("Everybody has left"),
        "{}",
        gone.body
    );

    // A program says what it means.
    let mut chidi = Person::create(&server, "Chidi").await;
    let page = chidi.page();
    chidi.browser.call("/api/leave_room", &[("code", &chidi.code.to_string())]).await.json();
    assert_eq!(chidi.browser.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn outsiders_read_nothing() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana Lovelace").await;
    ana.connect().await.said("for members only").await;
    let code = ana.code.to_string();
    let mut stranger = Browser::new(&server);
    stranger.enter(&[("name", "Eve")]).await;
    let pages = [
        stranger.get(&ana.page()).await,
        stranger.call("/api/room_snapshot", &[("code", &code)]).await,
        stranger.call("/api/older_page", &[("code", &code), ("before", "100")]).await,
    ];
    for page in pages {
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("members only") && !page.body.contains("Lovelace"), "{}", page.body);
    }
    assert_eq!(stranger.call("/api/older_page", &[("code", "ZZZZ-ZZZZ"), ("before", "100")]).await.json(), json!(null));
    let mut ana = ana;
    let older = ana.browser.call("/api/older_page", &[("code", &code), ("before", "100")]).await;
    assert!(older.body.contains("members only"));
    let events = older.json()["events"].clone();
    let said = events.as_array().unwrap().iter().find(|event| event["kind"] == "message").unwrap().clone();
    let quoted = [("code", &*code), ("id", said["id"].as_str().unwrap())];
    assert_eq!(ana.browser.call("/api/quoted_message", &quoted).await.json()["events"], json!([said]));
    assert_eq!(stranger.call("/api/quoted_message", &quoted).await.json(), json!(null));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_no_closed_door() {
    let (server, engine) = Server::troubled(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let code = ana.code.to_string();
    engine.make(Trouble::ReadsNothing);
    let older = ana.browser.call("/api/older_page", &[("code", &code), ("before", "100")]).await;
    assert_eq!(older.status, StatusCode::SERVICE_UNAVAILABLE);
    let mut stranger = Browser::new(&server);
    stranger.enter(&[("name", "Eve")]).await;
    assert_eq!(stranger.call("/api/older_page", &[("code", &code), ("before", "100")]).await.json(), json!(null));
}
