//! The task that follows one room.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use protocol::{Epoch, EventKind, LeaveReason, MemberId, Position, RoomCode, Seq, ServerFrame, codec};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::splice::{Encoded, Frame, Ring, Splice};
use crate::backend::{BackendError, Delivery, Sign, Signal, Subscription};
use crate::telemetry::metrics::Overflow;

/// Deliveries that become one wake-up, at most.
const GATHER: usize = 256;
/// Frames kept for the next session that stands at the same cursor. More cursors than this means slow readers, and
/// each of those is alone with its cursor.
const FRAMES: usize = 4;
/// Signals that may wait for one session. Beyond it the oldest are lost to that session.
const SIGNALS: usize = 64;
/// Answers to a roll call that are said at the same time.
const SIDE_BY_SIDE: usize = 32;
/// How long a lost subscription waits before it is tried again: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// How far a feed is; what its sessions wait on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Not subscribed yet.
    Starting,
    /// Everything up to here was received.
    Live(Position),
    /// The room ended, or was never there.
    Ended,
}

/// What the task and the sessions of one room share.
#[derive(Debug)]
pub(super) struct Feed {
    state: Mutex<State>,
    pub(super) signals: broadcast::Sender<Signalled>,
    stop: CancellationToken,
}

/// A `signal` frame, encoded once for everybody.
#[derive(Clone, Debug)]
pub(super) struct Signalled {
    /// Whom it is about, and is not for.
    pub(super) member: MemberId,
    /// JSON, and so UTF-8.
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
    /// Frames of the present head, by the cursor they continue.
    frames: Vec<(Seq, Frame)>,
    /// Connected members whose seats were freed, and by which event: their connections end after it.
    freed: HashMap<MemberId, (Seq, LeaveReason)>,
    /// Members the others take for present: they are connected, or have just joined. True: the sessions were told so
    /// since the member came.
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

    /// The member's last connection is gone.
    pub(super) fn forget(&self, member: MemberId) {
        self.state().freed.remove(&member);
    }

    /// The member has a connection. True: the others took it for away.
    pub(super) fn arrive(&self, member: MemberId) -> bool {
        match self.state().here.entry(member) {
            Entry::Occupied(_) => false,
            Entry::Vacant(absent) => {
                absent.insert(false);
                true
            }
        }
    }

    /// Somebody says that the member is there. True: the sessions have not been told.
    fn confirm(&self, member: MemberId) -> bool {
        !self.state().here.insert(member, true).unwrap_or_default()
    }

    /// The member has no connection any more. True: the others took it for present.
    pub(super) fn depart(&self, member: MemberId) -> bool {
        self.state().here.remove(&member).is_some()
    }

    pub(super) fn is_here(&self, member: MemberId) -> bool {
        self.state().here.contains_key(&member)
    }

    /// Seats taken and freed by these events. `connected` is asked without the feed's lock.
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

    /// Nobody listens any more.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the ring; frames of the head before are of no use. Answers the head.
    fn change(&self, change: impl FnOnce(&mut Ring)) -> Seq {
        let mut state = self.state();
        change(&mut state.ring);
        state.frames.clear();
        state.ring.head()
    }
}

/// Follows the room until it ends or nobody listens. Dropping `marks` without `Ended` tells the sessions that the feed
/// is lost.
pub(super) async fn run(hub: Arc<Shared>, code: RoomCode, feed: Arc<Feed>, marks: watch::Sender<Mark>) {
    let ended = tokio::select! {
        () = feed.stop.cancelled() => false,
        ended = follow(&hub, code, &feed, &marks) => ended,
    };
    // Out of the map before anybody hears of it: who comes after that gets a feed of the code's next room.
    hub.forget(code, &feed);
    if ended {
        feed.change(Ring::end);
        marks.send_replace(Mark::Ended);
    }
}

/// True when the room ended, false when the store does not answer to the first question.
async fn follow(hub: &Shared, code: RoomCode, feed: &Feed, marks: &watch::Sender<Mark>) -> bool {
    let Subscription { head, mut deliveries } = match hub.backend.subscribe(code).await {
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
        if receive(hub, code, feed, marks, epoch, &mut deliveries).await {
            return true;
        }
        // Lost. What was missed is in the log, and the sessions' cursors say where they go on.
        hub.metrics.overflowed(Overflow::Feed);
        let Some(subscription) = subscribe_again(hub, code, epoch).await else { return true };
        let seq = feed.change(|ring| ring.restart(subscription.head.seq));
        marks.send_replace(Mark::Live(Position { epoch, seq }));
        deliveries = subscription.deliveries;
    }
}

/// Takes what the subscription brings until the room ends (true) or the subscription is lost (false).
async fn receive(
    hub: &Shared,
    code: RoomCode,
    feed: &Feed,
    marks: &watch::Sender<Mark>,
    epoch: Epoch,
    deliveries: &mut mpsc::Receiver<Delivery>,
) -> bool {
    let mut ready = Vec::new();
    while deliveries.recv_many(&mut ready, GATHER).await > 0 {
        feed.seat(&ready, |member| hub.is_connected(code, member));
        let (mut events, mut signals, mut called, mut ended) = (Vec::new(), Vec::new(), false, false);
        let now = Instant::now();
        for delivery in ready.drain(..) {
            match delivery {
                Delivery::Event(event) => events.push(Encoded::new(&event, now)),
                Delivery::Signal(signal) => signals.push(signal),
                Delivery::RollCall => called = true,
                Delivery::Ended => ended = true,
            }
        }
        if !events.is_empty() {
            let seq = feed.change(|ring| events.into_iter().for_each(|event| ring.push(event)));
            if !ended {
                marks.send_replace(Mark::Live(Position { epoch, seq }));
            }
        }
        if ended {
            return true;
        }
        // After the events, which do not wait for what is answered here.
        for signal in signals {
            hear(hub, code, feed, signal).await;
        }
        if called {
            // Side by side: the next events wait for them.
            let answers = hub.connected(code).into_iter().map(|member| say_back(hub, code, member));
            stream::iter(answers).buffer_unordered(SIDE_BY_SIDE).collect::<()>().await;
        }
    }
    false
}

/// Takes what is said of a member for true, except that one who is connected here is away: that is so at another node.
/// That somebody is there is said again whenever a node calls the roll, and told once.
async fn hear(hub: &Shared, code: RoomCode, feed: &Feed, signal: Signal) {
    match signal.sign {
        Sign::Away { .. } if hub.is_connected(code, signal.member) => return say_back(hub, code, signal.member).await,
        Sign::Away { .. } => drop(feed.depart(signal.member)),
        Sign::Back if !feed.confirm(signal.member) => return,
        Sign::Back => {}
        Sign::Typing(_) => {}
    }
    // An error: nobody listens.
    drop(feed.signals.send(signal.into()));
}

async fn say_back(hub: &Shared, code: RoomCode, member: MemberId) {
    drop(hub.backend.signal(code, Signal { member, sign: Sign::Back }).await);
}

/// None when the room has ended meanwhile.
async fn subscribe_again(hub: &Shared, code: RoomCode, epoch: Epoch) -> Option<Subscription> {
    let mut pause = RETRY.0;
    loop {
        match hub.backend.subscribe(code).await {
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
