//! The secrets of rooms, in a stream of their own, which no server writes to a disk.
//!
//! A room's secret is stored before anything that is encrypted under it, and deleted after the commit that ends the
//! room, but before anybody is told: who finds that a room has ended deletes its secret, unless somebody else has. It
//! cannot be told then whether a node has died in between, and it does not matter. Every node has all of them in memory,
//! and stores them again if the stream is lost ([`restore`](super::restore)).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::store::StoreError;
use ::store::seal::{Random, Secret};
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use protocol::RoomId;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::jetstream::{CONCURRENCY, JetStream, REQUEST};
use super::seal::{CodeKey, RoomKey};
use super::subject::id_of;

/// Pause before a secret that could not be deleted is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Cache of the secrets.
#[derive(Debug)]
pub(super) struct Secrets {
    pub(super) codes: CodeKey,
    rooms: Mutex<HashMap<RoomId, Arc<RoomKey>>>,
    /// Rooms that ended, whose secret could not be deleted.
    undeleted: Mutex<HashSet<RoomId>>,
    /// True if this node has stored its secrets since another one began to store its own again.
    pub(super) has_joined: AtomicBool,
}

impl Secrets {
    pub(super) fn new(codes: Secret, rooms: Vec<(RoomId, Secret)>) -> Self {
        let rooms = rooms.into_iter().map(|(id, secret)| (id, Arc::new(RoomKey::new(id, secret)))).collect();
        Self {
            codes: CodeKey::new(codes),
            rooms: Mutex::new(rooms),
            undeleted: Mutex::default(),
            has_joined: AtomicBool::default(),
        }
    }

    pub(super) fn get(&self, id: RoomId) -> Option<Arc<RoomKey>> {
        self.rooms().get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<(RoomId, Arc<RoomKey>)> {
        self.rooms().iter().map(|(id, key)| (*id, Arc::clone(key))).collect()
    }

    pub(super) fn forget(&self, id: RoomId) {
        self.rooms().remove(&id);
    }

    fn add(&self, id: RoomId, secret: Secret) -> Arc<RoomKey> {
        Arc::clone(self.rooms().entry(id).or_insert_with(|| Arc::new(RoomKey::new(id, secret))))
    }

    /// Locks the cache. Code under this lock neither awaits nor panics; the same holds for the other one.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, Arc<RoomKey>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn undeleted(&self) -> MutexGuard<'_, HashSet<RoomId>> {
        self.undeleted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads all secrets of rooms that a replica has.
pub(super) async fn read_all(jetstream: &JetStream) -> Result<Vec<(RoomId, Secret)>, StoreError> {
    let (mut messages, pending) =
        jetstream.consume_last(&jetstream.names.secret_stream(), jetstream.names.room_secrets()).await?;
    let mut all = Vec::new();
    for _ in 0..pending {
        let message = timeout(REQUEST, messages.next()).await.map_err(StoreError::unavailable)?;
        let message = message.ok_or_else(|| StoreError::unavailable("a consumer of secrets ended"))?;
        let message = message.map_err(StoreError::unavailable)?;
        if let (Some(id), Ok(secret)) = (id_of(&message.subject), decode(&message.payload)) {
            all.push((id, secret));
        }
        // Others may have been deleted meanwhile.
        if message.info().map_err(StoreError::unavailable)?.pending == 0 {
            break;
        }
    }
    Ok(all)
}

pub(super) fn decode(payload: &[u8]) -> Result<Secret, StoreError> {
    payload.try_into().map(Secret::from_bytes).map_err(|_| StoreError::corrupt("a secret has the wrong length"))
}

/// Returns the error for a room whose secret is not stored.
pub(super) fn missing() -> StoreError {
    StoreError::unavailable("the key of a room is not there")
}

impl Shared {
    /// Returns the room's key. `None` if its secret is not stored: the room has ended, or the secrets were lost.
    pub(super) async fn key(&self, id: RoomId) -> Result<Option<Arc<RoomKey>>, StoreError> {
        if let Some(key) = self.secrets.get(id) {
            return Ok(Some(key));
        }
        let names = &self.jetstream.names;
        let found = self.jetstream.look(&names.secret_stream(), &names.room_secret(id)).await?;
        found.map(|found| Ok(self.secrets.add(id, decode(&found.payload)?))).transpose()
    }

    /// Draws and stores the secret of a room that is about to be created.
    pub(super) async fn create_key(&self, id: RoomId, random: &mut Random) -> Result<Arc<RoomKey>, StoreError> {
        let secret = Secret::draw(random);
        self.jetstream.put_new(self.jetstream.names.room_secret(id), secret.bytes()).await?;
        Ok(self.secrets.add(id, secret))
    }

    /// Deletes the secret of a room that ended, and those that could not be deleted before: until all are deleted, the
    /// end of no room is acknowledged.
    pub(super) async fn destroy_key(&self, id: RoomId) -> Result<(), StoreError> {
        self.delete_secret(id).await?;
        self.destroy_undeleted().await
    }

    /// Deletes the secret of a room that ended, and tries until that succeeds.
    pub(super) async fn destroy_key_patiently(&self, id: RoomId) {
        while self.destroy_key(id).await.is_err() {
            sleep(RETRY_PAUSE).await;
        }
    }

    /// Deletes the secrets that could not be deleted before.
    pub(super) async fn destroy_undeleted(&self) -> Result<(), StoreError> {
        let mut ids = self.secrets.undeleted().clone().into_iter();
        // The first one alone, because the stream may still not respond.
        if let Some(first) = ids.next() {
            self.delete_secret(first).await?;
        }
        let mut deleted = iter(ids).map(|id| self.delete_secret(id)).buffer_unordered(CONCURRENCY);
        while let Some(deleted) = deleted.next().await {
            deleted?;
        }
        Ok(())
    }

    /// Deletes a secret such that the servers overwrite it, and forgets it.
    async fn delete_secret(&self, id: RoomId) -> Result<(), StoreError> {
        let names = &self.jetstream.names;
        match self.jetstream.erase(&names.secret_stream(), &names.room_secret(id)).await {
            Ok(()) => {
                self.secrets.undeleted().remove(&id);
                self.secrets.forget(id);
                Ok(())
            }
            Err(error) => {
                if self.secrets.undeleted().insert(id) {
                    tracing::error!(
                        source = ?std::error::Error::source(&error),
                        "the key of a room that ended cannot be deleted; trying again until it can"
                    );
                }
                Err(error)
            }
        }
    }
}
