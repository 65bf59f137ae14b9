//! Health checks: the store responds, and its streams are still the ones with which this process started.

use std::sync::Arc;
use std::time::Duration;

use ::store::{Lease, StoreError};
use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::future::select_ok;
use protocol::{MemberId, RoomId};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::jetstream::{CommitError, EXPECTED};
use super::subject::SHARDS;
use super::{OPERATION_TIMEOUT, Shared, lease};

/// Interval between two checks of the streams: the same as that of the reconcile loop.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

impl Shared {
    /// Checks that one stream of rooms, the stream of leases and that of secrets respond. One of the former is enough: if the others
    /// have no leader, no other node could serve their rooms either.
    pub(super) async fn check_ready(&self) -> Result<(), StoreError> {
        let nowhere = Lease { room: RoomId(Uuid::nil()), member: MemberId(Uuid::nil()), id: Uuid::nil() };
        let rooms = select_ok((0..SHARDS).map(|shard| Box::pin(self.answers(shard))));
        tokio::try_join!(rooms, lease::release(&self.jetstream, nowhere), self.secrets_answer()).map(drop)
    }

    /// Checks that secrets can be stored and deleted, and that none is left that could not be deleted.
    async fn secrets_answer(&self) -> Result<(), StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, "1");
        match self.jetstream.send(self.jetstream.names.secret_probe(), headers, Bytes::new()).await {
            Ok(_) | Err(CommitError::Conflict) => self.destroy_undeleted().await,
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    async fn answers(&self, shard: u8) -> Result<(), StoreError> {
        let (stream, identity) = (self.jetstream.names.shard_stream(shard), self.jetstream.names.identity(shard));
        tokio::try_join!(self.jetstream.last(&stream, &identity), self.publish_rejected_probe(shard)).map(drop)
    }

    /// Publishes a message that the stream must reject: its leader processes it like any write, but stores nothing. The
    /// check of the leases, in contrast, stores a message, in memory, of which the stream keeps only the last.
    async fn publish_rejected_probe(&self, shard: u8) -> Result<(), StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, "1");
        match self.jetstream.publish(self.jetstream.names.probe(shard), headers, Bytes::new()).await {
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    /// Checks the streams of rooms until one is not the stream with which this process started. The cached state of its
    /// rooms and the position of its consumer would be wrong for another stream.
    pub(super) async fn watch_streams(self: Arc<Self>) {
        while !self.is_lost().await && !self.has_other_secrets().await {
            // An error is logged where it occurs first, and the next check tries again.
            drop(timeout(OPERATION_TIMEOUT, self.destroy_undeleted()).await);
            sleep(CHECK_INTERVAL).await;
        }
        self.lost.cancel();
    }

    async fn is_lost(&self) -> bool {
        for (shard, identity) in (0..SHARDS).zip(&self.identities) {
            let stream = self.jetstream.names.shard_stream(shard);
            // An error does not show that the stream is gone.
            if let Ok(true) = self.jetstream.has_other(&stream, &self.jetstream.names.identity(shard), identity).await {
                tracing::error!(stream, "a stream of the store was deleted, emptied or made anew");
                return true;
            }
        }
        false
    }
}
