//! The feed's side of one connection. While a session waits for the next event, the feed writes it to the socket
//! itself: no task is woken for a delivery. A session that does anything else, or whose socket is full, is woken, and
//! goes on from its own cursor.

use std::collections::VecDeque;
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

/// Maximum number of signals that wait for one session. Beyond it the session loses the oldest.
const MAX_QUEUED_SIGNALS: usize = 64;

/// Connection of one session to a feed.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) member: MemberId,
    /// `None` for a session that takes everything itself.
    sink: Option<Arc<dyn Sink>>,
    inbox: Mutex<Inbox>,
    /// Keeps one notification for a session that does not wait for it yet.
    wake: Notify,
}

#[derive(Debug, Default)]
struct Inbox {
    /// Cursor of the session while it waits and the feed may write, `None` while the session itself does.
    waiting: Option<Seq>,
    /// That cursor after the session was woken, until it takes it back.
    returned: Option<Seq>,
    /// True if the session has to look at the feed, or at its socket.
    is_due: bool,
    signals: VecDeque<TextFrame>,
}

/// Reason why a session is woken.
#[derive(Debug)]
pub(super) enum Wakeup {
    /// The session has to look at the feed, or at its socket.
    Due,
    /// The session has to send this frame.
    Signal(TextFrame),
}

impl Subscriber {
    pub(super) fn new(member: MemberId, sink: Option<Arc<dyn Sink>>) -> Self {
        Self { member, sink, inbox: Mutex::default(), wake: Notify::new() }
    }

    /// Writes a frame that continues `cursor`, if the session waits there. Returns true if it is written; otherwise the
    /// session is woken.
    pub(super) fn deliver(&self, cursor: Seq, frame: &EncodedFrame, now: Instant) -> bool {
        let mut inbox = self.inbox();
        let is_there = inbox.waiting == Some(cursor);
        let sent = if is_there { self.try_send(&frame.frame, now) } else { Sent::Nothing };
        if sent != Sent::Nothing {
            inbox.waiting = Some(frame.cursor);
        }
        if sent != Sent::All {
            inbox.is_due = true;
            drop(inbox);
            self.wake.notify_one();
        }
        sent != Sent::Nothing
    }

    /// Writes a signal, or keeps it for the session if that has to write something before. Returns false if an older one
    /// is lost.
    pub(super) fn signal(&self, frame: &TextFrame, now: Instant) -> bool {
        let mut inbox = self.inbox();
        let may_write = inbox.waiting.is_some() && !inbox.is_due && inbox.signals.is_empty();
        let sent = if may_write { self.try_send(frame, now) } else { Sent::Nothing };
        let is_full = inbox.signals.len() == MAX_QUEUED_SIGNALS;
        match sent {
            Sent::All => return true,
            Sent::Begun => inbox.is_due = true,
            Sent::Nothing => {
                if is_full {
                    inbox.signals.pop_front();
                }
                inbox.signals.push_back(frame.clone());
            }
        }
        drop(inbox);
        self.wake.notify_one();
        !is_full
    }

    fn try_send(&self, frame: &TextFrame, now: Instant) -> Sent {
        self.sink.as_ref().map_or(Sent::Nothing, |sink| sink.try_send(frame, now))
    }

    /// Wakes the session: it has to look at the feed.
    pub(super) fn wake(&self) {
        self.inbox().is_due = true;
        self.wake.notify_one();
    }

    /// Waits until the session has something to do. The log goes before signals. Cancel safe.
    pub(super) async fn woken(&self) -> Wakeup {
        loop {
            if let Some(wakeup) = self.next_wakeup() {
                return wakeup;
            }
            self.wake.notified().await;
        }
    }

    /// Returns what the session has to do, and lets the feed write nothing more: that would go before it.
    fn next_wakeup(&self) -> Option<Wakeup> {
        let mut inbox = self.inbox();
        let is_due = std::mem::take(&mut inbox.is_due);
        let wakeup = if is_due { Some(Wakeup::Due) } else { inbox.signals.pop_front().map(Wakeup::Signal) };
        if wakeup.is_some() {
            inbox.returned = inbox.waiting.take();
        }
        wakeup
    }

    /// Lets the feed write what follows this event.
    pub(super) fn hand_over(&self, cursor: Seq) {
        let mut inbox = self.inbox();
        (inbox.waiting, inbox.returned) = (Some(cursor), None);
    }

    /// Ends that. Returns the last event that was written, if the feed had been let.
    pub(super) fn take_back(&self) -> Option<Seq> {
        let mut inbox = self.inbox();
        inbox.waiting.take().or(inbox.returned.take())
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Socket that is full until it is emptied.
    #[derive(Debug, Default)]
    struct FullSink {
        is_empty: AtomicBool,
    }

    impl Sink for FullSink {
        fn try_send(&self, _: &TextFrame, _: Instant) -> Sent {
            if self.is_empty.load(Ordering::Relaxed) { Sent::All } else { Sent::Nothing }
        }
    }

    #[test]
    fn feed_writes_no_signal_before_what_the_session_was_woken_for() {
        let (sink, now) = (Arc::new(FullSink::default()), Instant::now());
        let subscriber = Subscriber::new(MemberId(uuid::Uuid::nil()), Some(Arc::clone(&sink) as Arc<dyn Sink>));
        let waits = || subscriber.next_wakeup().is_none();
        let next = |text: &str| matches!(subscriber.next_wakeup(), Some(Wakeup::Signal(frame)) if frame.text() == text.as_bytes());
        subscriber.hand_over(Seq(1));
        assert!(subscriber.signal(&"away".into(), now));
        sink.is_empty.store(true, Ordering::Relaxed);
        assert!(next("away"));
        // The session has not written it yet.
        assert!(subscriber.signal(&"back".into(), now));
        assert_eq!(subscriber.take_back(), Some(Seq(1)));
        assert!(next("back"));

        // An event waits for the session.
        subscriber.hand_over(Seq(1));
        subscriber.wake();
        assert!(subscriber.signal(&"away".into(), now));
        assert!(matches!(subscriber.next_wakeup(), Some(Wakeup::Due)));
        assert_eq!(subscriber.take_back(), Some(Seq(1)));
        assert!(next("away"));

        subscriber.hand_over(Seq(2));
        assert!(subscriber.signal(&"written".into(), now));
        assert!(waits());
        assert_eq!(subscriber.take_back(), Some(Seq(2)));
    }
}
