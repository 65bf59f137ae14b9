//! Storage interface: a store keeps rooms, their logs and their seats.
//!
//! [`Store`] is implemented by one crate for each storage system. A room has a random [`RoomId`], under which all its
//! data is stored. Its [`RoomCode`] is one record that points to the id, so that the code can be replaced. The contract
//! is the following list of laws. The tests of a law are named `law_NN_…`. They are a suite in `src/laws`, behind the
//! feature `laws`, which the tests of every store run.
//!
//! 1. `append` assigns a [`Seq`] greater than every earlier one of that room; all readers see the same order.
//! 2. `append` is idempotent: an [`EventId`] that is appended to a room again returns the first event, or its seq once
//!    the event is trimmed. The store knows the ids of at least the newest [`known_ids`] events. A forgotten id is
//!    refused with `TooOld`. It is recognised by the time in it: every unknown id of a client's event is refused that
//!    was minted no later than the newest forgotten event was appended, unless that time is still to come. The same
//!    id in two rooms is two events.
//! 3. A subscription delivers every event after [`Subscription::head`] once and in order, or its stream closes without
//!    [`Delivery::Ended`]. It never skips an event.
//! 4. Once `append` has returned, `read` returns the event, and the event survives `kill -9` of the process.
//! 5. `read` pages are ordered, bounded, and marked truncated when retention removed their start. A page of one message
//!    holds its current version, or is empty. A `snapshot` returns the room and a page of the same moment. `snapshot`
//!    and `read` know the names of all members, and of everyone whom the log mentions.
//! 6. Every room has a new [`RoomId`] and a new [`Epoch`], even if its code was used by an earlier room. A position of
//!    another epoch, one that was trimmed past, or one above the head fails with [`StoreError::Reset`], never with a
//!    partial page.
//! 7. A seat is taken atomically: N+1 concurrent joins of a room with N seats leave exactly N members inside; a join
//!    that races with the room's end gets a seat or `NotFound`.
//! 8. A lease that expires frees its seat; a lease that is renewed never does; after a start every seat has at least
//!    one grace period.
//! 9. A presence update may be lost, has no order relative to events, is never stored, and never causes an event to be
//!    missed.
//! 10. A room that ended is gone for every operation once its last `left` or its `ended` commits; none of its codes leads
//!     to a room, all are free again, and its text is removed with it. Nothing of it stays behind: no row, no stream message, no key. It is
//!     encrypted under a key of its own, which is destroyed before the answer and before any delivery of the end. What
//!     takes long to remove goes after the answer, and a restart continues: in SQLite in bounded steps between other
//!     writes, in NATS in one request.
//! 11. After `close` every operation fails with `Unavailable`; nothing hangs.
//! 12. Once an `edited` or `deleted` commits, no `read`, duplicate append or later subscription returns the old text.
//! 13. A code leads to one room, from its creation to its end. Of concurrent creations under one code, one succeeds. A
//!     room that gets another code keeps the newest eight of those before.
//! 14. No two members of a room have names that look alike by their [`NameKeys`], also after concurrent joins and
//!     renames: the commit chooses the lowest number, and a hue, see [`Distinct`]. A rename keeps the hue.
//! 15. A room with members has one of them as its host: its first member. When the host's seat is freed, the member who
//!     has been there longest becomes the host, by a `host` event in the same commit.
//! 16. The host's word holds from its commit on, see [`Settings`]: nobody is taken in while the room is locked, and a
//!     member whom the host removed never again; a message of another member is refused while only the host may write.
//!     Concurrent changes are decided one after the other, each against the host at that moment.

use std::sync::Arc;
use std::time::Duration;

use protocol::{
    Epoch, Event, EventId, EventKind, Limits, Member, MemberId, Names, Position, RoomCode, RoomId, RoomInfo, RoomName,
    Seq,
};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

pub use names::{Distinct, NameKeys};
pub use settings::Settings;

#[cfg(feature = "laws")]
pub mod laws;
pub mod leases;
pub mod measured;
pub mod names;
pub mod seal;
pub mod settings;

/// Maximum number of deliveries queued for one subscriber. One more ends the subscription; its reader then reads the
/// log.
pub const SUBSCRIBER_QUEUE: usize = 1024;

