//! The laws of `store` for the NATS store.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::sync::Arc;

use protocol::Limits;
use store::Store;
use store::laws::Fixture;
use store_nats::NatsStore;
use testkit::nats;
use tokio::runtime::Builder;

store::laws!(Streams);

/// A store on the NATS server that the tests share, under a name of its own.
struct Streams(String);

impl Fixture for Streams {
    fn new() -> Self {
        Self(nats::store_url())
    }

    fn address(&self) -> &str {
        &self.0
    }

    async fn open_at(url: &str, limits: &Limits) -> Arc<dyn Store> {
        Arc::new(NatsStore::open(url.strip_prefix("nats://").unwrap(), limits).await.unwrap())
    }

    /// Subjects of the messages that belong to rooms. They are read on a runtime whose clock is not paused: the client
    /// has time limits.
    async fn remains(&self) -> Vec<String> {
        let url = self.0.clone();
        let read = move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(nats::room_messages(&url))
        };
        let messages = tokio::task::spawn_blocking(read).await.unwrap();
        messages.into_iter().map(|(subject, _)| subject).collect()
    }
}
