//! Names of members and of the room, and its host.

use protocol::{ErrorCode, EventKind, MemberId, Proposal};

use crate::support::Server;
use testkit::browser::{Browser, Person, Socket};

fn rename(name: &str) -> Proposal {
    Proposal::Renamed { name: name.to_owned() }
}

fn name_room(name: &str) -> Proposal {
    Proposal::Settings(name.to_owned().into())
}

/// Shown names and hues of the members, as the welcome has them.
fn shown(socket: &Socket) -> Vec<(String, u8)> {
    socket.welcome().members.iter().map(|seated| (seated.name.to_string(), seated.name.hue)).collect()
}

#[tokio::test]
async fn equal_and_look_alike_names_get_numbers_and_hues() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    for name in ["Ana", "\u{410}n\u{430}", "ana 2", "Bo"] {
        Person::join(&server, ana.code, name).await;
    }
    let expected = ["Ana", "Ana 2", "\u{410}n\u{430} 3", "ana 2 2", "Bo"];
    let expected: Vec<_> = expected.iter().map(|name| (*name).to_owned()).zip(0..).collect();
    assert_eq!(shown(&ana.connect().await), expected);
}

#[tokio::test]
async fn rename_is_numbered_keeps_the_hue_and_reaches_everybody() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let said = at_bo.said("before").await;
    assert_eq!(at_ana.event().await, said);
    let renamed = at_bo.asked(rename(" ana ")).await.unwrap();
    assert_eq!(at_ana.event().await, renamed);
    let EventKind::Renamed { member, name, was } = renamed.kind else { panic!("{renamed:?}") };
    assert_eq!((member, name.to_string(), name.hue), (bo.me, "ana 2".to_owned(), 1));
    assert_eq!((was.to_string(), was.hue), ("Bo".to_owned(), 1));
    let late = ana.connect().await;
    assert_eq!(shown(&late)[1], ("ana 2".to_owned(), 1));
    assert_eq!(late.names[&bo.me].to_string(), "ana 2");
    for (name, error) in [("", ErrorCode::NameMissing), ("a\u{202e}b", ErrorCode::NameBad)] {
        assert_eq!(at_bo.asked(rename(name)).await, Err(error));
    }
}

#[tokio::test]
async fn only_the_host_names_the_room_and_the_next_host_follows() {
    let server = Server::start(&[]).await;
    let mut browser = Browser::new(&server);
    let (code, me) = browser.enter(&[("name", "Ana"), ("room_name", " Book  club ")]).await;
    let mut ana = Person { browser, code, me };
    let bo = Person::join(&server, code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let state = |socket: &Socket| (socket.welcome().room.name.to_string(), socket.welcome().room.host);
    assert_eq!(state(&at_bo), ("Book club".to_owned(), Some(ana.me)));
    assert_eq!(at_bo.asked(name_room("Mine")).await, Err(ErrorCode::NotAllowed));
    assert_eq!(at_ana.asked(name_room("a\u{202e}b")).await, Err(ErrorCode::RoomNameBad));
    let named = at_ana.asked(name_room("Chess")).await.unwrap();
    assert_eq!(at_bo.event().await, named);
    assert_eq!(named.kind, EventKind::Settings("Chess".parse::<protocol::RoomName>().unwrap().into()));

    ana.browser.call("/api/leave_room", &[("code", &code.to_string())]).await;
    assert_eq!(at_bo.left().await.0, ana.me);
    assert_eq!(at_bo.event().await.kind, EventKind::Host { member: bo.me });
    assert_eq!(state(&bo.connect().await), ("Chess".to_owned(), Some(bo.me)));
    at_bo.asked(name_room("")).await.unwrap();
    assert_eq!(state(&bo.connect().await), (String::new(), Some(bo.me)));
}

#[tokio::test]
async fn room_name_is_told_to_members_only() {
    let server = Server::start(&[]).await;
    let mut ana = Browser::new(&server);
    let (code, _): (_, MemberId) = ana.enter(&[("name", "Ana"), ("capacity", "2"), ("room_name", "Zeppelin")]).await;
    let (page, code) = (format!("/room/{code}"), code.to_string());
    assert!(ana.get(&page).await.body.contains("Zeppelin"), "a member's page does not have it: this proves nothing");
    let mut stranger = Browser::new(&server);
    Person::join(&server, code.parse().unwrap(), "Bo").await;
    let told = [
        stranger.get(&page).await.body,
        stranger.get("/").await.body,
        stranger.call("/api/room_snapshot", &[("code", &code)]).await.body,
        stranger.call("/api/enter", &[("name", "Cy"), ("code", &code)]).await.body,
        stranger.submit("/api/enter", &[("name", "Cy"), ("code", &code), ("from", &page)]).await.body,
        stranger.get(&page).await.body,
        stranger.call("/api/post_message", &[("code", &code), ("body", "?")]).await.body,
    ];
    for answer in told {
        assert!(!answer.contains("Zeppelin"), "{answer}");
    }
}
