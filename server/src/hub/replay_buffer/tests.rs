use proptest::prelude::*;
use protocol::{Delivered, Event, EventId, EventKind, MemberId, ServerFrame, codec};
use uuid::Uuid;

use super::super::encoding::{FRAME_BYTES, FRAME_EVENTS};
use super::*;

fn event(seq: u64, prev: u64, body: &str) -> Event {
    Event {
        seq: Seq(seq),
        prev: Seq(prev),
        id: EventId(Uuid::from_u128(seq.into())),
        at: 0,
        by: MemberId(Uuid::nil()),
        kind: EventKind::message(body.parse().unwrap()),
    }
}

fn push(buffer: &mut ReplayBuffer, event: Event) {
    buffer.push(event.into(), Instant::now());
}

/// Returns a buffer that has followed the log since its beginning.
fn buffer(capacity: Capacity, events: impl IntoIterator<Item = Event>) -> ReplayBuffer {
    let mut buffer = ReplayBuffer::with_capacity(capacity);
    events.into_iter().for_each(|event| push(&mut buffer, event));
    buffer
}

fn small(events: usize) -> Capacity {
    Capacity { events, ..Capacity::default() }
}

/// Decodes the frame as a client does. Returns its events and `more`.
fn parse(frame: &EncodedFrame) -> (Vec<Event>, bool) {
    let text = std::str::from_utf8(frame.frame.text()).unwrap();
    let ServerFrame::Events { events, names, more } = codec::decode(text).unwrap() else { panic!("{text}") };
    assert!(names.is_empty());
    let events = events.into_iter().map(|event| match event {
        Delivered::Event(event) => event,
        Delivered::Trimmed { .. } => panic!("trimmed"),
    });
    (events.collect(), more)
}

fn frame(next: NextBatch) -> EncodedFrame {
    match next {
        NextBatch::Frame(frame) => frame,
        other => panic!("no frame: {other:?}"),
    }
}

#[test]
fn buffer_continues_cursors_from_its_tail_on() {
    let buffer = buffer(small(2), [event(2, 0, "a"), event(5, 2, "b"), event(9, 5, "c")]);
    assert_eq!(buffer.next_batch(Seq(0)), NextBatch::ReadLog { evicted: true });
    assert_eq!(buffer.next_batch(Seq(1)), NextBatch::ReadLog { evicted: true });
    assert_eq!(parse(&frame(buffer.next_batch(Seq(2)))).0.len(), 2);
    assert_eq!(parse(&frame(buffer.next_batch(Seq(5)))).0.len(), 1);
    assert_eq!(buffer.next_batch(Seq(9)), NextBatch::Wait);
    assert_eq!(buffer.next_batch(Seq(12)), NextBatch::Wait);
}

#[test]
fn empty_buffer_continues_only_its_head() {
    let mut buffer = ReplayBuffer::default();
    buffer.reset_to(Seq(40));
    assert_eq!(buffer.next_batch(Seq(39)), NextBatch::ReadLog { evicted: false });
    assert_eq!(buffer.next_batch(Seq(40)), NextBatch::Wait);
}

#[test]
fn gap_resets_the_buffer() {
    let mut buffer = buffer(Capacity::default(), [event(1, 0, "a"), event(2, 1, "b")]);
    push(&mut buffer, event(4, 3, "d"));
    assert_eq!(buffer.next_batch(Seq(1)), NextBatch::ReadLog { evicted: false });
    assert_eq!(buffer.next_batch(Seq(2)), NextBatch::ReadLog { evicted: false });
    assert_eq!(parse(&frame(buffer.next_batch(Seq(3)))).0, [event(4, 3, "d")]);
}

#[test]
fn only_cursors_before_an_evicted_event_are_overtaken() {
    let mut buffer = buffer(small(2), (1..=4).map(|n| event(n, n - 1, "x")));
    // The subscription was lost, and everything up to 40 is in the log only.
    buffer.reset_to(Seq(40));
    assert_eq!(
        buffer.next_batch(Seq(1)),
        NextBatch::ReadLog { evicted: true },
        "its next events were evicted before the restart"
    );
    for kept_up in 2..40 {
        assert_eq!(buffer.next_batch(Seq(kept_up)), NextBatch::ReadLog { evicted: false });
    }
    (41..=43).for_each(|n| push(&mut buffer, event(n, n - 1, "x")));
    assert_eq!(
        buffer.next_batch(Seq(40)),
        NextBatch::ReadLog { evicted: true },
        "its next events were evicted after the restart"
    );
    assert!(matches!(buffer.next_batch(Seq(41)), NextBatch::Frame(_)));
}

