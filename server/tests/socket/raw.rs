//! A WebSocket client of raw bytes. Its handshake and frames (RFC 6455 sections 4 and 5) are written by hand, so that
//! it can send what no library would send, and so that it sees exactly what the server writes.

use std::time::Duration;

use protocol::{ServerFrame, codec};
use serde_json::Value;
use testkit::browser::Person;
use testkit::within;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const HELLO: &str = r#"{"type":"hello","v":1}"#;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;
/// Flag of the last, or only, fragment of a message.
pub(crate) const FIN: u8 = 0x80;

/// Header lines of a handshake beside `Host` and `Cookie`, as a browser sends them.
pub(crate) const HANDSHAKE: [&str; 5] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: flasky.v1",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// A frame that the server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

/// A WebSocket connection of raw bytes.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

/// Encodes a frame with a mask of zeros, which leaves the payload as it is.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ ..126 => bytes.push(0x80 | length as u8),
        length @ ..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// A handshake with these header lines, without the empty line that ends it.
pub(crate) fn handshake(person: &Person, lines: &[&str]) -> String {
    let cookie = person.browser.cookie.as_deref().unwrap_or_default();
    let head = format!("GET /ws/{} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}", person.code, person.browser.address);
    lines.iter().fold(head, |head, line| head + "\r\n" + line)
}

/// Encodes the payload of a Close.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

impl Raw {
    /// Sends a handshake with these header lines. Returns the connection, and the status and head of the response.
    pub(crate) async fn handshake(person: &Person, lines: &[&str]) -> (Self, u16, String) {
        let stream = within(TcpStream::connect(person.browser.address)).await.unwrap();
        let mut raw = Self { stream, read: Vec::new() };
        raw.write((handshake(person, lines) + "\r\n\r\n").as_bytes()).await;
        let end = loop {
            if let Some(end) = raw.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(within(raw.fill()).await, "no answer to a handshake");
        };
        let head = String::from_utf8(raw.read.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (raw, status, head)
    }

    /// Opens a WebSocket, and sends no `hello`.
    pub(crate) async fn open(person: &Person) -> Self {
        let (raw, status, head) = Self::handshake(person, &HANDSHAKE).await;
        assert_eq!(status, 101, "{head}");
        raw
    }

    /// Opens a WebSocket, sends `hello`, and reads the welcome and its events.
    pub(crate) async fn greet(person: &Person) -> Self {
        let mut raw = Self::open(person).await;
        raw.text(HELLO).await;
        assert!(raw.said().await.starts_with(r#"{"type":"welcome""#));
        assert!(raw.said().await.starts_with(r#"{"type":"events""#));
        raw
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.unwrap();
    }

    /// Writes bytes and ignores errors: the server may end the connection before it has taken all of them.
    pub(crate) async fn push(&mut self, bytes: &[u8]) {
        let _ = within(self.stream.write_all(bytes)).await;
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.write(&frame(FIN | TEXT, text.as_bytes())).await;
    }

    /// Reads once. Returns false if the connection has ended.
    async fn fill(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.read).await, Ok(1..))
    }

    /// Next frame. `None` when the connection has ended, in order or by an error. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let [first, length, rest @ ..] = &self.read[..] {
                let (header, length) = match (length, rest) {
                    (126, [a, b, ..]) => (4, u64::from(u16::from_be_bytes([*a, *b]))),
                    (127, [a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
                    (126 | 127, _) => (2, u64::MAX),
                    (length, _) => (2, u64::from(*length)),
                };
                if let Some(end) = usize::try_from(length).ok().and_then(|length| length.checked_add(header))
                    && self.read.len() >= end
                {
                    let opcode = first & 0xf;
                    let payload = self.read.drain(..end).skip(header).collect();
                    return Some(Frame { opcode, payload });
                }
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Next text message. Pings are skipped.
    pub(crate) async fn said(&mut self) -> String {
        loop {
            match within(self.next()).await {
                Some(Frame { opcode: TEXT, payload }) => return String::from_utf8(payload).unwrap(),
                Some(Frame { opcode: PING, .. }) => {}
                other => panic!("no text: {other:?}"),
            }
        }
    }

    /// Code and reason of the server's Close, 1005 for one without a code. `None` when the connection ended without a
    /// Close.
    pub(crate) async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            match within(self.next()).await? {
                Frame { opcode: CLOSE, payload } if payload.is_empty() => return Some((1005, String::new())),
                Frame { opcode: CLOSE, payload } => {
                    let (code, reason) = payload.split_at(2);
                    let code = u16::from_be_bytes([code[0], code[1]]);
                    return Some((code, String::from_utf8(reason.to_vec()).unwrap()));
                }
                _ => {}
            }
        }
    }

    /// Code of the server's Close.
    pub(crate) async fn code(&mut self) -> Option<u16> {
        self.closed().await.map(|(code, _)| code)
    }

    /// Fails unless the server sends nothing more and ends its half of the connection without a reset, which could
    /// destroy what was sent before.
    pub(crate) async fn ends(&mut self) {
        assert_eq!(within(self.stream.read_buf(&mut self.read)).await.ok(), Some(0), "no orderly end");
        assert!(self.read.is_empty(), "something followed the Close");
    }

    /// Appends an event given as JSON, under a new id, and returns the error of its refusal.
    pub(crate) async fn refusal(&mut self, event: &str) -> String {
        let id = server::entropy::event_id();
        self.text(&format!(r#"{{"type":"append","id":"{id}","event":{event}}}"#)).await;
        let answer: Value = serde_json::from_str(&self.said().await).unwrap();
        assert_eq!(answer["type"], "rejected", "{event}: {answer}");
        assert_eq!(answer["id"], id.to_string(), "{event}");
        answer["error"].as_str().unwrap().to_owned()
    }

    /// Fails unless the connection answers a ping, and nothing else comes before the answer.
    pub(crate) async fn is_well(&mut self, n: u64) {
        self.text(&format!(r#"{{"type":"ping","n":{n}}}"#)).await;
        assert_eq!(codec::decode::<ServerFrame>(&self.said().await), Ok(ServerFrame::Pong { n }));
    }

    /// Writes these bytes repeatedly for `time` and reads nothing. Returns the number of bytes that were taken.
    pub(crate) async fn flood(&mut self, bytes: &[u8], time: Duration) -> usize {
        let mut taken = 0;
        let flood = async {
            while let Ok(written) = self.stream.write(bytes).await {
                taken += written;
            }
        };
        let _ = timeout(time, flood).await;
        taken
    }
}
