//! Feed of one room: the task that subscribes to the room, and the state that it shares with the room's sessions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use protocol::{Epoch, EventKind, LeaveReason, MemberId, Position, RoomId, Seq, ServerFrame, codec};
use store::{BackendError, Delivery, Sign, Signal, Subscription};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::encoding::EncodedEvent;
use super::splice::{Frame, Ring, Splice};
use crate::telemetry::metrics::Overflow;

/// Maximum number of deliveries per wake-up.
const GATHER: usize = 256;
/// Number of frames cached for the next session at the same cursor. More cursors than this mean slow readers, and each
/// of those is alone with its cursor.
const FRAMES: usize = 4;
/// Maximum number of signals that wait for one session. Beyond it the session loses the oldest.
const SIGNALS: usize = 64;
/// Maximum number of concurrent answers to a roll call.
const SIDE_BY_SIDE: usize = 32;
/// Delay before a lost subscription is retried: the first one, and the maximum.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Status of a feed, which its sessions watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Not subscribed yet.
    Starting,
    /// Subscribed. Every event up to this position is in the replay buffer or in the log.
    Live(Position),
    /// The room has ended, or does not exist.
    Ended,
}

/// State that the task and the sessions of one room share.
#[derive(Debug)]
pub(super) struct Feed {
    state: Mutex<State>,
    pub(super) signals: broadcast::Sender<Signalled>,
    stop: CancellationToken,
}

/// `signal` frame, encoded once for all sessions.
#[derive(Clone, Debug)]
pub(super) struct Signalled {
    /// Member whom it is about, and whose own sessions do not get it.
    pub(super) member: MemberId,
    /// JSON, hence UTF-8.
    pub(super) text: Bytes,
}

impl From<Signal> for Signalled {
    fn from(Signal { member, sign }: Signal) -> Self {
        let (typing, away, until) = match sign {
            Sign::Typing(typing) => (Some(typing), None, None),
            Sign::Away { until } => (None, Some(true), Some(until)),
            Sign::Back => (None, Some(false), None),
        };
        Self { member, text: codec::encode(&ServerFrame::Signal { member, typing, away, until }).into() }
    }
}

#[derive(Debug, Default)]
struct State {
    ring: Ring,
    /// Frames made at the current head, by the cursor that they continue.
    frames: Vec<(Seq, Frame)>,
    /// Connected members whose seats were freed, and the event that freed each: their connections end after it.
    freed: HashMap<MemberId, (Seq, LeaveReason)>,
    /// Present members: connected, as far as this node knows, or just joined. True once the sessions were informed of
    /// it by a `Back`.
    here: HashMap<MemberId, bool>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { state: Mutex::default(), signals: broadcast::Sender::new(SIGNALS), stop: CancellationToken::new() }
    }
}

impl Feed {
    pub(super) fn after(&self, sent: Seq) -> Splice {
        let mut state = self.state();
        if let Some((_, frame)) = state.frames.iter().find(|(cursor, _)| *cursor == sent) {
            return Splice::Frame(frame.clone());
        }
        let next = state.ring.after(sent);
        if let Splice::Frame(frame) = &next {
            if state.frames.len() == FRAMES {
                state.frames.remove(0);
            }
            state.frames.push((sent, frame.clone()));
        }
        next
    }

    pub(super) fn freed(&self, member: MemberId) -> Option<(Seq, LeaveReason)> {
        self.state().freed.get(&member).copied()
    }

    /// Forgets that the member's seat was freed, once its last connection on this node is gone.
    pub(super) fn forget(&self, member: MemberId) {
        self.state().freed.remove(&member);
    }

    /// Marks the member as present. Returns true if it was away.
    pub(super) fn arrive(&self, member: MemberId) -> bool {
        match self.state().here.entry(member) {
            Entry::Occupied(_) => false,
            Entry::Vacant(absent) => {
                absent.insert(false);
                true
            }
        }
    }

    /// Marks the member as present after a `Back`. Returns true if the sessions have not been informed of it yet.
    fn confirm(&self, member: MemberId) -> bool {
        !self.state().here.insert(member, true).unwrap_or_default()
    }

    /// Marks the member as away. Returns true if it was present.
    pub(super) fn depart(&self, member: MemberId) -> bool {
        self.state().here.remove(&member).is_some()
    }

    pub(super) fn is_here(&self, member: MemberId) -> bool {
        self.state().here.contains_key(&member)
    }

    /// Records the seats that these events take and free. `connected` is called without the feed's lock, because it
    /// locks the map of rooms, which is elsewhere locked first.
    fn seat(&self, events: &[Delivery], connected: impl Fn(MemberId) -> bool) {
        for delivery in events {
            let Delivery::Event(event) = delivery else { continue };
            match event.kind {
                EventKind::Left { member, why } => {
                    let connected = connected(member);
                    let mut state = self.state();
                    state.here.remove(&member);
                    if connected {
                        state.freed.insert(member, (event.seq, why));
                    }
                }
                EventKind::Joined { member, .. } => {
                    let mut state = self.state();
                    state.here.insert(member, false);
                    state.freed.remove(&member);
                }
                _ => {}
            }
        }
    }