/// A store of rooms. Every operation is atomic, and none holds a lock that outlasts it.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    /// Creates an empty room and returns its id, which the store draws. The room ends by itself if nobody takes a seat
    /// within `Limits::arrival_ms`.
    ///
    /// # Errors
    /// `CodeTaken` when the code is in use.
    async fn create_room(&self, room: NewRoom) -> Result<RoomId, StoreError>;

    /// Returns the id of the room with this code. A former code leads to it, too: the caller tells nobody but the room's
    /// members.
    ///
    /// # Errors
    /// `NotFound` when no room has or had the code.
    async fn resolve(&self, code: RoomCode) -> Result<RoomId, StoreError>;

    /// Returns the room's seats, settings and log head, read at one moment.
    ///
    /// # Errors
    /// `NotFound` when the room does not exist.
    async fn room(&self, id: RoomId) -> Result<Room, StoreError>;

    /// Resolves the code like [`Store::resolve`] and returns the room like [`Store::room`], in one operation.
    ///
    /// # Errors
    /// `NotFound` when no room has or had the code.
    async fn find(&self, code: RoomCode) -> Result<Room, StoreError> {
        self.room(self.resolve(code).await?).await
    }

    /// Appends one event and commits it durably, together with what it changes: `joined` takes a seat under an arrival
    /// lease; `left` frees a seat, and freeing the last one ends the room in the same commit, as `ended` does, and freeing
    /// the host's appends `host` too; `renamed` replaces the author's name; `settings`, `code`, `host` and
    /// `left {removed}` change the room's [`Settings`]; `edited` and `deleted` rewrite the message and its earlier edits,
    /// see [`Event::amend`]. Number and hue of a name in the draft, and the
    /// name before in `renamed`, are replaced by those that the commit chooses or finds.
    ///
    /// # Errors
    /// `NotFound` when the room does not exist; `Full` when `joined` finds no free seat; what [`Settings::check`] refuses;
    /// `CodeTaken` when another room has or had the code of `code`; `Conflict` when `joined` comes from a member who has a
    /// seat, when any other event comes from one who has none, when `host` or `left` is about one who has none, or when
    /// `left {vanished}` finds an active lease; `TooOld` when the event may be a duplicate of a forgotten one; `NoTarget` when the event's
    /// target message is not in the log or was deleted; `NotAuthor` when `edited` or `deleted` targets another member's
    /// message.
    async fn append(&self, id: RoomId, draft: NewEvent) -> Result<Appended, StoreError>;

    /// Reads one page of the log, of at most `limit` events.
    ///
    /// # Errors
    /// `NotFound` when the room does not exist; `Reset` when the log cannot be continued from the given position.
    async fn read(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<Page, StoreError>;

    /// Returns the room like [`Store::room`] and a page of its log like [`Store::read`], both of one moment: the page
    /// has no event after the room's position, and the members are those who had a seat at that position. A message
    /// may already be in the version of an edit or deletion that follows; its event comes later.
    ///
    /// # Errors
    /// `NotFound` when the room does not exist; `Reset` when the log cannot be continued from the given position.
    async fn snapshot(&self, id: RoomId, from: ReadFrom, limit: usize) -> Result<(Room, Page), StoreError>;

    /// Subscribes to every event after the head that it returns.
    ///
    /// # Errors
    /// `NotFound` when the room does not exist.
    async fn subscribe(&self, id: RoomId) -> Result<Subscription, StoreError>;

    /// Sends a member's presence update to the room's subscribers. Best effort: success does not mean that it arrived
    /// or that the room exists.
    ///
    /// # Errors
    /// `Unavailable` when the store is closed.
    async fn send_presence(&self, id: RoomId, update: PresenceUpdate) -> Result<(), StoreError>;

    /// Takes or renews a lease, which keeps the member's seat for `ttl` from now.
    ///
    /// # Errors
    /// `NotFound` when the member has no seat.
    async fn acquire_lease(&self, lease: Lease, ttl: Duration) -> Result<(), StoreError>;

    /// Ends a lease early. The member's other leases keep the seat; without any, a sweep frees it.
    /// Releasing a lease that is not held is no error.
    async fn release_lease(&self, lease: Lease) -> Result<(), StoreError>;

    /// Returns the seats that have no active lease at `now`; the caller appends `left` for each. Also ends the rooms in
    /// which nobody took a seat in time.
    async fn expire(&self, now: Instant) -> Result<Vec<ExpiredSeat>, StoreError>;

    /// Returns the store's keys: generated once, and the same for every process that uses this store.
    async fn keys(&self) -> Result<Keys, StoreError>;

    /// Checks that the store responds now, including the parts that write events and keep leases. Stores no event, so
    /// a full disk is not detected: readers can still be served then.
    ///
    /// # Errors
    /// `Unavailable` when the store does not respond.
    async fn check_ready(&self) -> Result<(), StoreError> {
        // Neither this room nor this member exists. `room` tests the reading part, `acquire_lease` the writing part.
        let room = RoomId(Uuid::nil());
        let lease = Lease { room, member: MemberId(Uuid::nil()), id: Uuid::nil() };
        for answer in [self.room(room).await.map(drop), self.acquire_lease(lease, Duration::ZERO).await] {
            match answer {
                Ok(()) | Err(StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the store is gone: its file was removed, or its streams were deleted. The in-memory state of this
    /// process is invalid then, so the process should exit; the next start creates a new store.
    async fn wait_until_lost(&self) -> StoreError {
        std::future::pending().await
    }

    /// Completes the operations that have begun; later ones fail with `Unavailable`.
    async fn close(&self);
}

/// A room to be created.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Code, generated by the caller.
    pub code: RoomCode,
    /// Epoch, generated by the caller.
    pub epoch: Epoch,
    /// Number of seats.
    pub capacity: u32,
    /// Name; empty for none.
    pub name: RoomName,
}

/// State of a room at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Id, which never changes.
    pub id: RoomId,
    /// Position of the log's newest event (the head).
    pub position: Position,
    /// Oldest event still in the log, `Seq(0)` when it is empty.
    pub oldest: Seq,
    /// Settings of its host.
    pub settings: Settings,
    /// Members with a seat, in the order in which they joined.
    pub members: Vec<Member>,
}

impl Room {
    /// Returns the room's properties as its members are told them.
    #[must_use]
    pub fn info(&self) -> RoomInfo {
        let Settings { code, capacity, name, host, locked, slow_ms, host_only, .. } = self.settings.clone();
        RoomInfo { id: Some(self.id), code, capacity, locked, name, host, slow_ms, host_only }
    }

    /// True if the member has a seat.
    #[must_use]
    pub fn has(&self, member: MemberId) -> bool {
        self.members.iter().any(|seated| seated.member == member)
    }
}

/// An event that is not in the log yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Unique id, also the key by which duplicates are detected.
    pub id: EventId,
    /// Wall-clock time in UTC milliseconds, for display.
    pub at: u64,
    /// Member who caused it.
    pub by: MemberId,
    /// Kind and content.
    pub kind: EventKind,
    /// Keys of the name in `joined` and `renamed`.
    pub keys: NameKeys,
}

/// Result of a successful append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The draft is now in the log, as this event.
    Stored(Event),
    /// Duplicate: this event of the same id was already in the log.
    Duplicate(Event),
    /// Duplicate: the event of the same id was at this seq and has been trimmed.
    DuplicateTrimmed(Seq),
}

