//! The one boundary: where rooms, their logs and their seats live.
//!
//! A [`Backend`] is chosen by URL in [`open`]. What it promises is a list of laws; each is one named test of
//! `tests/conformance.rs`, run against every engine:
//!
//! 1. `append` gives a [`Seq`] greater than every earlier one of that room; the order is the same for every reader.
//! 2. The same [`EventId`] appended twice to one room, for as long as the room lives and even after trimming, yields
//!    the first event (or its seq) again. One id in two rooms is two events.
//! 3. From `subscribe`'s head every later event arrives once, in order, or the stream ends without
//!    [`Delivery::Ended`]. It never skips.
//! 4. `append` has returned: `read` shows it, and it survives `kill -9` of the process.
//! 5. `read` pages are ordered, bounded, and marked truncated when retention removed their start. A page of one message
//!    holds it as it is now, or nothing.
//! 6. A room made anew has a new [`Epoch`]; a position of another epoch, trimmed past, or above the head is answered
//!    with [`BackendError::Reset`], never with partial truth.
//! 7. A seat is taken atomically: N+1 concurrent joins to a room of N leave exactly N inside; a join racing the end
//!    gets a seat or `NotFound`.
//! 8. A lease that is not renewed frees its seat in its time; a renewed one never does; after a start every seat has
//!    at least one grace.
//! 9. A signal may be lost, has no order against events, is never stored, and costs no subscriber an event.
//! 10. A room that ended leaves nothing behind: no row, no stream message, no key.
//! 11. After `close` every verb fails with `Unavailable`; nothing hangs.
//! 12. An `edited` or `deleted` is committed: no `read`, no repetition and no later subscription says the old words.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Epoch, Event, EventId, EventKind, Limits, Member, MemberId, Names, Position, RoomCode, Seq};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

mod leases;
pub mod measured;
pub mod nats;
pub mod sqlite;

/// Deliveries that may wait for one subscriber. Beyond it the subscription is lost, and the reader goes to the log.
const BACKLOG: usize = 1024;

/// Where rooms live. Every verb is atomic; none holds a lock across another.
#[async_trait::async_trait]
pub trait Backend: Send + Sync {
    /// Makes an empty room. It ends by itself if nobody takes a seat within `Limits::arrival_ms`.
    ///
    /// # Errors
    /// `Conflict` when the code is in use.
    async fn create_room(&self, room: NewRoom) -> Result<(), BackendError>;

    /// What the room is now: seats and settings, read at one moment together with the log's head.
    ///
    /// # Errors
    /// `NotFound` when there is no such room.
    async fn room(&self, code: RoomCode) -> Result<Room, BackendError>;

    /// Commits one event, durably, and with it what it changes: `joined` takes a seat under an arrival lease, `left`
    /// frees one, and the room ends in the commit that frees the last; `edited` and `deleted` rewrite the message and
    /// its earlier edits, see [`Event::amend`].
    ///
    /// # Errors
    /// `NotFound` when there is no such room; `Full` when `joined` finds no seat; `Conflict` when `joined` finds the
    /// member inside, when any other event finds it outside, or when `left {vanished}` finds a living lease;
    /// `NoTarget` when the message that the event speaks of is not in the log or was deleted; `NotAuthor` when it is
    /// somebody else's and `edited` or `deleted` is asked for.
    async fn append(&self, code: RoomCode, draft: Draft) -> Result<Appended, BackendError>;

    /// One page of the log.
    ///
    /// # Errors
    /// `NotFound` when there is no such room; `Reset` when continuity with the given position cannot be proven.
    async fn read(&self, code: RoomCode, from: From, limit: usize) -> Result<Page, BackendError>;

    /// Every event after the head it returns.
    ///
    /// # Errors
    /// `NotFound` when there is no such room.
    async fn subscribe(&self, code: RoomCode) -> Result<Subscription, BackendError>;

    /// Tells the room's subscribers what is true of a member now. Best effort: nobody hears whether it arrived, nor
    /// whether there is such a room.
    ///
    /// # Errors
    /// When the store is closed.
    async fn signal(&self, code: RoomCode, signal: Signal) -> Result<(), BackendError>;

