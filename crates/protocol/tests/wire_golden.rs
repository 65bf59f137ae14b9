//! Golden files of the wire format: `fixtures/wire` holds one example of every frame and of every kind of event, and
//! `PROTOCOL.md` shows the same ones. A change here is a change of the protocol.
//!
//! `BLESS=1 cargo test -p protocol --test wire_golden` rewrites them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;

use protocol::codec::{decode, encode};
use protocol::{
    ClientFrame, CloseCode, Delivered, DisplayName, Epoch, ErrorCode, Event, EventId, EventKind, LeaveReason, Limits,
    Member, MemberId, Names, Position, Proposal, ProposedChange, RoomChange, RoomId, RoomInfo, RoomName, Seq,
    ServerFrame, ShownName, VERSION, Welcome,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire")
}

/// Asserts that the fixture decodes to the value and the value encodes to the fixture. The order of fields and every
/// byte but white space count.
fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let path = folder().join(format!("{name}.json"));
    let pretty = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &pretty).unwrap();
    }
    let fixture = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(decode::<T>(&fixture).as_ref(), Ok(value), "{name} decoded");
    assert_eq!(pretty, fixture, "{name} encoded");
    assert_eq!(decode::<T>(&encode(value)).as_ref(), Ok(value), "{name} as it is sent");
}

fn ana() -> MemberId {
    MemberId(Uuid::from_u128(0x5d1f_7a0c_93b4_4e21_8c6a_0b1e_2d3f_4a55))
}

fn room() -> RoomId {
    RoomId("c0ffee00-1b2c-4d3e-8f40-5a6b7c8d9e0f".parse().unwrap())
}

fn ben() -> MemberId {
    MemberId(Uuid::from_u128(0xa3c4_e5f6_0718_4293_a4b5_c6d7_e8f9_0a1b))
}

fn name(text: &str) -> DisplayName {
    text.parse().unwrap()
}

fn shown(text: &str, number: u32, hue: u8) -> ShownName {
    ShownName { name: name(text), number, hue }
}

fn id(nth: u8) -> EventId {
    EventId::mint(1_767_225_600_000 + u64::from(nth), [nth; 10])
}

fn position(seq: u64) -> Position {
    Position { epoch: Epoch(0x1f2e_3d4c_5b6a_7988), seq: Seq(seq) }
}

fn event(nth: u8, by: MemberId, kind: EventKind) -> Event {
    let seq = u64::from(nth) * 3;
    Event { seq: Seq(seq), prev: Seq(seq - 3), id: id(nth), at: 1_767_225_600_000 + seq, by, kind }
}

#[test]
fn client_frames_match_fixtures() {
    golden("hello", &ClientFrame::Hello { v: VERSION, position: None });
    golden("hello_resume", &ClientFrame::Hello { v: VERSION, position: Some(position(42)) });
    let append = |event| ClientFrame::Append { id: id(9), event };
    golden("append", &append(Proposal::Message { body: "Hello, Ben!".into(), reply_to: None }));
    golden("append_reply", &append(Proposal::Message { body: "Me too.".into(), reply_to: Some(id(4)) }));
    golden("append_edited", &append(Proposal::Edited { target: id(4), body: "Hello, Ben.".into() }));
    golden("append_deleted", &append(Proposal::Deleted { target: id(4) }));
    golden("append_reacted", &append(Proposal::Reacted { target: id(4), emoji: "👍".into(), on: true }));
    golden("append_renamed", &append(Proposal::Renamed { name: "Anna".into() }));
    golden("append_settings", &append(Proposal::Settings("Book club".to_owned().into())));
    let lock = ProposedChange { locked: Some(true), ..ProposedChange::default() };
    golden("append_settings_locked", &append(Proposal::Settings(lock)));
    golden("append_code", &append(Proposal::Code));
    golden("append_host", &append(Proposal::Host { member: ben() }));
    golden("append_left_removed", &append(Proposal::Remove { member: ben() }));
    golden("append_ended", &append(Proposal::Ended));
    golden("signal", &ClientFrame::Signal { typing: true });
    golden("leave", &ClientFrame::Leave);
    golden("ping", &ClientFrame::Ping { n: 7 });
}

