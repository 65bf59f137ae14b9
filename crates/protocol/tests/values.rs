//! Values of the wire: which input is normalized, which is refused, and that no input makes decoding panic.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use protocol::codec::{decode, encode};
use protocol::{
    ClientFrame, CloseCode, Delivered, DisplayName, Epoch, ErrorCode, Event, EventId, EventKind, LeaveReason, MemberId,
    MessageBody, Names, Position, Proposal, ProposedChange, RoomChange, RoomCode, RoomName, Seq, ServerFrame,
    ShownName, body, error::should_reconnect, name, room_name,
};
use uuid::Uuid;

fn code() -> impl Strategy<Value = RoomCode> {
    any::<[u8; 5]>().prop_map(RoomCode::from_entropy)
}

fn display_name() -> impl Strategy<Value = DisplayName> {
    ".{0,40}".prop_filter_map("a name", |typed| typed.parse().ok())
}

fn shown_name() -> impl Strategy<Value = ShownName> {
    (display_name(), 1u32.., 0..name::HUES).prop_map(|(name, number, hue)| ShownName { name, number, hue })
}

fn room_name() -> impl Strategy<Value = RoomName> {
    ".{0,80}".prop_filter_map("a name", |typed| typed.parse().ok())
}

fn message_body() -> impl Strategy<Value = MessageBody> {
    "(?s).{0,80}".prop_filter_map("a body", |typed| typed.parse().ok())
}

fn member() -> impl Strategy<Value = MemberId> {
    any::<u128>().prop_map(|bits| MemberId(Uuid::from_u128(bits)))
}

fn event_id() -> impl Strategy<Value = EventId> {
    (0u64..1 << 48, any::<[u8; 10]>()).prop_map(|(ms, entropy)| EventId::mint(ms, entropy))
}

fn kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        (member(), shown_name()).prop_map(|(member, name)| EventKind::Joined { member, name }),
        (member(), shown_name(), shown_name()).prop_map(|(member, name, was)| EventKind::Renamed { member, name, was }),
        (prop::option::of(room_name()), any::<[Option<bool>; 2]>(), any::<[Option<u32>; 2]>()).prop_map(
            |(name, [locked, host_only], [capacity, slow_ms])| EventKind::Settings(RoomChange {
                name,
                locked,
                capacity,
                slow_ms,
                host_only
            })
        ),
        code().prop_map(|code| EventKind::Code { code }),
        Just(EventKind::Ended),
        member().prop_map(|member| EventKind::Host { member }),
        member().prop_map(|member| EventKind::Left { member, why: LeaveReason::Vanished }),
        (prop::option::of(message_body()), prop::option::of(event_id()), any::<bool>())
            .prop_map(|(body, reply_to, edited)| EventKind::Message { body, reply_to, edited }),
        (event_id(), prop::option::of(message_body())).prop_map(|(target, body)| EventKind::Edited { target, body }),
        event_id().prop_map(|target| EventKind::Deleted { target }),
        (event_id(), any::<bool>()).prop_map(|(target, on)| EventKind::Reacted {
            target,
            emoji: "🧪".parse().unwrap(),
            on
        }),
        Just(EventKind::Unknown),
    ]
}

fn delivered() -> impl Strategy<Value = Delivered> {
    let event = (0..1u64 << 53, 0..1u64 << 53, event_id(), any::<u64>(), member(), kind()).prop_map(
        |(seq, prev, id, at, by, kind)| Delivered::Event(Event { seq: Seq(seq), prev: Seq(prev), id, at, by, kind }),
    );
    let trimmed = (event_id(), 0..1u64 << 53).prop_map(|(id, seq)| Delivered::Trimmed { id, seq: Seq(seq) });
    prop_oneof![4 => event, 1 => trimmed]
}

