//! Refused forms: each is shown again to its sender, however many others are sent.

use futures_util::stream::{self, StreamExt as _};
use hyper::{StatusCode, header};
use testkit::http::form;

use crate::support::Server;
use testkit::browser::{Browser, Person};

/// Bytes of the name in a stranger's form, just below the maximum of a form.
const BYTES: usize = 250 * 1024;
/// Number of strangers whose forms together exceed the 32 MiB that are kept.
const STRANGERS: usize = 140;
/// Number of strangers who send at the same time, so that all are done before the first form expires after a minute.
const AT_ONCE: usize = 8;

#[tokio::test]
async fn refused_form_is_never_evicted_by_forms_of_strangers() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, id) = (ana.code.to_string(), server::entropy::event_id().to_string());
    let typed = format!("{}the end", "x".repeat(4_000));
    let refused = ana.browser.submit("/api/post_message", &[("code", &code), ("id", &id), ("body", &typed)]).await;
    assert_eq!(refused.status, StatusCode::SEE_OTHER);
    let name = "y".repeat(BYTES);
    let is_kept = async |_| {
        let mut stranger = Browser::new(&server);
        stranger.get("/").await;
        let refused = stranger.submit("/api/enter", &[("name", &name), ("from", "/")]).await;
        let is_kept = refused.status == StatusCode::SEE_OTHER;
        assert!(is_kept || refused.status == StatusCode::OK, "{}", refused.status);
        assert!(is_kept || refused.body.contains(&name), "what the stranger typed is lost");
        is_kept
    };
    let answers: Vec<_> = stream::iter(0..STRANGERS).map(is_kept).buffer_unordered(AT_ONCE).collect().await;
    let kept = answers.iter().filter(|is_kept| **is_kept).count();
    assert!((100..=131).contains(&kept), "32 MiB are kept, not {kept} forms");
    assert!(ana.browser.get(&ana.page()).await.body.contains("the end"), "what Ana typed is lost");
}

#[tokio::test]
async fn refused_form_without_a_session_is_shown_in_place() {
    let server = Server::start(&[]).await;
    let shown = Browser::new(&server).submit("/api/enter", &[("name", ""), ("code", "KXQ4-7M2P"), ("from", "/")]).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.body.contains("Type a name") && shown.body.contains(r#"value="KXQ4-7M2P""#), "{}", shown.body);
}

/// Text that a field of the home page's form begins with.
fn value_of<'a>(page: &'a str, field: &str) -> &'a str {
    let named = format!(r#" name="{field}""#);
    let input = page.split("<input ").find(|input| input.split('>').next().unwrap().contains(&named));
    let (_, value) = input.and_then(|input| input.split_once(r#"value=""#)).unwrap_or_default();
    value.split('"').next().unwrap()
}

#[tokio::test]
async fn refused_form_comes_back_with_all_its_fields_and_shows_the_one_to_mend() {
    let server = Server::start(&[]).await;
    let own = format!("http://{}", server.address);
    for (name, room_name, capacity, words, is_open) in [
        ("", "Book club", "12", "Type a name", false),
        ("Ana", "a\u{202e}b", "12", "is invisible and turns the writing around", true),
        ("Ana", "Book club", "1", "A room holds 2 to 1,000 people.", true),
        ("Ana", "Book club", "12", "needs a cookie", false),
    ] {
        let fields = [("name", name), ("room_name", room_name), ("capacity", capacity), ("intent", "create")];
        let mut browser = Browser::new(&server);
        // No page before: the browser that sends this has no cookie.
        let origin = [(header::ORIGIN, &*own)];
        let in_place = browser.ask("POST", "/api/enter", "text/html", &origin, form(&fields)).await;
        assert_eq!(in_place.status, StatusCode::OK, "{words}");
        browser.get("/").await;
        let refused = browser.submit("/api/enter", &fields).await;
        assert_eq!(refused.status, StatusCode::SEE_OTHER, "{words}");
        let mut pages = vec![in_place.body];
        // With one, nothing is wrong with the last form.
        if words != "needs a cookie" {
            pages.push(browser.get("/").await.body);
        }
        for page in pages {
            assert!(page.contains(words), "{words}: {page}");
            let typed = ["name", "room_name", "capacity"].map(|field| value_of(&page, field));
            assert_eq!(typed, [name, room_name, capacity], "{words}");
            assert_eq!(page.contains("<details open"), is_open, "{words}: {page}");
        }
    }
}

#[tokio::test]
async fn redirect_and_head_leave_the_refused_form_for_the_next_page() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, page) = (ana.code.to_string(), ana.page());
    let typed = "\u{8a9e}".repeat(4_001);
    let id = server::entropy::event_id().to_string();
    ana.browser.submit("/api/post_message", &[("code", &code), ("id", &id), ("body", &typed)]).await;
    let sloppy = format!("/room/{}", code.to_lowercase().replace('-', "%20"));
    let redirect = ana.browser.get(&sloppy).await;
    assert_eq!((redirect.status, redirect.header("location")), (StatusCode::SEE_OTHER, &*page));
    assert_eq!(redirect.body.len(), 0, "a redirect carries no page");
    let head = ana.browser.ask("HEAD", &page, "text/html", &[], String::new()).await;
    assert_eq!(head.status, StatusCode::OK);
    assert!(ana.browser.get(&page).await.body.contains(&typed));
    assert!(!ana.browser.get(&page).await.body.contains(&typed), "once");
}

#[tokio::test]
async fn form_shown_in_place_ignores_the_referer() {
    let server = Server::start(&[]).await;
    let referer = [(header::REFERER, "https://evil.example/")];
    let answer = Browser::new(&server).ask("POST", "/api/enter", "text/html", &referer, form(&[("name", "")])).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::OK, ""));
}

/// Path that the page names in `data-path`. The browser's code puts it into the address bar when the page is the answer
/// to a form.
fn path_of(page: &str) -> &str {
    let (_, rest) = page.split_once(r#"data-path=""#).unwrap_or_else(|| panic!("no path in {page}"));
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn form_shown_in_place_has_the_path_and_headers_of_its_page() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let answer = Browser::new(&server).submit("/api/enter", &[("name", ""), ("from", &ana.page())]).await;
    assert_eq!((answer.status, path_of(&answer.body)), (StatusCode::OK, &*ana.page()));
    assert_eq!((answer.header("x-robots-tag"), answer.header("cache-control")), ("noindex", "no-store"));
    let home = Browser::new(&server).submit("/api/enter", &[("name", ""), ("from", "/")]).await;
    assert_eq!((home.header("x-robots-tag"), path_of(&home.body)), ("", "/"));
}

#[tokio::test]
async fn form_shown_in_place_never_names_another_site_as_its_path() {
    let server = Server::start(&[]).await;
    for from in [
        "//evil.example",
        "///evil.example/room/KXQ4-7M2P",
        "https://evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "/room/KXQ4-7M2P/../..//evil.example",
        "/room///evil.example",
        "javascript:alert(1)",
    ] {
        let answer = Browser::new(&server).submit("/api/enter", &[("name", ""), ("from", from)]).await;
        assert_eq!((answer.status, path_of(&answer.body)), (StatusCode::OK, "/"), "{from:?}");
    }
}