#[test]
fn server_frames_match_fixtures() {
    golden(
        "welcome",
        &ServerFrame::Welcome(Box::new(Welcome {
            member: ana(),
            position: position(42),
            recovered: true,
            room: RoomInfo {
                id: Some(room()),
                code: "7K3M-9QXR".parse().unwrap(),
                capacity: 50,
                locked: false,
                name: "Book club".parse().unwrap(),
                host: Some(ana()),
                slow_ms: 0,
                host_only: false,
            },
            members: vec![
                Member { member: ana(), name: shown("Ana", 1, 0), away: false },
                Member { member: ben(), name: shown("Ana", 2, 1), away: true },
            ],
            oldest: Seq(3),
            limits: Limits::default(),
            build: "1.0.0".into(),
        })),
    );
    let said = event(14, ben(), EventKind::message("Hi, Ana.".parse().unwrap()));
    golden(
        "events",
        &ServerFrame::Events {
            events: vec![Delivered::Event(said), Delivered::Trimmed { id: id(2), seq: Seq(6) }],
            names: Names::from([(ben(), shown("Ana", 2, 1))]),
            more: true,
        },
    );
    golden("events_sign_of_life", &ServerFrame::Events { events: vec![], names: Names::new(), more: false });
    let signal = |typing, away, until| ServerFrame::Signal { member: ben(), typing, away, until };
    golden("signal_typing", &signal(Some(true), None, None));
    golden("signal_away", &signal(None, Some(true), Some(1_767_225_720_000)));
    golden("rejected", &ServerFrame::Rejected { id: id(9), error: ErrorCode::TooLong, retry_ms: None });
    golden("rejected_for_now", &ServerFrame::Rejected { id: id(9), error: ErrorCode::Rate, retry_ms: Some(400) });
    golden("pong", &ServerFrame::Pong { n: 7 });
    let bye =
        |code: CloseCode, retry_ms| ServerFrame::Bye { code: code.number(), reason: code.reason().into(), retry_ms };
    golden("bye", &bye(CloseCode::RoomEnded, None));
    golden("bye_come_back", &bye(CloseCode::Restarting, Some(2_000)));
}

#[test]
fn event_kinds_match_fixtures() {
    golden("event_joined", &event(1, ana(), EventKind::Joined { member: ana(), name: shown("Ana", 1, 0) }));
    let look_alike = EventKind::Joined { member: ben(), name: shown("Ana", 2, 1) };
    golden("event_joined_look_alike", &event(2, ben(), look_alike));
    let renamed = EventKind::Renamed { member: ben(), name: shown("Ben", 1, 1), was: shown("Ana", 2, 1) };
    golden("event_renamed", &event(11, ben(), renamed));
    let named = RoomChange::from("Book club".parse::<RoomName>().unwrap());
    golden("event_settings", &event(12, ana(), EventKind::Settings(named)));
    let slow = RoomChange { capacity: Some(30), slow_ms: Some(10_000), ..RoomChange::default() };
    golden("event_settings_slow", &event(14, ana(), EventKind::Settings(slow)));
    golden("event_code", &event(15, ana(), EventKind::Code { code: "2V0C-Y8RW".parse().unwrap() }));
    golden("event_left_removed", &event(16, ana(), EventKind::Left { member: ben(), why: LeaveReason::Removed }));
    golden("event_ended", &event(17, ana(), EventKind::Ended));
    golden("event_host", &event(13, ben(), EventKind::Host { member: ben() }));
    golden("event_left", &event(2, ana(), EventKind::Left { member: ana(), why: LeaveReason::Choice }));
    golden("event_left_vanished", &event(3, ben(), EventKind::Left { member: ben(), why: LeaveReason::Vanished }));
    let body = "Two lines,\n\"quotes\", émojis 🧪.".parse().unwrap();
    golden("event_message", &event(4, ben(), EventKind::message(body)));
    let answer = EventKind::Message { body: "Me too.".parse().ok(), reply_to: Some(id(4)), edited: true };
    golden("event_message_edited", &event(5, ana(), answer));
    golden("event_message_gone", &event(6, ana(), EventKind::Message { body: None, reply_to: None, edited: false }));
    golden("event_edited", &event(7, ana(), EventKind::Edited { target: id(5), body: "Me too.".parse().ok() }));
    golden("event_edited_again", &event(8, ana(), EventKind::Edited { target: id(6), body: None }));
    golden("event_deleted", &event(9, ana(), EventKind::Deleted { target: id(6) }));
    let reacted = EventKind::Reacted { target: id(4), emoji: "👍".parse().unwrap(), on: true };
    golden("event_reacted", &event(10, ana(), reacted));
}