/// Start of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// The first events after this position.
    After(Position),
    /// The last events before this seq.
    Before(Seq),
    /// The newest events.
    Latest,
    /// Only the message with this id, in its current version; an empty page when it is not in the log.
    Message(EventId),
}

/// A part of the log, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The events.
    pub events: Vec<Event>,
    /// Names of the members whom these events mention.
    pub names: Names,
    /// True if retention removed the events just before this page. Set only for `Before` and `Latest`; `After` fails
    /// with `Reset` instead.
    pub truncated: bool,
    /// True if the log has events after this page. Never set for `Message`.
    pub more: bool,
}

/// A live subscription to one room.
#[derive(Debug)]
pub struct Subscription {
    /// Position after which every event is delivered.
    pub head: Position,
    /// Deliveries. If it closes without [`Delivery::Ended`], events were lost: subscribe again and read the log.
    pub deliveries: mpsc::Receiver<Delivery>,
}

/// Item of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The next event of the log.
    Event(Arc<Event>),
    /// A presence update of a member.
    Presence(PresenceUpdate),
    /// Another node has subscribed and does not know who is connected: this node sends `Back` for each member connected
    /// to it. Best effort, like a presence update.
    PresenceRequest,
    /// The room ended; this is the last delivery.
    Ended,
}

/// A presence update: short-lived state of a member that is not part of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceUpdate {
    /// Member it is about.
    pub member: MemberId,
    /// New presence.
    pub kind: PresenceKind,
}

/// Kind of a presence update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceKind {
    /// True while the member is typing, false once the member has stopped.
    Typing(bool),
    /// The member's last connection is gone.
    Away {
        /// Time at which the seat will be freed, in UTC milliseconds.
        until: u64,
    },
    /// The member has a connection again.
    Back,
}

/// A lease on a member's seat, held by a connection, by a join that has no connection yet, or by a page without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The room.
    pub room: RoomId,
    /// Member who has the seat.
    pub member: MemberId,
    /// Distinguishes the member's leases. `Uuid::nil()` is the arrival and page lease.
    pub id: Uuid,
}

