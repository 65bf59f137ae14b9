//! Feed of one room: the task that subscribes to the room, and the state that it shares with the room's sessions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use protocol::{Epoch, MemberId, Position, RoomId, Seq, ServerFrame, codec};
use store::{BackendError, Delivery, Sign, Signal, Subscription};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::presence::{Presence, Reaction};
use super::resubscribe::subscribe_again;
use super::splice::{Encoded, Frame, Ring, Splice};
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
    presence: Presence,
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

    /// Calls this with the room's presence, which is locked meanwhile.
    pub(super) fn presence<T>(&self, call: impl FnOnce(&mut Presence) -> T) -> T {
        call(&mut self.state().presence)
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
        let seq = feed.state().ring.head();
        let Some(subscription) = subscribe_again(hub, id, feed, Position { epoch, seq }).await else { return true };
        let seq = feed.change(|ring| ring.restart(subscription.head.seq));
        marks.send_replace(Mark::Live(Position { epoch, seq }));
        // Roll calls were missed, too.
        announce_connected(hub, id, feed).await;
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
        feed.presence(|presence| {
            for delivery in &ready {
                if let Delivery::Event(event) = delivery {
                    presence.record(event);
                }
            }
        });
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
        // After the events, so that they do not wait for the answers that signals need.
        for signal in signals {
            on_presence_update(hub, id, feed, signal).await;
        }
        if called {
            announce_connected(hub, id, feed).await;
        }
    }
    false
}

async fn on_presence_update(hub: &Shared, id: RoomId, feed: &Feed, signal: Signal) {
    let reaction = feed.presence(|presence| presence.update(&signal));
    match reaction {
        // Fails if no session is attached.
        Reaction::Deliver => drop(feed.signals.send(signal.into())),
        Reaction::Ignore => {}
        Reaction::Contradict => hub.announce(id, signal.member, Sign::Back).await,
    }
}

/// Announces each member who is connected to this node. Concurrently: the next events wait for it.
async fn announce_connected(hub: &Shared, id: RoomId, feed: &Feed) {
    let connected: Vec<_> = feed.presence(|presence| presence.connected().collect());
    let announcements = connected.into_iter().map(|member| hub.announce(id, member, Sign::Back));
    stream::iter(announcements).buffer_unordered(SIDE_BY_SIDE).collect::<()>().await;
}
