//! `POST /api/post_message` and `POST /api/leave_room`.

use hyper::StatusCode;
use protocol::{EventId, EventKind};
use serde_json::{Value, json};
use server::entropy;
use testkit::faulty::StoreFault;

use crate::support::{Server, TALKATIVE};
use testkit::browser::{Browser, Person, body};

/// Value of the page's hidden input of this name.
fn hidden_field(page: &str, name: &str) -> String {
    let field = page.split("<input").find(|field| field.contains(&format!(r#"name="{name}""#))).unwrap();
    field.split(r#"value=""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn message_form_without_script_sends_one_message() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_bo = bo.connect().await;
    let page = ana.browser.get(&ana.page()).await.body;
    let (code, id) = (ana.code.to_string(), hidden_field(&page, "id"));
    let form = [("code", &*code), ("id", &id), ("body", "Hello,\r\nBo")];
    // The same form submitted twice is one message.
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
    assert_ne!(hidden_field(&page, "id"), id, "the next message has an id of its own");
}

/// The append fails for the form, and is committed after that.
#[tokio::test]
async fn form_refused_for_storage_comes_back_with_its_id_and_sends_one_message() {
    let (server, store) = Server::troubled(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let page = ana.browser.get(&ana.page()).await.body;
    let (code, id) = (ana.code.to_string(), hidden_field(&page, "id"));
    store.make(StoreFault::StoresNothing);
    let mut shown = String::new();
    for _ in 0..2 {
        ana.browser.submit("/api/post_message", &[("code", &code), ("id", &id), ("body", "Hello")]).await;
        shown = ana.browser.get(&ana.page()).await.body;
        assert!(shown.contains("Hello</textarea>"), "{shown}");
    }
    store.heal();
    let mut socket = ana.connect().await;
    let late = id.parse().map(EventId).unwrap();
    socket.append(late, "Hello").await;
    socket.answer(late).await.unwrap();
    let again = hidden_field(&shown, "id");
    ana.browser.submit("/api/post_message", &[("code", &code), ("id", &again), ("body", "Hello")]).await;
    assert_eq!(message_bodies(&ana).await, ["Hello"]);
    let page = ana.browser.get(&ana.page()).await.body;
    assert_ne!(hidden_field(&page, "id"), id, "the next message has an id of its own");
}

/// The room knows 100 ids.
#[tokio::test]
async fn form_with_a_forgotten_id_is_refused_and_comes_back_with_another() {
    let server = Server::start(&[&TALKATIVE[..], &["--events=1"]].concat()).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, id) = (ana.code.to_string(), entropy::event_id().to_string());
    let form = [("code", &*code), ("id", &id), ("body", "long ago")];
    assert_eq!(ana.browser.call("/api/post_message", &form).await.json(), json!({}));
    let mut socket = ana.connect().await;
    for n in 0..250 {
        socket.said(&n.to_string()).await;
    }
    let refused = ana.browser.call("/api/post_message", &form).await.json();
    assert_eq!(refused, json!({ "refused": { "field": "body", "error": "too_old" } }));
    ana.browser.submit("/api/post_message", &form).await;
    let page = ana.browser.get(&ana.page()).await.body;
    assert!(page.contains("This may have been sent already. If you do not see it, send it again."), "{page}");
    let again = hidden_field(&page, "id");
    let form = [("code", &*code), ("id", &again), ("body", "long ago")];
    assert_eq!(ana.browser.call("/api/post_message", &form).await.json(), json!({}));
    assert_eq!(message_bodies(&ana).await, ["long ago"]);
}

/// Bodies of the room's messages, as a member reads them.
async fn message_bodies(person: &Person) -> Vec<String> {
    let replay = person.connect().await.replay;
    replay.iter().filter(|event| matches!(event.kind, EventKind::Message { .. })).map(|e| body(e).to_owned()).collect()
}

#[tokio::test]
async fn form_with_a_used_id_and_another_body_sends_another_message() {
    let server = Server::start(&TALKATIVE).await;
    let mut ana = Person::create(&server, "Ana").await;
    let mut bo = Person::join(&server, ana.code, "Bo").await;
    let (code, id) = (ana.code.to_string(), entropy::event_id().to_string());
    for words in ["one", "two", "two", "one", "three", "two"] {
        ana.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", words)]).await.json();
    }
    assert_eq!(message_bodies(&ana).await, ["one", "two", "three"]);
    // The same text by another author is another message, too.
    for _ in 0..2 {
        bo.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", "one")]).await.json();
    }
    assert_eq!(message_bodies(&ana).await, ["one", "two", "three", "one"]);
}

#[tokio::test]
async fn form_with_the_id_of_a_trimmed_message_sends_a_new_message() {
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
    assert_eq!(message_bodies(&ana).await, ["1", "2", "two"]);
}

#[tokio::test]
async fn form_with_an_invalid_code_returns_to_the_home_page_with_its_fields() {
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
    // The field `code` is missing.
    let refused = ana.browser.submit("/api/post_message", &[("body", "another letter")]).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, "/"));
    assert!(ana.browser.get("/").await.body.contains("another letter"));
}

#[tokio::test]
async fn json_form_sends_one_message() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, id) = (ana.code.to_string(), entropy::event_id().to_string());
    for _ in 0..2 {
        let posted = ana.browser.call("/api/post_message", &[("code", &code), ("id", &id), ("body", "x")]).await;
        assert_eq!(posted.json(), json!({}));
    }
    assert_eq!(ana.connect().await.replay.len(), 2, "one `joined` and one message");
}