/// A taken seat. These fields determine the id of the event that frees it, so every node derives the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredSeat {
    /// The room.
    pub room: RoomId,
    /// Epoch of the room.
    pub epoch: Epoch,
    /// Member who has the seat.
    pub member: MemberId,
    /// Seq of the `joined` event that took the seat.
    pub joined: Seq,
}

/// Secret keys that the store keeps for the server. Redacted in `{:?}`. Written by hand, because secrecy's `SecretBox`
/// of an array cannot be cloned, and its `SecretSlice` has no fixed length.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Signs cookies if no `SECRET` is configured.
    pub signing: [u8; 64],
    /// Derives member ids.
    pub member: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// Error of a store operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The room or the seat does not exist.
    #[error("not found")]
    NotFound,
    /// The state of the room does not permit the operation.
    #[error("conflict")]
    Conflict,
    /// No seat is free.
    #[error("full")]
    Full,
    /// The event may have been appended before: its id is older than those that the store still knows.
    #[error("too old")]
    TooOld,
    /// The target message is not in the log: it was trimmed or deleted, or never existed.
    #[error("no such message")]
    NoTarget,
    /// The message is by another member.
    #[error("not the author")]
    NotAuthor,
    /// Only the host may change the room.
    #[error("not the host")]
    NotHost,
    /// Only the host may write at present.
    #[error("only the host may write")]
    HostOnly,
    /// The room takes nobody in at present.
    #[error("locked")]
    Locked,
    /// The host removed the member from the room.
    #[error("removed")]
    Removed,
    /// Another room has or had the code.
    #[error("the code is in use")]
    CodeTaken,
    /// The log cannot be continued from the given position: events after it may be missing.
    #[error("the position cannot be continued")]
    Reset,
    /// The store cannot perform the operation now.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store contains invalid data.
    #[error("the store is damaged")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Returns true if the store did not answer in time. The outcome is unknown then.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Unavailable(source) if source.is::<tokio::time::error::Elapsed>())
    }

    /// Creates an `Unavailable` error with this cause.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Creates a `Corrupt` error with this cause.
    pub fn corrupt(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Corrupt(source.into())
    }
}

/// Draws the id of a new room.
///
/// # Errors
/// `Unavailable` when the system provides no random bytes.
pub fn draw_id() -> Result<RoomId, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(StoreError::unavailable)?;
    Ok(RoomId(uuid::Builder::from_random_bytes(bytes).into_uuid()))
}

/// Event that makes a member the room's host, in the same commit as `left`, the event that freed the seat of the one
/// before. Its id is derived from that event's, so that it happens once.
#[must_use]
pub fn host_event(left: &Event, member: MemberId) -> Event {
    const HOST: u128 = 0x686f_7374;
    let id = EventId(uuid::Builder::from_custom_bytes((left.id.0.as_u128() ^ HOST).to_be_bytes()).into_uuid());
    let kind = EventKind::Host { member };
    Event { seq: Seq(left.seq.0 + 1), prev: left.seq, id, at: left.at, by: member, kind }
}

/// Members whom an event mentions: its author, and whoever joined or left.
pub fn mentioned_members(event: &Event) -> impl Iterator<Item = MemberId> {
    let subject = match event.kind {
        EventKind::Joined { member, .. } | EventKind::Left { member, .. } => Some(member),
        _ => None,
    };
    std::iter::once(event.by).chain(subject)
}

/// Minimum number of a room's newest events whose ids the store knows: 100 000 by default.
#[must_use]
pub fn known_ids(limits: &Limits) -> u64 {
    100 * limits.events as u64
}

/// True if the event may be a duplicate of one whose id is forgotten. `forgotten` is the time at which the newest event
/// with a forgotten id was appended, 0 if there is none. Never true for `joined` and `left`: the server appends them,
/// under a new id each time, or under one derived from the seat, which is refused once the seat is free. Never true
/// either before that time, which only a clock that was ahead can have noted: it must not refuse every message.
#[must_use]
pub fn may_be_forgotten(draft: &NewEvent, forgotten: u64) -> bool {
    let by_client = !matches!(draft.kind, EventKind::Joined { .. } | EventKind::Left { .. });
    let is_past = 0 < forgotten && forgotten <= draft.at;
    by_client && is_past && draft.id.minted_ms().is_some_and(|minted| minted <= forgotten)
}

/// True if the event just before `first`, the start of a page, was trimmed. Valid only where seqs are dense.
#[must_use]
pub fn is_truncated_at(first: Seq, trimmed: Seq) -> bool {
    trimmed > Seq(0) && first > Seq(1) && first.0 <= trimmed.0 + 1
}
