//! The feed's side of one connection. While a session waits for the next event, the feed writes it to the socket
//! itself: no task is woken for a delivery. A session that does anything else, or whose socket is full, is woken, and
//! goes on from its own cursor.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use protocol::{MemberId, Seq};
use tokio::sync::Notify;

use super::encoding::TextFrame;
use super::replay_buffer::EncodedFrame;

/// Outcome of [`Sink::try_send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The frame is written.
    All,
    /// The frame will be written before anything else, by the session that owns the socket: it has to be woken.
    Begun,
    /// No byte of the frame is written.
    Nothing,
}

/// Socket that can be written to without its session.
pub trait Sink: Debug + Send + Sync {
    /// Writes as much of a frame as is possible without waiting, at this time.
    fn try_send(&self, frame: &TextFrame, now: Instant) -> Sent;
}

/// Connection of one session to a feed.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) member: MemberId,
    /// Cursor of the session while it waits and the feed may write, `None` while the session itself does.
    waiting: Mutex<Option<Seq>>,
    /// `None` for a session that takes everything itself.
    sink: Option<Arc<dyn Sink>>,
    /// Keeps one notification for a session that does not wait for it yet.
    wake: Notify,
}

impl Subscriber {
    pub(super) fn new(member: MemberId, sink: Option<Arc<dyn Sink>>) -> Self {
        Self { member, waiting: Mutex::default(), sink, wake: Notify::new() }
    }

    /// Writes a frame that continues `cursor`, if the session waits there. Returns true if it is written; otherwise the
    /// session is woken.
    pub(super) fn deliver(&self, cursor: Seq, frame: &EncodedFrame, now: Instant) -> bool {
        let mut waiting = self.waiting();
        let sink = self.sink.as_ref().filter(|_| *waiting == Some(cursor));
        let sent = sink.map_or(Sent::Nothing, |sink| sink.try_send(&frame.frame, now));
        if sent != Sent::Nothing {
            *waiting = Some(frame.cursor);
        }
        drop(waiting);
        if sent != Sent::All {
            self.wake();
        }
        sent != Sent::Nothing
    }

    /// Wakes the session: it has to look at the feed, or at its socket.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until the session is woken. Cancel safe.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Lets the feed write what follows this event.
    pub(super) fn hand_over(&self, cursor: Seq) {
        *self.waiting() = Some(cursor);
    }

    /// Ends that. Returns the last event that was written, if the feed had been let.
    pub(super) fn take_back(&self) -> Option<Seq> {
        self.waiting().take()
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Seq>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
