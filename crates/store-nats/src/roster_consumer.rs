//! Follows every room's roster with one consumer per stream, whatever the number of rooms.

use std::sync::Arc;

use ::store::StoreError;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::push::{Ordered, OrderedConfig};
use futures_util::StreamExt as _;
use protocol::RoomId;
use tokio::time::sleep;

use super::Shared;
use super::jetstream::{JetStream, REQUEST};
use super::record::{Roster, decode};
use super::seats::RosterSource;
use super::subject::id_of;

/// A roster received from the consumer.
struct RosterUpdate {
    id: RoomId,
    seq: u64,
    /// `None` if the room ended. An error concerns only this room.
    roster: Result<Option<Roster>, StoreError>,
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
            shared.apply(update, known);
        }
        Ok(consumer)
    }

    async fn consume(jetstream: &JetStream, shard: u8) -> Result<(Self, u64), StoreError> {
        let config = OrderedConfig {
            deliver_subject: jetstream.client.new_inbox(),
            filter_subject: jetstream.names.rosters(shard),
            deliver_policy: DeliverPolicy::LastPerSubject,
            ..OrderedConfig::default()
        };
        let made = jetstream.context.create_consumer_on_stream(config, jetstream.names.shard_stream(shard)).await;
        let consumer = made.map_err(|error| jetstream.record_failure(error))?;
        let pending = consumer.cached_info().num_pending;
        let messages = consumer.messages().await.map_err(|error| jetstream.record_failure(error))?;
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
            let roster = (!message.payload.is_empty()).then(|| decode(&message.payload)).transpose();
            return Ok(RosterUpdate { id, seq, roster, pending });
        }
    }

    /// Follows the rosters until the store's thread ends. Replaces the consumer if it cannot recover by itself.
    pub(super) async fn run(mut self, shared: Arc<Shared>) {
        loop {
            match self.next().await {
                Ok(update) => shared.apply(update, RosterSource::Remote),
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
    fn apply(&self, update: RosterUpdate, known: RosterSource) {
        let RosterUpdate { id, seq, roster, .. } = update;
        match roster {
            Ok(Some(roster)) => self.seats.update_roster(id, seq, &roster, known),
            Ok(None) => {
                self.seats.remove_room(id, seq);
                self.purges.enqueue(id, seq);
            }
            // Named by its stream sequence: no line of the log names a room.
            Err(error) => tracing::error!(seq, source = ?std::error::Error::source(&error), "a room is damaged"),
        }
    }
}
