//! Server functions at `/api/` that the pages' script calls: they return the values that pages are rendered from.

use std::collections::BTreeSet;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};
use testkit::faulty::StoreFault;
use uuid::Uuid;

use crate::support::Server;
use testkit::browser::{Browser, Person};

#[tokio::test]
async fn script_call_leaves_the_refused_form_for_the_page() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, page) = (ana.code.to_string(), ana.page());
    let room = [("code", &*code)];
    let id = server::entropy::event_id().to_string();

    let mut bo = Browser::new(&server);
    bo.get("/").await;
    bo.submit("/api/enter", &[("name", ""), ("code", &code), ("from", "/")]).await;
    assert_eq!(bo.call("/api/home", &[]).await.json()["flash"], json!(null));
    assert!(bo.get("/").await.body.contains("Type a name"), "home");

    bo.submit("/api/enter", &[("name", ""), ("code", &code), ("from", &page)]).await;
    assert_eq!(bo.call("/api/room_snapshot", &room).await.json()["Door"]["flash"], json!(null));
    assert!(bo.get(&page).await.body.contains("Type a name"), "the join page");

    ana.browser.submit("/api/post_message", &[("code", &code), ("id", &id), ("body", " ")]).await;
    assert_eq!(ana.browser.call("/api/room_snapshot", &room).await.json()["Inside"]["flash"], json!(null));
    assert!(ana.browser.get(&page).await.body.contains("There is nothing to send yet"), "the room");

    // A message for a room that no longer exists.
    ana.browser.submit("/api/post_message", &[("code", "ZZZZ-ZZZZ"), ("id", &id), ("body", "a letter")]).await;
    let unknown = ana.browser.call("/api/room_snapshot", &[("code", "ZZZZ-ZZZZ")]).await.json();
    assert_eq!(unknown, json!({ "Unknown": [] }));
    assert!(ana.browser.get("/room/ZZZZ-ZZZZ").await.body.contains("a letter"), "the page for an unknown room");
}

#[tokio::test]
async fn room_snapshot_has_status_200_where_the_page_has_404_or_503() {
    let (server, store) = Server::troubled(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    for code in ["ZZZZ-ZZZZ", "no-such-code", ""] {
        let called = ana.browser.call("/api/room_snapshot", &[("code", code)]).await;
        assert_eq!(called.json(), json!({ "Unknown": [] }), "{code}");
    }
    assert_eq!(ana.browser.get("/room/ZZZZ-ZZZZ").await.status, StatusCode::NOT_FOUND);
    store.make(StoreFault::ReadsNothing);
    let called = ana.browser.call("/api/room_snapshot", &[("code", &ana.code.to_string())]).await;
    assert_eq!(called.json(), json!("Unavailable"));
    let page = ana.page();
    assert_eq!(ana.browser.get(&page).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn room_id_is_told_to_members_only() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, page, mut stranger) = (ana.code.to_string(), ana.page(), Browser::new(&server));
    let inside = ana.browser.call("/api/room_snapshot", &[("code", &code)]).await.json();
    let id: Uuid = inside["Inside"]["snapshot"]["room"]["id"].as_str().unwrap().parse().unwrap();
    assert!(ana.browser.get(&page).await.body.contains(&id.to_string()));
    let outside = stranger.call("/api/room_snapshot", &[("code", &code)]).await;
    assert!(outside.json().get("Door").is_some());
    for body in [outside.body, stranger.get(&page).await.body] {
        assert!(!body.contains(&id.to_string()) && !body.contains(&id.simple().to_string()), "{body}");
    }
}

#[tokio::test]
async fn room_snapshot_renews_only_the_lease_of_its_caller() {
    let server = Server::start(&["--arrival-ms=1000", "--page-lease-ms=600000"]).await;
    let (mut ana, bo) = (Person::create(&server, "Ana").await, Person::create(&server, "Bo").await);
    let mut stranger = Browser::new(&server);
    let rooms = [ana.code, bo.code].map(|code| code.to_string());
    ana.browser.call("/api/room_snapshot", &[("code", &rooms[0])]).await.json();
    let ended = async {
        loop {
            for code in &rooms {
                let seen = stranger.call("/api/room_snapshot", &[("code", code)]).await.json();
                if seen.get("Unknown").is_some() {
                    return code.clone();
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap(),
        rooms[1],
        "Bo's room ends first, because his page was never loaded"
    );
    assert_eq!(ana.connect().await.welcome().members.len(), 1);
}

/// Paths of an answer's fields. A list has the fields of all its items, and `*` stands for a member id.
fn fields(answer: &Value) -> BTreeSet<String> {
    fn collect(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let name = if Uuid::parse_str(name).is_ok() { "*" } else { name };
                    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    found.insert(path.clone());
                    collect(value, &path, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    collect(answer, "", &mut found);
    found
}

/// Paths of fields that share a prefix.
fn named(within: &str, names: &str) -> Vec<String> {
    names.split_whitespace().map(|name| format!("{within}{name}")).collect()
}

/// During a rolling deployment pages of one version call servers of another, so that no field may be removed or
/// renamed. A field that is added to an answer is added here, too.
#[tokio::test]
async fn answers_to_script_have_the_fields_that_pages_of_other_versions_read() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let code = ana.code.to_string();
    let mut socket = ana.connect().await;
    socket.said("**bold**, says @Ana").await;
    let shown = "id nodes nodes.paragraph nodes.paragraph.bold nodes.paragraph.bold.text nodes.paragraph.mention \
                 nodes.paragraph.mention.own nodes.paragraph.mention.text nodes.paragraph.text";
    let event = "at body by hue id kind member name prev seq";
    let page = [
        named("", "events markup names names.* names.*.hue names.*.name quoted"),
        named("events.", event),
        named("markup.", shown),
    ]
    .concat();
    let snapshot = "events member members members.hue members.member members.name names names.* names.*.hue names.*.name \
                    oldest position position.epoch position.seq room room.capacity room.code room.host room.id";
    let inside = [
        named("", "Inside Inside.flash Inside.markup Inside.post_id Inside.snapshot"),
        named("Inside.markup.", shown),
        named("Inside.snapshot.", snapshot),
        named("Inside.snapshot.events.", event),
    ]
    .concat();
    let door = named("", "Door Door.capacity Door.closed Door.code Door.flash Door.inside");
    let refused = named("", "refused refused.error refused.field");

    let mut bo = Browser::new(&server);
    let room = [("code", &*code)];
    for (path, form, expected) in [
        ("/api/home", vec![], named("", "capacity flash")),
        ("/api/room_snapshot", room.to_vec(), door),
        ("/api/room_snapshot", vec![("code", "ZZZZ-ZZZZ")], named("", "Unknown")),
        ("/api/enter", room.to_vec(), refused),
    ] {
        assert_eq!(fields(&bo.call(path, &form).await.json()), expected.into_iter().collect(), "{path} from outside");
    }
    for (path, form, expected) in [
        ("/api/room_snapshot", room.to_vec(), inside),
        ("/api/older_page", [&room[..], &[("before", "3")]].concat(), page),
        ("/api/my_rooms", vec![("rooms", &*format!("{code} 0 0"))], named("", "code inside more unread")),
        ("/api/enter", [&room[..], &[("name", "Ana")]].concat(), named("", "code member")),
        ("/api/leave_room", room.to_vec(), vec![]),
    ] {
        assert_eq!(fields(&ana.browser.call(path, &form).await.json()), expected.into_iter().collect(), "{path}");
    }
}
