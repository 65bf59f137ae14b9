//! State that the hub, its feeds and its attachments share: the map of rooms.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::{MemberId, RoomId};
use store::{Lease, PresenceKind, PresenceUpdate, Store};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::feed::{Feed, FeedStatus};
use crate::telemetry::metrics::Metrics;

/// Store, limits and rooms of a hub.
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) tasks: TaskTracker,
    /// Maximum number of connections of one member in one room.
    pub(super) max_connections: usize,
    /// Time for which a lease is taken.
    pub(super) grace: Duration,
    pub(super) metrics: Arc<Metrics>,
    pub(super) rooms: Mutex<HashMap<RoomId, ActiveRoom>>,
    /// Sum of the members connected to each room. Changed under the lock of the map.
    pub(super) members: AtomicUsize,
}

/// Room with a feed. It is in the map while the feed may deliver and a session is attached.
pub(super) struct ActiveRoom {
    pub(super) feed: Arc<Feed>,
    pub(super) status: watch::Receiver<FeedStatus>,
}

impl Shared {
    /// Locks the map of rooms. Nothing is awaited and nothing can panic under this lock.
    pub(super) fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, ActiveRoom>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the room's feed, if it has one.
    pub(super) fn feed(&self, id: RoomId) -> Option<Arc<Feed>> {
        self.rooms().get(&id).map(|active| Arc::clone(&active.feed))
    }

    /// Stops counting the connection, and stops the feed if it was the last one of the room. Returns true if it was the
    /// last one of a member who was connected.
    pub(super) fn detach(&self, Lease { room, member, .. }: Lease, feed: &Arc<Feed>) -> bool {
        let mut rooms = self.rooms();
        let (was_last, before, after) = feed.presence(|presence| {
            let before = presence.count();
            (presence.disconnect(member), before, presence.count())
        });
        self.members.fetch_sub(before - after, Ordering::Relaxed);
        if after == 0 {
            feed.stop();
            Self::remove(&mut rooms, room, feed);
        }
        was_last
    }

    /// Removes a feed that delivers nothing more: the next session to attach gets a new one.
    pub(super) fn remove_feed(&self, id: RoomId, feed: &Arc<Feed>) {
        Self::remove(&mut self.rooms(), id, feed);
    }

    fn remove(rooms: &mut HashMap<RoomId, ActiveRoom>, id: RoomId, feed: &Arc<Feed>) {
        if let Entry::Occupied(active) = rooms.entry(id)
            && Arc::ptr_eq(&active.get().feed, feed)
        {
            active.remove();
        }
    }

    /// Publishes a presence update. Best effort: a failure is no error.
    pub(super) async fn announce(&self, room: RoomId, member: MemberId, kind: PresenceKind) {
        drop(self.store.send_presence(room, PresenceUpdate { member, kind }).await);
    }
}
