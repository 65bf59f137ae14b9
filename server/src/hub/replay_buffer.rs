//! Replay buffer: the last events of a room, encoded, and the decision what a session at a given cursor sends next,
//! from the buffer or from the log. No I/O.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use protocol::{Event, EventKind, Seq, codec};

/// Maximum number of events in one frame.
const FRAME_EVENTS: usize = 200;
/// Maximum bytes of events in one frame, unless one event alone is larger.
pub const FRAME_BYTES: usize = 64 * 1024;

/// Next batch of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextBatch {
    /// Send this frame.
    Frame(EncodedFrame),
    /// Read from the log: the cursor is older than the replay buffer.
    ReadLog {
        /// True if events after the cursor were evicted because the session was too slow. False if the buffer was
        /// restarted, which may happen to a session that kept up.
        evicted: bool,
    },
    /// Wait: the session has sent everything there is.
    Wait,
    /// End: the room has ended, and the session has sent everything that is still available.
    Ended,
}

/// Encoded `events` frame, shared by every session at the same cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFrame {
    /// JSON, hence UTF-8.
    pub text: Bytes,
    /// Cursor of a session that has sent it.
    pub cursor: Seq,
    /// Number of events in it.
    pub events: usize,
    /// Time at which the first of them arrived.
    pub first_received_at: Instant,
}

/// Event, encoded once for all sessions.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    seq: Seq,
    prev: Seq,
    text: String,
    /// Edit or deletion of an earlier event that has not been applied to the replay buffer yet.
    amends: Option<EventKind>,
    received_at: Instant,
}

impl Encoded {
    pub(super) fn new(event: &Event, received_at: Instant) -> Self {
        let amends = match &event.kind {
            kind @ (EventKind::Edited { .. } | EventKind::Deleted { .. }) => Some(kind.clone()),
            _ => None,
        };
        Self { seq: event.seq, prev: event.prev, text: codec::encode(event), amends, received_at }
    }
}

/// Maximum number and bytes of events in a replay buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { events: 256, bytes: 256 * 1024 }
    }
}

/// Replay buffer of one room: its last events, without a gap, up to the feed's head.
#[derive(Debug, Default)]
pub(super) struct ReplayBuffer {
    capacity: Capacity,
    events: VecDeque<Encoded>,
    /// Total length of the encoded events, in bytes.
    bytes: usize,
    /// Event just before the first one in the buffer: the earliest cursor that can continue from it.
    tail: Seq,
    /// Last evicted event: a session whose cursor is before it was overtaken.
    evicted: Seq,
    /// Last event; equals `tail` when the buffer is empty.
    head: Seq,
    ended: bool,
}

impl ReplayBuffer {
    #[cfg(test)]
    fn with_capacity(capacity: Capacity) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// Restarts the buffer after this event, unless it is the head. Events between the two heads are in the log only.
    pub(super) fn reset_to(&mut self, head: Seq) {
        if head != self.head {
            self.events.clear();
            (self.bytes, self.tail, self.head) = (0, head, head);
        }
    }

    /// Appends the next event. One that does not continue the buffer restarts it; one that it already has is ignored.
    pub(super) fn push(&mut self, mut event: Encoded) {
        if event.seq <= self.head {
            return;
        }
        if event.prev != self.head {
            self.reset_to(event.prev);
        }
        if let Some(later) = event.amends.take() {
            self.amend(&later);
        }
        self.head = event.seq;
        self.bytes += event.text.len();
        self.events.push_back(event);
        while self.events.len() > self.capacity.events || self.bytes > self.capacity.bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.text.len();
            (self.tail, self.evicted) = (oldest.seq, oldest.seq);
        }
    }

    /// Applies a later edit or deletion to the events in the buffer, so that sessions behind it send the current text.
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

    /// Marks the room as ended: its log does not exist any more.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn head(&self) -> Seq {
        self.head
    }

    /// Returns the next batch of a session that has sent everything up to `cursor`.
    ///
    /// A cursor above the head comes from a read of the log, which has an event sooner than the feed: the session waits
    /// until the feed has it.
    pub(super) fn next_batch(&self, cursor: Seq) -> NextBatch {
        if cursor >= self.head {
            return if self.ended { NextBatch::Ended } else { NextBatch::Wait };
        }
        if cursor < self.tail {
            return if self.ended { NextBatch::Ended } else { NextBatch::ReadLog { evicted: cursor < self.evicted } };
        }
        let first = self.events.partition_point(|event| event.seq <= cursor);
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
        // Exists, because the cursor is before the head.
        let Some(first_received_at) = self.events.get(first).map(|event| event.received_at) else {
            return NextBatch::Wait;
        };
        let cursor = self.events.range(first..first + count).next_back().map_or(self.head, |event| event.seq);
        let text = write(self.events.range(first..first + count).map(|event| event.text.as_str()), cursor < self.head);
        NextBatch::Frame(EncodedFrame { text, cursor, events: count, first_received_at })
    }
}

/// Encodes `ServerFrame::Events` from encoded events.
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