fn kind_event(seq: u64, kind: EventKind) -> Event {
    Event { kind, ..event(seq, seq - 1, "x") }
}

fn edit(seq: u64, target: u64, body: &str) -> Event {
    let target = EventId(Uuid::from_u128(target.into()));
    kind_event(seq, EventKind::Edited { target, body: Some(body.parse().unwrap()) })
}

fn deletion(seq: u64, target: u64) -> Event {
    kind_event(seq, EventKind::Deleted { target: EventId(Uuid::from_u128(target.into())) })
}

#[test]
fn edited_or_deleted_text_is_not_replayed() {
    let mut buffer = buffer(Capacity::default(), [event(1, 0, "old"), event(2, 1, "kept"), edit(3, 1, "older")]);
    let replay = |buffer: &ReplayBuffer, cursor| {
        let (events, _) = parse(&frame(buffer.next_batch(Seq(cursor))));
        events.into_iter().map(|event| codec::encode(&event.kind)).collect::<String>()
    };
    assert!(!replay(&buffer, 0).contains("old\""), "{}", replay(&buffer, 0));
    push(&mut buffer, edit(4, 1, "a much longer text than before"));
    for cursor in 0..3 {
        let said = replay(&buffer, cursor);
        assert!(!said.contains("old") && said.contains("much longer"), "{said}");
    }
    push(&mut buffer, deletion(5, 1));
    for cursor in 0..5 {
        let said = replay(&buffer, cursor);
        assert!(!said.contains("old") && !said.contains("longer"), "{said}");
    }
    assert!(replay(&buffer, 0).contains("kept"));
    assert_eq!(buffer.bytes, buffer.events.iter().map(|(event, _)| event.text().len()).sum::<usize>());
}

#[test]
fn ended_is_returned_after_the_last_event() {
    let mut buffer = buffer(small(1), [event(1, 0, "a"), event(2, 1, "b")]);
    buffer.end();
    assert_eq!(buffer.next_batch(Seq(0)), NextBatch::Ended, "the log does not exist any more");
    assert_eq!(frame(buffer.next_batch(Seq(1))).cursor, Seq(2));
    assert_eq!(buffer.next_batch(Seq(2)), NextBatch::Ended);
}

#[test]
fn frame_is_bounded_and_sets_more() {
    let many = buffer(Capacity::default(), (1..=250).map(|n| event(n, n - 1, "x")));
    let (events, more) = parse(&frame(many.next_batch(Seq(0))));
    assert_eq!((events.len(), more), (FRAME_EVENTS, true));
    let (events, more) = parse(&frame(many.next_batch(Seq(FRAME_EVENTS as u64))));
    assert_eq!((events.len(), more), (50, false));

    let large = buffer(Capacity::default(), (1..=20).map(|n| event(n, n - 1, &"x".repeat(4_000))));
    let first = frame(large.next_batch(Seq(0)));
    assert!(first.frame.text().len() <= FRAME_BYTES + 64 && parse(&first).1);
    let kept: usize = large.events.iter().map(|(event, _)| event.text().len()).sum();
    assert_eq!(large.bytes, kept);

    let bytes = buffer(
        Capacity { bytes: 10_000, ..Capacity::default() },
        (1..=20).map(|n| event(n, n - 1, &"x".repeat(4_000))),
    );
    assert_eq!(bytes.events.len(), 2);
}

/// Every frame makes progress with messages of the maximum length.
#[test]
fn longest_messages_are_all_sent() {
    let bell = "\u{1f980}".repeat(4_000);
    let buffer = buffer(Capacity::default(), (1..=10).map(|n| event(n, n - 1, &bell)));
    let mut cursor = Seq(0);
    while let NextBatch::Frame(frame) = buffer.next_batch(cursor) {
        assert!(frame.cursor > cursor);
        cursor = frame.cursor;
    }
    assert_eq!(cursor, Seq(10));
}

#[derive(Clone, Debug)]
enum Step {
    /// Commits an event with this gap to the previous one and this many characters.
    Append(u64, usize),
    /// Edits (to this many characters) or deletes the event this many places before the last one, whatever its kind.
    Amend(usize, Option<usize>),
    /// Delivers this many committed events to the feed.
    Deliver(usize),
    /// Loses the subscription and subscribes again.
    Lose,
    /// Lets this session take its next step; a read from the log returns at most this many events.
    Send(usize, usize),
}

