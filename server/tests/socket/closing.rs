//! Closing handshake: every Close is answered, and a violation of the WebSocket protocol is closed with its code (RFC
//! 6455 sections 5.5.1, 7.1.7 and 7.4.1). A browser that sees no Close reports 1006.

use std::time::Duration;

use testkit::browser::Person;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use super::raw::{BINARY, CLOSE, FIN, PING, PONG, Raw, TEXT, close, frame};
use crate::support::Server;

/// Maximum time the server waits for the end of a connection after its own Close (PROTOCOL.md, Codes).
const LINGER: Duration = Duration::from_secs(2);
/// Maximum bytes of a message that the server reads: 4507 up to here, 1009 above.
const CUT: usize = 128 * 1024;

async fn person() -> (Server, Person) {
    let server = Server::start(&[]).await;
    let person = Person::create(&server, "Ana").await;
    (server, person)
}

#[tokio::test]
async fn client_close_is_answered_with_its_code() {
    let (_server, ana) = person().await;
    for (payload, code, reason) in [
        (close(1000, b""), 1000, ""),
        (close(1001, b"going away"), 1001, "going away"),
        (close(1003, b""), 1003, ""),
        (close(1011, b""), 1011, ""),
        (close(3000, b""), 3000, ""),
        (close(4321, "größer".as_bytes()), 4321, "größer"),
        (close(4999, &[b'x'; 123]), 4999, &*"x".repeat(123)),
        // RFC 6455 section 7.1.5: no code.
        (Vec::new(), 1005, ""),
    ] {
        for greeted in [false, true] {
            let mut raw = if greeted { Raw::greet(&ana).await } else { Raw::open(&ana).await };
            raw.write(&frame(FIN | CLOSE, &payload)).await;
            assert_eq!(raw.closed().await, Some((code, reason.to_owned())), "{code}, greeted: {greeted}");
            raw.ends().await;
        }
    }
}

#[tokio::test]
async fn client_close_inside_a_fragmented_message_is_answered() {
    let (_server, ana) = person().await;
    let mut raw = Raw::greet(&ana).await;
    raw.write(&frame(TEXT, b"{\"type\":")).await;
    raw.write(&frame(FIN | CLOSE, &close(1000, b""))).await;
    assert_eq!(raw.code().await, Some(1000));
    raw.ends().await;
}

#[tokio::test]
async fn data_after_a_client_close_is_ignored() {
    let (server, ana) = person().await;
    let mut bo = Person::join(&server, ana.code, "Bo").await.connect().await;
    let mut raw = Raw::greet(&ana).await;
    let id = server::entropy::event_id();
    let late = format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"message","body":"late"}}}}"#);
    raw.write(&[frame(FIN | CLOSE, &close(1000, b"")), frame(FIN | TEXT, late.as_bytes())].concat()).await;
    assert_eq!(raw.code().await, Some(1000));
    raw.ends().await;
    bo.said("nothing before this").await;
}

#[tokio::test]
async fn protocol_error_closes_with_1002() {
    let (_server, ana) = person().await;
    let reserved = (0x3..=0x7).chain(0xb..=0xf).map(|opcode| ("reserved opcode", frame(FIN | opcode, b"x")));
    let bits = [0x40, 0x20, 0x10].map(|bit| ("reserved bit", frame(FIN | bit | TEXT, b"{}")));
    let codes = [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535]
        .map(|code| ("close code that nobody may send", frame(FIN | CLOSE, &close(code, b""))));
    let others = [
        ("unmasked text", vec![FIN | TEXT, 2, b'{', b'}']),
        ("unmasked Close", vec![FIN | CLOSE, 2, 0x03, 0xe8]),
        ("fragmented ping", frame(PING, b"x")),
        ("fragmented Close", frame(CLOSE, &close(1000, b""))),
        ("long ping", frame(FIN | PING, &[0; 126])),
        ("long pong", frame(FIN | PONG, &[0; 1_000])),
        ("long Close", frame(FIN | CLOSE, &close(1000, &[b'x'; 124]))),
        ("continuation of nothing", frame(FIN, b"x")),
        ("message inside a message", [frame(TEXT, b"{"), frame(FIN | TEXT, b"}")].concat()),
        ("bytes inside a text", [frame(TEXT, b"{"), frame(BINARY, b"}")].concat()),
        ("half a close code", frame(FIN | CLOSE, b"\x03")),
    ];
    for (nth, (what, bytes)) in reserved.chain(bits).chain(codes).chain(others).enumerate() {
        let mut raw = if nth % 2 == 0 { Raw::greet(&ana).await } else { Raw::open(&ana).await };
        raw.write(&bytes).await;
        assert_eq!(raw.code().await, Some(1002), "{what}: {:02x?}", &bytes[..bytes.len().min(8)]);
        raw.ends().await;
    }
}

