//! Live delivery: one feed for each room that has subscribers in this process.
//!
//! The servers republish every stored event (RePublish) without storing or acknowledging that copy, so it may be lost
//! on its way. Seqs are dense, so the next event reveals a gap. The loss of the last event is detected by the reconcile
//! loop, which reads the heads of all these rooms every [`RECONCILE_INTERVAL`]. In both cases the feed ends, and its
//! subscribers read the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::{Delivery, SUBSCRIBER_QUEUE, StoreError, Subscription};
use async_nats::Message;
use futures_util::StreamExt as _;
use protocol::{Epoch, Event, Position, RoomId, Seq};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::jetstream::DirectGet;
use super::record::{End, Entry, Head, PresenceRecord, decode};
use super::room::non_empty;
use super::seal::{Place, RoomKey};
use super::subject::{END, PRESENCE, PRESENCE_REQUEST, is_slot};
use super::{OPERATION_TIMEOUT, Shared};

/// Interval of the reconcile loop. A lost event is detected after at most twice this time.
const RECONCILE_INTERVAL: Duration = Duration::from_secs(2);
/// Maximum time for which an append waits, before it is acknowledged, until its event is delivered on this node.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(1);

/// Feeds of the rooms that have subscribers in this process.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    rooms: Mutex<HashMap<RoomId, Arc<Feed>>>,
}

#[derive(Debug)]
struct Feed {
    key: Arc<RoomKey>,
    state: Mutex<State>,
    progress: watch::Sender<Progress>,
    begun: Instant,
    /// Notified when the first subscriber has set the start position; messages are not processed before.
    started: Notify,
    stop: CancellationToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The server does not have the subscription yet.
    Starting,
    At(Seq),
    Gone,
}

#[derive(Debug, Default)]
struct State {
    /// Epoch of the room; `None` before the first subscriber.
    epoch: Option<Epoch>,
    last: Seq,
    subscribers: Vec<Subscriber>,
    /// Head found by the last pass of the reconcile loop; the inner `None` means that the room had none.
    last_head: Option<Option<Position>>,
}

#[derive(Debug)]
struct Subscriber {
    /// Seq up to which the subscriber has all events.
    read_up_to: Seq,
    sender: mpsc::Sender<Delivery>,
}

/// Effect of a message on the feed that received it.
enum Received {
    Ok,
    /// The room ended with this event. Its key must be deleted before anybody is told.
    Last(Box<Event>),
    Ended,
    /// A message was missed.
    Gap,
}

impl Shared {
    pub(super) async fn subscribe(self: Arc<Self>, id: RoomId) -> Result<Subscription, StoreError> {
        loop {
            let key = match self.key(id).await? {
                Some(key) => key,
                // The error tells why there is none; or there is one now.
                None => self.load(id).await?.key,
            };
            let feed = self.feed(id, key);
            let mut progress = feed.progress.subscribe();
            drop(progress.wait_for(|progress| *progress != Progress::Starting).await);
            // Read from the leader after the subscription began, so that every event after this head is delivered.
            let names = self.jetstream.names.room(id);
            let head = match self.jetstream.last(&names.stream, &names.head()).await {
                Ok(Some(head)) if head.payload.is_empty() => Err(self.ended(id).await),
                Ok(head) => head.map_or(Err(StoreError::NotFound), |head| decode::<Head>(&head.payload)),
                Err(error) => Err(error),
            };
            let head = match head {
                Ok(head) => head,
                Err(error) => {
                    // A request that failed is no reason to end a feed that has had other subscribers.
                    if matches!(error, StoreError::NotFound) || feed.state().epoch.is_none() {
                        self.feeds.close(id, &feed);
                    }
                    return Err(error);
                }
            };
            match feed.join(head.position()) {
                Some(subscription) => {
                    // For each subscriber, because one that lost its subscription has missed presence updates. Best
                    // effort: an error means that nobody answers.
                    let call = self.jetstream.names.presence_request(id);
                    drop(self.jetstream.client.publish(call, self.jetstream.process.clone().into()).await);
                    return Ok(subscription);
                }
                // The feed is of another epoch, or has just ended. The operation's time limit bounds this loop.
                None => self.feeds.close(id, &feed),
            }
        }
    }

    /// Returns the room's feed, and starts one if there is none.
    fn feed(self: &Arc<Self>, id: RoomId, key: Arc<RoomKey>) -> Arc<Feed> {
        let start = || {
            let feed = Arc::new(Feed {
                key,
                state: Mutex::default(),
                progress: watch::Sender::new(Progress::Starting),
                begun: Instant::now(),
                started: Notify::new(),
                stop: CancellationToken::new(),
            });
            self.background.spawn(Arc::clone(self).listen(id, Arc::clone(&feed)));
            feed
        };
        Arc::clone(self.feeds.rooms().entry(id).or_insert_with(start))
    }

