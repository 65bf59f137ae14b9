//! What watches over the server asks here: is it alive, and should it be given work.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::backend::Backend;
use crate::state::AppState;

/// How long the store may take to answer. Probes commonly give up after a second or more.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time for which an answer of the store is everybody's: anybody may ask, and each question costs the store several
/// requests. Shorter than the intervals of probes.
const FRESH: Duration = Duration::from_millis(500);

/// The last answer of the store, and when it was given.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Asks the store, or repeats its last answer. Who comes while it is asked waits for that answer.
    async fn is_ready(&self, backend: &dyn Backend) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, answer)) = *last
            && at.elapsed() < FRESH
        {
            return answer;
        }
        let answer = matches!(timeout(PATIENCE, backend.ready()).await, Ok(Ok(())));
        *last = Some((Instant::now(), answer));
        answer
    }
}

/// The process answers, whatever the store does: starting it again would help nobody.
pub async fn alive() -> impl IntoResponse {
    said(StatusCode::OK, "alive\n")
}

/// The store answers, or did half a second ago, and no shutdown has begun: 200. Otherwise 503, and why.
pub async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    if state.shutdown.is_cancelled() {
        return said(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    if state.readiness.is_ready(&*state.backend).await {
        said(StatusCode::OK, "ready\n")
    } else {
        said(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
    }
}

fn said(status: StatusCode, words: &'static str) -> impl IntoResponse {
    (status, [(header::CACHE_CONTROL, "no-store")], words)
}
