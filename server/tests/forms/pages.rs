//! Content of pages.

use hyper::{StatusCode, header};

use crate::support::Server;
use testkit::browser::{Browser, Person};
use testkit::http::send;

#[tokio::test]
async fn user_text_is_never_rendered_as_html() {
    const TAG: &str = "<img src=x onerror=alert(1)>";
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, TAG).await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut socket = ana.connect().await;
    for body in
        [TAG, "</script><script>alert(1)</script>", "<!--<script>", "\"'><svg onload=alert(1)>", "{{7*7}} ${7*7}"]
    {
        socket.said(body).await;
    }
    let code = ana.code.to_string();
    for mut browser in [ana.browser.clone(), bo.browser] {
        let page = browser.get(&ana.page()).await.body;
        assert!(page.contains("&lt;img src=x onerror=alert(1)"), "{page}");
        for tag in ["<img src=x", "<script>alert", "<svg onload", "<!--<script>"] {
            assert!(!page.contains(tag), "{tag} in {page}");
        }
    }
    // A refused form puts its text back into attributes and into the text box.
    let mut eve = Browser::new(&server);
    let quote = "\"><img src=x onerror=alert(1)>";
    eve.submit("/api/enter", &[("name", quote), ("code", quote), ("capacity", quote), ("intent", "join")]).await;
    assert!(!eve.get("/").await.body.contains("<img"));
    let body = format!("</textarea>{TAG}");
    ana.browser.submit("/api/post_message", &[("code", &code), ("id", "?"), ("body", &body)]).await;
    let page = ana.browser.get(&ana.page()).await.body;
    assert!(page.contains("&lt;/textarea&gt;") || page.contains("&lt;/textarea>"), "{page}");
    assert!(!page.contains("<img src=x"));
    // In the path.
    let page = eve.get("/room/%3Cimg%20src=x%3E").await.body;
    assert!(!page.contains("<img"), "{page}");
}

#[tokio::test]
async fn room_code_in_another_spelling_redirects_to_the_canonical_path() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let page = ana.page();
    let code = ana.code.to_string();
    for typed in [code.to_lowercase(), code.replace('-', ""), code.replace('-', "%20"), format!("{code}-")] {
        let answer = ana.browser.get(&format!("/room/{typed}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, &*page), "{typed}");
    }
    assert_eq!(ana.browser.get(&page).await.status, StatusCode::OK);
}

#[tokio::test]
async fn room_page_shows_the_last_messages_oldest_first() {
    let server = Server::start(&crate::support::TALKATIVE).await;
    let mut ana = Person::create(&server, "Ana").await;
    let mut bo = Person::join(&server, ana.code, "Bo").await;
    let empty = ana.browser.get(&ana.page()).await.body;
    assert!(empty.contains("Nobody has said anything yet"));
    let mut socket = ana.connect().await;
    for n in 0..120 {
        socket.said(&format!("message {n}.")).await;
    }
    bo.browser.call("/api/leave_room", &[("code", &ana.code.to_string())]).await.json();
    let page = ana.browser.get(&ana.page()).await.body;
    assert_eq!(page.matches("data-message=").count(), 99, "a window of 100, the last of which is Bo leaving");
    let places: Vec<_> =
        (21..120).map(|n| page.find(&format!(">message {n}.<")).unwrap_or_else(|| panic!("{n}"))).collect();
    assert!(places.is_sorted(), "oldest first");
    assert!(page.contains("Bo") && page.contains("left"));
    // A browser without script gets the whole page: nothing is streamed in later.
    assert!(!page.contains("<template"), "nothing is left in a template");
    assert!(page.contains(r#"action="/api/post_message""#) && page.contains(r#"action="/api/leave_room""#));
}

#[tokio::test]
async fn head_request_answers_like_get_without_a_body() {
    let server = Server::start(&[]).await;
    let mut browser = Browser::new(&server);
    let head = browser.ask("HEAD", "/", "text/html", &[(header::ORIGIN, "https://evil.example")], String::new()).await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn link_preview_needs_a_public_url_and_reveals_nothing_about_rooms() {
    fn card(page: &str) -> Vec<&str> {
        page.split('<').filter(|tag| tag.contains("\"og:") || tag.contains("\"twitter:")).collect()
    }
    let server = Server::start(&["--public-url=https://chat.example"]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut eve = Browser::new(&server);
    let known = eve.get(&ana.page()).await.body;
    assert!(card(&known).iter().any(|tag| tag.contains("https://chat.example/og.png")), "{known}");
    for page in ["/", "/room/ZZZZ-ZZZZ", "/room/no-such-code", &format!("{}?left", ana.page())] {
        assert_eq!(card(&eve.get(page).await.body), card(&known), "{page}");
    }
    // The picture needs an absolute URL, which is unknown without a public URL.
    let local = Server::start(&[]).await;
    assert!(card(&Browser::new(&local).get("/").await.body).is_empty());
}

#[tokio::test]
async fn qr_code_does_not_reveal_whether_the_room_exists() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut eve = Browser::new(&server);
    let mut picture = async |code: &str| eve.get(&format!("/room/{code}/qr.svg")).await;
    let known = picture(&ana.code.to_string()).await;
    let unknown = picture("ZZZZ-ZZZZ").await;
    // The answer does not reveal whether the room exists.
    for answer in [&known, &unknown] {
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/svg+xml"));
        assert!(answer.header("cache-control").starts_with("private"));
    }
    assert_ne!(known.body, unknown.body);
    assert_eq!(picture("ZZZZ-ZZZ").await.status, StatusCode::NOT_FOUND);
    // The picture contains the request's `Host`, whose length is limited.
    let host = "x".repeat(300);
    let request = hyper::Request::get("/room/ZZZZ-ZZZZ/qr.svg").header(header::HOST, &host);
    let answer = send(server.address, request.body(String::new()).unwrap()).await.unwrap();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{} bytes", answer.body.len());
    // The link is made of the public URL, not of the request's `Host`.
    let public = async || {
        let server = Server::start(&["--public-url=https://chat.example"]).await;
        Browser::new(&server).get("/room/ZZZZ-ZZZZ/qr.svg").await.body
    };
    assert_eq!(public().await, public().await, "from two ports");
}
