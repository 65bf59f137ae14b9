//! `POST /api/enter`.

use hyper::{StatusCode, header};
use protocol::RoomCode;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::Server;
use testkit::browser::{Browser, Person};
use testkit::faulty::StoreFault;

#[tokio::test]
async fn enter_form_sets_the_cookie_and_redirects_to_the_room() {
    let server = Server::start(&[]).await;
    let mut browser = Browser::new(&server);
    let entered = browser.submit("/api/enter", &[("name", "Ana"), ("intent", "create"), ("from", "/")]).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);
    let page = entered.header("location").to_owned();
    let code: RoomCode = page.strip_prefix("/room/").unwrap().parse().unwrap();
    assert_eq!(page, format!("/room/{code}"));
    let cookie = entered.header("set-cookie");
    for attribute in [&*format!("flasky-{}=", server.address.port()), "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain HTTP: {cookie}");
    let room = browser.get(&page).await;
    assert_eq!(room.status, StatusCode::OK);
    assert!(room.body.contains("Ana") && room.body.contains(&code.to_string()));
    assert_eq!(room.header("set-cookie"), "", "the cookie is set once");
}

#[tokio::test]
async fn enter_in_place_answers_with_the_page_and_its_headers() {
    let server = Server::start(&[]).await;
    let mut browser = Browser::new(&server);
    let in_place = "/api/enter?in_place";
    let first = browser.submit(in_place, &[("name", "Ana"), ("intent", "create"), ("from", "/")]).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "the cookie has to come back with the page's request");
    let code = first.header("location").strip_prefix("/room/").unwrap().to_owned();

    let mut bo = Browser::new(&server);
    bo.get(&format!("/room/{code}")).await;
    let page = bo.submit(in_place, &[("name", "Bo"), ("code", &code), ("from", &format!("/room/{code}"))]).await;
    let own = bo.get(&format!("/room/{code}")).await;
    assert_eq!((page.status, own.status), (StatusCode::OK, StatusCode::OK));
    assert!(page.body.contains(&format!("data-path=\"/room/{code}\"")) && page.body.contains("Messages"));
    for header in ["content-type", "x-robots-tag", "cache-control", "x-frame-options", "referrer-policy", "link"] {
        assert_eq!(page.header(header), own.header(header), "{header}");
    }
    assert!(page.header("content-security-policy").contains("script-src 'nonce-"));
    assert_eq!(page.header("location"), "");
    assert!(page.header("link").ends_with(".css>; rel=preload; as=style"), "{}", page.header("link"));

    let refused = bo.submit(in_place, &[("name", " "), ("intent", "create"), ("from", "/")]).await;
    assert_eq!(refused.status, StatusCode::OK);
    assert!(refused.body.contains("data-path=\"/\"") && refused.body.contains("Type a name"));
    assert!(!bo.get("/").await.body.contains("Type a name"), "a refused form is shown once");
}

/// The seat is taken: the redirect tells its room, and the room's page can be loaded anew.
#[tokio::test]
async fn enter_in_place_redirects_when_the_page_cannot_be_rendered() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut bo = Browser::new(&server);
    bo.get(&ana.page()).await;
    store.make(StoreFault::ReadsNothing);
    let entered = bo.submit("/api/enter?in_place", &[("name", "Bo"), ("code", &ana.code.to_string())]).await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, &*ana.page()));
    store.heal();
    assert!(bo.get(&ana.page()).await.body.contains("Messages"));
}

#[tokio::test]
async fn enter_never_redirects_to_the_referer() {
    let server = Server::start(&[]).await;
    for body in ["name=Ana", "name="] {
        let referer = [(header::REFERER, "https://evil.example/")];
        let mut browser = Browser::new(&server);
        browser.get("/").await;
        let answer = browser.ask("POST", "/api/enter", "text/html", &referer, body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{body}");
        let to: Vec<_> = answer.headers.get_all("location").iter().collect();
        assert!(to.len() == 1 && to[0].as_bytes().starts_with(b"/"), "{to:?}");
    }
}

#[tokio::test]
async fn https_public_url_gives_a_secure_host_prefixed_cookie() {
    let server = Server::start(&["--public-url=https://chat.example"]).await;
    let mut browser = Browser::new(&server);
    let entered = browser.submit("/api/enter", &[("name", "Ana")]).await;
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with("__Host-flasky=") && cookie.contains("; Secure"), "{cookie}");
    assert!(entered.header("strict-transport-security").starts_with("max-age="));
    assert!(browser.get(entered.header("location")).await.body.contains("Messages"));
}

