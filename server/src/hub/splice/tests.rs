use proptest::prelude::*;
use protocol::{Delivered, EventId, EventKind, MemberId, ServerFrame};
use uuid::Uuid;

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

fn encoded(event: &Event) -> Encoded {
    Encoded::new(event, Instant::now())
}

/// A ring that has followed the log since its beginning.
fn ring(bounds: Bounds, events: impl IntoIterator<Item = Event>) -> Ring {
    let mut ring = Ring::bounded(bounds);
    events.into_iter().for_each(|event| ring.push(encoded(&event)));
    ring
}

fn small(events: usize) -> Bounds {
    Bounds { events, ..Bounds::default() }
}

/// What the frame says, read as a client reads it.
fn parse(frame: &Frame) -> (Vec<Event>, bool) {
    let text = std::str::from_utf8(&frame.text).unwrap();
    let ServerFrame::Events { events, names, more } = codec::decode(text).unwrap() else { panic!("{text}") };
    assert!(names.is_empty());
    let events = events.into_iter().map(|event| match event {
        Delivered::Event(event) => event,
        Delivered::Trimmed { .. } => panic!("trimmed"),
    });
    (events.collect(), more)
}

fn frame(splice: Splice) -> Frame {
    match splice {
        Splice::Frame(frame) => frame,
        other => panic!("no frame: {other:?}"),
    }
}

#[test]
fn a_frame_is_what_the_codec_would_write() {
    let log = [event(3, 0, "a \"b\" \u{1f980}"), event(7, 3, "c")];
    let ring = ring(Bounds::default(), log.clone());
    let expected = ServerFrame::Events {
        events: log.into_iter().map(Delivered::Event).collect(),
        names: Default::default(),
        more: false,
    };
    let frame = frame(ring.after(Seq(0)));
    assert_eq!(frame.text, codec::encode(&expected));
    assert_eq!(frame.sent, Seq(7));
}

#[test]
fn the_ring_covers_what_stands_before_its_first_event_and_later() {
    let ring = ring(small(2), [event(2, 0, "a"), event(5, 2, "b"), event(9, 5, "c")]);
    assert_eq!(ring.after(Seq(0)), Splice::Read { overtaken: true });
    assert_eq!(ring.after(Seq(1)), Splice::Read { overtaken: true });
    assert_eq!(parse(&frame(ring.after(Seq(2)))).0.len(), 2);
    assert_eq!(parse(&frame(ring.after(Seq(5)))).0.len(), 1);
    assert_eq!(ring.after(Seq(9)), Splice::Wait);
    assert_eq!(ring.after(Seq(12)), Splice::Wait);
}

#[test]
fn an_empty_ring_continues_its_head_only() {
    let mut ring = Ring::default();
    ring.restart(Seq(40));
    assert_eq!(ring.after(Seq(39)), Splice::Read { overtaken: false });
    assert_eq!(ring.after(Seq(40)), Splice::Wait);
}

#[test]
fn a_hole_begins_the_ring_anew() {
    let mut ring = ring(Bounds::default(), [event(1, 0, "a"), event(2, 1, "b")]);
    ring.push(encoded(&event(4, 3, "d")));
    assert_eq!(ring.after(Seq(1)), Splice::Read { overtaken: false });
    assert_eq!(ring.after(Seq(2)), Splice::Read { overtaken: false });
    assert_eq!(parse(&frame(ring.after(Seq(3)))).0, [event(4, 3, "d")]);
}