    async fn listen(self: Arc<Self>, id: RoomId, feed: Arc<Feed>) {
        tokio::select! {
            () = feed.stop.cancelled() => {}
            () = self.follow(id, &feed) => {}
        }
        self.feeds.close(id, &feed);
    }

    async fn follow(&self, id: RoomId, feed: &Arc<Feed>) {
        let Ok(mut messages) = self.jetstream.client.subscribe(self.jetstream.names.live(id)).await else { return };
        feed.progress.send_replace(Progress::At(Seq(0)));
        feed.started.notified().await;
        while let Some(message) = messages.next().await {
            match feed.receive(&message, &self.jetstream.process) {
                Ok(Received::Ok) => {}
                Ok(Received::Last(event)) => {
                    self.destroy_key_patiently(id).await;
                    feed.deliver(*event);
                }
                Ok(Received::Ended) => {
                    self.destroy_key_patiently(id).await;
                    // Removed before `Ended` is delivered, so that nobody subscribes to an ended feed.
                    self.feeds.remove(id, feed);
                    return feed.state().deliver(&Delivery::Ended);
                }
                Ok(Received::Gap) => return,
                Err(error) => {
                    return tracing::error!(source = ?std::error::Error::source(&error), "a room's feed is given up");
                }
            }
        }
    }

    /// Reconcile loop: reads the heads of all rooms with a feed, and ends the feeds that have missed events.
    pub(super) async fn reconcile_loop(self: Arc<Self>) {
        loop {
            sleep(RECONCILE_INTERVAL).await;
            let mut streams = HashMap::<String, Vec<(RoomId, Arc<Feed>, String)>>::new();
            for (id, feed) in self.feeds.in_use() {
                let names = self.jetstream.names.room(id);
                let head = names.head();
                streams.entry(names.stream).or_default().push((id, feed, head));
            }
            for (stream, feeds) in streams {
                for part in feeds.chunks(500) {
                    let heads: Vec<_> = part.iter().map(|(.., head)| head.as_str()).collect();
                    let Ok(DirectGet::Found(found)) = self.jetstream.direct_get(&stream, &heads).await else {
                        continue;
                    };
                    for (id, feed, subject) in part {
                        let head =
                            non_empty(found.get(subject).cloned()).and_then(|head| decode::<Head>(&head.payload).ok());
                        if feed.state().is_stale(head.map(|head| head.position())) {
                            tracing::warn!("a room's feed missed something");
                            self.feeds.close(*id, feed);
                        }
                    }
                }
            }
        }
    }
}

impl Feeds {
    /// Waits until the room's feed on this node has delivered the event, or has ended so that subscribers must read it.
    /// Ends a feed that does not deliver it within [`DELIVERY_TIMEOUT`].
    pub(super) async fn wait_until_delivered(&self, id: RoomId, epoch: Epoch, seq: Seq) {
        let Some(feed) = self.rooms().get(&id).cloned() else { return };
        if feed.state().epoch != Some(epoch) {
            return;
        }
        let mut progress = feed.progress.subscribe();
        let heard = progress.wait_for(|progress| match progress {
            Progress::At(last) => *last >= seq,
            Progress::Starting => false,
            Progress::Gone => true,
        });
        if timeout(DELIVERY_TIMEOUT, heard).await.is_err() {
            tracing::warn!("a stored event was not told");
            self.close(id, &feed);
        }
    }

    /// Ends all feeds, because they miss messages while there is no connection.
    pub(super) fn close_all(&self) {
        let rooms = std::mem::take(&mut *self.rooms());
        for feed in rooms.into_values() {
            feed.end();
        }
    }

    /// Removes and ends the feed: its subscribers' streams close without `Ended`.
    fn close(&self, id: RoomId, feed: &Arc<Feed>) {
        self.remove(id, feed);
        feed.end();
    }

    fn remove(&self, id: RoomId, feed: &Arc<Feed>) {
        let mut rooms = self.rooms();
        if rooms.get(&id).is_some_and(|present| Arc::ptr_eq(present, feed)) {
            rooms.remove(&id);
        }
    }

