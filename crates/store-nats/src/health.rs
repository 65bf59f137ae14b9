//! Health checks: the store responds, and its streams are still the ones with which this process started.

use std::sync::Arc;
use std::time::Duration;

use ::store::{BackendError, Lease};
use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::future::select_ok;
use protocol::{MemberId, RoomId};
use tokio::time::sleep;
use uuid::Uuid;

use super::store::{CommitError, EXPECTED};
use super::subject::SHARDS;
use super::{Engine, lease};

/// Interval between two checks of the streams: the same as that of the reconcile loop.
const LOOK: Duration = Duration::from_secs(2);

impl Engine {
    /// Checks that one stream of rooms and the stream of leases respond. One of the former is enough: if the others
    /// have no leader, no other node could serve their rooms either.
    pub(super) async fn probe(&self) -> Result<(), BackendError> {
        let nowhere = Lease { room: RoomId(Uuid::nil()), member: MemberId(Uuid::nil()), id: Uuid::nil() };
        let rooms = select_ok((0..SHARDS).map(|shard| Box::pin(self.answers(shard))));
        tokio::try_join!(rooms, lease::release(&self.store, nowhere)).map(drop)
    }

    async fn answers(&self, shard: u8) -> Result<(), BackendError> {
        let (stream, identity) = (self.store.names.shard_stream(shard), self.store.names.identity(shard));
        tokio::try_join!(self.store.last(&stream, &identity), self.offer(shard)).map(drop)
    }

    /// Publishes a message that the stream must reject: its leader processes it like any write, but stores nothing. The
    /// check of the leases, in contrast, stores a message, in memory, of which the stream keeps only the last.
    async fn offer(&self, shard: u8) -> Result<(), BackendError> {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, "1");
        match self.store.publish(self.store.names.probe(shard), headers, Bytes::new()).await {
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    /// Checks the streams of rooms until one is not the stream with which this process started. The cached state of its
    /// rooms and the position of its consumer would be wrong for another stream.
    pub(super) async fn watch_streams(self: Arc<Self>) {
        while !self.is_lost().await {
            sleep(LOOK).await;
        }
        self.lost.cancel();
    }

    async fn is_lost(&self) -> bool {
        for (shard, identity) in (0..SHARDS).zip(&self.identities) {
            let stream = self.store.names.shard_stream(shard);
            // An error does not show that the stream is gone.
            if let Ok(true) = self.store.has_other(&stream, &self.store.names.identity(shard), identity).await {
                tracing::error!(stream, "a stream of the store was deleted, emptied or made anew");
                return true;
            }
        }
        false
    }
}
