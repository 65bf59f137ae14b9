//! What watches over the server asks here: is it alive, and should it be given work.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::state::AppState;

/// How long the store may take to answer. Probes commonly give up after a second or more.
const PATIENCE: Duration = Duration::from_secs(1);

/// The process answers, whatever the store does: starting it again would help nobody.
pub async fn alive() -> impl IntoResponse {
    said(StatusCode::OK, "alive\n")
}

/// The store answers and no shutdown has begun: 200. Otherwise 503, and why.
pub async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    if state.shutdown.is_cancelled() {
        return said(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match tokio::time::timeout(PATIENCE, state.backend.ready()).await {
        Ok(Ok(())) => said(StatusCode::OK, "ready\n"),
        Ok(Err(_)) | Err(_) => said(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n"),
    }
}

fn said(status: StatusCode, words: &'static str) -> impl IntoResponse {
    (status, [(header::CACHE_CONTROL, "no-store")], words)
}
