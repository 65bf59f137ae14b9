//! Attachment of one session to a room's feed, and what begins and ends with it: the lease on the member's seat, and
//! the announcements that the member is present or away.

use std::sync::Arc;

use protocol::{LeaveReason, MemberId, Position, RoomId, Seq};
use store::{BackendError, Lease, Room, Sign, Signal};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use super::feed::{Feed, Mark, Signalled};
use super::{AttachError, Lost, News, Shared, Splice};
use crate::clock;
use crate::telemetry::metrics::Overflow;

/// Attachment of one connection of a member. Dropping it detaches: the last connection of a member on this node leaves
/// the member away, and the last one of a room stops the feed.
pub struct Attachment {
    shared: Arc<Shared>,
    lease: Lease,
    feed: Arc<Feed>,
    marks: watch::Receiver<Mark>,
    signals: broadcast::Receiver<Signalled>,
    /// Position of the welcome, whose roster has the member.
    welcomed: Seq,
}

impl Attachment {
    pub(super) fn new(shared: Arc<Shared>, lease: Lease, feed: Arc<Feed>, marks: watch::Receiver<Mark>) -> Self {
        let signals = feed.signals.subscribe();
        Self { shared, lease, feed, marks, signals, welcomed: Seq(0) }
    }

    /// Waits until the feed delivers.
    pub(super) async fn wait_until_live(&mut self) -> Result<(), AttachError> {
        match self.marks.wait_for(|mark| *mark != Mark::Starting).await.as_deref() {
            Ok(Mark::Live(_)) => Ok(()),
            Ok(Mark::Ended) => Err(AttachError::NoSuchRoom),
            Ok(Mark::Starting) | Err(_) => Err(AttachError::Unavailable),
        }
    }

    /// Takes the connection's lease, which replaces the member's page lease.
    pub(super) async fn take_lease(&self) -> Result<(), AttachError> {
        let (store, room) = (&self.shared.backend, self.lease.room);
        match store.hold(self.lease, self.shared.grace).await {
            Ok(()) => store.release(Lease { id: Uuid::nil(), ..self.lease }).await.map_err(unavailable),
            // The room existed when its feed was joined. Either it has ended since, or the member has no seat.
            Err(BackendError::NotFound) => match store.room(room).await {
                Err(BackendError::NotFound) => Err(AttachError::NoSuchRoom),
                _ => Err(AttachError::NoSeat),
            },
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Marks the member as present, and announces it if it was away.
    pub(super) async fn announce(&self) {
        let Lease { room, member, .. } = self.lease;
        if self.feed.presence(|presence| presence.mark_present(member)) {
            self.shared.announce(room, member, Sign::Back).await;
        }
    }

    /// Completes the room that a welcome shows, with the members who are away. Returns false if the member has no seat
    /// in it. A seat that was freed at or before its position, and that the member has, was taken again.
    pub fn welcome(&mut self, room: &mut Room) -> bool {
        self.welcomed = room.position.seq;
        self.feed.presence(|presence| presence.set_away_flags(&mut room.members));
        room.has(self.lease.member)
    }

    /// Publishes that the member is typing, or has stopped.
    pub async fn typing(&self, typing: bool) {
        self.shared.announce(self.lease.room, self.lease.member, Sign::Typing(typing)).await;
    }

    /// Returns what this session sends next. `sent` is the last event that it has sent or read from this room's log, in
    /// the epoch of [`head`](Self::head). A position that a client names must not be used before a read from the log
    /// has continued it.
    #[must_use]
    pub fn after(&self, sent: Seq) -> Splice {
        self.feed.after(sent)
    }

    /// Waits for a notification. The log takes precedence; a session that does not keep up loses signals. Cancel safe.
    ///
    /// # Errors
    /// Fails if the feed stopped and the room has not ended.
    pub async fn news(&mut self) -> Result<News, Lost> {
        loop {
            tokio::select! {
                biased;
                changed = self.marks.changed() => return changed.map(|()| News::Log).map_err(|_| Lost),
                signalled = self.signals.recv() => match signalled {
                    Ok(Signalled { member, text }) if member != self.lease.member => return Ok(News::Signal(text)),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.shared.metrics.overflowed(Overflow::Signals),
                    Err(RecvError::Closed) => return Err(Lost),
                },
            }
        }
    }

    /// Returns the event that freed the member's seat after the welcome, if the seat has not been taken again since.
    /// May change with each notification of [`news`](Self::news).
    #[must_use]
    pub fn seat_freed(&self) -> Option<(Seq, LeaveReason)> {
        let freed = self.feed.presence(|presence| presence.freed(self.lease.member));
        freed.filter(|(left, _)| *left > self.welcomed)
    }

    /// Returns the position up to which the feed has come; `None` once the room has ended.
    #[must_use]
    pub fn head(&self) -> Option<Position> {
        match *self.marks.borrow() {
            Mark::Live(position) => Some(position),
            Mark::Starting | Mark::Ended => None,
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if self.shared.detach(self.lease, &self.feed) {
            self.shared.tasks.spawn(Arc::clone(&self.shared).depart(self.lease));
        }
    }
}

impl Shared {
    /// Ends the presence of a member whose last connection on this node is gone. First renews its lease, so that the
    /// grace period begins now and not at the last renewal; then announces that the member is away.
    async fn depart(self: Arc<Self>, lease: Lease) {
        let Lease { room, member, .. } = lease;
        // Without a seat there is nobody to announce. After any other error the seat may still be held.
        if matches!(self.backend.hold(lease, self.grace).await, Err(BackendError::NotFound)) {
            return;
        }
        let until = clock::unix_ms() + self.grace.as_millis() as u64;
        let feed = self.feed(room);
        // Unless the member has come back meanwhile.
        if feed.is_none_or(|feed| feed.presence(|presence| presence.mark_away(member))) {
            self.announce(room, member, Sign::Away { until }).await;
        }
    }

    /// Publishes a presence update. Best effort: a failure is no error.
    pub(super) async fn announce(&self, room: RoomId, member: MemberId, sign: Sign) {
        drop(self.backend.signal(room, Signal { member, sign }).await);
    }
}

/// Logs an error that keeps a session from attaching.
fn unavailable(error: BackendError) -> AttachError {
    tracing::error!(error = &error as &dyn std::error::Error, "the store failed a connection");
    AttachError::Unavailable
}
