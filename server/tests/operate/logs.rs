//! The log: one line of JSON per decision, without secrets, names, room codes, ids or message texts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use hyper::{StatusCode, header};
use protocol::Proposal;
use serde_json::Value;
use testkit::browser::Browser;
use testkit::dice::Dice;
use testkit::node::Program;
use testkit::raw_client::RawClient;
use testkit::{http, ids};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

const TIME: Duration = Duration::from_secs(10);

/// At every level that a release can be set to, and with every way to write the most talkative one, at which libraries
/// log, too.
#[tokio::test]
async fn nothing_personal_is_logged_at_any_level() {
    for (filter, has_decisions) in [
        ("off", false),
        ("error", false),
        ("warn", false),
        ("info", true),
        ("debug", true),
        ("trace", true),
        ("info,hyper=trace,hyper_util=trace,tower_http=trace,tungstenite=trace,leptos=trace,server=trace", true),
    ] {
        let (text, secrets) = log_of_everything(filter).await;
        if has_decisions {
            assert_has_decisions(&text, filter != "info");
        }
        for secret in secrets {
            assert!(!text.contains(&secret), "{secret} at {filter} in {text}");
        }
    }
}

/// Runs a server, does everything that a person can, and returns its log and what may not be in it.
async fn log_of_everything(filter: &str) -> (String, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("RUST_LOG", filter), ("SECRET", "a-secret-that-nobody-may-see-anywhere-at-all")];
    let environment = environment.map(|(name, value)| (name, value.to_owned())).into();
    let mut server = Program::new(env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"), environment);
    let stderr = server.start_listened().await;
    let ana = http::enter(server.address, "Ana", None, 50).await.unwrap();
    let bo = http::enter(server.address, "Bo", Some(ana.code), 50).await.unwrap();
    let too_long = format!("Marquise{}", "x".repeat(60));
    assert!(http::enter(server.address, &too_long, Some(ana.code), 50).await.is_err());
    let mut at_ana = RawClient::connect(server.address, &ana, None).await;
    let said = ids::mint(&mut Dice::new(1));
    at_ana.append(said, "treasure".to_owned()).await;
    at_ana.propose(ids::mint(&mut Dice::new(2)), Proposal::Settings("Vault".to_owned().into())).await;
    at_ana.propose(ids::mint(&mut Dice::new(3)), Proposal::Renamed { name: "Countess".to_owned() }).await;
    at_ana.propose(ids::mint(&mut Dice::new(4)), Proposal::Settings("Cellar \u{202e}".to_owned().into())).await;
    while !at_ana.next_text().await.unwrap().contains("room_name_bad") {}
    RawClient::connect(server.address, &bo, None).await.close("why: a diamond").await;
    http::post_message(server.address, &bo, ids::mint(&mut Dice::new(5)), "jewel").await.unwrap();
    let stranger = visit_through_proxy(server.address, &ana).await;
    http::leave_room(server.address, bo.clone()).await.unwrap();
    let nobody = http::Seat { cookie: "flasky=none".to_owned(), ..bo.clone() };
    let refused = RawClient::refused(server.address, &nobody).await;
    assert!(refused.contains("4501"), "{refused}");
    // Keeps reading, so that the shutdown need not wait for this connection.
    let reading = tokio::spawn(async move { while at_ana.next_text().await.is_some() {} });
    assert_eq!(server.terminate(TIME).await.code(), Some(0));
    reading.await.unwrap();

    let cookie = |seat: &http::Seat| seat.cookie.split('=').nth(1).unwrap().to_owned();
    let code = ana.code.to_string();
    let mut secrets =
        ["treasure", "jewel", "diamond", "Ana", "Marquise", "Vault", "Countess", "Cellar", "a-secret", "YYYY"]
            .map(ToOwned::to_owned)
            .to_vec();
    secrets.extend([code.replace('-', ""), code.to_lowercase(), code, cookie(&ana), cookie(&bo)]);
    secrets.extend([ana.member.0, bo.member.0, said.0].map(|id| id.to_string()));
    secrets.extend(stranger);
    (stderr.await.unwrap().unwrap(), secrets)
}

