//! Where the live feed and the log meet: the last events of a room as text, and what a reader at some place of the
//! log sends next. Decisions only.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use protocol::{Event, EventKind, Seq, codec};

/// Events in one frame, at most.
const FRAME_EVENTS: usize = 200;
/// Bytes of events in one frame, at most, unless one event alone is larger.
pub const FRAME_BYTES: usize = 64 * 1024;

/// What a session sends next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Splice {
    /// These events.
    Frame(Frame),
    /// What the log has after its cursor: the ring begins later.
    Read {
        /// The room has gone on without it. Otherwise the ring was begun anew, and the session may have kept up.
        overtaken: bool,
    },
    /// Nothing: it has sent everything there is.
    Wait,
    /// Nothing ever: the room ended, and everything that can still be had is sent.
    Ended,
}

/// An `events` frame, ready to be sent. The same bytes go to every session that stands at the same cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// JSON, and so UTF-8.
    pub text: Bytes,
    /// The cursor of a session that has sent it.
    pub sent: Seq,
    /// How many events it holds.
    pub events: usize,
    /// When the first of them came.
    pub since: Instant,
}

/// One event, encoded once for everybody.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    seq: Seq,
    prev: Seq,
    text: String,
    /// What it takes back of earlier events, until it has.
    takes_back: Option<EventKind>,
    came: Instant,
}

impl Encoded {
    pub(super) fn new(event: &Event, came: Instant) -> Self {
        let takes_back = match &event.kind {
            kind @ (EventKind::Edited { .. } | EventKind::Deleted { .. }) => Some(kind.clone()),
            _ => None,
        };
        Self { seq: event.seq, prev: event.prev, text: codec::encode(event), takes_back, came }
    }
}

/// How much a ring keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { events: 256, bytes: 256 * 1024 }
    }
}

/// The last events of one room: an unbroken piece of its log that ends at the feed's head.
#[derive(Debug, Default)]
pub(super) struct Ring {
    bounds: Bounds,
    events: VecDeque<Encoded>,
    /// What the events measure together.
    bytes: usize,
    /// What stands just before the first event: the earliest cursor that can go on from here.
    tail: Seq,
    /// The last event that had to make room: a cursor before it was overtaken.
    evicted: Seq,
    /// The last event; equals `tail` when there is none.
    head: Seq,
    ended: bool,
}

impl Ring {
    #[cfg(test)]
    fn bounded(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Begins anew after this place of the log: what lies between the old head and it is in the log only.
    pub(super) fn restart(&mut self, head: Seq) {
        if head != self.head {
            self.events.clear();
            (self.bytes, self.tail, self.head) = (0, head, head);
        }
    }

    /// The next event. One that does not continue the ring begins it anew; one that is already there is no event.
    pub(super) fn push(&mut self, mut event: Encoded) {
        if event.seq <= self.head {
            return;
        }
        if event.prev != self.head {
            self.restart(event.prev);
        }
        if let Some(later) = event.takes_back.take() {
            self.amend(&later);
        }
        self.head = event.seq;
        self.bytes += event.text.len();
        self.events.push_back(event);
        while self.events.len() > self.bounds.events || self.bytes > self.bounds.bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.text.len();
            (self.tail, self.evicted) = (oldest.seq, oldest.seq);
        }
    }

    /// Rewrites what a later event takes back, where it stands: whoever is behind is told what is true now.
    fn amend(&mut self, later: &EventKind) {
        let Some(target) = later.target().map(|target| target.to_string()) else { return };
        for encoded in self.events.iter_mut().filter(|encoded| encoded.text.contains(&target)) {
            if let Ok(mut event) = codec::decode::<Event>(&encoded.text)
                && event.amend(later)
            {
                self.bytes -= encoded.text.len();
                encoded.text = codec::encode(&event);
                self.bytes += encoded.text.len();
            }
        }
    }

    /// The room ended: there is no log any more to go to.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn head(&self) -> Seq {
        self.head
    }

    /// What a session that has sent everything up to `sent` sends next.
    ///
    /// A cursor above the head is one that came from the log, which knows of an event sooner than the feed: the feed
    /// will get there.
    pub(super) fn after(&self, sent: Seq) -> Splice {
        if sent >= self.head {
            return if self.ended { Splice::Ended } else { Splice::Wait };
        }
        if sent < self.tail {
            return if self.ended { Splice::Ended } else { Splice::Read { overtaken: sent < self.evicted } };
        }
        let first = self.events.partition_point(|event| event.seq <= sent);
        let mut length = 0;
        let count = self
            .events
            .range(first..)
            .take(FRAME_EVENTS)
            .take_while(|event| {
                let begins = length == 0;
                length += event.text.len() + 1;
                begins || length <= FRAME_BYTES
            })
            .count();
        // The cursor is before the head, so there is one.
        let Some(since) = self.events.get(first).map(|event| event.came) else { return Splice::Wait };
        let sent = self.events.range(first..first + count).next_back().map_or(self.head, |event| event.seq);
        let text = write(self.events.range(first..first + count).map(|event| event.text.as_str()), sent < self.head);
        Splice::Frame(Frame { text, sent, events: count, since })
    }
}

/// `ServerFrame::Events` of texts that are encoded already.
fn write<'a>(events: impl Iterator<Item = &'a str> + Clone, more: bool) -> Bytes {
    const BEGIN: &str = r#"{"type":"events","events":["#;
    const MORE: &str = r#","more":true"#;
    let length = events.clone().map(|event| event.len() + 1).sum::<usize>();
    let mut frame = String::with_capacity(BEGIN.len() + length + MORE.len() + 2);
    frame.push_str(BEGIN);
    for (i, event) in events.enumerate() {
        if i > 0 {
            frame.push(',');
        }
        frame.push_str(event);
    }
    frame.push(']');
    if more {
        frame.push_str(MORE);
    }
    frame.push('}');
    frame.into()
}

#[cfg(test)]
mod tests;
