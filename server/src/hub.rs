//! Live delivery: one feed for each room that has a connection on this node.
//!
//! An attached session holds nothing but a cursor: the [`Seq`] of the last event it has sent.
//! [`Attachment::next_batch`] returns what comes next: a frame that is shared by every session at that cursor, a read
//! from the log, or nothing yet. Joining, resuming and catching up are the same operation.
//!
//! The hub also knows who is connected and who is present, and informs the room when that changes: a session only
//! attaches, and detaches by dropping its [`Attachment`].
//!
//! The map of rooms is locked briefly, never across an await. Each feed has a lock of its own, which may be taken under
//! that of the map.

mod attachment;
mod encoding;
mod feed;
mod presence;
mod replay_buffer;
mod resubscribe;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use protocol::{Limits, Member, MemberId, RoomId};
use store::{Lease, Store};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

pub use self::attachment::Attachment;
pub use self::encoding::{EncodedEvent, events_frame, fitting};
use self::feed::{Feed, FeedStatus};
pub use self::replay_buffer::{EncodedFrame, NextBatch};
use crate::telemetry::metrics::Metrics;

/// Feeds of all rooms on this node; cheap to clone.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    tasks: TaskTracker,
    /// Maximum number of connections of one member in one room.
    max_connections: usize,
    /// Time for which a lease is taken.
    grace: Duration,
    metrics: Arc<Metrics>,
    rooms: Mutex<HashMap<RoomId, ActiveRoom>>,
}

/// Room with a feed. It is in the map while the feed may deliver and a session is attached.
struct ActiveRoom {
    feed: Arc<Feed>,
    status: watch::Receiver<FeedStatus>,
}

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
    /// Encoded `signal` frame about another member: JSON, hence UTF-8.
    Signal(Bytes),
}

impl Hub {
    /// Creates a hub whose feeds run on `tasks`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, tasks: TaskTracker, limits: &Limits, metrics: Arc<Metrics>) -> Self {
        let (max_connections, grace) = (limits.tabs.max(1), Duration::from_millis(limits.grace_ms));
        Self { shared: Arc::new(Shared { store, tasks, max_connections, grace, metrics, rooms: Mutex::default() }) }
    }

    /// Attaches one connection of a member, takes its lease, and announces that the member is present.
    ///
    /// # Errors
    /// Fails if there is no such room, the member has no seat or too many connections, or the store does not answer.
    pub async fn attach(&self, lease: Lease) -> Result<Attachment, AttachError> {
        let mut attachment = self.shared.enter(lease).ok_or(AttachError::TooManyConnections)?;
        attachment.wait_until_live().await?;
        attachment.take_lease().await?;
        attachment.announce().await;
        Ok(attachment)
    }

    /// Returns the number of connections of this member to this room on this node.
    #[must_use]
    pub fn connections(&self, id: RoomId, member: MemberId) -> usize {
        self.shared.feed(id).map_or(0, |feed| feed.presence(|presence| presence.connections(member)))
    }

    /// Sets `away` for each of these members. A member is present while it has a connection that this node knows of,
    /// and after it has just joined.
    pub fn set_away_flags(&self, id: RoomId, members: &mut [Member]) {
        match self.shared.feed(id) {
            Some(feed) => feed.presence(|presence| presence.set_away_flags(members)),
            None => members.iter_mut().for_each(|seated| seated.away = true),
        }
    }

    /// Returns the number of rooms with a feed, and the sum of the members connected to each.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let rooms = self.shared.rooms();
        (rooms.len(), rooms.values().map(|active| active.feed.presence(|presence| presence.connected().len())).sum())
    }
}

impl Shared {
    /// Locks the map of rooms. Nothing is awaited and nothing can panic under this lock.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, ActiveRoom>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the room's feed, if it has one.
    fn feed(&self, id: RoomId) -> Option<Arc<Feed>> {
        self.rooms().get(&id).map(|active| Arc::clone(&active.feed))
    }

    /// Counts the connection, and finds or starts the room's feed, atomically. `None` if the member has too many of
    /// them.
    fn enter(self: &Arc<Self>, lease: Lease) -> Option<Attachment> {
        let mut rooms = self.rooms();
        let ActiveRoom { feed, status } = rooms.entry(lease.room).or_insert_with(|| {
            let feed = Arc::new(Feed::default());
            let (sender, status) = watch::channel(FeedStatus::Starting);
            self.tasks.spawn(feed::run(Arc::clone(self), lease.room, Arc::clone(&feed), sender));
            ActiveRoom { feed, status }
        });
        feed.presence(|presence| presence.connect(lease.member, self.max_connections))
            .then(|| Attachment::new(Arc::clone(self), lease, Arc::clone(feed), status.clone()))
    }

    /// Stops counting the connection, and stops the feed if it was the last one of the room. Returns true if it was the
    /// last one of the member.
    fn detach(&self, Lease { room, member, .. }: Lease, feed: &Arc<Feed>) -> bool {
        let mut rooms = self.rooms();
        let (was_last, is_empty) =
            feed.presence(|presence| (presence.disconnect(member), presence.connected().len() == 0));
        if is_empty {
            feed.stop();
            Self::remove(&mut rooms, room, feed);
        }
        was_last
    }

    /// Removes a feed that delivers nothing more: the next session to attach gets a new one.
    fn remove_feed(&self, id: RoomId, feed: &Arc<Feed>) {
        Self::remove(&mut self.rooms(), id, feed);
    }

    fn remove(rooms: &mut HashMap<RoomId, ActiveRoom>, id: RoomId, feed: &Arc<Feed>) {
        if let Entry::Occupied(active) = rooms.entry(id)
            && Arc::ptr_eq(&active.get().feed, feed)
        {
            active.remove();
        }
    }
}
