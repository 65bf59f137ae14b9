//! The session cookie: set, blocked, foreign, and of an earlier version; and forms of another origin.

use hyper::{StatusCode, header};
use serde_json::json;

use crate::support::Server;
use testkit::browser::{Browser, Person};
use testkit::http::{Answer, form};

const SENTENCE: &str = "This site needs a cookie to know you again.";

/// Posts a form with the `Origin` of this server's own pages.
async fn post(browser: &mut Browser, accept: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let origin = format!("http://{}", browser.address);
    browser.ask("POST", path, accept, &[(header::ORIGIN, &origin)], form(fields)).await
}

async fn seat_count(person: &Person) -> usize {
    person.connect().await.welcome().members.len()
}

#[tokio::test]
async fn page_with_a_form_sets_the_cookie_that_its_form_needs() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    for page in ["/", &ana.page()] {
        let mut bo = Browser::new(&server);
        let given = bo.get(page).await.header("set-cookie").to_owned();
        for part in [&*format!("flasky-{}=", server.address.port()), "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(given.contains(part), "{page}: {given}");
        }
        assert_eq!(bo.get(page).await.header("set-cookie"), "", "{page}: the cookie is set once");
        let fields = [("name", "Bo"), ("code", &*ana.code.to_string())];
        let entered = post(&mut bo, "text/html", "/api/enter", &fields).await;
        assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, &*ana.page()), "{page}");
        assert_eq!(entered.header("set-cookie"), "", "{page}");
    }
    assert_eq!(seat_count(&ana).await, 3);
}

#[tokio::test]
async fn browser_without_cookies_is_refused_and_takes_no_seat() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, page) = (ana.code.to_string(), ana.page());
    for from in ["/", &page] {
        let fields = [("name", "Bo <b>"), ("code", &*code), ("capacity", "7"), ("from", from)];
        for _ in 0..3 {
            let mut bo = Browser::new(&server);
            let shown = post(&mut bo, "text/html", "/api/enter", &fields).await;
            assert_eq!((shown.status, shown.header("location")), (StatusCode::OK, ""));
            assert!(shown.body.contains(SENTENCE) && shown.body.contains("Bo &lt;b"), "{}", shown.body);
            assert!(shown.body.contains("1 person is inside") || shown.body.contains(&code), "{}", shown.body);
            assert!(shown.header("content-security-policy").contains("default-src 'none'"));
            let called = post(&mut Browser::new(&server), "application/json", "/api/enter", &fields).await;
            assert_eq!(called.json(), json!({ "refused": { "field": "code", "error": "cookie" } }));
            assert!(called.header("set-cookie").starts_with("flasky-"), "the next attempt may send it");
        }
    }
    // No room is created either.
    let mut before = metric(&server, "flasky_appends_total{outcome=\"stored\"}").await;
    post(&mut Browser::new(&server), "text/html", "/api/enter", &[("name", "Bo"), ("intent", "create")]).await;
    before -= metric(&server, "flasky_appends_total{outcome=\"stored\"}").await;
    assert_eq!((seat_count(&ana).await, before), (1, 0.0));
    // The answer to a message without a cookie shows the message.
    let id = server::entropy::event_id().to_string();
    let fields = [("code", &*code), ("id", &*id), ("body", "a long letter")];
    let shown = post(&mut Browser::new(&server), "text/html", "/api/post_message", &fields).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.body.contains(SENTENCE) && shown.body.contains("a long letter"), "{}", shown.body);
    // A member with the cookie is not affected.
    let posted = post(&mut ana.browser, "text/html", "/api/post_message", &fields).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
}

async fn metric(server: &Server, series: &str) -> f64 {
    let text = Browser { address: server.metrics, cookie: None }.get("/metrics").await.body;
    text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok()).expect(series)
}

#[tokio::test]
async fn client_without_an_origin_enters_with_its_first_request() {
    let server = Server::start(&[]).await;
    let mut bot = Browser::new(&server);
    let (code, _) = bot.enter(&[("name", "Bot")]).await;
    let id = server::entropy::event_id().to_string();
    let fields = [("code", &*code.to_string()), ("id", &*id), ("body", "x")];
    assert_eq!(bot.call("/api/post_message", &fields).await.json(), json!({}));
}

#[tokio::test]
async fn foreign_cookies_do_not_end_the_session() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let port = server.address.port();
    let own = ana.browser.cookie.clone().unwrap();
    for other in ["theme=%ff", "flasky-1=x", &format!("flasky-{port}=x"), "flasky=x", "__Host-flasky=x", "=", "a=\"b"] {
        let mut browser = Browser { cookie: Some(format!("{other}; {own}")), ..ana.browser.clone() };
        assert!(browser.get(&ana.page()).await.body.contains("Messages"), "{other}");
    }
    assert_eq!(seat_count(&ana).await, 1);
}

#[tokio::test]
async fn cookie_of_the_previous_version_keeps_its_seat() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let value = ana.browser.cookie.as_ref().unwrap().split_once('=').unwrap().1;
    let old = format!("flasky={}", value.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D"));
    let mut ana = Person { browser: Browser { cookie: Some(old), ..ana.browser.clone() }, ..ana };
    let page = ana.browser.get(&ana.page()).await;
    assert!(page.body.contains("Messages"));
    assert_eq!(page.header("set-cookie"), "", "the old cookie is kept");
    assert_eq!(seat_count(&ana).await, 1);
}

#[tokio::test]
async fn refused_origin_is_explained_and_counted() {
    let server = Server::start(&["--public-url=https://chat.example"]).await;
    let mut browser = Browser::new(&server);
    let page = post(&mut browser, "text/html", "/api/enter", &[("name", "Ana")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.header("content-type").starts_with("text/plain") && page.body.contains("https://chat.example"));
    let called = post(&mut browser, "application/json", "/api/enter", &[("name", "Ana")]).await;
    assert_eq!(called.status, StatusCode::FORBIDDEN);
    let refused: serde_json::Value = serde_json::from_str(&called.body).unwrap();
    assert_eq!(refused, json!({ "refused": { "field": "code", "error": "origin" } }));
    assert_eq!(metric(&server, "flasky_refused_origins_total").await, 2.0);
}
