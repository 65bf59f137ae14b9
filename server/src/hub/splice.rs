//! Replay buffer: the last events of a room, encoded, and the decision what a session at a given cursor sends next,
//! from the buffer or from the log. No I/O.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use protocol::{EventKind, Names, Seq};

use super::encoding::{EncodedEvent, events_frame, fitting};

/// Next batch of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Splice {
    /// Send this frame.
    Frame(Frame),
    /// Read from the log: the cursor is older than the replay buffer.
    Read {
        /// True if events after the cursor were evicted because the session was too slow. False if the buffer was
        /// restarted, which may happen to a session that kept up.
        overtaken: bool,
    },
    /// Wait: the session has sent everything there is.
    Wait,
    /// End: the room has ended, and the session has sent everything that is still available.
    Ended,
}

/// Encoded `events` frame, shared by every session at the same cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// JSON, hence UTF-8.
    pub text: Bytes,
    /// Cursor of a session that has sent it.
    pub sent: Seq,
    /// Number of events in it.
    pub events: usize,
    /// Time at which the first of them arrived.
    pub since: Instant,
}

/// Maximum number and bytes of events in a replay buffer.
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

/// Replay buffer of one room: its last events, without a gap, up to the feed's head.
#[derive(Debug, Default)]
pub(super) struct Ring {
    bounds: Bounds,
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

impl Ring {
    #[cfg(test)]
    fn bounded(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Restarts the buffer after this event, unless it is the head. Events between the two heads are in the log only.
    pub(super) fn restart(&mut self, head: Seq) {
        if head != self.head {
            self.events.clear();
            (self.bytes, self.tail, self.head) = (0, head, head);
        }
    }

    /// Appends an event that was received at this time. One that does not continue the buffer restarts it; one that it
    /// already has is ignored.
    pub(super) fn push(&mut self, event: EncodedEvent, received_at: Instant) {
        if event.seq() <= self.head {
            return;
        }
        if event.prev() != self.head {
            self.restart(event.prev());
        }
        self.amend(event.kind());
        self.head = event.seq();
        self.bytes += event.text().len();
        self.events.push_back((event, received_at));
        while self.events.len() > self.bounds.events || self.bytes > self.bounds.bytes {
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

    /// Returns the next batch of a session that has sent everything up to `sent`.
    ///
    /// A cursor above the head comes from a read of the log, which has an event sooner than the feed: the session waits
    /// until the feed has it.
    pub(super) fn after(&self, sent: Seq) -> Splice {
        if sent >= self.head {
            return if self.ended { Splice::Ended } else { Splice::Wait };
        }
        if sent < self.tail {
            return if self.ended { Splice::Ended } else { Splice::Read { overtaken: sent < self.evicted } };
        }
        let first = self.events.partition_point(|(event, _)| event.seq() <= sent);
        let following = self.events.range(first..).map(|(event, _)| event);
        let events = fitting(following.clone());
        let batch = following.take(events);
        // Exists, because the cursor is before the head.
        let Some((_, since)) = self.events.get(first) else { return Splice::Wait };
        let sent = batch.clone().next_back().map_or(self.head, EncodedEvent::seq);
        let text = events_frame(batch, &Names::new(), sent < self.head);
        Splice::Frame(Frame { text, sent, events, since: *since })
    }
}

#[cfg(test)]
mod tests;
