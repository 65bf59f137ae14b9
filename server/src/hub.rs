//! One feed per room that somebody on this node is connected to.
//!
//! A session attaches, and from then on holds nothing but a cursor: the [`Seq`](protocol::Seq) of the last event
//! it has sent. [`Attachment::after`] says what comes next: a frame that is shared by every session at that cursor,
//! the log, or nothing yet. Joining, resuming and having been slow are the same operation.
//!
//! The map of rooms is locked to attach and to detach, never while waiting. A feed's ring has its own lock.

mod feed;
mod splice;
mod tabs;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use protocol::{LeaveReason, Member, MemberId, Position, RoomCode, Seq};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio_util::task::TaskTracker;

use self::feed::{Feed, Mark, Signalled};
pub use self::splice::{FRAME_BYTES, Frame, Splice};
use self::tabs::Tabs;
use crate::backend::Backend;
use crate::telemetry::metrics::{Metrics, Overflow};

/// Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

struct Shared {
    backend: Arc<dyn Backend>,
    tasks: TaskTracker,
    /// Most connections of one member in one room.
    tabs: usize,
    metrics: Arc<Metrics>,
    rooms: Mutex<HashMap<RoomCode, Active>>,
}

/// A room with a feed. In the map as long as the feed may deliver and anybody listens.
struct Active {
    feed: Arc<Feed>,
    marks: watch::Receiver<Mark>,
    tabs: Tabs,
}

/// Why a session cannot attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// There is no such room; it may have ended.
    #[error("no such room")]
    NoSuchRoom,
    /// The member has as many connections as one may have.
    #[error("too many connections of one member")]
    TooManyTabs,
    /// The store does not answer. Said in the log.
    #[error("the store is unavailable")]
    Unavailable,
}

/// The feed stopped without the room having ended: whoever listens must connect again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the feed stopped")]
pub struct Lost;

/// What an attachment waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// [`Attachment::after`] may say something else than it did.
    Log,
    /// A `signal` frame about another member: JSON, and so UTF-8.
    Signal(Bytes),
}

/// One session's hold on a room's feed. Dropping it detaches; the last one takes the feed with it.
pub struct Attachment {
    shared: Arc<Shared>,
    code: RoomCode,
    member: MemberId,
    feed: Arc<Feed>,
    marks: watch::Receiver<Mark>,
    signals: broadcast::Receiver<Signalled>,
}

impl Hub {
    /// Feeds run on `tasks`. `tabs` is how many connections one member may have in one room, at least one.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, tasks: TaskTracker, tabs: usize, metrics: Arc<Metrics>) -> Self {
        Self { shared: Arc::new(Shared { backend, tasks, tabs: tabs.max(1), metrics, rooms: Mutex::default() }) }
    }

    /// Attaches one connection of this member. Whether the member has a seat is not asked here.
    ///
    /// # Errors
    /// When there is no such room, the member has too many connections, or the store does not answer.
    pub async fn attach(&self, code: RoomCode, member: MemberId) -> Result<Attachment, AttachError> {
        let mut attachment = self.shared.enter(code, member).ok_or(AttachError::TooManyTabs)?;
        let mark = attachment.marks.wait_for(|mark| *mark != Mark::Starting).await.map(|mark| *mark);
        match mark {
            Ok(Mark::Live(_)) => Ok(attachment),
            Ok(Mark::Ended) => Err(AttachError::NoSuchRoom),
            Ok(Mark::Starting) | Err(_) => Err(AttachError::Unavailable),
        }
    }

    /// How many connections this member has to this room on this node.
    #[must_use]
    pub fn connections(&self, code: RoomCode, member: MemberId) -> usize {
        self.shared.rooms().get(&code).map_or(0, |active| active.tabs.of(member))
    }

    /// One connection of the member has ended. True: it was the last, and the others took the member for present.
    #[must_use]
    pub fn depart(&self, code: RoomCode, member: MemberId) -> bool {
        let rooms = self.shared.rooms();
        rooms.get(&code).is_some_and(|active| active.tabs.of(member) == 0 && active.feed.depart(member))
    }

    /// Says of each of these whether it is away: without a connection that this node knows of, and not just joined.
    pub fn see(&self, code: RoomCode, members: &mut [Member]) {
        let feed = self.shared.rooms().get(&code).map(|active| Arc::clone(&active.feed));
        for seated in members {
            seated.away = !feed.as_ref().is_some_and(|feed| feed.is_here(seated.member));
        }
    }

    /// Rooms that have a feed now, and the members who are connected to each of them, together.
    #[must_use]
    pub fn census(&self) -> (usize, usize) {
        let rooms = self.shared.rooms();
        (rooms.len(), rooms.values().map(|active| active.tabs.members()).sum())
    }
}

