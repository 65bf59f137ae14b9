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

use protocol::{Limits, RoomId};
use store::laws::support::{code, code_renewed, stored};
use store::{Store, StoreError};
use store_nats::NatsStore;

/// Opens the store with this URL, as one more node.
async fn open(url: &str) -> Arc<dyn Store> {
    open_with(url, &Limits::default()).await.unwrap()
}

async fn open_with(url: &str, limits: &Limits) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(NatsStore::open(url.strip_prefix("nats://").unwrap(), limits).await?))
}

/// Gives the room of member 1 another code, drawn until its stream is the room's.
async fn renew_code(store: &dyn Store, id: RoomId) {
    loop {
        match store.append(id, code_renewed(1, code())).await {
            Err(StoreError::CodeTaken) => {}
            renewed => return drop(stored(renewed)),
        }
    }
}