/// Kinds that must have an example.
const WANTED: [&str; 21] = [
    "hello",
    "append",
    "leave",
    "ping",
    "welcome",
    "events",
    "rejected",
    "pong",
    "bye",
    "event_joined",
    "event_renamed",
    "event_settings",
    "event_code",
    "event_ended",
    "event_host",
    "event_left",
    "event_message",
    "event_edited",
    "event_deleted",
    "event_reacted",
    "signal",
];

/// A new variant breaks the build here, and needs a fixture above.
#[test]
fn every_frame_and_event_kind_has_a_fixture() {
    fn client(frame: &ClientFrame) -> &'static str {
        match frame {
            ClientFrame::Hello { .. } => "hello",
            ClientFrame::Append { .. } => "append",
            ClientFrame::Leave => "leave",
            ClientFrame::Signal { .. } => "signal",
            ClientFrame::Ping { .. } => "ping",
            ClientFrame::Unknown => "unknown",
        }
    }
    fn server(frame: &ServerFrame) -> &'static str {
        match frame {
            ServerFrame::Welcome(_) => "welcome",
            ServerFrame::Events { .. } => "events",
            ServerFrame::Signal { .. } => "signal",
            ServerFrame::Rejected { .. } => "rejected",
            ServerFrame::Pong { .. } => "pong",
            ServerFrame::Bye { .. } => "bye",
            ServerFrame::Unknown => "unknown",
        }
    }
    fn kind(kind: &EventKind) -> &'static str {
        match kind {
            EventKind::Joined { .. } => "event_joined",
            EventKind::Renamed { .. } => "event_renamed",
            EventKind::Settings(_) => "event_settings",
            EventKind::Code { .. } => "event_code",
            EventKind::Ended => "event_ended",
            EventKind::Host { .. } => "event_host",
            EventKind::Left { .. } => "event_left",
            EventKind::Message { .. } => "event_message",
            EventKind::Edited { .. } => "event_edited",
            EventKind::Deleted { .. } => "event_deleted",
            EventKind::Reacted { .. } => "event_reacted",
            EventKind::Unknown => "unknown",
        }
    }
    let mut wanted = BTreeSet::from(WANTED);
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let found = match (decode::<Event>(&text), decode::<ClientFrame>(&text), decode::<ServerFrame>(&text)) {
            (Ok(event), ..) => kind(&event.kind),
            (_, Ok(frame), _) if frame != ClientFrame::Unknown => client(&frame),
            (_, _, Ok(frame)) => server(&frame),
            _ => "nothing",
        };
        assert!(stem.starts_with(found), "{stem} holds {found}");
        wanted.remove(found);
    }
    assert!(wanted.is_empty(), "no example of {wanted:?}");
}

#[test]
fn protocol_document_quotes_every_fixture() {
    let prose = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../PROTOCOL.md")).unwrap();
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let example = std::fs::read_to_string(&path).unwrap();
        assert!(prose.contains(example.trim()), "PROTOCOL.md does not show {}", path.display());
    }
}
