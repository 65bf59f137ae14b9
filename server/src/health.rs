//! Health checks, for process managers and load balancers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use store::Store;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Maximum time for the store to answer. Probes commonly give up after a second or more.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// Time for which an answer of the store is cached: anybody may ask, and each check costs the store several requests.
/// Shorter than the intervals of probes.
const CACHE_TIME: Duration = Duration::from_millis(500);

/// Readiness of this server.
pub struct Readiness {
    store: Arc<dyn Store>,
    shutdown: CancellationToken,
    /// Cached answer of the store, with the time it was given.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    /// Creates the readiness of a server with this store, until the shutdown begins.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, shutdown: CancellationToken) -> Self {
        Self { store, shutdown, last: Mutex::default() }
    }

    /// Returns the cached answer, or asks the store. Concurrent callers wait for one check and share its answer.
    async fn store_answers(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = *last
            && at.elapsed() < CACHE_TIME
        {
            return answer;
        }
        let answer = matches!(timeout(STORE_TIMEOUT, self.store.check_ready()).await, Ok(Ok(())));
        *last = Some((Instant::now(), answer));
        answer
    }
}

/// Answers 200 while the process runs, also without the store: a restart would not help then.
pub async fn alive() -> impl IntoResponse {
    plain_text(StatusCode::OK, "alive\n")
}

/// Answers 200 if the store answers, or did half a second ago, and no shutdown has begun; otherwise 503 and the reason.
pub async fn ready(State(readiness): State<Arc<Readiness>>) -> impl IntoResponse {
    if readiness.shutdown.is_cancelled() {
        return plain_text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    if readiness.store_answers().await {
        plain_text(StatusCode::OK, "ready\n")
    } else {
        plain_text(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
    }
}

fn plain_text(status: StatusCode, words: &'static str) -> impl IntoResponse {
    (status, [(header::CACHE_CONTROL, "no-store")], words)
}