    /// Keeps a member's seat for `ttl` from now. Holding again renews.
    ///
    /// # Errors
    /// `NotFound` when the member has no seat.
    async fn hold(&self, lease: Lease, ttl: Duration) -> Result<(), BackendError>;

    /// Ends a lease before its time. The seat goes on under the member's other leases and is lost without them.
    /// Releasing what is not held is no error.
    async fn release(&self, lease: Lease) -> Result<(), BackendError>;

    /// Seats without a living lease, and rooms nobody arrived in, at `now`. Whoever asks appends `left` for the
    /// former; the latter are ended by the call.
    async fn expired(&self, now: Instant) -> Result<Vec<Seat>, BackendError>;

    /// The store's own keys: drawn once, the same for every process on this store.
    async fn keys(&self) -> Result<Keys, BackendError>;

    /// Proves that the store answers at present, also what stores events and what keeps leases. Stores no event, so that
    /// a full disk goes unseen: who reads is still served then.
    ///
    /// # Errors
    /// `Unavailable` when it does not.
    async fn ready(&self) -> Result<(), BackendError> {
        // About a room and a member that are nowhere: one question to what reads, one to what writes.
        let code = RoomCode::from_entropy([0; 5]);
        let lease = Lease { code, member: MemberId(Uuid::nil()), id: Uuid::nil() };
        for answer in [self.room(code).await.map(drop), self.hold(lease, Duration::ZERO).await] {
            match answer {
                Ok(()) | Err(BackendError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns once the store is gone: its file was removed, or its streams deleted. What this process remembers is of
    /// no use then, and it is to end; the next start sets up another store. Until then it does not return.
    async fn lost(&self) -> BackendError {
        std::future::pending().await
    }

    /// Finishes what was begun and refuses the rest.
    async fn close(&self);
}

/// Opens the engine that the URL's scheme names: `sqlite://PATH`, or
/// `nats://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…][/NAME]`.
///
/// # Errors
/// `Unavailable` when the store cannot be opened, is in use by another process, or the scheme is unknown; `Corrupt`
/// when it can be opened and is not sound.
pub async fn open(url: &str, limits: &Limits) -> Result<Arc<dyn Backend>, BackendError> {
    match url.split_once("://") {
        Some(("sqlite", path)) => Ok(Arc::new(sqlite::Sqlite::open(path.as_ref(), limits).await?)),
        Some(("nats", address)) => Ok(Arc::new(nats::Nats::open(address, limits).await?)),
        // Not repeated: it may contain a password.
        _ => Err(BackendError::unavailable("rooms cannot live there: use sqlite://PATH or nats://HOST")),
    }
}

/// Writes a copy of a store to this file, which must not be there yet. A server may use the store meanwhile. One that
/// is started on the copy draws new epochs: what clients remember of the rooms is not what the copy goes on from.
///
/// # Errors
/// As [`open`]; `Unavailable` also when the file cannot be written, or the engine has its own way of copying.
pub fn backup(url: &str, to: &Path) -> Result<(), BackendError> {
    sqlite::backup::write(embedded(url)?, to)
}

/// Looks through the whole store. A server may use it meanwhile.
///
/// # Errors
/// As [`open`]; `Unavailable` also when the engine has its own way of checking.
pub fn check(url: &str) -> Result<Soundness, BackendError> {
    sqlite::check::run(embedded(url)?)
}

fn embedded(url: &str) -> Result<&Path, BackendError> {
    url.strip_prefix("sqlite://").map(Path::new).ok_or_else(|| {
        BackendError::unavailable(
            "this store is not a file of this program: use the tools of the service that keeps it",
        )
    })
}

/// What [`check`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Soundness {
    /// Rooms looked at.
    pub rooms: usize,
    /// Events looked at.
    pub events: usize,
    /// What is wrong, in words, without what people said.
    pub faults: Vec<String>,
}

/// A room to be made.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Its code, drawn by the caller.
    pub code: RoomCode,
    /// Its epoch, drawn by the caller.
    pub epoch: Epoch,
    /// How many seats it has.
    pub capacity: u32,
}

/// What a room is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its code.
    pub code: RoomCode,
    /// The log's head.
    pub position: Position,
    /// The first event still in the log, `Seq(0)` when there is none.
    pub oldest: Seq,
    /// How many seats it has.
    pub capacity: u32,
    /// Who has one, in the order they took it.
    pub members: Vec<Member>,
}

impl Room {
    /// Whether the member has a seat.
    #[must_use]
    pub fn has(&self, member: MemberId) -> bool {
        self.members.iter().any(|seated| seated.member == member)
    }
}

/// An event that has no place in the log yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its name.
    pub id: EventId,
    /// Wall clock, UTC milliseconds, for display.
    pub at: u64,
    /// Who causes it.
    pub by: MemberId,
    /// What happens.
    pub kind: EventKind,
}

