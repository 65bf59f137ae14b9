//! Task of a feed: follows one room, and brings the feed what it hears.

use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt, stream};
use protocol::{EventKind, MemberId, Position, RoomId, Seq, ServerFrame, codec};
use store::{Delivery, PresenceKind, PresenceUpdate, StoreError, Subscription};
use tokio::sync::{mpsc, watch};

use super::encoding::{EncodedEvent, TextFrame};
use super::feed::{Feed, FeedStatus};
use super::presence::Reaction;
use super::replay_buffer::{NextBatch, ReplayBuffer};
use super::resubscribe::subscribe_again;
use super::shared::Shared;
use crate::telemetry::metrics::Overflow;

/// Maximum number of deliveries per wake-up.
const MAX_BATCH: usize = 256;
/// Number of connections that are written to before others get their turn: a write takes about 3 µs.
const WRITES: usize = 64;
/// Maximum number of concurrent answers to a presence request.
const PRESENCE_CONCURRENCY: usize = 32;

/// Follows the room until it ends or no session is attached. Dropping `status` without `Ended` means a lost feed.
pub(super) async fn run(hub: Arc<Shared>, id: RoomId, feed: Arc<Feed>, status: watch::Sender<FeedStatus>) {
    let ended = tokio::select! {
        () = feed.stopped() => false,
        ended = follow(&hub, id, &feed, &status) => ended,
    };
    // Removed from the map before the sessions notice, so that no session attaches to a feed that has stopped.
    hub.remove_feed(id, &feed);
    if ended {
        feed.change(ReplayBuffer::end);
        status.send_replace(FeedStatus::Ended);
    }
    drop(status);
    wake_all(&feed);
}

fn wake_all(feed: &Feed) {
    feed.subscribers().iter().for_each(|subscriber| subscriber.wake());
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
    status.send_replace(FeedStatus::Live(epoch));
    loop {
        if receive(hub, id, feed, &mut deliveries).await {
            return true;
        }
        // The subscription is lost. Missed events are in the log, where the sessions continue from their cursors.
        hub.metrics.overflowed(Overflow::Feed);
        let seq = feed.head();
        let Some(subscription) = subscribe_again(hub, id, feed, Position { epoch, seq }).await else { return true };
        feed.change(|buffer| buffer.reset_to(subscription.head.seq));
        wake_all(feed);
        // Presence requests were missed, too.
        announce_connected(hub, id, feed).await;
        deliveries = subscription.deliveries;
    }
}

/// Handles deliveries. Returns true when the room has ended, false when the subscription is lost.
async fn receive(hub: &Shared, id: RoomId, feed: &Feed, deliveries: &mut mpsc::Receiver<Delivery>) -> bool {
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
            let left: Vec<_> = events.iter().filter_map(member_who_left).collect();
            let cursor = feed.head();
            feed.change(|buffer| events.into_iter().for_each(|event| buffer.push(event, now)));
            fan_out(hub, feed, cursor, &left).await;
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

fn member_who_left(event: &EncodedEvent) -> Option<MemberId> {
    match event.kind() {
        EventKind::Left { member, .. } => Some(*member),
        _ => None,
    }
}

/// Writes what follows `cursor` to the connections whose sessions wait there, and wakes the other sessions. Those of who
/// left write the rest themselves, and end.
async fn fan_out(hub: &Shared, feed: &Feed, cursor: Seq, left: &[MemberId]) {
    let next = feed.next_batch(cursor);
    let head = feed.head();
    for subscribers in feed.subscribers().chunks(WRITES) {
        let now = Instant::now();
        for subscriber in subscribers {
            if left.contains(&subscriber.member) {
                subscriber.wake();
                continue;
            }
            let is_whole = match &next {
                NextBatch::Frame(frame) => {
                    if subscriber.deliver(cursor, frame, now) {
                        hub.metrics.delivered(frame.events, Some(frame.first_received_at));
                    }
                    frame.cursor == head
                }
                NextBatch::ReadLog { .. } | NextBatch::Wait | NextBatch::Ended => false,
            };
            if !is_whole {
                subscriber.wake();
            }
        }
        if subscribers.len() == WRITES {
            tokio::task::yield_now().await;
        }
    }
}

/// Sends a presence update to all connections but those of the member whom it is about.
async fn signal(hub: &Shared, feed: &Feed, PresenceUpdate { member, kind }: PresenceUpdate) {
    let (typing, away, until) = match kind {
        PresenceKind::Typing(typing) => (Some(typing), None, None),
        PresenceKind::Away { until } => (None, Some(true), Some(until)),
        PresenceKind::Back => (None, Some(false), None),
    };
    let text = codec::encode(&ServerFrame::Signal { member, typing, away, until });
    let frame = TextFrame::from(text.as_str());
    for subscribers in feed.subscribers().chunks(WRITES) {
        let now = Instant::now();
        for subscriber in subscribers.iter().filter(|subscriber| subscriber.member != member) {
            if !subscriber.signal(&frame, now) {
                hub.metrics.overflowed(Overflow::Signals);
            }
        }
        if subscribers.len() == WRITES {
            tokio::task::yield_now().await;
        }
    }
}

async fn on_presence_update(hub: &Shared, id: RoomId, feed: &Feed, update: PresenceUpdate) {
    let reaction = feed.presence(|presence| presence.update(&update));
    match reaction {
        Reaction::Deliver => signal(hub, feed, update).await,
        Reaction::Ignore => {}
        Reaction::Contradict => hub.announce(id, update.member, PresenceKind::Back).await,
    }
}

/// Announces each present member who is connected to this node. Concurrently: the next events wait for it.
async fn announce_connected(hub: &Shared, id: RoomId, feed: &Feed) {
    let connected: Vec<_> = feed.presence(|presence| presence.connected().collect());
    let announcements = connected.into_iter().map(|member| hub.announce(id, member, PresenceKind::Back));
    stream::iter(announcements).buffer_unordered(PRESENCE_CONCURRENCY).collect::<()>().await;
}
