//! Health checks, for process managers and load balancers.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use store::Store;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::state::AppState;

/// Maximum time for the store to answer. Probes commonly give up after a second or more.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// Time for which an answer of the store is cached: anybody may ask, and each check costs the store several requests.
/// Shorter than the intervals of probes.
const CACHE_TIME: Duration = Duration::from_millis(500);

/// Cached answer of the store, with the time it was given.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Returns the cached answer, or asks the store. Concurrent callers wait for one check and share its answer.
    async fn is_ready(&self, store: &dyn Store) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, answer)) = *last
            && at.elapsed() < CACHE_TIME
        {
            return answer;
        }
        let answer = matches!(timeout(STORE_TIMEOUT, store.check_ready()).await, Ok(Ok(())));
        *last = Some((Instant::now(), answer));
        answer
    }
}

/// Answers 200 while the process runs, also without the store: a restart would not help then.
pub async fn alive() -> impl IntoResponse {
    plain_text(StatusCode::OK, "alive\n")
}

/// Answers 200 if the store answers, or did half a second ago, and no shutdown has begun; otherwise 503 and the reason.
pub async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    if state.shutdown.is_cancelled() {
        return plain_text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    if state.readiness.is_ready(&*state.store).await {
        plain_text(StatusCode::OK, "ready\n")
    } else {
        plain_text(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
    }
}

fn plain_text(status: StatusCode, words: &'static str) -> impl IntoResponse {
    (status, [(header::CACHE_CONTROL, "no-store")], words)
}
