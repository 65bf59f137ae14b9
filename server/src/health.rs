//! Health checks, for process managers and load balancers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use store::Backend;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Maximum time for the store to answer. Probes commonly give up after a second or more.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time for which an answer of the store is cached: anybody may ask, and each check costs the store several requests.
/// Shorter than the intervals of probes.
const FRESH: Duration = Duration::from_millis(500);

/// Readiness of this server.
pub struct Readiness {
    backend: Arc<dyn Backend>,
    shutdown: CancellationToken,
    /// Cached answer of the store, with the time it was given.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    /// Creates the readiness of a server with this store, until the shutdown begins.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, shutdown: CancellationToken) -> Self {
        Self { backend, shutdown, last: Mutex::default() }
    }

    /// Returns the cached answer, or asks the store. Concurrent callers wait for one check and share its answer.
    async fn store_answers(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = *last
            && at.elapsed() < FRESH
        {
            return answer;
        }
        let answer = matches!(timeout(PATIENCE, self.backend.ready()).await, Ok(Ok(())));
        *last = Some((Instant::now(), answer));
        answer
    }
}

/// Answers 200 while the process runs, also without the store: a restart would not help then.
pub async fn alive() -> impl IntoResponse {
    said(StatusCode::OK, "alive\n")
}

/// Answers 200 if the store answers, or did half a second ago, and no shutdown has begun; otherwise 503 and the reason.
pub async fn ready(State(readiness): State<Arc<Readiness>>) -> impl IntoResponse {
    if readiness.shutdown.is_cancelled() {
        return said(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    if readiness.store_answers().await {
        said(StatusCode::OK, "ready\n")
    } else {
        said(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
    }
}

fn said(status: StatusCode, words: &'static str) -> impl IntoResponse {
    (status, [(header::CACHE_CONTROL, "no-store")], words)
}
