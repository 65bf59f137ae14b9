//! Live delivery: one feed for each room that has a connection on this node.
//!
//! An attached session holds nothing but a cursor: the [`Seq`](protocol::Seq) of the last event it has sent.
//! [`Attachment::next_batch`] returns what comes next: a frame that is shared by every session at that cursor, a read
//! from the log, or nothing yet. Joining, resuming and catching up are the same operation. To a session that waits for
//! nothing else, the feed writes by itself (`subscriber`).
//!
//! The hub also knows who is connected and who is present, and informs the room when that changes: a session only
//! attaches, and detaches by dropping its [`Attachment`].
//!
//! The map of rooms is locked briefly, never across an await. Each feed has a lock of its own, which may be taken under
//! that of the map.

mod attachment;
mod encoding;
mod feed;
mod follow;
mod presence;
mod replay_buffer;
mod resubscribe;
mod shared;
mod subscriber;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Limits, Member, MemberId, RoomId};
use store::{Lease, Store};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

pub use self::attachment::{AttachError, Attachment, FeedLost, Notification};
pub use self::encoding::{EncodedEvent, TextFrame, events_frame, fitting};
use self::feed::{Feed, FeedStatus};
pub use self::replay_buffer::{EncodedFrame, NextBatch, ReplayBuffer};
use self::shared::{ActiveRoom, Shared};
pub use self::subscriber::{Sent, Sink};
use crate::telemetry::metrics::Metrics;

/// Feeds of all rooms on this node; cheap to clone.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

impl Hub {
    /// Creates a hub whose feeds run on `tasks`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, tasks: TaskTracker, limits: &Limits, metrics: Arc<Metrics>) -> Self {
        let (max_connections, grace) = (limits.tabs.max(1), Duration::from_millis(limits.grace_ms));
        let (rooms, members) = (Mutex::default(), AtomicUsize::new(0));
        Self { shared: Arc::new(Shared { store, tasks, max_connections, grace, metrics, rooms, members }) }
    }

    /// Attaches one connection of a member, takes its lease, and announces that the member is present. While the session
    /// lets it ([`Attachment::hand_over`]), the feed writes new events to `sink`.
    ///
    /// # Errors
    /// Fails if there is no such room, the member has no seat or too many connections, or the store does not answer.
    pub async fn attach(&self, lease: Lease, sink: Option<Arc<dyn Sink>>) -> Result<Attachment, AttachError> {
        let mut attachment = self.enter(lease, sink).ok_or(AttachError::TooManyConnections)?;
        attachment.wait_until_live().await?;
        attachment.take_lease().await?;
        attachment.announce().await;
        Ok(attachment)
    }

    /// Returns true if a connection of this member to this room on this node holds a lease.
    #[must_use]
    pub fn is_connected(&self, id: RoomId, member: MemberId) -> bool {
        self.shared.feed(id).is_some_and(|feed| feed.presence(|presence| presence.is_connected(member)))
    }

    /// Sets `away` for each of these members. A member is present while it has a connection that this node knows of,
    /// and after it has just joined.
    pub fn set_away_flags(&self, id: RoomId, members: &mut [Member]) {
        match self.shared.feed(id) {
            Some(feed) => feed.presence(|presence| presence.set_away_flags(members)),
            None => members.iter_mut().for_each(|seated| seated.away = true),
        }
    }

    /// Returns the sum of the members connected to each room here.
    #[must_use]
    pub fn members(&self) -> usize {
        self.shared.members.load(Ordering::Relaxed)
    }

    /// Returns the number of rooms with a connection here.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.shared.rooms().len()
    }

    /// Counts the connection, and finds or starts the room's feed, atomically. `None` if the member has too many of
    /// them.
    fn enter(&self, lease: Lease, sink: Option<Arc<dyn Sink>>) -> Option<Attachment> {
        let shared = &self.shared;
        let mut rooms = shared.rooms();
        let ActiveRoom { feed, status } = rooms.entry(lease.room).or_insert_with(|| {
            let feed = Arc::new(Feed::default());
            let (sender, status) = watch::channel(FeedStatus::Starting);
            shared.tasks.spawn(follow::run(Arc::clone(shared), lease.room, Arc::clone(&feed), sender));
            ActiveRoom { feed, status }
        });
        let added = feed.presence(|presence| {
            let before = presence.count();
            presence.connect(lease.member, shared.max_connections).then(|| presence.count() - before)
        });
        shared.members.fetch_add(added?, Ordering::Relaxed);
        Some(Attachment::new(Arc::clone(shared), lease, sink, Arc::clone(feed), status.clone()))
    }
}
