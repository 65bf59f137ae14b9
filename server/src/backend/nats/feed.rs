//! What happens, as it happens: one subscription per room that this process listens to.
//!
//! The servers tell every stored event again (RePublish), outside the log and without memory, so something may be lost
//! between them and here. Places are dense: a hole is seen by the next event, a lost end by the tide, a look at the
//! heads of all these rooms every [`TIDE`]. Whatever is seen, the feed is given up, and who listens reads the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::Message;
use futures_util::StreamExt as _;
use protocol::{Epoch, Position, RoomCode, Seq};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::record::{End, Entry, Head, Signalled, decode};
use super::room::full;
use super::store::Answer;
use super::subject::{END, ROLL_CALL, SIGNAL, is_slot};
use super::{Engine, VERB};
use crate::backend::{BACKLOG, BackendError, Delivery, Subscription};

/// How often the heads are looked at: an event that was lost is late by at most twice that.
const TIDE: Duration = Duration::from_secs(2);
/// How long an append waits for its own event. It is told before the append is acknowledged.
const ECHO: Duration = Duration::from_secs(1);

/// The rooms that this process listens to.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    rooms: Mutex<HashMap<RoomCode, Arc<Feed>>>,
}

#[derive(Debug)]
struct Feed {
    state: Mutex<State>,
    progress: watch::Sender<Progress>,
    begun: Instant,
    /// The first subscriber is there: from now on nothing may be missed.
    begin: Notify,
    stop: CancellationToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The server does not know yet that somebody listens.
    Starting,
    At(Seq),
    Gone,
}

#[derive(Debug, Default)]
struct State {
    /// The room's life; None before the first subscriber.
    epoch: Option<Epoch>,
    last: Seq,
    subscribers: Vec<Subscriber>,
    /// What the last tide found: the head, or that there is none.
    tide: Option<Option<Position>>,
}

#[derive(Debug)]
struct Subscriber {
    /// Has everything up to here.
    after: Seq,
    sender: mpsc::Sender<Delivery>,
}

/// What a message means for the feed that received it.
enum Heard {
    Fine,
    Ended,
    /// Something was missed.
    Lost,
}

impl Engine {
    pub(super) async fn subscribe(self: Arc<Self>, code: RoomCode) -> Result<Subscription, BackendError> {
        loop {
            let feed = self.feed(code);
            let mut progress = feed.progress.subscribe();
            drop(progress.wait_for(|progress| *progress != Progress::Starting).await);
            // Asked of the leader, after the servers know who listens: what follows this head is heard.
            let names = self.store.names.room(code);
            let head = match self.store.last(&names.stream, &names.head()).await {
                Ok(head) => full(head).map_or(Err(BackendError::NotFound), |head| decode::<Head>(&head.payload)),
                Err(error) => Err(error),
            };
            let head = match head {
                Ok(head) => head,
                Err(error) => {
                    // Unless somebody came to it before, who is not to suffer for a question without an answer.
                    if matches!(error, BackendError::NotFound) || feed.state().epoch.is_none() {
                        self.feeds.lose(code, &feed);
                    }
                    return Err(error);
                }
            };
            match feed.join(head.position()) {
                Some(subscription) => return Ok(subscription),
                // A feed of the code's former life, or one that was just given up. The verb's time bounds this.
                None => self.feeds.lose(code, &feed),
            }
        }
    }

    /// The room's feed, begun if there is none.
    fn feed(self: &Arc<Self>, code: RoomCode) -> Arc<Feed> {
        let start = || {
            let feed = Arc::new(Feed {
                state: Mutex::default(),
                progress: watch::Sender::new(Progress::Starting),
                begun: Instant::now(),
                begin: Notify::new(),
                stop: CancellationToken::new(),
            });
            self.background.spawn(Arc::clone(self).listen(code, Arc::clone(&feed)));
            feed
        };
        Arc::clone(self.feeds.rooms().entry(code).or_insert_with(start))
    }

    async fn listen(self: Arc<Self>, code: RoomCode, feed: Arc<Feed>) {
        tokio::select! {
            () = feed.stop.cancelled() => {}
            () = self.follow(code, &feed) => {}
        }
        self.feeds.lose(code, &feed);
    }

