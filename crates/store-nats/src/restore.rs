//! Loss of the stream of secrets, which is in memory: nodes that still have the secrets store them again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::store::StoreError;
use ::store::seal::{Random, Secret};
use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::stream::iter;
use protocol::RoomId;
use tokio::time::{Instant, sleep, timeout};

use super::jetstream::{CONCURRENCY, CommitError, JetStream};
use super::seal::RoomKey;
use super::secrets::{Secrets, decode, read_all};
use super::sweep::MAX_PER_SWEEP;
use super::{OPEN, Shared, schema};

/// Time for which a start waits for a running node to store its secrets again. Such a node looks every two seconds, but
/// it may need much longer to find a server that responds.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);
/// Time for which other nodes do not end a room without a key, from each part that is stored on.
const RESTORING_TTL: &str = "30s";

/// Reads the secrets. If a store that is not new has none, it waits for nodes that still have them, and then begins anew.
pub(super) async fn open(jetstream: &JetStream, is_new: bool) -> Result<Secrets, StoreError> {
    let (stream, subject) = (jetstream.names.secret_stream(), jetstream.names.code_secret());
    let patience = Instant::now() + if is_new { Duration::ZERO } else { PATIENCE };
    loop {
        if let Some(found) = jetstream.look_if_exists(&stream, &subject).await? {
            return Ok(Secrets::new(decode(&found.payload)?, read_all(jetstream).await?));
        }
        let is_restoring = jetstream.look_if_exists(&stream, &jetstream.names.restoring()).await?.is_some();
        if Instant::now() >= patience && !is_restoring {
            if !is_new {
                tracing::warn!("the keys of all rooms are lost, and their rooms end");
            }
            jetstream.put_new(subject.clone(), Secret::draw(&mut Random::new()?).bytes()).await?;
        } else {
            sleep(PAUSE).await;
        }
    }
}

impl Shared {
    /// Stores all secrets again if they are lost. True if other secrets have taken their place: this node came too late.
    pub(super) async fn has_other_secrets(&self) -> bool {
        let (stream, subject) = (self.jetstream.names.secret_stream(), self.jetstream.names.code_secret());
        match self.jetstream.look_if_exists(&stream, &subject).await {
            Ok(Some(found)) if found.payload != self.secrets.codes.secret.bytes()[..] => {
                tracing::error!("the keys of the store were lost, and made anew");
                true
            }
            Ok(Some(_)) => {
                if let Err(error) = self.join_restoring().await {
                    tracing::warn!(source = ?std::error::Error::source(&error), "keys cannot be stored again");
                }
                false
            }
            Ok(None) => {
                if let Ok(Ok(())) = timeout(OPEN, self.restore_secrets()).await {
                    tracing::warn!("the keys of all rooms were lost, and are stored again");
                    // A room that ended meanwhile may have its key again.
                    self.repair.notify_one();
                } else {
                    // The next check tries again.
                    tracing::warn!("the keys of all rooms are lost, and cannot be stored");
                }
                false
            }
            // An error does not show that the secrets are gone.
            Err(_) => false,
        }
    }

    /// Stores the secrets of this node, too, once while another node stores its own: that one may not have those of all
    /// rooms.
    async fn join_restoring(&self) -> Result<(), StoreError> {
        let (stream, names) = (self.jetstream.names.secret_stream(), &self.jetstream.names);
        let is_restoring = self.jetstream.look(&stream, &names.restoring()).await?.is_some();
        if is_restoring && !self.secrets.has_joined.load(Ordering::Relaxed) {
            for part in self.secrets.all().chunks(MAX_PER_SWEEP) {
                self.store_again(part).await?;
            }
            self.repair.notify_one();
        }
        self.secrets.has_joined.store(is_restoring, Ordering::Relaxed);
        Ok(())
    }

    /// Stores the secrets of rooms first: a check that finds that of the codes is satisfied.
    async fn restore_secrets(&self) -> Result<(), StoreError> {
        schema::restore(&self.jetstream).await;
        for part in self.secrets.all().chunks(MAX_PER_SWEEP) {
            self.announce_restoring().await?;
            self.store_again(part).await?;
        }
        self.jetstream.put_new(self.jetstream.names.code_secret(), self.secrets.codes.secret.bytes()).await
    }

    /// Stores those of these secrets that are not there.
    async fn store_again(&self, part: &[(RoomId, Arc<RoomKey>)]) -> Result<(), StoreError> {
        let names = &self.jetstream.names;
        let puts = part.iter().map(|(id, key)| Ok(self.jetstream.put_new(names.room_secret(*id), key.secret.bytes())));
        iter(puts).try_for_each_concurrent(CONCURRENCY, |put| put).await
    }

    async fn announce_restoring(&self) -> Result<(), StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-TTL", RESTORING_TTL);
        match self.jetstream.send(self.jetstream.names.restoring(), headers, Bytes::new()).await {
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    /// True if the secrets are there, and no node is storing them again.
    pub(super) async fn has_settled_secrets(&self) -> Result<bool, StoreError> {
        let (stream, names) = (self.jetstream.names.secret_stream(), &self.jetstream.names);
        Ok(self.jetstream.look(&stream, &names.code_secret()).await?.is_some()
            && self.jetstream.look(&stream, &names.restoring()).await?.is_none())
    }
}