#[tokio::test]
async fn invalid_enter_form_is_refused_with_field_and_code() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let code = ana.code.to_string();
    let long = "x".repeat(33);
    for (fields, field, reason) in [
        (&[][..], "name", "name_missing"),
        (&[("name", " \u{200b}")], "name", "name_missing"),
        (&[("name", &*long)], "name", "name_bad"),
        (&[("name", "a\u{202e}b")], "name", "name_bad"),
        (&[("name", "\0")], "name", "name_missing"),
        (&[("name", "Bo"), ("intent", "join")], "code", "code_missing"),
        (&[("name", "Bo"), ("intent", "join"), ("code", " - ")], "code", "code_missing"),
        (&[("name", "Bo"), ("code", "KXQ4")], "code", "code_bad"),
        (&[("name", "Bo"), ("code", "KXQ4-7M2U")], "code", "code_bad"),
        (&[("name", "Bo"), ("code", "ZZZZ-ZZZZ")], "code", "code_unknown"),
        (&[("name", "Bo"), ("capacity", "1")], "capacity", "capacity_bad"),
        (&[("name", "Bo"), ("capacity", "1001")], "capacity", "capacity_bad"),
        (&[("name", "Bo"), ("capacity", "-2")], "capacity", "capacity_bad"),
        (&[("name", "Bo"), ("capacity", "2.5")], "capacity", "capacity_bad"),
        (&[("name", "Bo"), ("capacity", "99999999999999999999")], "capacity", "capacity_bad"),
        (&[("name", "Bo"), ("capacity", "many")], "capacity", "capacity_bad"),
        // The name is validated before the code.
        (&[("name", ""), ("code", &*code)], "name", "name_missing"),
    ] {
        let refused = Browser::new(&server).call("/api/enter", fields).await.json();
        assert_eq!(refused, json!({ "refused": { "field": field, "error": reason } }), "{fields:?}");
    }
}

#[tokio::test]
async fn full_room_refuses_newcomers_until_a_seat_is_freed() {
    let server = Server::start(&[]).await;
    let mut ana = Browser::new(&server);
    let (code, _) = ana.enter(&[("name", "Ana"), ("capacity", "2")]).await;
    let code = code.to_string();
    Browser::new(&server).enter(&[("name", "Bo"), ("code", &code)]).await;
    let mut chidi = Browser::new(&server);
    let refused = chidi.call("/api/enter", &[("name", "Chidi"), ("code", &code)]).await.json();
    assert_eq!(refused["refused"]["error"], "full");
    let mut dora = Browser::new(&server);
    dora.get("/").await;
    dora.submit("/api/enter", &[("name", "Dora"), ("code", &code), ("from", "/")]).await;
    assert!(dora.get("/").await.body.contains("This room is full"));
    // A member may enter again and takes no second seat.
    ana.enter(&[("name", "Ana"), ("code", &code)]).await;
    let page = format!("/room/{code}");
    let door = chidi.get(&page).await;
    assert!(door.body.contains("2 people are talking") && door.body.contains("This room is full"));
    ana.call("/api/leave_room", &[("code", &code)]).await.json();
    chidi.enter(&[("name", "Chidi"), ("code", &code)]).await;
}

#[tokio::test]
async fn refused_enter_form_is_shown_once_with_its_fields() {
    let server = Server::start(&[]).await;
    let mut browser = Browser::new(&server);
    browser.get("/").await;
    let typed =
        [("name", "Ana \"A\" <b>"), ("code", "KXQ4-7M2"), ("capacity", "12"), ("intent", "join"), ("from", "/")];
    let refused = browser.submit("/api/enter", &typed).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, "/"));
    let shown = "One is missing.";
    let first = browser.get("/").await;
    assert_eq!(first.status, StatusCode::OK);
    for kept in [shown, r#"value="KXQ4-7M2""#, r#"value="12""#, "Ana &quot;A&quot; &lt;b"] {
        assert!(first.body.contains(kept), "{kept} is not in {}", first.body);
    }
    let second = browser.get("/").await;
    for gone in [shown, r#"value="KXQ4-7M2""#, "Ana"] {
        assert!(!second.body.contains(gone), "{gone} is shown again");
    }
    // Another session does not see it.
    browser.submit("/api/enter", &typed).await;
    assert!(!Browser::new(&server).get("/").await.body.contains(shown));
    assert!(browser.get("/").await.body.contains(shown));
}

