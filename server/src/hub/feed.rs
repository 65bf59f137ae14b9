//! Feed of one room: the state that its task and the room's sessions share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{Epoch, Seq};
use tokio_util::sync::CancellationToken;

use super::presence::Presence;
use super::replay_buffer::{EncodedFrame, NextBatch, ReplayBuffer};
use super::subscriber::Subscriber;

/// Number of frames cached for the next session at the same cursor. More cursors than this mean slow readers, and each
/// of those is alone with its cursor.
const CACHED_FRAMES: usize = 4;
/// Status of a feed, which its sessions watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeedStatus {
    /// Not subscribed yet.
    Starting,
    /// Subscribed, in this epoch. Every event up to the feed's head is in the replay buffer or in the log.
    Live(Epoch),
    /// The room has ended, or does not exist.
    Ended,
}

/// State that the task and the sessions of one room share.
#[derive(Debug, Default)]
pub(super) struct Feed {
    state: Mutex<State>,
    subscribers: Mutex<Vec<Arc<Subscriber>>>,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    buffer: ReplayBuffer,
    /// Frames made at the current head, by the cursor that they continue.
    frames: Vec<(Seq, EncodedFrame)>,
    presence: Presence,
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

    /// Adds the connection of a session.
    pub(super) fn subscribe(&self, subscriber: Arc<Subscriber>) {
        self.subscribed().push(subscriber);
    }

    pub(super) fn unsubscribe(&self, subscriber: &Arc<Subscriber>) {
        let mut subscribers = self.subscribed();
        if let Some(place) = subscribers.iter().position(|other| Arc::ptr_eq(other, subscriber)) {
            subscribers.swap_remove(place);
        }
    }

    /// Returns the connections of all sessions, so that none is written to under the lock.
    pub(super) fn subscribers(&self) -> Vec<Arc<Subscriber>> {
        self.subscribed().clone()
    }

    fn subscribed(&self) -> MutexGuard<'_, Vec<Arc<Subscriber>>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the position up to which the replay buffer has come.
    pub(super) fn head(&self) -> Seq {
        self.state().buffer.head()
    }

    /// Waits until the task is stopped.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Stops the task, because no session is attached any more.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the replay buffer, and drops the frames made at the previous head.
    pub(super) fn change(&self, change: impl FnOnce(&mut ReplayBuffer)) {
        let mut state = self.state();
        change(&mut state.buffer);
        state.frames.clear();
    }
}
