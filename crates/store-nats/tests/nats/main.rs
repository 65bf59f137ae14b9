//! Tests of the NATS store: its streams, several nodes on one store, and servers that fail.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod keys;
mod losses;
mod lost;
mod nodes;
mod replicas;
mod servers;
mod streams;

use std::sync::Arc;

use protocol::Limits;
use store::{Store, StoreError};
use store_nats::NatsStore;

/// Opens the store with this URL, as one more node.
async fn open(url: &str) -> Arc<dyn Store> {
    open_with(url, &Limits::default()).await.unwrap()
}

async fn open_with(url: &str, limits: &Limits) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(NatsStore::open(url.strip_prefix("nats://").unwrap(), limits).await?))
}