impl Shared {
    /// Nothing is awaited and nothing can panic under this lock.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomCode, Active>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the connection in and finds the room's feed or starts it, in one step. None: too many tabs.
    fn enter(self: &Arc<Self>, code: RoomCode, member: MemberId) -> Option<Attachment> {
        let mut rooms = self.rooms();
        let active = match rooms.entry(code) {
            Entry::Occupied(active) => active.into_mut(),
            Entry::Vacant(place) => {
                let feed = Arc::new(Feed::default());
                let (sender, marks) = watch::channel(Mark::Starting);
                self.tasks.spawn(feed::run(Arc::clone(self), code, Arc::clone(&feed), sender));
                place.insert(Active { feed, marks, tabs: Tabs::default() })
            }
        };
        active.tabs.open(member, self.tabs).then(|| Attachment {
            shared: Arc::clone(self),
            code,
            member,
            feed: Arc::clone(&active.feed),
            marks: active.marks.clone(),
            signals: active.feed.signals.subscribe(),
        })
    }

    /// Whether the member is connected to the room here.
    fn is_connected(&self, code: RoomCode, member: MemberId) -> bool {
        self.rooms().get(&code).is_some_and(|active| active.tabs.of(member) > 0)
    }

    /// Everyone who is connected to the room here.
    fn connected(&self, code: RoomCode) -> Vec<MemberId> {
        self.rooms().get(&code).map(|active| active.tabs.connected().collect()).unwrap_or_default()
    }

    /// The feed delivers nothing more: who comes from now on gets a new one.
    fn forget(&self, code: RoomCode, feed: &Arc<Feed>) {
        if let Entry::Occupied(active) = self.rooms().entry(code)
            && Arc::ptr_eq(&active.get().feed, feed)
        {
            active.remove();
        }
    }
}

impl Attachment {
    /// What this session sends next, when `sent` is the last event it has sent or read from this room's log, in the
    /// epoch of [`head`](Self::head). A place that a client names is not that before the log has continued it.
    #[must_use]
    pub fn after(&self, sent: Seq) -> Splice {
        self.feed.after(sent)
    }

    /// The connection is welcome. True: the others took the member for away.
    #[must_use]
    pub fn arrive(&self) -> bool {
        self.feed.arrive(self.member)
    }

    /// Waits for news. Of the log they come first; of signals some are lost to a session that does not keep up. Cancel
    /// safe.
    ///
    /// # Errors
    /// When the feed stopped and the room has not ended.
    pub async fn news(&mut self) -> Result<News, Lost> {
        loop {
            tokio::select! {
                biased;
                changed = self.marks.changed() => return changed.map(|()| News::Log).map_err(|_| Lost),
                signalled = self.signals.recv() => match signalled {
                    Ok(Signalled { member, text }) if member != self.member => return Ok(News::Signal(text)),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.shared.metrics.overflowed(Overflow::Signals),
                    Err(RecvError::Closed) => return Err(Lost),
                },
            }
        }
    }

    /// The event that freed the member's seat while it was connected, if it has not been taken again since. Asked again
    /// after [`changed`](Self::changed).
    #[must_use]
    pub fn seat_freed(&self) -> Option<(Seq, LeaveReason)> {
        self.feed.freed(self.member)
    }

    /// Up to where the feed has come. None once the room ended.
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
        if let Entry::Occupied(mut active) = self.shared.rooms().entry(self.code)
            && Arc::ptr_eq(&active.get().feed, &self.feed)
        {
            active.get_mut().tabs.close(self.member);
            if active.get().tabs.of(self.member) == 0 {
                self.feed.forget(self.member);
            }
            if active.get().tabs.is_empty() {
                self.feed.stop();
                active.remove();
            }
        }
    }
}
