//! Live delivery: one feed for each room that has a connection on this node.
//!
//! An attached session holds nothing but a cursor: the [`Seq`] of the last event it has sent.
//! [`Attachment::next_batch`] returns what comes next: a frame that is shared by every session at that cursor, a read
//! from the log, or nothing yet. Joining, resuming and catching up are the same operation.
//!
//! The map of rooms is locked briefly, never across an await. A feed's replay buffer has a lock of its own.

mod connections;
mod feed;
mod replay_buffer;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use protocol::{LeaveReason, Member, MemberId, Position, RoomId, Seq};
use store::Store;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio_util::task::TaskTracker;

use self::connections::ConnectionCounts;
use self::feed::{EncodedUpdate, Feed, FeedStatus};
pub use self::replay_buffer::{EncodedFrame, FRAME_BYTES, NextBatch};
use crate::telemetry::metrics::{Metrics, Overflow};

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
    metrics: Arc<Metrics>,
    rooms: Mutex<HashMap<RoomId, ActiveRoom>>,
}

/// Room with a feed. It is in the map while the feed may deliver and a session is attached.
struct ActiveRoom {
    feed: Arc<Feed>,
    status: watch::Receiver<FeedStatus>,
    connections: ConnectionCounts,
}

/// Reason why a session cannot attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// The room does not exist, or has ended.
    #[error("no such room")]
    NoSuchRoom,
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

/// Attachment of one session to a room's feed. Dropping it detaches; dropping the last one stops the feed.
pub struct Attachment {
    shared: Arc<Shared>,
    room: RoomId,
    member: MemberId,
    feed: Arc<Feed>,
    status: watch::Receiver<FeedStatus>,
    updates: broadcast::Receiver<EncodedUpdate>,
}

impl Hub {
    /// Creates a hub whose feeds run on `tasks`. `max_connections` is the maximum number of connections of one member
    /// in one room, at least one.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, tasks: TaskTracker, max_connections: usize, metrics: Arc<Metrics>) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                tasks,
                max_connections: max_connections.max(1),
                metrics,
                rooms: Mutex::default(),
            }),
        }
    }

    /// Attaches one connection of this member. Does not check that the member has a seat.
    ///
    /// # Errors
    /// Fails if there is no such room, the member has too many connections, or the store does not answer.
    pub async fn attach(&self, id: RoomId, member: MemberId) -> Result<Attachment, AttachError> {
        let mut attachment = self.shared.enter(id, member).ok_or(AttachError::TooManyConnections)?;
        let status = attachment.status.wait_for(|status| *status != FeedStatus::Starting).await.map(|status| *status);
        match status {
            Ok(FeedStatus::Live(_)) => Ok(attachment),
            Ok(FeedStatus::Ended) => Err(AttachError::NoSuchRoom),
            Ok(FeedStatus::Starting) | Err(_) => Err(AttachError::Unavailable),
        }
    }

    /// Returns the number of connections of this member to this room on this node.
    #[must_use]
    pub fn connections(&self, id: RoomId, member: MemberId) -> usize {
        self.shared.rooms().get(&id).map_or(0, |active| active.connections.of(member))
    }

    /// Handles the end of a member's connection. Returns true if it was the last one on this node and the member was
    /// present until now; the other members are then to be informed. Returns false if the room has no feed any more.
    #[must_use]
    pub fn connection_ended(&self, id: RoomId, member: MemberId) -> bool {
        let rooms = self.shared.rooms();
        rooms.get(&id).is_some_and(|active| active.connections.of(member) == 0 && active.feed.mark_away(member))
    }

    /// Sets `away` for each of these members. A member is present while it has a connection that this node knows of,
    /// and after it has just joined.
    pub fn set_away_flags(&self, id: RoomId, members: &mut [Member]) {
        let feed = self.shared.rooms().get(&id).map(|active| Arc::clone(&active.feed));
        for seated in members {
            seated.away = !feed.as_ref().is_some_and(|feed| feed.is_present(seated.member));
        }
    }

    /// Returns the number of rooms with a feed, and the sum of the members connected to each.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let rooms = self.shared.rooms();
        (rooms.len(), rooms.values().map(|active| active.connections.members()).sum())
    }
}

