//! Events as the sockets of a room send them: each is encoded once, and frames are put together from the texts.

use bytes::Bytes;
use protocol::{Event, EventKind, Names, Seq, codec};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Maximum number of events in one frame.
pub(super) const FRAME_EVENTS: usize = 200;
/// Maximum bytes of events in one frame, unless one event alone is larger.
pub(super) const FRAME_BYTES: usize = 64 * 1024;

/// Unmasked WebSocket frame that is a whole text message, as the bytes that a socket sends (RFC 6455 section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFrame {
    bytes: Bytes,
    header: usize,
}

impl From<&str> for TextFrame {
    fn from(text: &str) -> Self {
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        let length = text.len() as u64;
        let mut bytes = Vec::with_capacity(header.len(length) + text.len());
        // Writing to memory does not fail.
        drop(header.format(length, &mut bytes));
        let header = bytes.len();
        bytes.extend_from_slice(text.as_bytes());
        Self { bytes: bytes.into(), header }
    }
}

impl TextFrame {
    /// Returns the whole frame.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the text: JSON, hence UTF-8.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.bytes.get(self.header..).unwrap_or_default()
    }
}

/// Event with its JSON text, encoded once; an amended event gets a new text. The event keeps its body beside the text,
/// to be amended.
#[derive(Clone, Debug)]
pub struct EncodedEvent {
    event: Event,
    /// Without the spare capacity of a string, which would be up to as much again for each event in a replay buffer.
    text: Box<str>,
}

impl From<Event> for EncodedEvent {
    fn from(event: Event) -> Self {
        let text = codec::encode(&event).into_boxed_str();
        Self { event, text }
    }
}

impl EncodedEvent {
    pub(super) fn seq(&self) -> Seq {
        self.event.seq
    }

    pub(super) fn prev(&self) -> Seq {
        self.event.prev
    }

    pub(super) fn kind(&self) -> &EventKind {
        &self.event.kind
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Applies a later edit or deletion.
    pub(super) fn amend(&mut self, later: &EventKind) {
        if self.event.amend(later) {
            self.text = codec::encode(&self.event).into_boxed_str();
        }
    }
}

/// Returns the number of these events, from the first one on, that one frame may hold. At least one, if there is any.
pub fn fitting<'a>(events: impl IntoIterator<Item = &'a EncodedEvent>) -> usize {
    let mut bytes = 0;
    let fits = |event: &&EncodedEvent| {
        let is_first = bytes == 0;
        bytes += event.text.len() + 1;
        is_first || bytes <= FRAME_BYTES
    };
    events.into_iter().take(FRAME_EVENTS).take_while(fits).count()
}

/// Returns a [`ServerFrame::Events`](protocol::ServerFrame::Events) with these events.
pub fn events_frame<'a, I>(events: I, names: &Names, more: bool) -> TextFrame
where
    I: IntoIterator<Item = &'a EncodedEvent, IntoIter: Clone>,
{
    const BEGIN: &str = r#"{"type":"events","events":["#;
    const NAMES: &str = r#","names":"#;
    const MORE: &str = r#","more":true"#;
    let events = events.into_iter();
    let names = if names.is_empty() { String::new() } else { codec::encode(names) };
    let length = events.clone().map(|event| event.text.len() + 1).sum::<usize>();
    let around = BEGIN.len() + NAMES.len() + MORE.len() + 2;
    let mut frame = String::with_capacity(length + names.len() + around);
    frame.push_str(BEGIN);
    for (i, event) in events.enumerate() {
        if i > 0 {
            frame.push(',');
        }
        frame.push_str(&event.text);
    }
    frame.push(']');
    if !names.is_empty() {
        frame.push_str(NAMES);
        frame.push_str(&names);
    }
    if more {
        frame.push_str(MORE);
    }
    frame.push('}');
    frame.as_str().into()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use protocol::{Delivered, DisplayName, EventId, MemberId, ServerFrame};
    use uuid::Uuid;

    use super::*;

    fn event(seq: u64, body: &str) -> Event {
        Event {
            seq: Seq(seq),
            prev: Seq(seq - 1),
            id: EventId(Uuid::from_u128(seq.into())),
            at: 0,
            by: MemberId(Uuid::nil()),
            kind: EventKind::message(body.parse().unwrap()),
        }
    }

    #[test]
    fn frame_equals_output_of_the_codec() {
        let shown = |name: &str| name.parse::<DisplayName>().unwrap().into();
        let name = |n, name: &str| (MemberId(Uuid::from_u128(n)), shown(name));
        let names = Names::from([name(1, "A \"quoted\" name"), name(2, "\u{1f980}")]);
        for log in [vec![], vec![event(3, "a \"b\" \u{1f980}")], vec![event(3, "a"), event(4, "b"), event(5, "c")]] {
            let encoded: Vec<_> = log.iter().cloned().map(EncodedEvent::from).collect();
            for (names, more) in
                [(Names::new(), false), (Names::new(), true), (names.clone(), false), (names.clone(), true)]
            {
                let events = log.iter().cloned().map(Delivered::Event).collect();
                let expected = codec::encode(&ServerFrame::Events { events, names: names.clone(), more });
                assert_eq!(events_frame(&encoded, &names, more).text(), expected.as_bytes());
            }
        }
    }

    #[test]
    fn text_frame_is_read_back_by_the_library() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let text = "x".repeat(length);
            let frame = TextFrame::from(text.as_str());
            let mut read = Cursor::new(frame.bytes().to_vec());
            let (header, payload) = FrameHeader::parse(&mut read).unwrap().unwrap();
            assert_eq!((header.opcode, header.is_final, payload), (OpCode::Data(Data::Text), true, length as u64));
            assert_eq!(frame.text(), text.as_bytes());
        }
    }

    #[test]
    fn amended_event_has_the_text_of_the_new_content() {
        let mut encoded = EncodedEvent::from(event(3, "old"));
        let target = encoded.event.id;
        encoded.amend(&EventKind::Edited { target: EventId(Uuid::nil()), body: Some("other".parse().unwrap()) });
        assert_eq!(encoded.text(), codec::encode(&event(3, "old")));
        encoded.amend(&EventKind::Edited { target, body: Some("new".parse().unwrap()) });
        assert!(encoded.text().contains("new") && !encoded.text().contains("old"), "{}", encoded.text());
        encoded.amend(&EventKind::Deleted { target });
        assert!(!encoded.text().contains("new"), "{}", encoded.text());
    }

    #[test]
    fn frame_holds_at_most_64_kib_and_at_least_one_event() {
        let encoded = |bytes: usize| EncodedEvent { event: event(1, "x"), text: "x".repeat(bytes).into() };
        assert_eq!(fitting(&[]), 0);
        assert_eq!(fitting(&[encoded(FRAME_BYTES + 1), encoded(1)]), 1);
        assert_eq!(fitting(&[encoded(FRAME_BYTES - 3), encoded(1), encoded(1)]), 2);
        assert_eq!(fitting(&vec![encoded(1); FRAME_EVENTS + 1]), FRAME_EVENTS);
    }
}