    /// Stops the task, because no session is attached any more.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the replay buffer, and drops the frames made at the previous head. Returns the new head.
    fn change(&self, change: impl FnOnce(&mut Ring)) -> Seq {
        let mut state = self.state();
        change(&mut state.ring);
        state.frames.clear();
        state.ring.head()
    }
}

/// Follows the room until it ends or no session is attached. Dropping `marks` without `Ended` means a lost feed.
pub(super) async fn run(hub: Arc<Shared>, id: RoomId, feed: Arc<Feed>, marks: watch::Sender<Mark>) {
    let ended = tokio::select! {
        () = feed.stop.cancelled() => false,
        ended = follow(&hub, id, &feed, &marks) => ended,
    };
    // Removed from the map before the sessions notice, so that no session attaches to a feed that has stopped.
    hub.forget(id, &feed);
    if ended {
        feed.change(Ring::end);
        marks.send_replace(Mark::Ended);
    }
}

/// Returns true when the room has ended, false when the first subscription fails.
async fn follow(hub: &Shared, id: RoomId, feed: &Feed, marks: &watch::Sender<Mark>) -> bool {
    let Subscription { head, mut deliveries } = match hub.backend.subscribe(id).await {
        Ok(subscription) => subscription,
        Err(BackendError::NotFound) => return true,
        Err(error) => {
            tracing::error!(source = ?std::error::Error::source(&error), "cannot follow a room");
            return false;
        }
    };
    let epoch = head.epoch;
    feed.change(|ring| ring.restart(head.seq));
    marks.send_replace(Mark::Live(head));
    loop {
        if receive(hub, id, feed, marks, epoch, &mut deliveries).await {
            return true;
        }
        // The subscription is lost. Missed events are in the log, where the sessions continue from their cursors.
        hub.metrics.overflowed(Overflow::Feed);
        let Some(subscription) = subscribe_again(hub, id, epoch).await else { return true };
        let seq = feed.change(|ring| ring.restart(subscription.head.seq));
        marks.send_replace(Mark::Live(Position { epoch, seq }));
        deliveries = subscription.deliveries;
    }
}

/// Handles deliveries. Returns true when the room has ended, false when the subscription is lost.
async fn receive(
    hub: &Shared,
    id: RoomId,
    feed: &Feed,
    marks: &watch::Sender<Mark>,
    epoch: Epoch,
    deliveries: &mut mpsc::Receiver<Delivery>,
) -> bool {
    let mut ready = Vec::new();
    while deliveries.recv_many(&mut ready, GATHER).await > 0 {
        feed.seat(&ready, |member| hub.is_connected(id, member));
        let (mut events, mut signals, mut called, mut ended) = (Vec::new(), Vec::new(), false, false);
        let now = Instant::now();
        for delivery in ready.drain(..) {
            match delivery {
                Delivery::Event(event) => events.push(EncodedEvent::from(Arc::unwrap_or_clone(event))),
                Delivery::Signal(signal) => signals.push(signal),
                Delivery::RollCall => called = true,
                Delivery::Ended => ended = true,
            }
        }
        if !events.is_empty() {
            let seq = feed.change(|ring| events.into_iter().for_each(|event| ring.push(event, now)));
            if !ended {
                marks.send_replace(Mark::Live(Position { epoch, seq }));
            }
        }
        if ended {
            return true;
        }
        // After the events, so that they do not wait for the answers that signals need.
        for signal in signals {
            hear(hub, id, feed, signal).await;
        }
        if called {
            // Concurrently: the next events wait for these answers.
            let answers = hub.connected(id).into_iter().map(|member| say_back(hub, id, member));
            stream::iter(answers).buffer_unordered(SIDE_BY_SIDE).collect::<()>().await;
        }
    }
    false
}

/// Applies a presence or typing signal, except `Away` for a member who is connected to this node: that one is about a
/// connection to another node, and is answered with `Back`. `Back` is repeated at every roll call, and passed to the
/// sessions once.
async fn hear(hub: &Shared, id: RoomId, feed: &Feed, signal: Signal) {
    match signal.sign {
        Sign::Away { .. } if hub.is_connected(id, signal.member) => return say_back(hub, id, signal.member).await,
        Sign::Away { .. } => drop(feed.depart(signal.member)),
        Sign::Back if !feed.confirm(signal.member) => return,
        Sign::Back => {}
        Sign::Typing(_) => {}
    }
    // Fails if no session is attached.
    drop(feed.signals.send(signal.into()));
}

async fn say_back(hub: &Shared, id: RoomId, member: MemberId) {
    drop(hub.backend.signal(id, Signal { member, sign: Sign::Back }).await);
}

/// Subscribes again, and retries until that succeeds. Returns `None` if the room has ended meanwhile.
async fn subscribe_again(hub: &Shared, id: RoomId, epoch: Epoch) -> Option<Subscription> {
    let mut pause = RETRY.0;
    loop {
        match hub.backend.subscribe(id).await {
            Ok(subscription) => return (subscription.head.epoch == epoch).then_some(subscription),
            Err(BackendError::NotFound) => return None,
            Err(error) => {
                if pause == RETRY.0 {
                    tracing::warn!(source = ?std::error::Error::source(&error), "a room's feed is interrupted");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY.1);
            }
        }
    }
}