const SESSIONS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..4u64, 1..3_000usize).prop_map(|(gap, size)| Step::Append(gap, size)),
        3 => (0..9usize, prop::option::of(1..3_000usize)).prop_map(|(ago, size)| Step::Amend(ago, size)),
        4 => (1..6usize).prop_map(Step::Deliver),
        1 => Just(Step::Lose),
        4 => (0..SESSIONS, 1..6usize).prop_map(|(session, page)| Step::Send(session, page)),
    ]
}

/// Model of a room: the log as committed, the feed's ring, the number of delivered events, and what each session sent.
struct Room {
    log: Vec<Event>,
    buffer: ReplayBuffer,
    delivered: usize,
    sessions: [Vec<Event>; SESSIONS],
    cursors: [Seq; SESSIONS],
}

impl Room {
    fn deliver(&mut self, count: usize) {
        let upto = (self.delivered + count).min(self.log.len());
        self.log[self.delivered..upto].iter().for_each(|event| push(&mut self.buffer, event.clone()));
        self.delivered = upto;
    }

    /// Returns the log up to `head`, with the edits and deletions up to there applied.
    fn amended_log(&self, head: Seq) -> Vec<Event> {
        let mut told: Vec<Event> = Vec::new();
        for event in self.log.iter().filter(|event| event.seq <= head) {
            for earlier in &mut told {
                earlier.amend(&event.kind);
            }
            told.push(event.clone());
        }
        told
    }

    /// Lets a session take its next step. Returns false if there was nothing to send.
    fn send(&mut self, session: usize, page: usize) -> bool {
        let cursor = self.cursors[session];
        let events = match self.buffer.next_batch(cursor) {
            NextBatch::Frame(frame) => {
                let (events, more) = parse(&frame);
                assert_eq!(events.last().unwrap().seq, frame.cursor);
                assert_eq!(more, frame.cursor < self.buffer.head());
                let told = self.amended_log(self.buffer.head());
                let first = told.partition_point(|event| event.seq <= cursor);
                assert_eq!(events, told[first..first + events.len()]);
                events
            }
            NextBatch::ReadLog { .. } => {
                self.amended_log(Seq(u64::MAX)).into_iter().filter(|event| event.seq > cursor).take(page).collect()
            }
            NextBatch::Wait => return false,
            NextBatch::Ended => panic!("the room has not ended"),
        };
        assert!(!events.is_empty(), "a read without a result would be repeated for ever");
        self.cursors[session] = events.last().unwrap().seq;
        self.sessions[session].extend(events);
        true
    }
}

proptest! {
    #[test]
    fn every_session_sends_every_event_once_in_order(
        steps in prop::collection::vec(step(), 1..150),
        events in 1..8usize,
        bytes in 100..20_000usize,
        begun in 0..20u64,
    ) {
        let mut room = Room {
            log: Vec::new(),
            buffer: ReplayBuffer::with_capacity(Capacity { events, bytes }),
            delivered: 0,
            sessions: Default::default(),
            cursors: [Seq(begun); SESSIONS],
        };
        room.buffer.reset_to(Seq(begun));
        for step in steps {
            match step {
                Step::Append(gap, size) => {
                    let prev = room.log.last().map_or(begun, |event| event.seq.0);
                    room.log.push(event(prev + gap, prev, &"x".repeat(size)));
                }
                Step::Amend(ago, size) => {
                    let Some(target) = room.log.iter().nth_back(ago).map(|event| event.id) else { continue };
                    let prev = room.log.last().map_or(begun, |event| event.seq.0);
                    let kind = match size {
                        Some(size) => EventKind::Edited { target, body: Some("y".repeat(size).parse().unwrap()) },
                        None => EventKind::Deleted { target },
                    };
                    room.log.push(Event { kind, ..event(prev + 1, prev, "x") });
                }
                Step::Deliver(count) => room.deliver(count),
                Step::Lose => {
                    room.delivered = room.log.len();
                    room.buffer.reset_to(room.log.last().map_or(Seq(begun), |event| event.seq));
                }
                Step::Send(session, page) => drop(room.send(session, page)),
            }
            prop_assert!(room.buffer.events.len() <= events);
            prop_assert!(room.buffer.bytes <= bytes);
        }
        room.deliver(usize::MAX - room.delivered);
        for session in 0..SESSIONS {
            while room.send(session, 5) {}
            let places = |events: &[Event]| events.iter().map(|event| (event.seq, event.prev)).collect::<Vec<_>>();
            prop_assert_eq!(places(&room.sessions[session]), places(&room.log));
        }
    }
}