    /// Returns the feeds that have subscribers, and ends the others.
    fn in_use(&self) -> Vec<(RoomId, Arc<Feed>)> {
        let all: Vec<_> = self.rooms().iter().map(|(id, feed)| (*id, Arc::clone(feed))).collect();
        let (used, unused): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, feed)| {
            let mut state = feed.state();
            state.subscribers.retain(|subscriber| !subscriber.sender.is_closed());
            // A feed that has no subscriber after this time was started by an operation that timed out.
            let awaited = state.epoch.is_none() && feed.begun.elapsed() < 2 * OPERATION_TIMEOUT;
            awaited || !state.subscribers.is_empty()
        });
        for (id, feed) in unused {
            self.close(id, &feed);
        }
        used
    }

    /// Locks the map. Code under this lock or a feed's neither awaits nor panics. A feed's may be taken under this one.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, Arc<Feed>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// Adds a subscriber that reads the log up to this head. `None` if the feed has ended or is of another epoch.
    fn join(&self, head: Position) -> Option<Subscription> {
        let mut state = self.state();
        if *self.progress.borrow() == Progress::Gone || state.epoch.is_some_and(|epoch| epoch != head.epoch) {
            return None;
        }
        if state.epoch.is_none() {
            (state.epoch, state.last) = (Some(head.epoch), head.seq);
            self.progress.send_replace(Progress::At(head.seq));
            self.started.notify_one();
        }
        let after = state.last.max(head.seq);
        let (sender, deliveries) = mpsc::channel(SUBSCRIBER_QUEUE);
        state.subscribers.push(Subscriber { read_up_to: after, sender });
        Some(Subscription { head: Position { epoch: head.epoch, seq: after }, deliveries })
    }

    fn receive(&self, message: &Message, own: &str) -> Result<Received, StoreError> {
        let state = self.state();
        match message.subject.rsplit('.').next() {
            Some(PRESENCE) => {
                match decode::<PresenceRecord>(&message.payload) {
                    Ok(record) => state.deliver_presence(&Delivery::Presence(record.into())),
                    // Sent by a newer node: two versions run at the same time during a rolling deployment.
                    Err(_) => tracing::debug!("a presence update of an unknown kind is skipped"),
                }
                Ok(Received::Ok)
            }
            Some(PRESENCE_REQUEST) => {
                if message.payload != own {
                    state.deliver_presence(&Delivery::PresenceRequest);
                }
                Ok(Received::Ok)
            }
            Some(END) => {
                let end: End = decode(&message.payload)?;
                Ok(match state.epoch {
                    Some(epoch) if epoch != end.epoch => Received::Ok,
                    _ if state.last == end.seq => Received::Ended,
                    _ => Received::Gap,
                })
            }
            // An empty message removes a trimmed event's text. A last token that is not a slot is from a newer version.
            last if message.payload.is_empty() || !last.is_some_and(is_slot) => Ok(Received::Ok),
            last => {
                let slot = last.and_then(|slot| slot.parse().ok()).unwrap_or_default();
                let entry: Entry = self.key.open(Place::Event(slot), &message.payload)?;
                if state.epoch != Some(entry.epoch) {
                    return Ok(Received::Gap);
                }
                // An older event, rewritten by an edit or deletion.
                if entry.event.seq <= state.last {
                    return Ok(Received::Ok);
                }
                if entry.event.prev != state.last {
                    return Ok(Received::Gap);
                }
                drop(state);
                if entry.ends {
                    return Ok(Received::Last(Box::new(entry.event)));
                }
                self.deliver(entry.event);
                Ok(Received::Ok)
            }
        }
    }

    /// Delivers the next event.
    fn deliver(&self, event: Event) {
        let mut state = self.state();
        state.last = event.seq;
        state.deliver(&Delivery::Event(Arc::new(event)));
        self.progress.send_replace(Progress::At(state.last));
    }

    /// Ends the feed. The streams of its subscribers close without `Ended`.
    fn end(&self) {
        let mut state = self.state();
        state.subscribers.clear();
        self.progress.send_replace(Progress::Gone);
        self.stop.cancel();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops a subscriber that is gone or whose queue is full; its stream then closes without `Ended`.
    fn deliver(&mut self, delivery: &Delivery) {
        self.subscribers.retain(|subscriber| match delivery {
            Delivery::Event(event) if event.seq <= subscriber.read_up_to => true,
            _ => subscriber.sender.try_send(delivery.clone()).is_ok(),
        });
    }

    /// Delivers a presence update, except to a subscriber whose queue is half full: the other half is reserved for
    /// events.
    fn deliver_presence(&self, update: &Delivery) {
        for subscriber in self.subscribers.iter().filter(|one| one.sender.capacity() > SUBSCRIBER_QUEUE / 2) {
            // The next event removes a subscriber that is gone.
            drop(subscriber.sender.try_send(update.clone()));
        }
    }

    /// Records the head found by this pass of the reconcile loop. True if the feed still lacks what the last pass
    /// found.
    fn is_stale(&mut self, head: Option<Position>) -> bool {
        let Some(epoch) = self.epoch else { return false };
        match self.last_head.replace(head) {
            Some(Some(before)) => before.epoch != epoch || before.seq > self.last,
            Some(None) => true,
            None => false,
        }
    }
}