fn server_frame() -> impl Strategy<Value = ServerFrame> {
    let names = prop::collection::btree_map(member(), shown_name(), 0..4);
    prop_oneof![
        (prop::collection::vec(delivered(), 0..6), names, any::<bool>())
            .prop_map(|(events, names, more)| ServerFrame::Events { events, names, more }),
        (event_id(), any::<Option<u64>>()).prop_map(|(id, retry_ms)| ServerFrame::Rejected {
            id,
            error: ErrorCode::Rate,
            retry_ms
        }),
        (member(), any::<Option<bool>>(), any::<Option<bool>>(), any::<Option<u64>>())
            .prop_map(|(member, typing, away, until)| ServerFrame::Signal { member, typing, away, until }),
        any::<u64>().prop_map(|n| ServerFrame::Pong { n }),
        (any::<u16>(), ".{0,9}", any::<Option<u64>>()).prop_map(|(code, reason, retry_ms)| ServerFrame::Bye {
            code,
            reason,
            retry_ms
        }),
    ]
}

fn proposal() -> impl Strategy<Value = Proposal> {
    prop_oneof![
        (any::<String>(), prop::option::of(event_id()))
            .prop_map(|(body, reply_to)| Proposal::Message { body, reply_to }),
        (event_id(), any::<String>()).prop_map(|(target, body)| Proposal::Edited { target, body }),
        event_id().prop_map(|target| Proposal::Deleted { target }),
        (event_id(), any::<String>(), any::<bool>()).prop_map(|(target, emoji, on)| Proposal::Reacted {
            target,
            emoji,
            on
        }),
        any::<String>().prop_map(|name| Proposal::Renamed { name }),
        any::<String>().prop_map(|name| Proposal::Settings(name.into())),
        (any::<bool>(), any::<Option<u32>>()).prop_map(|(locked, slow_ms)| {
            Proposal::Settings(ProposedChange { locked: Some(locked), slow_ms, ..ProposedChange::default() })
        }),
        Just(Proposal::Code),
        Just(Proposal::Ended),
        member().prop_map(|member| Proposal::Host { member }),
        member().prop_map(|member| Proposal::Remove { member }),
        Just(Proposal::NotAllowed),
        Just(Proposal::Unsupported),
    ]
}

fn client_frame() -> impl Strategy<Value = ClientFrame> {
    let position =
        (any::<u64>(), 0..1u64 << 53).prop_map(|(epoch, seq)| Position { epoch: Epoch(epoch), seq: Seq(seq) });
    prop_oneof![
        (any::<u32>(), prop::option::of(position)).prop_map(|(v, position)| ClientFrame::Hello { v, position }),
        (event_id(), proposal()).prop_map(|(id, event)| ClientFrame::Append { id, event }),
        any::<bool>().prop_map(|typing| ClientFrame::Signal { typing }),
        Just(ClientFrame::Leave),
        any::<u64>().prop_map(|n| ClientFrame::Ping { n }),
    ]
}

