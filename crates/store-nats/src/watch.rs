//! Follows every room's roster with one consumer per stream, whatever the number of rooms.

use std::sync::Arc;

use ::store::BackendError;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::push::{Ordered, OrderedConfig};
use futures_util::StreamExt as _;
use protocol::RoomId;
use tokio::time::sleep;

use super::Engine;
use super::record::{Roster, decode};
use super::seats::Known;
use super::store::{REQUEST, Store};
use super::subject::id_of;

/// A roster received from the consumer.
struct Passing {
    id: RoomId,
    seq: u64,
    /// `None` if the room ended. An error concerns only this room.
    roster: Result<Option<Roster>, BackendError>,
    /// Number of rosters that are known to follow.
    pending: u64,
}

/// Consumer of a shard's rosters: first the existing ones, then every change.
pub(super) struct Watch {
    shard: u8,
    messages: Ordered,
}

impl Watch {
    /// Creates the consumer and reads all existing rosters into the cache before it returns.
    pub(super) async fn begin(engine: &Engine, shard: u8, known: Known) -> Result<Self, BackendError> {
        let (mut watch, mut pending) = Self::consume(&engine.store, shard).await?;
        while pending > 0 {
            let passing = tokio::time::timeout(REQUEST, watch.next()).await;
            let passing = passing.map_err(|error| engine.store.trouble(error))??;
            pending = passing.pending;
            engine.pass(passing, known);
        }
        Ok(watch)
    }

    async fn consume(store: &Store, shard: u8) -> Result<(Self, u64), BackendError> {
        let config = OrderedConfig {
            deliver_subject: store.client.new_inbox(),
            filter_subject: store.names.rosters(shard),
            deliver_policy: DeliverPolicy::LastPerSubject,
            ..OrderedConfig::default()
        };
        let made = store.jetstream.create_consumer_on_stream(config, store.names.shard_stream(shard)).await;
        let consumer = made.map_err(|error| store.trouble(error))?;
        let pending = consumer.cached_info().num_pending;
        let messages = consumer.messages().await.map_err(|error| store.trouble(error))?;
        Ok((Self { shard, messages }, pending))
    }

    async fn next(&mut self) -> Result<Passing, BackendError> {
        loop {
            let message = self.messages.next().await.ok_or_else(|| BackendError::unavailable("a watch ended"))?;
            let message = message.map_err(BackendError::unavailable)?;
            let info = message.info().map_err(BackendError::unavailable)?;
            let (seq, pending) = (info.stream_sequence, info.pending);
            let Some(id) = id_of(&message.subject) else { continue };
            let roster = (!message.payload.is_empty()).then(|| decode(&message.payload)).transpose();
            return Ok(Passing { id, seq, roster, pending });
        }
    }

    /// Follows the rosters until the store's thread ends. Replaces the consumer if it cannot recover by itself.
    pub(super) async fn run(mut self, engine: Arc<Engine>) {
        loop {
            match self.next().await {
                Ok(passing) => engine.pass(passing, Known::Heard),
                Err(error) => {
                    tracing::warn!(source = ?std::error::Error::source(&error), "the rosters are not heard of");
                    sleep(REQUEST).await;
                    if let Ok((again, _)) = Self::consume(&engine.store, self.shard).await {
                        self = again;
                    }
                }
            }
        }
    }
}

impl Engine {
    fn pass(&self, passing: Passing, known: Known) {
        let Passing { id, seq, roster, .. } = passing;
        match roster {
            Ok(Some(roster)) => self.seats.learn(id, seq, &roster, known),
            Ok(None) => {
                self.seats.forget(id, seq);
                self.graves.dig(id, seq);
            }
            // Named by its stream sequence: no line of the log names a room.
            Err(error) => tracing::error!(seq, source = ?std::error::Error::source(&error), "a room is damaged"),
        }
    }
}