    async fn follow(&self, code: RoomCode, feed: &Arc<Feed>) {
        let Ok(mut messages) = self.store.client.subscribe(self.store.names.live(code)).await else { return };
        feed.progress.send_replace(Progress::At(Seq(0)));
        feed.begin.notified().await;
        // Best effort: an error is an answer that is lost.
        let call = self.store.names.roll_call(code);
        drop(self.store.client.publish(call, self.store.process.clone().into()).await);
        while let Some(message) = messages.next().await {
            match feed.receive(&message, &self.store.process) {
                Ok(Heard::Fine) => {}
                Ok(Heard::Ended) => {
                    // Out of the map before anybody hears of it: who comes after that listens to the code's next room.
                    self.feeds.remove(code, feed);
                    return feed.state().deliver(&Delivery::Ended);
                }
                Ok(Heard::Lost) => return,
                Err(error) => {
                    return tracing::error!(source = ?std::error::Error::source(&error), "a room's feed is given up");
                }
            }
        }
    }

    /// Looks at the heads of all rooms with a feed, again and again.
    pub(super) async fn watch_tides(self: Arc<Self>) {
        loop {
            sleep(TIDE).await;
            let mut streams = HashMap::<String, Vec<(RoomCode, Arc<Feed>, String)>>::new();
            for (code, feed) in self.feeds.used() {
                let names = self.store.names.room(code);
                let head = names.head();
                streams.entry(names.stream).or_default().push((code, feed, head));
            }
            for (stream, feeds) in streams {
                for part in feeds.chunks(500) {
                    let heads: Vec<_> = part.iter().map(|(.., head)| head.as_str()).collect();
                    let Ok(Answer::Known(found)) = self.store.direct_get(&stream, &heads).await else { continue };
                    for (code, feed, subject) in part {
                        let head =
                            full(found.get(subject).cloned()).and_then(|head| decode::<Head>(&head.payload).ok());
                        if feed.state().has_missed(head.map(|head| head.position())) {
                            tracing::warn!("a room's feed missed something");
                            self.feeds.lose(*code, feed);
                        }
                    }
                }
            }
        }
    }
}

impl Feeds {
    /// Returns when whoever listens to the room on this node has the event, or will have to read it.
    pub(super) async fn hear(&self, code: RoomCode, epoch: Epoch, seq: Seq) {
        let Some(feed) = self.rooms().get(&code).cloned() else { return };
        if feed.state().epoch != Some(epoch) {
            return;
        }
        let mut progress = feed.progress.subscribe();
        let heard = progress.wait_for(|progress| match progress {
            Progress::At(last) => *last >= seq,
            Progress::Starting => false,
            Progress::Gone => true,
        });
        if timeout(ECHO, heard).await.is_err() {
            tracing::warn!("a stored event was not told");
            self.lose(code, &feed);
        }
    }

    /// The connection broke: whatever was told meanwhile was not heard.
    pub(super) fn lose_all(&self) {
        let rooms = std::mem::take(&mut *self.rooms());
        for feed in rooms.into_values() {
            feed.end();
        }
    }

    /// Gives the feed up: its subscribers' streams close without `Ended`.
    fn lose(&self, code: RoomCode, feed: &Arc<Feed>) {
        self.remove(code, feed);
        feed.end();
    }

    fn remove(&self, code: RoomCode, feed: &Arc<Feed>) {
        let mut rooms = self.rooms();
        if rooms.get(&code).is_some_and(|present| Arc::ptr_eq(present, feed)) {
            rooms.remove(&code);
        }
    }