#[tokio::test]
async fn invalid_message_is_refused_with_field_and_code() {
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
        assert_eq!(refused, json!({ "refused": { "field": field, "error": reason } }), "{}", fields[2].1.len());
    }
    let mut stranger = Browser::new(&server);
    let fields = [("code", &*code), ("id", &id), ("body", "x")];
    assert_eq!(stranger.call("/api/post_message", &fields).await.json()["refused"]["error"], "no_seat");
    stranger.enter(&[("name", "Bo")]).await;
    assert_eq!(stranger.call("/api/post_message", &fields).await.json()["refused"]["error"], "no_seat");
    assert_eq!(ana.connect().await.replay.len(), 1, "no message was stored");
}

#[tokio::test]
async fn refused_message_is_shown_whole_and_once() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, page) = (ana.code.to_string(), ana.page());
    // One character more than a message may have. Each is three bytes, nine when percent-encoded.
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
async fn longest_message_fits_into_a_form() {
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
async fn message_above_the_rate_is_refused_with_rate() {
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
    let Value::Object(mut refused) = refused["refused"].clone() else { panic!("{refused}") };
    let wait = refused.remove("retry_ms").and_then(|wait| wait.as_u64());
    assert!(wait.is_some_and(|wait| wait <= 1_000), "{wait:?} ms");
    assert_eq!(Value::Object(refused), json!({ "field": "body", "error": "rate" }));
}

#[tokio::test]
async fn leave_form_frees_the_seat_and_is_idempotent() {
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
    // Leaving again, from outside, or a room that does not exist changes nothing and is no error.
    for code in [&*code, "ZZZZ-ZZZZ"] {
        assert_eq!(ana.browser.call("/api/leave_room", &[("code", code)]).await.json(), json!({}));
        assert_eq!(Browser::new(&server).call("/api/leave_room", &[("code", code)]).await.json(), json!({}));
    }
    bo.connect().await.is_well(1).await;
}

#[tokio::test]
async fn leave_form_of_the_last_member_asks_for_confirmation() {
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
    // Another session is not asked at that path.
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

    // A program is not asked.
    let mut chidi = Person::create(&server, "Chidi").await;
    let page = chidi.page();
    chidi.browser.call("/api/leave_room", &[("code", &chidi.code.to_string())]).await.json();
    assert_eq!(chidi.browser.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn outsider_reads_no_names_and_no_messages() {
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
async fn unreadable_store_answers_members_with_503_and_outsiders_with_null() {
    let (server, store) = Server::troubled(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let code = ana.code.to_string();
    store.make(StoreFault::ReadsNothing);
    let older = ana.browser.call("/api/older_page", &[("code", &code), ("before", "100")]).await;
    assert_eq!(older.status, StatusCode::SERVICE_UNAVAILABLE);
    let mut stranger = Browser::new(&server);
    stranger.enter(&[("name", "Eve")]).await;
    assert_eq!(stranger.call("/api/older_page", &[("code", &code), ("before", "100")]).await.json(), json!(null));
}
