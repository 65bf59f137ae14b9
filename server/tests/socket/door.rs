//! Opening a socket: handshake, cookie, room code, subprotocol, origin, and the number of connections.

use super::raw::{HANDSHAKE, Raw};
use crate::support::Server;
use testkit::browser::{Browser, Person};
use testkit::socket::Handshake;

#[tokio::test]
async fn connection_without_a_seat_closes_with_4501() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    let elsewhere = Person::create(&server, "Bo").await;
    let cookie = ana.browser.cookie.clone().unwrap();
    // The value is the signature (44 characters of base64) and the session.
    let (name, value) = cookie.split_once('=').unwrap();
    let (signature, session) = value.split_at(44);
    let (_, other_session) = elsewhere.browser.cookie.as_ref().unwrap().split_once('=').unwrap().1.split_at(44);
    for (why, cookie) in [
        ("no cookie", None),
        ("another room's", elsewhere.browser.cookie.clone()),
        ("unsigned", Some(format!("{name}={session}"))),
        ("another session under the signature", Some(format!("{name}={signature}{other_session}"))),
        ("a made up signature", Some(format!("{name}={}{session}", "A".repeat(43) + "="))),
        ("nonsense", Some(format!("{name}=%ff%00"))),
    ] {
        let mut socket = Handshake { cookie, ..ana.handshake() }.open().await.unwrap();
        // Some are refused before `hello`, some after.
        socket.send_text(r#"{"type":"hello","v":1}"#.to_owned()).await;
        assert_eq!(socket.end().await, 4501, "{why}");
    }
    at_ana.is_well(1).await;
}

#[tokio::test]
async fn unknown_room_closes_with_4502() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    for code in ["ZZZZ-ZZZZ", "KXQ4-7M2", "nonsense", "%00"] {
        let mut socket = Handshake { code: code.to_owned(), ..ana.handshake() }.open().await.unwrap();
        socket.send_text(r#"{"type":"hello","v":1}"#.to_owned()).await;
        assert_eq!(socket.end().await, 4502, "{code}");
    }
    // Lower case and a missing hyphen are accepted, as on the page.
    let code = ana.code.to_string().to_lowercase().replace('-', "");
    let mut socket = Handshake { code, ..ana.handshake() }.open().await.unwrap();
    socket.greet_anew().await;
}

#[tokio::test]
async fn missing_subprotocol_closes_with_4508() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut socket = Handshake { subprotocol: false, ..ana.handshake() }.open().await.unwrap();
    assert_eq!(socket.end().await, 4508);
}

#[tokio::test]
async fn handshake_of_another_origin_is_refused_with_403() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let own = format!("http://{}", server.address);
    let open = |origin: Option<&str>| Handshake { origin: origin.map(str::to_owned), ..ana.handshake() }.open();
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", &format!("{own}.evil.example")] {
        assert_eq!(open(Some(origin)).await.err(), Some(403), "{origin}");
    }
    for origin in [Some(&*own), None] {
        open(origin).await.unwrap().greet_anew().await;
    }
}

#[tokio::test]
async fn public_url_is_the_only_allowed_origin() {
    let server = Server::start(&["--public-url=http://chat.example"]).await;
    let ana = Person::create(&server, "Ana").await;
    let open = |origin: String| Handshake { origin: Some(origin), ..ana.handshake() }.open();
    assert_eq!(open(format!("http://{}", server.address)).await.err(), Some(403));
    open("http://chat.example".to_owned()).await.unwrap().greet_anew().await;
}

#[tokio::test]
async fn ninth_connection_of_a_member_closes_with_4510() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_bo = bo.connect().await;
    let mut tabs = Vec::new();
    for _ in 0..8 {
        tabs.push(ana.connect().await);
    }
    let mut ninth = ana.knock().await;
    ninth.send_text(r#"{"type":"hello","v":1}"#.to_owned()).await;
    assert_eq!(ninth.end().await, 4510);
    let said = at_bo.said("all of you hear this").await;
    for tab in &mut tabs {
        assert_eq!(tab.event().await, said);
    }
}

#[tokio::test]
async fn socket_path_without_a_handshake_is_a_client_error() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let answer = Browser::new(&server).get(&format!("/ws/{}", ana.code)).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
}

#[tokio::test]
async fn several_connection_header_lines_are_read_as_one_list() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let [_, rest @ ..] = HANDSHAKE;
    // RFC 9110 section 5.3: several lines of one name are one list, in their order.
    for connection in [
        &["Connection: keep-alive", "Connection: Upgrade"][..],
        &["Connection: Upgrade", "Connection: keep-alive"],
        &["Connection: keep-alive, Upgrade"],
        &["connection: keep-alive", "CONNECTION: , TE,", "Connection:\tuPGRADE ,keep-alive"],
        &["Connection:", "Connection: upgrade"],
    ] {
        let lines = [connection, &rest].concat();
        let (_, status, head) = Raw::handshake(&ana, &lines).await;
        assert_eq!(status, 101, "{connection:?}: {head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "the example of RFC 6455 section 1.3: {head}");
    }
    for connection in [&["Connection: keep-alive", "Connection: close"][..], &["Connection: Upgraded"], &[]] {
        let (_, status, head) = Raw::handshake(&ana, &[connection, &rest].concat()).await;
        assert!((400..500).contains(&status), "{connection:?}: {head}");
    }
}