#[test]
fn only_what_had_to_make_room_was_overtaken() {
    let mut ring = ring(small(2), (1..=4).map(|n| event(n, n - 1, "x")));
    // The subscription was lost, and everything up to 40 is in the log only.
    ring.restart(Seq(40));
    assert_eq!(ring.after(Seq(1)), Splice::Read { overtaken: true }, "it was behind before");
    for kept_up in 2..40 {
        assert_eq!(ring.after(Seq(kept_up)), Splice::Read { overtaken: false });
    }
    (41..=43).for_each(|n| ring.push(encoded(&event(n, n - 1, "x"))));
    assert_eq!(ring.after(Seq(40)), Splice::Read { overtaken: true }, "it had its time to follow");
    assert!(matches!(ring.after(Seq(41)), Splice::Frame(_)));
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
fn what_is_taken_back_is_told_to_nobody_who_is_behind() {
    let mut ring = ring(Bounds::default(), [event(1, 0, "old"), event(2, 1, "kept"), edit(3, 1, "older")]);
    let told = |ring: &Ring, cursor| {
        let (events, _) = parse(&frame(ring.after(Seq(cursor))));
        events.into_iter().map(|event| codec::encode(&event.kind)).collect::<String>()
    };
    assert!(!told(&ring, 0).contains("old\""), "{}", told(&ring, 0));
    ring.push(encoded(&edit(4, 1, "a much longer text than before")));
    for cursor in 0..3 {
        let said = told(&ring, cursor);
        assert!(!said.contains("old") && said.contains("much longer"), "{said}");
    }
    ring.push(encoded(&deletion(5, 1)));
    for cursor in 0..5 {
        let said = told(&ring, cursor);
        assert!(!said.contains("old") && !said.contains("longer"), "{said}");
    }
    assert!(told(&ring, 0).contains("kept"));
    assert_eq!(ring.bytes, ring.events.iter().map(|event| event.text.len()).sum::<usize>());
}

#[test]
fn the_end_comes_after_the_last_event() {
    let mut ring = ring(small(1), [event(1, 0, "a"), event(2, 1, "b")]);
    ring.end();
    assert_eq!(ring.after(Seq(0)), Splice::Ended, "there is no log to go to");
    assert_eq!(frame(ring.after(Seq(1))).sent, Seq(2));
    assert_eq!(ring.after(Seq(2)), Splice::Ended);
}

#[test]
fn a_frame_is_bounded_and_says_that_more_follows() {
    let many = ring(Bounds::default(), (1..=250).map(|n| event(n, n - 1, "x")));
    let (events, more) = parse(&frame(many.after(Seq(0))));
    assert_eq!((events.len(), more), (FRAME_EVENTS, true));
    let (events, more) = parse(&frame(many.after(Seq(FRAME_EVENTS as u64))));
    assert_eq!((events.len(), more), (50, false));

    let large = ring(Bounds::default(), (1..=20).map(|n| event(n, n - 1, &"x".repeat(4_000))));
    let first = frame(large.after(Seq(0)));
    assert!(first.text.len() <= FRAME_BYTES + 64 && parse(&first).1);
    let kept: usize = large.events.iter().map(|event| event.text.len()).sum();
    assert_eq!(large.bytes, kept);

    let bytes =
        ring(Bounds { bytes: 10_000, ..Bounds::default() }, (1..=20).map(|n| event(n, n - 1, &"x".repeat(4_000))));
    assert_eq!(bytes.events.len(), 2);
}

/// An event that alone is larger than a frame's measure still has to be sent.
#[test]
fn one_event_always_fits() {
    let bell = "\u{1f980}".repeat(4_000);
    let ring = ring(Bounds::default(), (1..=10).map(|n| event(n, n - 1, &bell)));
    let mut sent = Seq(0);
    while let Splice::Frame(frame) = ring.after(sent) {
        assert!(frame.sent > sent);
        sent = frame.sent;
    }
    assert_eq!(sent, Seq(10));
}

#[derive(Clone, Debug)]
enum Step {
    /// Commits an event this much further on, this large.
    Append(u64, usize),
    /// Edits or deletes the event so many places ago, whatever it is.
    TakeBack(usize, Option<usize>),
    /// The feed receives this many of what was committed.
    Deliver(usize),
    /// The subscription is lost and made again.
    Lose,
    /// One session does what it is told to do; from the log it takes at most so many.
    Send(usize, usize),
}

const SESSIONS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..4u64, 1..3_000usize).prop_map(|(gap, size)| Step::Append(gap, size)),
        3 => (0..9usize, prop::option::of(1..3_000usize)).prop_map(|(ago, size)| Step::TakeBack(ago, size)),
        4 => (1..6usize).prop_map(Step::Deliver),
        1 => Just(Step::Lose),
        4 => (0..SESSIONS, 1..6usize).prop_map(|(session, page)| Step::Send(session, page)),
    ]
}

/// A room: its log as it was said, the feed's ring, what is under way between them, and what every session has sent.
struct Room {
    log: Vec<Event>,
    ring: Ring,
    delivered: usize,
    sessions: [Vec<Event>; SESSIONS],
    cursors: [Seq; SESSIONS],
}

impl Room {
    fn deliver(&mut self, count: usize) {
        let upto = (self.delivered + count).min(self.log.len());
        self.log[self.delivered..upto].iter().for_each(|event| self.ring.push(encoded(event)));
        self.delivered = upto;
    }

    /// The log as it is told when everything up to `head` is known.
    fn told(&self, head: Seq) -> Vec<Event> {
        let mut told: Vec<Event> = Vec::new();
        for event in self.log.iter().filter(|event| event.seq <= head) {
            for earlier in &mut told {
                earlier.amend(&event.kind);
            }
            told.push(event.clone());
        }
        told
    }

    /// False when there was nothing to do.
    fn send(&mut self, session: usize, page: usize) -> bool {
        let cursor = self.cursors[session];
        let events = match self.ring.after(cursor) {
            Splice::Frame(frame) => {
                let (events, more) = parse(&frame);
                assert_eq!(events.last().unwrap().seq, frame.sent);
                assert_eq!(more, frame.sent < self.ring.head());
                let told = self.told(self.ring.head());
                let first = told.partition_point(|event| event.seq <= cursor);
                assert_eq!(events, told[first..first + events.len()]);
                events
            }
            Splice::Read { .. } => {
                self.told(Seq(u64::MAX)).into_iter().filter(|event| event.seq > cursor).take(page).collect()
            }
            Splice::Wait => return false,
            Splice::Ended => panic!("the room has not ended"),
        };
        assert!(!events.is_empty(), "told to go to the log for nothing: this would spin");
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
            ring: Ring::bounded(Bounds { events, bytes }),
            delivered: 0,
            sessions: Default::default(),
            cursors: [Seq(begun); SESSIONS],
        };
        room.ring.restart(Seq(begun));
        for step in steps {
            match step {
                Step::Append(gap, size) => {
                    let prev = room.log.last().map_or(begun, |event| event.seq.0);
                    room.log.push(event(prev + gap, prev, &"x".repeat(size)));
                }
                Step::TakeBack(ago, size) => {
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
                    room.ring.restart(room.log.last().map_or(Seq(begun), |event| event.seq));
                }
                Step::Send(session, page) => drop(room.send(session, page)),
            }
            prop_assert!(room.ring.events.len() <= events);
            prop_assert!(room.ring.bytes <= bytes);
        }
        room.deliver(usize::MAX - room.delivered);
        for session in 0..SESSIONS {
            while room.send(session, 5) {}
            let places = |events: &[Event]| events.iter().map(|event| (event.seq, event.prev)).collect::<Vec<_>>();
            prop_assert_eq!(places(&room.sessions[session]), places(&room.log));
        }
    }
}
