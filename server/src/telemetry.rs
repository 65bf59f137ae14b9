//! Telemetry for operators: logs, with one line per decision, and metrics.
//!
//! Neither contains what was written or by whom: no message, name, code, cookie or member. Connections are numbers.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use tokio::net::TcpListener;

use crate::http;
use crate::state::AppState;

pub mod log;
pub mod metrics;
pub mod panics;

/// Answers `GET /metrics` on a listener of its own until the shutdown, with the limits of every other HTTP connection.
pub async fn serve(state: AppState, listener: TcpListener) {
    let router = Router::new().route("/metrics", get(scrape)).with_state(state.clone());
    http::serve(&state, listener, router, state.shutdown.cancelled()).await;
}

async fn scrape(State(state): State<AppState>) -> impl IntoResponse {
    let (rooms, members) = state.hub.counts();
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], state.metrics.text(rooms, members))
}
