//! Attachment of one session to a room's feed, and what begins and ends with it: the lease on the member's seat, and
//! the announcements that the member is present or away.

use std::sync::Arc;
use std::time::Duration;

use protocol::{LeaveReason, Position, Seq};
use store::{Lease, PresenceKind, Room, StoreError};
use tokio::sync::watch;
use uuid::Uuid;

use super::encoding::TextFrame;
use super::feed::{Feed, FeedStatus};
use super::replay_buffer::NextBatch;
use super::shared::Shared;
use super::subscriber::{Sink, Subscriber, Wakeup};
use crate::clock;

/// Reason why a session cannot attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// The room does not exist, or has ended.
    #[error("no such room")]
    NoSuchRoom,
    /// The member has no seat in the room.
    #[error("no seat")]
    NoSeat,
    /// The member has the maximum number of connections.
    #[error("too many connections of one member")]
    TooManyConnections,
    /// The store does not answer. The cause is in the log.
    #[error("the store is unavailable")]
    Unavailable,
}

/// The feed stopped although the room has not ended: the clients have to connect again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the feed stopped")]
pub struct FeedLost;

/// Notification that an attachment waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// The result of [`Attachment::next_batch`] may have changed.
    LogAdvanced,
    /// `signal` frame about another member.
    Signal(TextFrame),
}

/// Attachment of one connection of a member. Dropping it detaches: the last connection of a member on this node leaves
/// the member away, if any of them had a lease, and the last one of a room stops the feed.
pub struct Attachment {
    shared: Arc<Shared>,
    lease: Lease,
    feed: Arc<Feed>,
    subscriber: Arc<Subscriber>,
    status: watch::Receiver<FeedStatus>,
    /// Position of the welcome, whose roster has the member.
    welcomed: Seq,
}

impl Attachment {
    pub(super) fn new(
        shared: Arc<Shared>,
        lease: Lease,
        sink: Option<Arc<dyn Sink>>,
        feed: Arc<Feed>,
        status: watch::Receiver<FeedStatus>,
    ) -> Self {
        let subscriber = Arc::new(Subscriber::new(lease.member, sink));
        feed.subscribe(Arc::clone(&subscriber));
        Self { shared, lease, feed, subscriber, status, welcomed: Seq(0) }
    }

    /// Waits until the feed delivers.
    pub(super) async fn wait_until_live(&mut self) -> Result<(), AttachError> {
        match self.status.wait_for(|status| *status != FeedStatus::Starting).await.as_deref() {
            Ok(FeedStatus::Live(_)) => Ok(()),
            Ok(FeedStatus::Ended) => Err(AttachError::NoSuchRoom),
            Ok(FeedStatus::Starting) | Err(_) => Err(AttachError::Unavailable),
        }
    }