impl Shared {
    /// Locks the map of rooms. Nothing is awaited and nothing can panic under this lock.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, ActiveRoom>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the connection, and finds or starts the room's feed, atomically. `None` if the member has too many of
    /// them.
    fn enter(self: &Arc<Self>, id: RoomId, member: MemberId) -> Option<Attachment> {
        let mut rooms = self.rooms();
        let active = match rooms.entry(id) {
            Entry::Occupied(active) => active.into_mut(),
            Entry::Vacant(place) => {
                let feed = Arc::new(Feed::default());
                let (sender, status) = watch::channel(FeedStatus::Starting);
                self.tasks.spawn(feed::run(Arc::clone(self), id, Arc::clone(&feed), sender));
                place.insert(ActiveRoom { feed, status, connections: ConnectionCounts::default() })
            }
        };
        active.connections.open(member, self.max_connections).then(|| Attachment {
            shared: Arc::clone(self),
            room: id,
            member,
            feed: Arc::clone(&active.feed),
            status: active.status.clone(),
            updates: active.feed.updates.subscribe(),
        })
    }

    /// Returns true if the member is connected to the room on this node.
    fn is_connected(&self, id: RoomId, member: MemberId) -> bool {
        self.rooms().get(&id).is_some_and(|active| active.connections.of(member) > 0)
    }

    /// Returns the members who are connected to the room on this node.
    fn connected(&self, id: RoomId) -> Vec<MemberId> {
        self.rooms().get(&id).map(|active| active.connections.connected().collect()).unwrap_or_default()
    }

    /// Removes a feed that delivers nothing more: the next session to attach gets a new one.
    fn remove_feed(&self, id: RoomId, feed: &Arc<Feed>) {
        if let Entry::Occupied(active) = self.rooms().entry(id)
            && Arc::ptr_eq(&active.get().feed, feed)
        {
            active.remove();
        }
    }
}

impl Attachment {
    /// Returns what this session sends next. `cursor` is the last event that it has sent or read from this room's log,
    /// in the epoch of [`head`](Self::head). A position that a client names must not be used before a read from the log
    /// has continued it.
    #[must_use]
    pub fn next_batch(&self, cursor: Seq) -> NextBatch {
        self.feed.next_batch(cursor)
    }

    /// Marks the member as present. Returns true if it was away; the other members are then to be informed.
    #[must_use]
    pub fn mark_present(&self) -> bool {
        self.feed.mark_present(self.member)
    }

    /// Waits for a notification. The log takes precedence; a session that does not keep up loses updates. Cancel safe.
    ///
    /// # Errors
    /// Fails if the feed stopped and the room has not ended.
    pub async fn next_notification(&mut self) -> Result<Notification, FeedLost> {
        loop {
            tokio::select! {
                biased;
                changed = self.status.changed() => {
                    return changed.map(|()| Notification::LogAdvanced).map_err(|_| FeedLost);
                }
                update = self.updates.recv() => match update {
                    Ok(EncodedUpdate { member, text }) if member != self.member => {
                        return Ok(Notification::Signal(text));
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.shared.metrics.overflowed(Overflow::Signals),
                    Err(RecvError::Closed) => return Err(FeedLost),
                },
            }
        }
    }

    /// Returns the event that freed the member's seat while it was connected, if the seat has not been taken again
    /// since. May change with each notification of [`next_notification`](Self::next_notification).
    #[must_use]
    pub fn seat_freed(&self) -> Option<(Seq, LeaveReason)> {
        self.feed.freed(self.member)
    }

    /// Returns the position up to which the feed has come; `None` once the room has ended.
    #[must_use]
    pub fn head(&self) -> Option<Position> {
        match *self.status.borrow() {
            FeedStatus::Live(position) => Some(position),
            FeedStatus::Starting | FeedStatus::Ended => None,
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if let Entry::Occupied(mut active) = self.shared.rooms().entry(self.room)
            && Arc::ptr_eq(&active.get().feed, &self.feed)
        {
            active.get_mut().connections.close(self.member);
            if active.get().connections.of(self.member) == 0 {
                self.feed.clear_freed(self.member);
            }
            if active.get().connections.is_empty() {
                self.feed.stop();
                active.remove();
            }
        }
    }
}
