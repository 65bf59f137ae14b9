//! A store that fails, blocks or panics at a chosen moment.

use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::server::entropy;
use protocol::{EventKind, LeaveReason, MemberId, RoomCode};
use store::{
    Appended, Backend, BackendError, Draft, From, Keys, Lease, NewRoom, Page, Room, Seat, Signal, Subscription,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use uuid::Uuid;

use super::within;

/// Text that no log may contain.
pub(crate) const TREASURE: &str = "what a person wrote";

/// A fault of the store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// The seat of this member is freed, for this reason, just before the next of its connections takes or renews a
    /// lease.
    LosesSeat(MemberId, LeaveReason),
    /// Every `read` fails.
    ReadsNothing,
    /// Every `append` fails, and nothing else, as on a full disk.
    StoresNothing,
    /// Every `append` and every `hold` fails, as if the store did not answer.
    Silent,
    /// This operation panics, with a message that contains [`TREASURE`].
    Panics(&'static str),
}

/// A store with at most one fault and one blocked operation at a time.
pub(crate) struct Troubled {
    engine: Arc<dyn Backend>,
    trouble: Mutex<Option<Trouble>>,
    blocked: Mutex<Option<Arc<Blocked>>>,
}

/// Maximum time that a call blocks its thread, so that a test does not hang when no thread is left that could drop the
/// guard.
const BLOCKED: Duration = Duration::from_secs(30);

/// An operation whose calls block their threads.
struct Blocked {
    verb: &'static str,
    came: UnboundedSender<()>,
    end: Mutex<std::sync::mpsc::Receiver<()>>,
}

/// Guard that blocks the calls of an operation until it is dropped.
pub(crate) struct Block {
    came: UnboundedReceiver<()>,
    _end: std::sync::mpsc::Sender<()>,
}

impl Block {
    /// Waits until this many more calls block their threads.
    pub(crate) async fn came(&mut self, calls: usize) {
        for _ in 0..calls {
            within(self.came.recv()).await.unwrap();
        }
    }
}

impl Troubled {
    pub(crate) fn over(engine: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self { engine, trouble: Mutex::default(), blocked: Mutex::default() })
    }

    pub(crate) fn make(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = Some(trouble);
    }

    /// Ends the fault.
    pub(crate) fn heal(&self) {
        *self.trouble.lock().unwrap() = None;
    }

    /// Blocks the thread of each call of this operation from now on, until the guard is dropped.
    pub(crate) fn block(&self, verb: &'static str) -> Block {
        let (came, calls) = unbounded_channel();
        let (end, ends) = std::sync::mpsc::channel();
        *self.blocked.lock().unwrap() = Some(Arc::new(Blocked { verb, came, end: Mutex::new(ends) }));
        Block { came: calls, _end: end }
    }

    fn blocks(&self, verb: &'static str) {
        let blocked = self.blocked.lock().unwrap().clone();
        if let Some(blocked) = blocked.filter(|blocked| blocked.verb == verb) {
            let _ = blocked.came.send(());
            let end = blocked.end.lock().unwrap().recv_timeout(BLOCKED);
            assert_eq!(end, Err(RecvTimeoutError::Disconnected), "{verb} was blocked for {BLOCKED:?}");
        }
    }

    fn fails(&self, when: impl FnOnce(Trouble) -> bool) -> Result<(), BackendError> {
        match *self.trouble.lock().unwrap() {
            Some(trouble) if when(trouble) => Err(BackendError::unavailable("for this test")),
            _ => Ok(()),
        }
    }

    fn panics(&self, verb: &'static str) {
        // Not while the lock is held: a panic would poison it.
        let trouble = *self.trouble.lock().unwrap();
        assert!(!matches!(trouble, Some(Trouble::Panics(named)) if named == verb), "{verb} panics over {TREASURE:?}");
    }

    fn loses_seat(&self, of: MemberId) -> Option<LeaveReason> {
        let mut trouble = self.trouble.lock().unwrap();
        let Some(Trouble::LosesSeat(member, why)) = *trouble else { return None };
        (member == of).then(|| *trouble = None).map(|()| why)
    }
}

#[async_trait::async_trait]
impl Backend for Troubled {
    async fn create_room(&self, room: NewRoom) -> Result<(), BackendError> {
        self.engine.create_room(room).await
    }

    async fn room(&self, code: RoomCode) -> Result<Room, BackendError> {
        self.panics("room");
        self.blocks("room");
        self.engine.room(code).await
    }

    async fn append(&self, code: RoomCode, draft: Draft) -> Result<Appended, BackendError> {
        self.panics("append");
        self.fails(|trouble| matches!(trouble, Trouble::StoresNothing | Trouble::Silent))?;
        self.engine.append(code, draft).await
    }

    async fn read(&self, code: RoomCode, from: From, limit: usize) -> Result<Page, BackendError> {
        self.fails(|trouble| matches!(trouble, Trouble::ReadsNothing))?;
        self.engine.read(code, from, limit).await
    }

    async fn subscribe(&self, code: RoomCode) -> Result<Subscription, BackendError> {
        self.panics("subscribe");
        self.engine.subscribe(code).await
    }

    async fn signal(&self, code: RoomCode, signal: Signal) -> Result<(), BackendError> {
        self.engine.signal(code, signal).await
    }

    async fn hold(&self, lease: Lease, ttl: Duration) -> Result<(), BackendError> {
        self.fails(|trouble| matches!(trouble, Trouble::Silent))?;
        let Lease { code, member, id } = lease;
        if !id.is_nil()
            && let Some(why) = self.loses_seat(member)
        {
            self.engine.release(lease).await?;
            self.engine.release(Lease { id: Uuid::nil(), ..lease }).await?;
            let kind = EventKind::Left { member, why };
            self.engine.append(code, Draft { id: entropy::event_id(), at: 0, by: member, kind }).await?;
        }
        self.engine.hold(lease, ttl).await
    }

    async fn release(&self, lease: Lease) -> Result<(), BackendError> {
        self.engine.release(lease).await
    }

    async fn expired(&self, now: Instant) -> Result<Vec<Seat>, BackendError> {
        self.panics("expired");
        self.engine.expired(now).await
    }

    async fn keys(&self) -> Result<Keys, BackendError> {
        self.engine.keys().await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}