proptest! {
    #[test]
    fn any_entropy_makes_a_code_that_reads_back(code in code()) {
        prop_assert_eq!(code.to_string().len(), 9);
        prop_assert_eq!(code.to_string().parse(), Ok(code));
    }

    #[test]
    fn code_ignores_case_spaces_hyphens_and_look_alikes(code in code(), salt in prop::collection::vec(0u8..6, 9)) {
        let typed: String = code.to_string().chars().zip(&salt).map(|(c, salt)| match (c, salt) {
            ('0', 0) => "o".to_owned(),
            ('0', 1) => "O".to_owned(),
            ('1', 0) => "i".to_owned(),
            ('1', 1) => "L".to_owned(),
            ('-', 0) => "\u{2013}".to_owned(),
            ('-', 1) => String::new(),
            (c, 2) => format!(" {c}"),
            (c, 3) => c.to_lowercase().to_string(),
            (c, 4) => format!("{c}-"),
            (c, _) => c.to_string(),
        }).collect();
        prop_assert_eq!(typed.parse(), Ok(code));
    }

    #[test]
    fn code_parsing_never_panics(typed in any::<String>()) {
        if let Ok(code) = typed.parse::<RoomCode>() {
            prop_assert_eq!(code.to_string().parse(), Ok(code));
        }
    }

    #[test]
    fn parsed_name_is_within_bounds_and_normalized(typed in any::<String>()) {
        if let Ok(name) = typed.parse::<DisplayName>() {
            prop_assert!(!name.as_str().is_empty());
            prop_assert!(name.as_str().chars().count() <= 4 * name::MAX_GRAPHEMES);
            prop_assert_eq!(name.as_str().trim(), name.as_str());
            prop_assert_eq!(name.as_str().parse(), Ok(name.clone()));
            prop_assert!(!name.initials().chars().all(name::is_invisible), "an empty avatar");
        }
    }

    #[test]
    fn parsed_room_name_is_within_bounds_and_normalized(typed in any::<String>()) {
        if let Ok(name) = typed.parse::<RoomName>() {
            prop_assert!(name.as_str().chars().count() <= 4 * room_name::MAX_GRAPHEMES);
            prop_assert_eq!(name.as_str().trim(), name.as_str());
            prop_assert_eq!(name.as_str().parse(), Ok(name.clone()));
            prop_assert_eq!(RoomName::stored(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn parsed_body_is_within_bounds_and_normalized(typed in "(?s)[ \t\r\n\u{a0}]{0,6}.{0,60}[ \t\r\n]{0,6}") {
        if let Ok(parsed) = typed.parse::<MessageBody>() {
            let text = parsed.as_str();
            prop_assert!(!text.contains('\r'));
            prop_assert_eq!(text.trim_end(), text);
            prop_assert_eq!(body::length(&typed), text.chars().count());
            prop_assert_eq!(text.parse(), Ok(parsed.clone()));
        }
    }

    #[test]
    fn decoding_any_text_never_panics(text in any::<String>()) {
        let _ = decode::<ClientFrame>(&text);
        let _ = decode::<ServerFrame>(&text);
    }

    #[test]
    fn decoding_a_corrupted_frame_never_panics(
        client in client_frame(), server in server_frame(), at in any::<prop::sample::Index>(), with in any::<char>(),
    ) {
        for text in [encode(&client), encode(&server)] {
            let mut letters: Vec<char> = text.chars().collect();
            let at = at.index(letters.len());
            letters[at] = with;
            let replaced: String = letters.iter().collect();
            letters.remove(at);
            let removed: String = letters.iter().collect();
            let cut: String = letters[..at].iter().collect();
            for wounded in [replaced, removed, cut] {
                let _ = decode::<ClientFrame>(&wounded);
                let _ = decode::<ServerFrame>(&wounded);
            }
        }
    }

    #[test]
    fn frames_read_back_as_written(client in client_frame(), server in server_frame()) {
        prop_assert_eq!(decode::<ClientFrame>(&encode(&client)), Ok(client));
        prop_assert_eq!(decode::<ServerFrame>(&encode(&server)), Ok(server));
    }

    #[test]
    fn minted_ids_are_version_7_and_sort_by_time(a in 0u64..1 << 47, later in 1u64..1 << 47, x: [u8; 10], y: [u8; 10]) {
        prop_assert!(EventId::mint(a, x).is_v7());
        prop_assert!(EventId::mint(a, x) < EventId::mint(a + later, y));
    }
}

#[test]
fn body_is_counted_in_scalar_values() {
    let longest = "é".repeat(body::MAX_SCALARS);
    assert!(longest.parse::<MessageBody>().is_ok());
    assert_eq!(format!("{longest}x").parse::<MessageBody>().map_err(body::BodyError::code), Err(ErrorCode::TooLong));
    assert_eq!("\n \t ".parse::<MessageBody>().map_err(body::BodyError::code), Err(ErrorCode::Empty));
    assert_eq!("\u{200b}\u{3164}\u{fe0f}".parse::<MessageBody>().map_err(body::BodyError::code), Err(ErrorCode::Empty));
    assert_eq!("\n\n  indented\r\nnext \n".parse::<MessageBody>().unwrap().as_str(), "  indented\nnext");
}

#[test]
fn control_characters_of_pasted_text_are_dropped() {
    for (typed, body) in [
        ("pdf hyphen\u{2}ation", "pdf hyphenation"),
        ("vertical\u{b}tab", "verticaltab"),
        ("\u{0}a\u{1b}[1mb\u{7f}\u{9c}", "a[1mb"),
        ("\u{c}\n  a\tb\rc\u{3}\n\u{1}", "  a\tb\nc"),
        ("\u{202e}می\u{200c}خواهم\u{ad}", "\u{202e}می\u{200c}خواهم\u{ad}"),
    ] {
        assert_eq!(typed.parse::<MessageBody>().unwrap().as_str(), body);
        assert_eq!(body::length(typed), body.chars().count());
    }
    assert_eq!("\u{2}\u{b}".parse::<MessageBody>().map_err(body::BodyError::code), Err(ErrorCode::Empty));
    assert_eq!("A\u{2}na\tB\u{b}o".parse::<DisplayName>().unwrap().as_str(), "Ana B o");
}

#[test]
fn place_of_a_bidi_control_in_a_name_is_found() {
    assert_eq!(name::bidi_control_at(" Ana\u{202e}Bo"), Some(4));
    assert_eq!(name::bidi_control_at("Ana"), None);
}

#[test]
fn code_is_found_in_pasted_text() {
    let code: RoomCode = "KXQ4-7M2P".parse().unwrap();
    for typed in [
        "https://chat.example/room/KXQ4-7M2P",
        "http://127.0.0.1:3000/room/kxq4-7m2p?from=mail#log",
        "Join us: https://chat.example/room/KXQ4-7M2P.",
        "<https://chat.example/room/KXQ4-7M2P>",
        "chat.example/room/KXQ47M2P/",
        "KXQ4-7M2P.",
        "“KXQ4–7M2P”",
        "(kxq4 7m2p)",
        "#KXQ4_7M2P!",
        "\u{200b}KXQ4-7M2P\u{feff}\n",
        "The code is KXQ4-7M2P, come in",
        "code: KXQ4 7M2P",
        "long-term room kxq47m2p please",
    ] {
        assert_eq!(typed.parse(), Ok(code), "{typed}");
    }
    for typed in ["https://chat.example/", "long-term", "some words about nothing", "KXQ4-7M2", "KXQ4-7M2U", "?"] {
        assert!(
            typed == "long-term" || typed.parse::<RoomCode>().is_err_and(|error| error.code() == ErrorCode::CodeBad),
            "{typed}"
        );
    }
}

#[test]
fn name_is_counted_in_graphemes_and_never_invisible() {
    let family = "👨‍👩‍👧";
    assert!(family.repeat(25).parse::<DisplayName>().is_ok());
    assert_eq!("a".repeat(33).parse::<DisplayName>().map_err(name::NameError::code), Err(ErrorCode::NameBad));
    assert_eq!("\u{200b}\u{2800}".parse::<DisplayName>().map_err(name::NameError::code), Err(ErrorCode::NameMissing));
    assert_eq!("\u{301}".parse::<DisplayName>().map_err(name::NameError::code), Err(ErrorCode::NameMissing));
    assert_eq!("a\u{202e}b".parse::<DisplayName>().map_err(name::NameError::code), Err(ErrorCode::NameBad));
    assert_eq!("  Ana   Maria ".parse::<DisplayName>().unwrap().as_str(), "Ana Maria");
}

#[test]
fn initials_are_two_signs_or_one_emoji() {
    for (name, initials) in [
        ("Ana", "An"),
        ("Ana Maria Bo", "AM"),
        ("é\u{301}a", "é\u{301}a"),
        ("\u{200b}Ana", "An"),
        ("\u{200b} \u{301}Ana", "An"),
        ("x", "x"),
        ("🦊 Fox", "🦊"),
        ("Fox 🦊", "F"),
        ("李小龙", "李小"),
    ] {
        assert_eq!(name.parse::<DisplayName>().unwrap().initials(), initials, "{name}");
    }
}

#[test]
fn number_is_shown_from_2_on() {
    let shown = |number| ShownName { number, ..ShownName::from("Ana".parse::<DisplayName>().unwrap()) }.to_string();
    assert_eq!([shown(1), shown(2)], ["Ana", "Ana 2"]);
}

#[test]
fn room_name_may_be_empty_and_holds_no_mark_that_reorders_text() {
    for (typed, name) in [("  Book \t club\u{2} ", "Book club"), ("", ""), ("\u{200b} ", "")] {
        assert_eq!(typed.parse::<RoomName>().unwrap().as_str(), name);
    }
    for typed in ["a\u{202e}b".to_owned(), "a".repeat(65)] {
        assert_eq!(typed.parse::<RoomName>().map_err(room_name::RoomNameError::code), Err(ErrorCode::RoomNameBad));
    }
    assert!(!format!("{:?}", "secret".parse::<RoomName>()).contains("secret"));
}

#[test]
fn code_error_tells_missing_from_malformed() {
    assert!("".parse::<RoomCode>().is_err_and(|error| error.code() == ErrorCode::CodeMissing));
    assert!("ABCD".parse::<RoomCode>().is_err_and(|error| error.code() == ErrorCode::CodeBad));
    assert!("ABCD-EFGU".parse::<RoomCode>().is_err_and(|error| error.code() == ErrorCode::CodeBad));
}

#[test]
fn kinds_of_later_versions_decode_as_unknown() {
    let frame = decode::<ServerFrame>(r#"{"type":"whisper","to":"x","secret":true}"#);
    assert_eq!(frame, Ok(ServerFrame::Unknown));
    assert_eq!(decode::<ClientFrame>(r#"{"type":"whisper","to":"x"}"#), Ok(ClientFrame::Unknown));
    assert!(decode::<ClientFrame>(r#"{"typing":true}"#).is_err(), "no type at all is no frame");

    let id = EventId::mint(1, [0; 10]);
    let by = MemberId(Uuid::from_u128(7));
    let text = format!(
        r#"{{"type":"events","new":1,"events":[{{"seq":2,"prev":1,"id":"{id}","at":3,"by":"{by}","kind":"pinned","locked":true}}]}}"#
    );
    assert_eq!(decode(r#"{"kind":"settings","later":9}"#), Ok(EventKind::Settings(RoomChange::default())));
    let event = Event { seq: Seq(2), prev: Seq(1), id, at: 3, by, kind: EventKind::Unknown };
    let frame = ServerFrame::Events { events: vec![Delivered::Event(event)], names: Names::new(), more: false };
    assert_eq!(decode(&text), Ok(frame));
    assert_eq!(decode::<ErrorCode>(r#""name_taken""#), Ok(ErrorCode::Unknown));
}

#[test]
fn unreadable_proposal_keeps_its_id() {
    let id = EventId::mint(1, [0; 10]);
    let read = |event: &str| decode::<ClientFrame>(&format!(r#"{{"event":{event},"id":"{id}","type":"append"}}"#));
    for (event, proposal) in [
        (r#"{"kind":"message","body":"\ud83d"}"#, Proposal::BadText),
        (r#"{"kind":"message","body":1e999}"#, Proposal::Unsupported),
        (r#"{"kind":"deleted"}"#, Proposal::Unsupported),
        (r#"[["message"]]"#, Proposal::Unsupported),
        (r#"{"kind":{"message":null},"body":"x"}"#, Proposal::Unsupported),
        (r#"{"kind":"left","why":"\udfff"}"#, Proposal::NotAllowed),
        (r#"{"kind":"host","member":3}"#, Proposal::Unsupported),
        (r#"{"kind":"left","why":"removed"}"#, Proposal::Unsupported),
        (r#"{"kind":"renamed","name":"\ud83d"}"#, Proposal::BadText),
        (r#"{"kind":"renamed"}"#, Proposal::Unsupported),
        (r#"{"kind":"settings","later":9}"#, Proposal::Unsupported),
        (r#"{"kind":"settings","locked":9}"#, Proposal::Unsupported),
        (r#"{"kind":"settings","name":""}"#, Proposal::Settings(String::new().into())),
        (r#"{"kind":"message","body":"x","x":"\udfff"}"#, Proposal::Message { body: "x".into(), reply_to: None }),
    ] {
        assert_eq!(read(event), Ok(ClientFrame::Append { id, event: proposal }), "{event}");
    }
    assert!(decode::<ClientFrame>(r#"["leave",null,null,null,null,null,null]"#).is_err(), "an array is no frame");
    let hello = r#"{"type":"hello","v":1,"position":["0000000000000001",2]}"#;
    assert!(decode::<ClientFrame>(hello).is_err(), "an array is no position");
}

#[test]
fn unreadable_event_is_not_decoded_as_trimmed() {
    let (id, by) = (EventId::mint(1, [0; 10]), MemberId(Uuid::from_u128(7)));
    let text = format!(r#"{{"seq":2,"prev":1,"id":"{id}","at":3,"by":"{by}","kind":"message","body":""}}"#);
    assert!(decode::<Delivered>(&text).is_err());
}

#[test]
fn text_of_messages_is_not_in_debug_output() {
    let append = ClientFrame::Append {
        id: EventId::mint(1, [0; 10]),
        event: Proposal::Message { body: "secret".into(), reply_to: None },
    };
    let event = EventKind::message("secret".parse().unwrap());
    assert!(!format!("{append:?} {event:?}").contains("secret"));
}

#[test]
fn close_code_tells_whether_to_reconnect() {
    for number in 1000..5000 {
        if let Some(code) = CloseCode::from_number(number) {
            assert_eq!(code.number(), number);
            assert!(!code.reason().is_empty());
        }
    }
    for back in [1001, 1005, 1006, 1011, 4000, 4001, 4005, 4499] {
        assert!(should_reconnect(back), "{back}");
    }
    for stop in [1000, 4500, 4501, 4502, 4508, 4509, 4510, 4999] {
        assert!(!should_reconnect(stop), "{stop}");
    }
}

#[test]
fn emoji_has_one_form_with_any_variation_selector() {
    for emoji in ["🆗", "🀄", "🃏", "🆎", "🈁", "🈵", "🉐", "Ⓜ️", "🅰️", "🇺🇳", "🫩"] {
        assert_eq!(emoji.parse::<protocol::Emoji>().map(|emoji| emoji.to_string()), Ok(emoji.to_owned()), "{emoji}");
    }
    for (typed, emoji) in [
        ("👍\u{fe0f}", "👍"),
        ("👍\u{fe0e}", "👍"),
        ("👍🏽\u{fe0f}", "👍🏽"),
        ("❤", "❤️"),
        ("❤\u{fe0e}", "❤️"),
        ("🀄\u{fe0f}", "🀄"),
        ("1\u{20e3}", "1️⃣"),
        ("👁\u{200d}🗨", "👁️‍🗨️"),
    ] {
        assert_eq!(typed.parse::<protocol::Emoji>(), emoji.parse(), "{typed:?}");
        assert_eq!(protocol::Emoji::stored(typed), emoji.parse(), "{typed:?}");
    }
    // As an earlier version may have stored it.
    assert!(protocol::Emoji::stored("🏴\u{200d}🏴").is_ok() && "🏴\u{200d}🏴".parse::<protocol::Emoji>().is_err());
}

#[test]
fn reaction_is_one_emoji() {
    for emoji in ["👍", "🫡", "❤️", "1️⃣", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "⭐"]
    {
        assert_eq!(emoji.parse::<protocol::Emoji>().map(|emoji| emoji.to_string()), Ok(emoji.to_owned()));
    }
    for joined in ["🧑\u{200d}⚕", "❤\u{200d}🔥"] {
        assert!(joined.parse::<protocol::Emoji>().is_ok(), "{joined:?}");
    }
    let invisible = ["\u{202e}\u{fe0f}", "\u{200b}\u{fe0f}", "\n\u{fe0f}\u{20e3}", "\u{202e}\u{fe0f}\u{20e3}"];
    for other in ["", "a", "1", "👍👍", " 👍", "<b>", "é", "a\u{fe0f}", "\u{fe0f}"].into_iter().chain(invisible)
    {
        assert!(other.parse::<protocol::Emoji>().is_err(), "{other:?}");
    }
}
