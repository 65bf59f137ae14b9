//! `/privacy`: made from the settings that the server runs with.

use hyper::{StatusCode, header};
use testkit::browser::{Browser, Person};

use crate::support::Server;

/// Each setting changes what the page says, in both languages.
#[tokio::test]
async fn privacy_page_says_what_the_settings_are() {
    const OTHER: [&str; 8] = [
        "--public-url=https://chat.example",
        "--report=mailto:abuse@chat.example?subject=Room",
        "--metrics=127.0.0.1:1",
        "--events=1234",
        "--timeline=65536",
        "--grace-ms=180000",
        "--page-lease-ms=7200000",
        "--arrival-ms=45000",
    ];
    let (usual, other) = (Server::start(&[]).await, Server::start(&OTHER).await);
    let pages = [(&usual, "en"), (&other, "en"), (&usual, "de"), (&other, "de")];
    let mut bodies = Vec::new();
    for (server, language) in pages {
        let asks = [(header::ACCEPT_LANGUAGE, language)];
        let page = Browser::new(server).ask("GET", "/privacy", "text/html", &asks, String::new()).await;
        assert_eq!((page.status, page.cookie()), (StatusCode::OK, None), "{language}");
        assert!(page.body.contains(&format!(r#"<html lang="{language}""#)), "{}", page.body);
        // It is no part of the program, which would draw another page over it.
        assert!(!page.body.contains("type=\"module\"") && !page.body.contains("id=\"app\""), "{}", page.body);
        bodies.push(page.body.replace('\u{a0}', " "));
    }
    let [usual_en, other_en, usual_de, other_de] = bodies.try_into().unwrap();
    for (word, page, without) in [
        ("1,000 events", &usual_en, &other_en),
        ("1 MiB", &usual_en, &other_en),
        ("for 2 minutes", &usual_en, &other_en),
        ("10 minutes after", &usual_en, &other_en),
        ("after 1 minute.", &usual_en, &other_en),
        ("Statistics are turned off", &usual_en, &other_en),
        ("1,234 events", &other_en, &usual_en),
        ("64 KiB", &other_en, &usual_en),
        ("for 3 minutes", &other_en, &usual_en),
        ("2 hours after", &other_en, &usual_en),
        ("after 45 seconds", &other_en, &usual_en),
        ("turned statistics on", &other_en, &usual_en),
        ("This server is https://chat.example.", &other_en, &usual_en),
        (r#"<a href="mailto:abuse@chat.example?subject=Room">abuse@chat.example<"#, &other_en, &usual_en),
        ("Report a room", &other_en, &usual_en),
        ("1.000 Ereignisse", &usual_de, &other_de),
        ("10 Minuten nach", &usual_de, &other_de),
        ("1.234 Ereignisse", &other_de, &usual_de),
        ("Raum melden", &other_de, &usual_de),
    ] {
        assert!(page.contains(word), "no {word} in {page}");
        assert!(!without.contains(word), "{word} in {without}");
    }
}

#[tokio::test]
async fn room_page_without_script_leads_to_reporting_where_it_is_configured() {
    const LINK: &str = r##"<noscript id="report-link"><a href="/privacy#report" class="report">"##;
    for (flags, is_there) in [(&["--report=https://chat.example/report"][..], true), (&[], false)] {
        let server = Server::start(flags).await;
        let mut ana = Person::create(&server, "Ana").await;
        let room = ana.page();
        assert_eq!(ana.browser.get(&room).await.body.contains(LINK), is_there);
        assert!(!ana.browser.get("/").await.body.contains(LINK), "home has no room to report");
        assert_eq!(ana.browser.get("/privacy").await.body.contains(r#"id="report""#), is_there);
    }
}

#[tokio::test]
async fn privacy_page_changes_its_language_and_home_leads_to_it() {
    let server = Server::start(&[]).await;
    let mut browser = Browser::new(&server);
    assert!(browser.get("/").await.body.contains(r#"<a href="/privacy" rel="external">"#));
    let chosen = browser.submit("/api/language", &[("language", "de"), ("from", "/privacy")]).await;
    assert_eq!((chosen.status, chosen.header("location")), (StatusCode::SEE_OTHER, "/privacy"));
    assert!(browser.get("/privacy").await.body.contains("Datenschutz"));
}
