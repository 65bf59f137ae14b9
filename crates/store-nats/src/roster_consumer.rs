//! Follows every room's roster with one consumer per stream, whatever the number of rooms.

use std::sync::Arc;

use ::store::StoreError;
use async_nats::jetstream::consumer::push::Ordered;
use bytes::Bytes;
use futures_util::StreamExt as _;
use protocol::RoomId;
use tokio::time::sleep;

use super::Shared;
use super::jetstream::{JetStream, REQUEST};
use super::record::decode;
use super::seal::{Place, RoomKey};
use super::seats::RosterSource;
use super::subject::id_of;

/// A roster received from the consumer.
struct RosterUpdate {
    id: RoomId,
    seq: u64,
    /// Empty if the room ended.
    sealed: Bytes,
    /// Number of rosters that are known to follow.
    pending: u64,
}

/// Consumer of a shard's rosters: first the existing ones, then every change.
pub(super) struct RosterConsumer {
    shard: u8,
    messages: Ordered,
}

impl RosterConsumer {
    /// Creates the consumer and reads all existing rosters into the cache before it returns.
    pub(super) async fn begin(shared: &Shared, shard: u8, known: RosterSource) -> Result<Self, StoreError> {
        let (mut consumer, mut pending) = Self::consume(&shared.jetstream, shard).await?;
        while pending > 0 {
            let update = tokio::time::timeout(REQUEST, consumer.next()).await;
            let update = update.map_err(|error| shared.jetstream.record_failure(error))??;
            pending = update.pending;
            shared.apply(update, known).await;
        }
        Ok(consumer)
    }

    async fn consume(jetstream: &JetStream, shard: u8) -> Result<(Self, u64), StoreError> {
        let (stream, filter) = (jetstream.names.shard_stream(shard), jetstream.names.rosters(shard));
        let consumed = jetstream.consume_last(&stream, filter).await;
        let (messages, pending) = consumed.map_err(|error| jetstream.record_failure(error))?;
        Ok((Self { shard, messages }, pending))
    }

    async fn next(&mut self) -> Result<RosterUpdate, StoreError> {
        loop {
            let message =
                self.messages.next().await.ok_or_else(|| StoreError::unavailable("a roster consumer ended"))?;
            let message = message.map_err(StoreError::unavailable)?;
            let info = message.info().map_err(StoreError::unavailable)?;
            let (seq, pending) = (info.stream_sequence, info.pending);
            let Some(id) = id_of(&message.subject) else { continue };
            return Ok(RosterUpdate { id, seq, sealed: message.message.payload, pending });
        }
    }

    /// Follows the rosters until the store's thread ends. Replaces the consumer if it cannot recover by itself.
    pub(super) async fn run(mut self, shared: Arc<Shared>) {
        loop {
            match self.next().await {
                Ok(update) => shared.apply(update, RosterSource::Remote).await,
                Err(error) => {
                    tracing::warn!(source = ?std::error::Error::source(&error), "the rosters are not heard of");
                    sleep(REQUEST).await;
                    if let Ok((again, _)) = Self::consume(&shared.jetstream, self.shard).await {
                        self = again;
                    }
                }
            }
        }
    }
}

impl Shared {
    async fn apply(&self, update: RosterUpdate, known: RosterSource) {
        let RosterUpdate { id, seq, sealed, .. } = update;
        if sealed.is_empty() {
            self.forget_room(id, seq);
            return self.purges.enqueue(id, seq);
        }
        let key = match known {
            // All secrets have just been read. If many are lost, there is no time to ask for each.
            RosterSource::AtStart(..) => Ok(self.secrets.get(id)),
            _ => self.key(id).await,
        };
        // Without a key, the room may have ended just now.
        if !matches!(key, Ok(Some(key)) if self.learn_roster(id, seq, &key, &sealed, known)) {
            self.unreadable.enqueue(id);
        }
    }

    /// Updates the cache of seats. False if the roster cannot be decrypted. One that is decrypted was written by a node,
    /// so a room is not ended because this node does not understand it.
    pub(super) fn learn_roster(&self, id: RoomId, seq: u64, key: &RoomKey, sealed: &[u8], known: RosterSource) -> bool {
        let Ok(content) = key.decrypt(Place::Roster, sealed) else { return false };
        match decode(&content) {
            Ok(roster) => self.seats.update_roster(id, seq, &roster, known),
            // Named by its stream sequence: no line of the log names a room.
            Err(error) => {
                tracing::error!(seq, source = ?std::error::Error::source(&error), "a room is not understood, and stays");
            }
        }
        true
    }
}