#[tokio::test]
async fn form_refused_on_the_join_page_returns_to_the_join_page() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let (code, page) = (ana.code.to_string(), ana.page());
    let mut browser = Browser::new(&server);
    browser.get(&page).await;
    let refused =
        browser.submit("/api/enter", &[("name", " "), ("code", &code), ("intent", "join"), ("from", &page)]).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, &*page));
    assert!(browser.get(&page).await.body.contains("Type a name"));
    assert!(!browser.get(&page).await.body.contains("Type a name"));
}

#[tokio::test]
async fn enter_form_for_an_ended_room_returns_to_the_home_page() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, page) = (ana.code.to_string(), ana.page());
    ana.browser.call("/api/leave_room", &[("code", &code)]).await.json();
    let mut bo = Browser::new(&server);
    bo.get("/").await;
    let typed = [("name", "Bo Diddley"), ("code", &*code), ("intent", "join"), ("from", &page)];
    let refused = bo.submit("/api/enter", &typed).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, "/"));
    let home = bo.get("/").await.body;
    assert!(home.contains("Bo Diddley") && home.contains(&code), "{home}");
}

#[tokio::test]
async fn from_field_never_redirects_to_another_site() {
    let server = Server::start(&[]).await;
    for from in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: x=y",
        "evil.example",
        "",
    ] {
        let mut browser = Browser::new(&server);
        browser.get("/").await;
        let refused = browser.submit("/api/enter", &[("name", ""), ("from", from)]).await;
        assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, "/"), "{from:?}");
    }
}

#[tokio::test]
async fn intent_and_code_decide_between_joining_and_creating() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let code = ana.code.to_string();
    let sloppy = code.to_lowercase().replace('-', " ");
    let room = |fields: Vec<(&'static str, String)>| {
        let mut browser = Browser::new(&server);
        async move {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
            browser.enter(&fields).await.0
        }
    };
    let bo = || ("name", "Bo".to_owned());
    assert_eq!(room(vec![bo(), ("code", code.clone())]).await, ana.code, "a code joins");
    assert_eq!(room(vec![bo(), ("code", sloppy)]).await, ana.code, "in any spelling");
    assert_eq!(room(vec![bo(), ("code", code.clone()), ("intent", "join".into())]).await, ana.code);
    assert_ne!(room(vec![bo(), ("code", code.clone()), ("intent", "create".into())]).await, ana.code);
    assert_ne!(room(vec![bo(), ("code", "  ".into())]).await, ana.code, "no code creates");
    // When joining, the capacity does not matter.
    assert_eq!(room(vec![bo(), ("code", code), ("capacity", "none".into())]).await, ana.code);
}

#[tokio::test]
async fn room_creator_chooses_the_capacity() {
    let server = Server::start(&["--capacity=7"]).await;
    for (typed, capacity) in [("", 7), ("2", 2), ("1000", 1_000), (" 12 ", 12)] {
        let mut browser = Browser::new(&server);
        let (code, me) = browser.enter(&[("name", "Ana"), ("capacity", typed)]).await;
        let person = Person { browser, code, me };
        assert_eq!(person.connect().await.welcome().room.capacity, capacity);
    }
}

#[tokio::test]
async fn concurrent_joins_never_exceed_the_capacity() {
    let server = Server::start(&[]).await;
    let mut rush = JoinSet::new();
    let ana = Person::create(&server, "Ana").await;
    for n in 0..50 {
        let (mut browser, name, code) = (Browser::new(&server), format!("Guest {n}"), ana.code.to_string());
        rush.spawn(async move { browser.call("/api/enter", &[("name", &name), ("code", &code)]).await.json() });
    }
    let answers = rush.join_all().await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.get("member").is_none()).collect();
    assert_eq!(refused, [&json!({ "refused": { "field": "code", "error": "full" } })]);
    let inside = ana.connect().await;
    assert_eq!(inside.welcome().members.len(), 50);
    assert!(Browser::new(&server).get(&ana.page()).await.body.contains("50 people are talking"));
}

#[tokio::test]
async fn session_has_a_different_member_id_in_every_room() {
    let server = Server::start(&[]).await;
    let mut browser = Browser::new(&server);
    let (_, here) = browser.enter(&[("name", "Ana")]).await;
    let cookie = browser.cookie.clone();
    let (_, there) = browser.enter(&[("name", "Ana")]).await;
    assert_ne!(here, there);
    assert_eq!(browser.cookie, cookie);
}
