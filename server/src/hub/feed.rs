//! Feed of one room: the task that subscribes to the room, and the state that it shares with the room's sessions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use protocol::{Epoch, MemberId, Position, RoomId, Seq, ServerFrame, codec};
use store::{Delivery, PresenceKind, PresenceUpdate, StoreError, Subscription};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::encoding::EncodedEvent;
use super::presence::{Presence, Reaction};
use super::replay_buffer::{EncodedFrame, NextBatch, ReplayBuffer};
use super::resubscribe::subscribe_again;
use crate::telemetry::metrics::Overflow;

/// Maximum number of deliveries per wake-up.
const MAX_BATCH: usize = 256;
/// Number of frames cached for the next session at the same cursor. More cursors than this mean slow readers, and each
/// of those is alone with its cursor.
const CACHED_FRAMES: usize = 4;
/// Maximum number of updates that wait for one session. Beyond it the session loses the oldest.
const MAX_QUEUED_UPDATES: usize = 64;
/// Maximum number of concurrent answers to a presence request.
const PRESENCE_CONCURRENCY: usize = 32;

/// Status of a feed, which its sessions watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeedStatus {
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
    pub(super) updates: broadcast::Sender<EncodedUpdate>,
    stop: CancellationToken,
}

/// `signal` frame, encoded once for all sessions.
#[derive(Clone, Debug)]
pub(super) struct EncodedUpdate {
    /// Member whom it is about, and whose own sessions do not get it.
    pub(super) member: MemberId,
    /// JSON, hence UTF-8.
    pub(super) text: Bytes,
}

impl From<PresenceUpdate> for EncodedUpdate {
    fn from(PresenceUpdate { member, kind }: PresenceUpdate) -> Self {
        let (typing, away, until) = match kind {
            PresenceKind::Typing(typing) => (Some(typing), None, None),
            PresenceKind::Away { until } => (None, Some(true), Some(until)),
            PresenceKind::Back => (None, Some(false), None),
        };
        Self { member, text: codec::encode(&ServerFrame::Signal { member, typing, away, until }).into() }
    }
}

#[derive(Debug, Default)]
struct State {
    buffer: ReplayBuffer,
    /// Frames made at the current head, by the cursor that they continue.
    frames: Vec<(Seq, EncodedFrame)>,
    presence: Presence,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            updates: broadcast::Sender::new(MAX_QUEUED_UPDATES),
            stop: CancellationToken::new(),
        }
    }
}

impl Feed {
    pub(super) fn next_batch(&self, cursor: Seq) -> NextBatch {
        let mut state = self.state();
        if let Some((_, frame)) = state.frames.iter().find(|(at, _)| *at == cursor) {
            return NextBatch::Frame(frame.clone());
        }
        let next = state.buffer.next_batch(cursor);
        if let NextBatch::Frame(frame) = &next {
            if state.frames.len() == CACHED_FRAMES {
                state.frames.remove(0);
            }
            state.frames.push((cursor, frame.clone()));
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
    fn change(&self, change: impl FnOnce(&mut ReplayBuffer)) -> Seq {
        let mut state = self.state();
        change(&mut state.buffer);
        state.frames.clear();
        state.buffer.head()
    }
}

/// Follows the room until it ends or no session is attached. Dropping `status` without `Ended` means a lost feed.
pub(super) async fn run(hub: Arc<Shared>, id: RoomId, feed: Arc<Feed>, status: watch::Sender<FeedStatus>) {
    let ended = tokio::select! {
        () = feed.stop.cancelled() => false,
        ended = follow(&hub, id, &feed, &status) => ended,
    };
    // Removed from the map before the sessions notice, so that no session attaches to a feed that has stopped.
    hub.remove_feed(id, &feed);
    if ended {
        feed.change(ReplayBuffer::end);
        status.send_replace(FeedStatus::Ended);
    }
}

/// Returns true when the room has ended, false when the first subscription fails.
async fn follow(hub: &Shared, id: RoomId, feed: &Feed, status: &watch::Sender<FeedStatus>) -> bool {
    let Subscription { head, mut deliveries } = match hub.store.subscribe(id).await {
        Ok(subscription) => subscription,
        Err(StoreError::NotFound) => return true,
        Err(error) => {
            tracing::error!(source = ?std::error::Error::source(&error), "cannot follow a room");
            return false;
        }
    };
    let epoch = head.epoch;
    feed.change(|buffer| buffer.reset_to(head.seq));
    status.send_replace(FeedStatus::Live(head));
    loop {
        if receive(hub, id, feed, status, epoch, &mut deliveries).await {
            return true;
        }
        // The subscription is lost. Missed events are in the log, where the sessions continue from their cursors.
        hub.metrics.overflowed(Overflow::Feed);
        let seq = feed.state().buffer.head();
        let Some(subscription) = subscribe_again(hub, id, feed, Position { epoch, seq }).await else { return true };
        let seq = feed.change(|buffer| buffer.reset_to(subscription.head.seq));
        status.send_replace(FeedStatus::Live(Position { epoch, seq }));
        // Presence requests were missed, too.
        announce_connected(hub, id, feed).await;
        deliveries = subscription.deliveries;
    }
}

/// Handles deliveries. Returns true when the room has ended, false when the subscription is lost.
async fn receive(
    hub: &Shared,
    id: RoomId,
    feed: &Feed,
    status: &watch::Sender<FeedStatus>,
    epoch: Epoch,
    deliveries: &mut mpsc::Receiver<Delivery>,
) -> bool {
    let mut ready = Vec::new();
    while deliveries.recv_many(&mut ready, MAX_BATCH).await > 0 {
        feed.presence(|presence| {
            for delivery in &ready {
                if let Delivery::Event(event) = delivery {
                    presence.record(event);
                }
            }
        });
        let (mut events, mut updates, mut called, mut ended) = (Vec::new(), Vec::new(), false, false);
        let now = Instant::now();
        for delivery in ready.drain(..) {
            match delivery {
                Delivery::Event(event) => events.push(EncodedEvent::from(Arc::unwrap_or_clone(event))),
                Delivery::Presence(update) => updates.push(update),
                Delivery::PresenceRequest => called = true,
                Delivery::Ended => ended = true,
            }
        }
        if !events.is_empty() {
            let seq = feed.change(|buffer| events.into_iter().for_each(|event| buffer.push(event, now)));
            if !ended {
                status.send_replace(FeedStatus::Live(Position { epoch, seq }));
            }
        }
        if ended {
            return true;
        }
        // After the events, so that they do not wait for the answers that presence updates need.
        for update in updates {
            on_presence_update(hub, id, feed, update).await;
        }
        if called {
            announce_connected(hub, id, feed).await;
        }
    }
    false
}

async fn on_presence_update(hub: &Shared, id: RoomId, feed: &Feed, update: PresenceUpdate) {
    let reaction = feed.presence(|presence| presence.update(&update));
    match reaction {
        // Fails if no session is attached.
        Reaction::Deliver => drop(feed.updates.send(update.into())),
        Reaction::Ignore => {}
        Reaction::Contradict => hub.announce(id, update.member, PresenceKind::Back).await,
    }
}

/// Announces each member who is connected to this node. Concurrently: the next events wait for it.
async fn announce_connected(hub: &Shared, id: RoomId, feed: &Feed) {
    let connected: Vec<_> = feed.presence(|presence| presence.connected().collect());
    let announcements = connected.into_iter().map(|member| hub.announce(id, member, PresenceKind::Back));
    stream::iter(announcements).buffer_unordered(PRESENCE_CONCURRENCY).collect::<()>().await;
}
