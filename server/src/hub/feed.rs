//! Feed of one room: the task that subscribes to the room, and the state that it shares with the room's sessions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use protocol::{Epoch, EventKind, LeaveReason, MemberId, Position, RoomId, Seq, ServerFrame, codec};
use store::{Delivery, PresenceKind, PresenceUpdate, StoreError, Subscription};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::replay_buffer::{Encoded, EncodedFrame, NextBatch, ReplayBuffer};
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
/// Delay before a lost subscription is retried: the first one, and the maximum.
const RETRY_DELAY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

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
    /// Connected members whose seats were freed, and the event that freed each: their connections end after it.
    freed: HashMap<MemberId, (Seq, LeaveReason)>,
    /// Present members: connected, as far as this node knows, or just joined. True once the sessions were informed of
    /// it by a `Back`.
    present: HashMap<MemberId, bool>,
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

    pub(super) fn freed(&self, member: MemberId) -> Option<(Seq, LeaveReason)> {
        self.state().freed.get(&member).copied()
    }

    /// Forgets that the member's seat was freed, once its last connection on this node is gone.
    pub(super) fn clear_freed(&self, member: MemberId) {
        self.state().freed.remove(&member);
    }

    /// Marks the member as present. Returns true if it was away.
    pub(super) fn mark_present(&self, member: MemberId) -> bool {
        match self.state().present.entry(member) {
            Entry::Occupied(_) => false,
            Entry::Vacant(absent) => {
                absent.insert(false);
                true
            }
        }
    }

    /// Marks the member as present after a `Back`. Returns true if the sessions have not been informed of it yet.
    fn confirm(&self, member: MemberId) -> bool {
        !self.state().present.insert(member, true).unwrap_or_default()
    }

    /// Marks the member as away. Returns true if it was present.
    pub(super) fn mark_away(&self, member: MemberId) -> bool {
        self.state().present.remove(&member).is_some()
    }

    pub(super) fn is_present(&self, member: MemberId) -> bool {
        self.state().present.contains_key(&member)
    }

    /// Records the seats that these events take and free. `connected` is called without the feed's lock, because it
    /// locks the map of rooms, which is elsewhere locked first.
    fn record_seats(&self, events: &[Delivery], connected: impl Fn(MemberId) -> bool) {
        for delivery in events {
            let Delivery::Event(event) = delivery else { continue };
            match event.kind {
                EventKind::Left { member, why } => {
                    let connected = connected(member);
                    let mut state = self.state();
                    state.present.remove(&member);
                    if connected {
                        state.freed.insert(member, (event.seq, why));
                    }
                }
                EventKind::Joined { member, .. } => {
                    let mut state = self.state();
                    state.present.insert(member, false);
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
        let Some(subscription) = subscribe_again(hub, id, epoch).await else { return true };
        let seq = feed.change(|buffer| buffer.reset_to(subscription.head.seq));
        status.send_replace(FeedStatus::Live(Position { epoch, seq }));
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
        feed.record_seats(&ready, |member| hub.is_connected(id, member));
        let (mut events, mut updates, mut called, mut ended) = (Vec::new(), Vec::new(), false, false);
        let now = Instant::now();
        for delivery in ready.drain(..) {
            match delivery {
                Delivery::Event(event) => events.push(Encoded::new(&event, now)),
                Delivery::Presence(update) => updates.push(update),
                Delivery::PresenceRequest => called = true,
                Delivery::Ended => ended = true,
            }
        }
        if !events.is_empty() {
            let seq = feed.change(|buffer| events.into_iter().for_each(|event| buffer.push(event)));
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
            // Concurrently: the next events wait for these answers.
            let answers = hub.connected(id).into_iter().map(|member| announce_back(hub, id, member));
            stream::iter(answers).buffer_unordered(PRESENCE_CONCURRENCY).collect::<()>().await;
        }
    }
    false
}

/// Applies a presence update, except `Away` for a member who is connected to this node: that one is about a
/// connection to another node, and is answered with `Back`. `Back` is repeated at every presence request, and passed to
/// the sessions once.
async fn on_presence_update(hub: &Shared, id: RoomId, feed: &Feed, update: PresenceUpdate) {
    match update.kind {
        PresenceKind::Away { .. } if hub.is_connected(id, update.member) => {
            return announce_back(hub, id, update.member).await;
        }
        PresenceKind::Away { .. } => drop(feed.mark_away(update.member)),
        PresenceKind::Back if !feed.confirm(update.member) => return,
        PresenceKind::Back => {}
        PresenceKind::Typing(_) => {}
    }
    // Fails if no session is attached.
    drop(feed.updates.send(update.into()));
}

async fn announce_back(hub: &Shared, id: RoomId, member: MemberId) {
    drop(hub.store.send_presence(id, PresenceUpdate { member, kind: PresenceKind::Back }).await);
}

/// Subscribes again, and retries until that succeeds. Returns `None` if the room has ended meanwhile.
async fn subscribe_again(hub: &Shared, id: RoomId, epoch: Epoch) -> Option<Subscription> {
    let mut pause = RETRY_DELAY.0;
    loop {
        match hub.store.subscribe(id).await {
            Ok(subscription) => return (subscription.head.epoch == epoch).then_some(subscription),
            Err(StoreError::NotFound) => return None,
            Err(error) => {
                if pause == RETRY_DELAY.0 {
                    tracing::warn!(source = ?std::error::Error::source(&error), "a room's feed is interrupted");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_DELAY.1);
            }
        }
    }
}
