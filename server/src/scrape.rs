//! Listener for Prometheus: `GET /metrics`.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use tokio::net::TcpListener;

use crate::http;
use crate::state::AppState;

/// Serves the metrics on a listener of their own until the shutdown, with the limits of every other HTTP connection.
pub(crate) async fn serve(state: AppState, listener: TcpListener) {
    let router = Router::new().route("/metrics", get(scrape)).with_state(state.clone());
    http::serve(&state, listener, router, state.shutdown.cancelled()).await;
}

async fn scrape(State(state): State<AppState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], state.metrics.text(state.hub.rooms(), state.hub.members()))
}