    /// Those that somebody listens to; the others end.
    fn used(&self) -> Vec<(RoomCode, Arc<Feed>)> {
        let all: Vec<_> = self.rooms().iter().map(|(code, feed)| (*code, Arc::clone(feed))).collect();
        let (used, unused): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, feed)| {
            let mut state = feed.state();
            state.subscribers.retain(|subscriber| !subscriber.sender.is_closed());
            // One that nobody has come to by now was begun by a verb that ran out of time.
            let awaited = state.epoch.is_none() && feed.begun.elapsed() < 2 * VERB;
            awaited || !state.subscribers.is_empty()
        });
        for (code, feed) in unused {
            self.lose(code, &feed);
        }
        used
    }

    /// Nothing is awaited and nothing can panic under this lock, nor under a feed's, which may be taken within it.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomCode, Arc<Feed>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// A new subscriber, who has read up to this head. None when this is no feed of that life any more.
    fn join(&self, head: Position) -> Option<Subscription> {
        let mut state = self.state();
        if *self.progress.borrow() == Progress::Gone || state.epoch.is_some_and(|epoch| epoch != head.epoch) {
            return None;
        }
        if state.epoch.is_none() {
            (state.epoch, state.last) = (Some(head.epoch), head.seq);
            self.progress.send_replace(Progress::At(head.seq));
            self.begin.notify_one();
        }
        let after = state.last.max(head.seq);
        let (sender, deliveries) = mpsc::channel(BACKLOG);
        state.subscribers.push(Subscriber { after, sender });
        Some(Subscription { head: Position { epoch: head.epoch, seq: after }, deliveries })
    }

    fn receive(&self, message: &Message, own: &str) -> Result<Heard, BackendError> {
        let mut state = self.state();
        match message.subject.rsplit('.').next() {
            Some(SIGNAL) => {
                match decode::<Signalled>(&message.payload) {
                    Ok(signal) => state.tell(&Delivery::Signal(signal.into())),
                    // A newer node's: while versions are being exchanged, both are there.
                    Err(_) => tracing::debug!("a signal of an unknown kind is skipped"),
                }
                Ok(Heard::Fine)
            }
            Some(ROLL_CALL) => {
                if message.payload != own {
                    state.tell(&Delivery::RollCall);
                }
                Ok(Heard::Fine)
            }
            Some(END) => {
                let end: End = decode(&message.payload)?;
                Ok(match state.epoch {
                    Some(epoch) if epoch != end.epoch => Heard::Fine,
                    _ if state.last == end.seq => Heard::Ended,
                    _ => Heard::Lost,
                })
            }
            // The words of a trimmed event went; or what a newer node says, for an event's last token is its slot.
            last if message.payload.is_empty() || !last.is_some_and(is_slot) => Ok(Heard::Fine),
            _ => {
                let entry: Entry = decode(&message.payload)?;
                if state.epoch != Some(entry.epoch) {
                    return Ok(Heard::Lost);
                }
                // Not a new event: one that another event changed.
                if entry.event.seq <= state.last {
                    return Ok(Heard::Fine);
                }
                if entry.event.prev != state.last {
                    return Ok(Heard::Lost);
                }
                state.last = entry.event.seq;
                state.deliver(&Delivery::Event(Arc::new(entry.event)));
                self.progress.send_replace(Progress::At(state.last));
                Ok(Heard::Fine)
            }
        }
    }

    /// Subscribers that are still there hear nothing more.
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
    /// A subscriber that is gone or does not keep up is dropped; its stream then closes without `Ended`.
    fn deliver(&mut self, delivery: &Delivery) {
        self.subscribers.retain(|subscriber| match delivery {
            Delivery::Event(event) if event.seq <= subscriber.after => true,
            _ => subscriber.sender.try_send(delivery.clone()).is_ok(),
        });
    }

    /// One whose backlog is half full hears nothing of it: the rest is for events.
    fn tell(&self, signal: &Delivery) {
        for subscriber in self.subscribers.iter().filter(|one| one.sender.capacity() > BACKLOG / 2) {
            // Gone: found out by the next event.
            drop(subscriber.sender.try_send(signal.clone()));
        }
    }

    /// Whether what the tide before this one found has not been told until now.
    fn has_missed(&mut self, head: Option<Position>) -> bool {
        let Some(epoch) = self.epoch else { return false };
        match self.tide.replace(head) {
            Some(Some(before)) => before.epoch != epoch || before.seq > self.last,
            Some(None) => true,
            None => false,
        }
    }
}
