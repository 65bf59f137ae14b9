//! Replay buffer: the last events of a room, encoded, and the decision what a session at a given cursor sends next,
//! from the buffer or from the log. No I/O.

use std::collections::VecDeque;
use std::time::Instant;

use protocol::{EventKind, Names, Seq};

use super::encoding::{EncodedEvent, TextFrame, events_frame, fitting};

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
    /// Frame to write.
    pub frame: TextFrame,
    /// Cursor of a session that has sent it.
    pub cursor: Seq,
    /// Number of events in it.
    pub events: usize,
    /// Time at which the first of them arrived.
    pub first_received_at: Instant,
}

/// Maximum number of events in a replay buffer, and of bytes of their texts. Each event holds its body a second time, so
/// a full buffer takes up to twice as many.
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
pub struct ReplayBuffer {
    capacity: Capacity,
    events: VecDeque<(EncodedEvent, Instant)>,
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

    /// Appends an event that was received at this time. One that does not continue the buffer restarts it; one that it
    /// already has is ignored.
    pub fn push(&mut self, event: EncodedEvent, received_at: Instant) {
        if event.seq() <= self.head {
            return;
        }
        if event.prev() != self.head {
            self.reset_to(event.prev());
        }
        if matches!(event.kind(), EventKind::Edited { .. } | EventKind::Deleted { .. }) {
            self.amend(event.kind());
        }
        self.head = event.seq();
        self.bytes += event.text().len();
        self.events.push_back((event, received_at));
        while self.events.len() > self.capacity.events || self.bytes > self.capacity.bytes {
            let Some((oldest, _)) = self.events.pop_front() else { break };
            self.bytes -= oldest.text().len();
            (self.tail, self.evicted) = (oldest.seq(), oldest.seq());
        }
    }

    /// Applies a later edit or deletion to the events in the buffer, so that sessions behind it send the current text.
    fn amend(&mut self, later: &EventKind) {
        for (event, _) in &mut self.events {
            self.bytes -= event.text().len();
            event.amend(later);
            self.bytes += event.text().len();
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
    #[must_use]
    pub fn next_batch(&self, cursor: Seq) -> NextBatch {
        if cursor >= self.head {
            return if self.ended { NextBatch::Ended } else { NextBatch::Wait };
        }
        if cursor < self.tail {
            return if self.ended { NextBatch::Ended } else { NextBatch::ReadLog { evicted: cursor < self.evicted } };
        }
        // From the back: most sessions are at most a few events behind.
        let behind = self.events.iter().rev().take_while(|(event, _)| event.seq() > cursor).count();
        let first = self.events.len() - behind;
        let following = self.events.range(first..).map(|(event, _)| event);
        let events = fitting(following.clone());
        let batch = following.take(events);
        // Exists, because the cursor is before the head.
        let Some((_, first_received_at)) = self.events.get(first) else { return NextBatch::Wait };
        let cursor = batch.clone().next_back().map_or(self.head, EncodedEvent::seq);
        let frame = events_frame(batch, &Names::new(), cursor < self.head);
        NextBatch::Frame(EncodedFrame { frame, cursor, events, first_received_at: *first_received_at })
    }
}

#[cfg(test)]
mod tests;