    /// Takes the connection's lease, which replaces the member's page lease.
    pub(super) async fn take_lease(&self) -> Result<(), AttachError> {
        let (store, room) = (&self.shared.store, self.lease.room);
        match store.acquire_lease(self.lease, self.shared.grace).await {
            Ok(()) => store.release_lease(Lease { id: Uuid::nil(), ..self.lease }).await.map_err(unavailable),
            // The room existed when its feed was joined. Either it has ended since, or the member has no seat.
            Err(StoreError::NotFound) => match store.room(room).await {
                Err(StoreError::NotFound) => Err(AttachError::NoSuchRoom),
                _ => Err(AttachError::NoSeat),
            },
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Marks the member as present, and announces it if it was away.
    pub(super) async fn announce(&self) {
        let Lease { room, member, .. } = self.lease;
        if self.feed.presence(|presence| presence.mark_present(member)) {
            self.shared.announce(room, member, PresenceKind::Back).await;
        }
    }

    /// Completes the room that a welcome shows, with the members who are away. Returns false if the member has no seat
    /// in it. A seat that was freed at or before its position, and that the member has, was taken again.
    pub fn welcome(&mut self, room: &mut Room) -> bool {
        self.welcomed = room.position.seq;
        self.feed.presence(|presence| {
            presence.set_away_flags(&mut room.members);
            presence.restriction.reset(room);
        });
        room.has(self.lease.member)
    }

    /// Publishes that the member is typing, or has stopped.
    pub async fn typing(&self, typing: bool) {
        self.shared.announce(self.lease.room, self.lease.member, PresenceKind::Typing(typing)).await;
    }

    /// Returns what this session sends next. `cursor` is the last event that it has sent or read from this room's log,
    /// in the epoch of [`head`](Self::head). A position that a client names must not be used before a read from the log
    /// has continued it.
    #[must_use]
    pub fn next_batch(&self, cursor: Seq) -> NextBatch {
        self.feed.next_batch(cursor)
    }

    /// Lets the feed write to the connection's sink what follows `cursor`, until [`take_back`](Self::take_back). Only for
    /// a session that [`next_batch`](Self::next_batch) told to wait: what came since then wakes it.
    pub fn hand_over(&self, cursor: Seq) {
        self.subscriber.hand_over(cursor);
    }

    /// Ends that the feed writes. Returns the session's new cursor, if it had let the feed write.
    pub fn take_back(&self) -> Option<Seq> {
        self.subscriber.take_back()
    }

    /// Waits for a notification. The log takes precedence; a session that does not keep up loses updates. Cancel safe.
    ///
    /// # Errors
    /// Fails if the feed stopped and the room has not ended.
    pub async fn next_notification(&self) -> Result<Notification, FeedLost> {
        let wakeup = self.subscriber.woken().await;
        let is_stopped = self.status.has_changed().is_err();
        match wakeup {
            Wakeup::Due if is_stopped && *self.status.borrow() != FeedStatus::Ended => Err(FeedLost),
            Wakeup::Due => Ok(Notification::LogAdvanced),
            Wakeup::Signal(frame) => Ok(Notification::Signal(frame)),
        }
    }

    /// Returns the event that freed the member's seat after the welcome, if the seat has not been taken again since.
    /// May change with each notification of [`next_notification`](Self::next_notification).
    #[must_use]
    pub fn seat_freed(&self) -> Option<(Seq, LeaveReason)> {
        let freed = self.feed.presence(|presence| presence.freed(self.lease.member));
        freed.filter(|(left, _)| *left > self.welcomed)
    }

    /// Returns the time between two messages of the member if the host restricts writing; zero if only the host may write.
    #[must_use]
    pub fn restriction(&self) -> Option<Duration> {
        self.feed.presence(|presence| presence.restriction.interval_of(self.lease.member))
    }

    /// Returns the position up to which the feed has come; `None` once the room has ended.
    #[must_use]
    pub fn head(&self) -> Option<Position> {
        match *self.status.borrow() {
            FeedStatus::Live(epoch) => Some(Position { epoch, seq: self.feed.head() }),
            FeedStatus::Starting | FeedStatus::Ended => None,
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.feed.unsubscribe(&self.subscriber);
        if self.shared.detach(self.lease, &self.feed) {
            self.shared.tasks.spawn(depart(Arc::clone(&self.shared), self.lease));
        }
    }
}

/// Ends the presence of a member whose last connection on this node is gone. First renews its lease, so that the
/// grace period begins now and not at the last renewal; then announces that the member is away.
async fn depart(shared: Arc<Shared>, lease: Lease) {
    let Lease { room, member, .. } = lease;
    // Without a seat there is nobody to announce. After any other error the seat may still be held.
    if matches!(shared.store.acquire_lease(lease, shared.grace).await, Err(StoreError::NotFound)) {
        return;
    }
    let until = clock::unix_ms() + shared.grace.as_millis() as u64;
    let feed = shared.feed(room);
    // Unless the member has come back meanwhile.
    if feed.is_none_or(|feed| feed.presence(|presence| presence.mark_away(member))) {
        shared.announce(room, member, PresenceKind::Away { until }).await;
    }
}

/// Logs an error that keeps a session from attaching.
fn unavailable(error: StoreError) -> AttachError {
    tracing::error!(error = &error as &dyn std::error::Error, "the store failed a connection");
    AttachError::Unavailable
}
