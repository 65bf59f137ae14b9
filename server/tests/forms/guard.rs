//! Requests that are refused: forms of other origins, GET requests to form paths, oversized and malformed forms.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;
use hyper::{Request, StatusCode, header};
use protocol::Seq;
use server::entropy;

use crate::support::Server;
use testkit::browser::{Browser, Person};
use testkit::http::{form, send};

/// Maximum bytes of a form's body.
const FORM_BYTES: usize = 256 * 1024;

#[tokio::test]
async fn form_of_another_origin_is_refused_with_403() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (code, id) = (ana.code.to_string(), entropy::event_id().to_string());
    let forms = [
        ("/api/enter", form(&[("name", "Ana")])),
        ("/api/post_message", form(&[("code", &code), ("id", &id), ("body", "x")])),
        ("/api/leave_room", form(&[("code", &code)])),
        ("/api/manage_room", form(&[("code", &code), ("action", "end")])),
    ];
    for (path, body) in &forms {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            let origin = [(header::ORIGIN, origin)];
            let answer = ana.browser.ask("POST", path, "text/html", &origin, body.clone()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} from {origin:?}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
    }
    assert_eq!(ana.connect().await.position().seq, Seq(1), "no form had an effect");
    let own = format!("http://{}", server.address);
    let (path, body) = &forms[1];
    let answer = ana.browser.ask("POST", path, "text/html", &[(header::ORIGIN, &own)], body.clone()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn get_request_to_a_form_path_changes_nothing() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let code = ana.code.to_string();
    for path in [format!("/api/leave_room?code={code}"), "/api/enter?name=Eve".to_owned()] {
        let answer = ana.browser.get(&path).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
    ana.connect().await;
}

#[tokio::test]
async fn oversized_form_is_refused_with_413() {
    let server = Server::start(&[]).await;
    let body = format!("name={}", "x".repeat(FORM_BYTES));
    for accept in ["text/html", "application/json"] {
        let answer = Browser::new(&server).ask("POST", "/api/enter", accept, &[], body.clone()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{accept}");
    }
    // Without a `Content-Length`.
    for accept in ["text/html", "application/json"] {
        let piece = || Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; 1_024])));
        let pieces = stream::iter((0..=FORM_BYTES / 1_024).map(move |_| piece()));
        let request = Request::post("/api/enter")
            .header(header::HOST, server.address.to_string())
            .header(header::ACCEPT, accept)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(StreamBody::new(pieces))
            .unwrap();
        assert_eq!(
            send(server.address, request).await.unwrap().status,
            StatusCode::PAYLOAD_TOO_LARGE,
            "{accept}, in pieces"
        );
    }
}

#[tokio::test]
async fn malformed_form_is_never_a_server_error() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    for path in ["enter", "post_message", "leave_room", "manage_room", "my_rooms", "room_snapshot", "older_page"]
        .map(|name| format!("/api/{name}"))
    {
        for (kind, body) in [
            ("application/x-www-form-urlencoded", "%"),
            ("application/x-www-form-urlencoded", "name=%ff%fe&code=%ff&id=%ff&body=%ff&before=%ff&rooms=%ff%0a"),
            ("application/x-www-form-urlencoded", "name[a][b]=c&code[]=d&before[0]=1&body[]=&id[x]=y"),
            ("application/x-www-form-urlencoded", "name=a&name=b&code=a&code=b&id=a&id=b&body=a&body=b"),
            ("application/x-www-form-urlencoded", "&&==&=&"),
            ("application/x-www-form-urlencoded", "code=x&before=-1"),
            ("application/json", r#"{"name":"Ana"}"#),
            ("text/plain", "name=Ana"),
            (
                "multipart/form-data; boundary=x",
                "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAna\r\n--x--",
            ),
        ] {
            for accept in ["text/html", "application/json"] {
                let request = Request::post(&path)
                    .header(header::HOST, server.address.to_string())
                    .header(header::ACCEPT, accept)
                    .header(header::CONTENT_TYPE, kind)
                    .body(body.to_owned())
                    .unwrap();
                let answer = send(server.address, request).await.unwrap();
                assert!(
                    !answer.status.is_server_error(),
                    "{path} {kind} {body} {accept}: {} {}",
                    answer.status,
                    answer.body
                );
                assert!(!answer.header("location").contains("err"), "{path} {kind} {body} {accept}");
            }
        }
    }
    ana.connect().await.is_well(1).await;
}

#[tokio::test]
async fn server_function_never_redirects_to_the_referer() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let code = ana.code.to_string();
    for referer in ["https://evil.example/", "//evil.example", "/elsewhere?x=1"] {
        let from = [(header::REFERER, referer)];
        for (path, fields, status) in [
            ("/api/older_page", [("code", &*code), ("before", "5")], StatusCode::OK),
            ("/api/quoted_message", [("code", &*code), ("id", "0198f3a0-0000-7000-8000-000000000001")], StatusCode::OK),
            ("/api/quoted_message", [("code", &*code), ("id", "one")], StatusCode::BAD_REQUEST),
            ("/api/my_rooms", [("rooms", &*code), ("x", "")], StatusCode::OK),
            ("/api/room_snapshot", [("code", &code), ("x", "")], StatusCode::OK),
            ("/api/older_page", [("code", &code), ("before", "five")], StatusCode::BAD_REQUEST),
            ("/api/enter", [("name", ""), ("x", "")], StatusCode::SEE_OTHER),
        ] {
            let answer = ana.browser.ask("POST", path, "text/html", &from, form(&fields)).await;
            assert_eq!(answer.status, status, "{path} from {referer}: {}", answer.body);
            let location = if status == StatusCode::SEE_OTHER { "/" } else { "" };
            assert_eq!(answer.header("location"), location, "{path} from {referer}");
        }
    }
}

#[tokio::test]
async fn connect_request_is_refused_with_400() {
    let server = Server::start(&[]).await;
    let request = Request::builder()
        .method("CONNECT")
        .uri("elsewhere.example:443")
        .header(header::HOST, "elsewhere.example:443")
        .body(Full::new(Bytes::new()))
        .unwrap();
    assert_eq!(send(server.address, request).await.unwrap().status, StatusCode::BAD_REQUEST);
    assert_eq!(Browser::new(&server).get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn trailing_slash_redirects_to_the_path_without_it() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let page = ana.page();
    let answer = ana.browser.get(&format!("{page}/")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, &*page));
}