#[tokio::test]
async fn text_that_is_not_utf8_closes_with_1007() {
    let (_server, ana) = person().await;
    let split = |first: &[u8], last: &[u8]| [frame(TEXT, first), frame(FIN, last)].concat();
    for (what, bytes) in [
        ("a lone byte", frame(FIN | TEXT, b"{\"type\":\"\xff\"}")),
        ("a cut sequence", frame(FIN | TEXT, b"\"\xf0\x9f\xa7")),
        ("an overlong slash", frame(FIN | TEXT, b"\xc0\xaf")),
        ("an encoded surrogate", frame(FIN | TEXT, b"\xed\xa0\xbd")),
        ("above U+10FFFF", frame(FIN | TEXT, b"\xf4\x90\x80\x80")),
        ("in the second fragment", split(b"{", b"\x80}")),
        ("cut between fragments", split(b"\"\xc3", b"\"")),
        ("in a Close", frame(FIN | CLOSE, &close(1000, b"bye\xfe"))),
        ("a surrogate in a Close", frame(FIN | CLOSE, &close(4000, b"\xed\xbf\xbf"))),
    ] {
        let mut raw = Raw::greet(&ana).await;
        raw.write(&bytes).await;
        assert_eq!(raw.code().await, Some(1007), "{what}");
        raw.ends().await;
    }
    // A character may be spread over fragments, and a control frame may stand between them.
    let mut raw = Raw::greet(&ana).await;
    let (first, last) = "{\"type\":\"ping\",\"n\":5,\"x\":\"é\"}".as_bytes().split_at(25);
    raw.write(&[frame(TEXT, first), frame(FIN | PONG, b""), frame(FIN, last)].concat()).await;
    assert_eq!(raw.said().await, r#"{"type":"pong","n":5}"#);
}

#[tokio::test]
async fn text_above_64_kib_closes_with_4507_and_above_128_kib_with_1009() {
    let (_server, ana) = person().await;
    let long = |length: usize| "x".repeat(length).into_bytes();
    let halves = |length: usize| [frame(TEXT, &long(length / 2)), frame(FIN, &long(length - length / 2))].concat();
    // A header that announces 2^62 bytes, which would take years to arrive.
    let endless = [&[FIN | TEXT, 0xff][..], &(1u64 << 62).to_be_bytes(), &[0; 4], b"{"].concat();
    for (what, bytes, code) in [
        ("a byte above the limit", frame(FIN | TEXT, &long(64 * 1024 + 1)), 4507),
        ("at the cut", frame(FIN | TEXT, &long(CUT)), 4507),
        ("at the cut, in two", halves(CUT), 4507),
        ("a byte above the cut", frame(FIN | TEXT, &long(CUT + 1)), 1009),
        ("a byte above the cut, in two", halves(CUT + 1), 1009),
        ("bytes above the cut", frame(FIN | BINARY, &long(CUT + 1)), 1009),
        ("far above the cut", frame(FIN | TEXT, &long(4 * 1024 * 1024)), 1009),
        (
            "far above the cut, in pieces",
            frame(TEXT, &long(3_000)).into_iter().chain((0..1_000).flat_map(|_| frame(0, &long(3_000)))).collect(),
            1009,
        ),
        ("no end", endless, 1009),
    ] {
        let mut raw = Raw::greet(&ana).await;
        raw.push(&bytes).await;
        assert_eq!(raw.code().await, Some(code), "{what}");
        raw.push(&frame(FIN | CLOSE, &close(code, b""))).await;
        raw.ends().await;
    }
}

#[tokio::test]
async fn unanswered_server_close_ends_within_two_seconds() {
    let (_server, ana) = person().await;
    for (what, bytes, code) in [
        ("no frame of the protocol", frame(FIN | TEXT, b"[]"), 4500),
        ("no frame of a WebSocket", vec![0xff; 14], 1002),
        ("Close", frame(FIN | CLOSE, &close(1000, b"")), 1000),
    ] {
        let mut raw = Raw::greet(&ana).await;
        raw.write(&bytes).await;
        assert_eq!(raw.code().await, Some(code), "{what}");
        let closed = Instant::now();
        // This client keeps its half open and sends no Close. It learns that the connection is gone when a write is
        // answered by a reset.
        while raw.stream.write_all(&frame(FIN | PING, b"")).await.is_ok() {
            assert!(closed.elapsed() < 2 * LINGER, "{what}: still open after {:?}", closed.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(closed.elapsed() > LINGER / 2, "{what}: the client had no time to answer");
    }
}

#[tokio::test]
async fn answered_server_close_ends_at_once() {
    let (_server, ana) = person().await;
    let mut raw = Raw::greet(&ana).await;
    raw.text("[]").await;
    assert_eq!(raw.code().await, Some(4500));
    let closed = Instant::now();
    // A frame that was on its way when the Close was sent is ignored.
    raw.text(r#"{"type":"ping","n":1}"#).await;
    raw.write(&frame(FIN | CLOSE, &close(4500, b""))).await;
    raw.ends().await;
    assert!(closed.elapsed() < LINGER, "{:?}", closed.elapsed());
}

#[tokio::test]
async fn half_closed_connection_is_ended() {
    let (_server, ana) = person().await;
    // Between messages, in the middle of a frame, and in the middle of a message.
    for bytes in [vec![], vec![FIN | TEXT, 0xe4, 0, 0, 0, 0, b'{'], frame(TEXT, b"{")] {
        let mut raw = Raw::greet(&ana).await;
        raw.write(&bytes).await;
        raw.stream.shutdown().await.unwrap();
        raw.ends().await;
    }
}
