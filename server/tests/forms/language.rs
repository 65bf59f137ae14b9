//! Language of pages: chosen by a form, or else asked for by the browser.

use hyper::{StatusCode, header};

use crate::support::Server;
use testkit::browser::{Browser, Person};
use testkit::http::{Answer, form};

/// Requests a page as a browser that is set up in German.
async fn german(browser: &mut Browser, path: &str) -> Answer {
    browser.ask("GET", path, "text/html", &[(header::ACCEPT_LANGUAGE, "de-AT,de;q=0.9,en;q=0.5")], String::new()).await
}

#[tokio::test]
async fn page_is_in_the_language_that_the_browser_accepts() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let page = ana.page();
    ana.connect().await.said("Hi").await;
    for (path, english, words) in [
        ("/", "Create a room", ["Raum öffnen", "Kein Konto."]),
        (&*page, "What's new?", ["Was gibt’s Neues?", "Jetzt hier: 1 von 50"]),
        (&*page, "You joined", ["Du bist jetzt dabei", "Benachrichtigungen: aus"]),
        ("/room/ZZZZ-ZZZZ", "no room", ["Zu diesem Code gibt es keinen Raum", "Beitreten"]),
        ("/nowhere", "nothing at", ["Unter dieser Adresse gibt es nichts", "Design: automatisch"]),
    ] {
        let shown = german(&mut ana.browser, path).await;
        assert!(shown.body.contains(r#"<html lang="de" dir="ltr" "#), "{path}: {}", shown.body);
        assert!(words.iter().all(|words| shown.body.contains(words)), "{path}: {}", shown.body);
        assert!(!shown.body.contains(english) && !shown.body.contains("Theme:"), "{path}: {}", shown.body);
        let vary = shown.headers.get_all(header::VARY).iter().map(|value| value.to_str().unwrap());
        let vary = vary.collect::<Vec<_>>().join(", ");
        assert!(vary.contains("accept-language") && vary.contains("cookie"), "{path}: {vary}");
        let plain = ana.browser.get(path).await.body;
        assert!(plain.contains(r#"<html lang="en" dir="ltr" "#) && plain.contains(english), "{path}");
    }
    let mut bo = Browser::new(&server);
    let outside = german(&mut bo, &page).await.body;
    assert!(outside.contains("1 Person ist drin. Kein Konto."), "{outside}");
}

#[tokio::test]
async fn answer_that_is_no_page_is_in_the_language_of_the_reader() {
    let server = Server::start(&[]).await;
    let body = format!("name={}", "x".repeat(256 * 1_024));
    for (language, words) in [("de", "Dieses Formular ist zu groß."), ("fr, en;q=0.1", "This form is too large.")] {
        let headers = [(header::ACCEPT_LANGUAGE, language)];
        let answer = Browser::new(&server).ask("POST", "/api/enter", "text/html", &headers, body.clone()).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::PAYLOAD_TOO_LARGE, words));
    }
    let public = Server::start(&["--public-url=https://chat.example"]).await;
    let foreign = (header::ORIGIN, "https://evil.example");
    for (server, status, headers, words) in [
        (&server, StatusCode::BAD_REQUEST, None, ["Der Server kann dieses Formular nicht lesen.", "read this form"]),
        (&server, StatusCode::FORBIDDEN, Some(&foreign), ["PUBLIC_URL muss diese Adresse sein", "PUBLIC_URL must be"]),
        (
            &public,
            StatusCode::FORBIDDEN,
            Some(&foreign),
            ["Geh auf https://chat.example", "Go to https://chat.example"],
        ),
    ] {
        for (language, words) in ["de", "en"].into_iter().zip(words) {
            let headers: Vec<_> = headers.cloned().into_iter().chain([(header::ACCEPT_LANGUAGE, language)]).collect();
            let body = "code=x&before=five".to_owned();
            let answer = Browser::new(server).ask("POST", "/api/older_page", "text/html", &headers, body).await;
            assert_eq!(answer.status, status, "{words}");
            assert!(answer.body.contains(words), "{words}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn chosen_language_stays_and_its_form_leads_back() {
    let server = Server::start(&["--public-url=https://chat.example"]).await;
    let ana = Person::create(&server, "Ana").await;
    let page = ana.page();
    for (language, from, to) in
        [("de", &*page, &*page), ("en", "/", "/"), ("de", "//evil.example", "/"), ("de", "/nowhere", "/")]
    {
        let mut browser = Browser::new(&server);
        let chosen = browser.submit("/api/language", &[("language", language), ("from", from)]).await;
        assert_eq!((chosen.status, chosen.header("location")), (StatusCode::SEE_OTHER, to), "{from}");
        let cookie = chosen.header("set-cookie");
        for part in [
            &*format!("flasky-language={language}"),
            "HttpOnly",
            "SameSite=Lax",
            "Secure",
            "Path=/",
            "Max-Age=31536000",
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let shown = german(&mut browser, "/").await.body;
        assert!(shown.contains(&format!(r#"<html lang="{language}""#)), "{shown}");
    }
    let mut browser = Browser::new(&server);
    let unknown = browser.submit("/api/language", &[("language", "tlh")]).await;
    assert_eq!((unknown.status, unknown.header("set-cookie")), (StatusCode::SEE_OTHER, ""));
    let empty = browser.submit("/api/language", &[]).await;
    assert_eq!((empty.status, empty.header("location")), (StatusCode::SEE_OTHER, "/"));
    let foreign = [(header::ORIGIN, "https://evil.example")];
    let refused = browser.ask("POST", "/api/language", "text/html", &foreign, form(&[("language", "de")])).await;
    assert_eq!((refused.status, refused.header("set-cookie")), (StatusCode::FORBIDDEN, ""));
}

#[tokio::test]
async fn refused_form_says_why_in_the_language_of_its_page() {
    let server = Server::start(&[]).await;
    let mut ana = Browser::new(&server);
    german(&mut ana, "/").await;
    for (fields, words) in [
        ([("name", ""), ("intent", "create")], "Gib einen Namen ein"),
        ([("name", "Ana"), ("code", "KXQ4-7M2")], "Eins fehlt."),
        ([("name", "Ana"), ("code", "KXQ4-7M2U")], "„U“ kommt darin nie vor."),
        ([("name", "Ana"), ("code", "ZZZZ-ZZZZ")], "Vielleicht ist er zu Ende."),
    ] {
        ana.submit("/api/enter", &fields).await;
        let shown = german(&mut ana, "/").await.body;
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // Without a cookie, in the answer to the form itself.
    let language = [(header::ACCEPT_LANGUAGE, "de")];
    let fields = form(&[("name", "Bo"), ("intent", "create")]);
    let origin = format!("http://{}", server.address);
    let own = [language[0].clone(), (header::ORIGIN, &*origin)];
    let shown = Browser::new(&server).ask("POST", "/api/enter", "text/html", &own, fields).await.body;
    assert!(shown.contains("braucht ein Cookie"), "{shown}");
}