/// Asks for what a browser can ask for, also in vain, as a proxy passes it on. Returns the addresses that were sent along,
/// and the one that the requests came from, where it is another than the server's.
async fn visit_through_proxy(server: SocketAddr, seat: &http::Seat) -> Vec<String> {
    // Linux answers to all of 127.0.0.0/8.
    let own = if cfg!(target_os = "linux") { "127.0.0.9" } else { "127.0.0.1" };
    let room = format!("/room/{}", seat.code);
    let socket = format!("/ws/{}", seat.code);
    for (request, body) in [
        (format!("GET {room}"), ""),
        (format!("GET {room}/"), ""),
        (format!("GET {}", room.to_lowercase()), ""),
        (format!("GET {room}/qr.svg"), ""),
        ("GET /room/YYYY-YYYY".to_owned(), ""),
        (format!("GET {socket}"), ""),
        (format!("GET {socket}?treasure"), ""),
        ("GET /treasure".to_owned(), ""),
        ("POST /api/enter".to_owned(), "name=Marquise&code=YYYY-YYYY&intent=join"),
        ("POST /api/post_message".to_owned(), "treasure"),
        ("POST /api/my_rooms".to_owned(), "rooms=treasure"),
        ("treasure /".to_owned(), ""),
        ("GET treasure".to_owned(), ""),
    ] {
        let from = TcpSocket::new_v4().unwrap();
        from.bind(SocketAddr::new(own.parse().unwrap(), 0)).unwrap();
        let mut stream = from.connect(server).await.unwrap();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: {server}\r\nCookie: {}\r\nX-Forwarded-For: 203.0.113.77, 2001:db8:77::1\r\n\
             X-Real-IP: 203.0.113.77\r\nForwarded: for=\"[2001:db8:77::1]:4711\"\r\nReferer: http://{server}{room}\r\n\
             Accept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            seat.cookie,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(TIME, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 "), "{request}");
    }
    let mut addresses = vec!["203.0.113".to_owned(), "2001:db8".to_owned(), ":4711".to_owned()];
    addresses.extend((own != server.ip().to_string()).then(|| own.to_owned()));
    addresses
}

/// Fails unless the log has a line of each decision, of level debug if that is wanted, and none at a level that is not
/// compiled in.
fn assert_has_decisions(text: &str, wants_debug: bool) {
    let lines: Vec<BTreeMap<String, Value>> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(lines.iter().any(|line| line["level"] == "DEBUG"), wants_debug, "{text}");
    assert!(lines.iter().all(|line| line["level"] != "TRACE"), "{text}");
    for decision in [
        "listening",
        "room created",
        "joined",
        "form refused",
        "connected",
        "left",
        "refused",
        "draining",
        "closed",
        "stopped",
    ] {
        assert!(messages.contains(&decision), "no {decision} in {text}");
    }
    let line = |message: &str| &lines[messages.iter().position(|found| *found == message).unwrap()];
    assert_eq!(line("closed")["code"], 1001);
    assert_eq!(line("refused")["code"], 4501);
    assert_eq!(line("closed")["conn"], line("connected")["conn"]);
}

/// The name `flasky` in a filter stands for the program's own crates.
#[tokio::test]
async fn flasky_in_a_log_filter_stands_for_the_programs_crates() {
    for (filter, shows_listening, shows_refused) in [
        ("info", true, false),
        ("flasky=debug", true, true),
        ("warn,flasky=info", true, false),
        ("flasky::session=debug", false, true),
        ("flasky=off", false, false),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let environment = vec![("RUST_LOG", filter.to_owned())];
        let mut server =
            Program::new(env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"), environment);
        let stderr = server.start_listened().await;
        let ana = http::enter(server.address, "Ana", None, 50).await.unwrap();
        let mut at_ana = RawClient::connect(server.address, &ana, None).await;
        at_ana.append(ids::mint(&mut Dice::new(1)), " ".to_owned()).await;
        while !at_ana.next_text().await.unwrap().contains("rejected") {}
        drop(at_ana);
        assert_eq!(server.terminate(TIME).await.code(), Some(0));
        let text = stderr.await.unwrap().unwrap();
        let shown = |message: &str| text.contains(&format!(r#""message":"{message}""#));
        assert_eq!((shown("listening"), shown("append refused")), (shows_listening, shows_refused), "{filter}: {text}");
    }
}

#[test]
fn invalid_setting_is_refused_without_printing_its_secret() {
    let run = |name: &str, value: &str| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_server"));
        let output = program.env_clear().env(name, value).stdin(Stdio::null()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(!run("SECRET", "too-short-secret").contains("too-short"));
    let postgres = run("DATABASE_URL", "postgres://me:password@db.example/rooms");
    assert!(postgres.contains("postgres://…@db.example/rooms") && postgres.contains("sqlite://PATH"), "{postgres}");
    assert!(!postgres.contains("password"), "{postgres}");
}

/// The lines help an operator whose proxy sends the wrong `Host`. Their number and length are limited, so that no page
/// can fill the log.
#[tokio::test]
async fn log_lines_about_refused_origins_are_rate_limited() {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("RUST_LOG", "warn".to_owned()), ("PUBLIC_URL", "https://chat.example".to_owned())].into();
    let mut server = Program::new(env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"), environment);
    let stderr = server.start_listened().await;
    let mut browser = Browser { address: server.address, cookie: None };
    let origin = format!("http://evil.example{}", "x".repeat(4_000));
    for _ in 0..50 {
        let refused = browser.ask("POST", "/api/enter", "text/html", &[(header::ORIGIN, &origin)], String::new()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(server.terminate(TIME).await.code(), Some(0));
    let text = stderr.await.unwrap().unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<_> = lines.iter().filter(|line| line["message"].as_str().unwrap().contains("origin")).collect();
    assert!((1..=7).contains(&said.len()), "{text}");
    assert!(
        said[0]["origin"].as_str().is_some_and(|shown| shown.starts_with("http://evil.example") && shown.len() == 300)
    );
    assert_eq!(said[0]["host"], server.address.to_string());
    assert_eq!(said[0]["public_url"], "https://chat.example");
}