/// What became of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log now.
    Stored(Event),
    /// Its id was in the log before: this is the first event.
    Repeat(Event),
    /// Its id was in the log before, at this place, and its event has been trimmed.
    Trimmed(Seq),
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The first events after this position.
    After(Position),
    /// The last events before this place.
    Before(Seq),
    /// The last events there are.
    Latest,
    /// The message of this id, alone, as it is now; nothing when it is not in the log.
    Message(EventId),
}

/// A part of the log, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The events.
    pub events: Vec<Event>,
    /// The name of everyone they mention.
    pub names: Names,
    /// Reading backwards: events before these existed and were removed by retention. Never set by `After`, which
    /// answers `Reset` instead.
    pub truncated: bool,
}

/// A live reader of one room.
#[derive(Debug)]
pub struct Subscription {
    /// Everything after this is delivered.
    pub head: Position,
    /// What happens. Closed without [`Delivery::Ended`]: something was lost, subscribe again and read.
    pub deliveries: mpsc::Receiver<Delivery>,
}

/// What a subscription carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The next event of the log.
    Event(Arc<Event>),
    /// What is true of a member now.
    Signal(Signal),
    /// Another node begins to listen, and knows of nobody here: who is connected is to say `Back`. As lossy as a signal.
    RollCall,
    /// The room ended; nothing follows.
    Ended,
}

/// What is true of a member now, and not for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Of whom.
    pub member: MemberId,
    /// What.
    pub sign: Sign,
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The member is writing, or has stopped.
    Typing(bool),
    /// The member's last connection is gone.
    Away {
        /// When the seat will be freed, in UTC milliseconds.
        until: u64,
    },
    /// The member has a connection again.
    Back,
}

/// One reason to keep a member's seat: a connection, an arrival, or a page without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The room.
    pub code: RoomCode,
    /// Whose seat.
    pub member: MemberId,
    /// Tells this lease from the member's others. `Uuid::nil()` is the arrival and page lease.
    pub id: Uuid,
}

/// A seat, named so that the event which frees it has the same id whoever writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The room.
    pub code: RoomCode,
    /// The room's life.
    pub epoch: Epoch,
    /// Whose seat.
    pub member: MemberId,
    /// The `joined` event that took it.
    pub joined: Seq,
}

/// What the store keeps for the server's cryptography. Redacted in `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Signs cookies where no `SECRET` is configured.
    pub signing: [u8; 64],
    /// Derives member ids.
    pub member: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// There is no such room, or no such seat.
    #[error("not found")]
    NotFound,
    /// What the verb needs is not so.
    #[error("conflict")]
    Conflict,
    /// No seat is free.
    #[error("full")]
    Full,
    /// The message is not in the log: trimmed, deleted, or never there.
    #[error("no such message")]
    NoTarget,
    /// The message is somebody else's.
    #[error("not the author")]
    NotAuthor,
    /// Continuity with a position cannot be proven.
    #[error("the position cannot be continued")]
    Reset,
    /// The store cannot do it now.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store holds something it cannot hold.
    #[error("the store is damaged")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl BackendError {
    /// `Unavailable` because of this.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// `Corrupt` because of this.
    pub fn corrupt(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Corrupt(source.into())
    }
}

/// Everyone an event mentions.
fn mentioned(event: &Event) -> impl Iterator<Item = MemberId> {
    let subject = match event.kind {
        EventKind::Joined { member, .. } | EventKind::Left { member, .. } => Some(member),
        _ => None,
    };
    std::iter::once(event.by).chain(subject)
}

/// Whether what stood just before a page is gone, in an engine whose places are dense.
fn starts_where_trimmed(first: Seq, trimmed: Seq) -> bool {
    trimmed > Seq(0) && first > Seq(1) && first.0 <= trimmed.0 + 1
}
