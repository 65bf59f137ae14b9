//! What whoever operates the server sees of it: one line per decision, and figures.
//!
//! Neither says who or what was said: no message, name, code, cookie or member, and connections are numbers.

use std::io::IsTerminal as _;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::state::AppState;

pub mod metrics;

/// Writes logs to standard error from now on: for people on a terminal, as JSON elsewhere.
///
/// # Errors
/// When the filter cannot be read.
pub fn log(filter: &str) -> Result<(), ParseError> {
    // The library reports every event of the connection, and a refused subject with it, which names a room. What counts
    // of it the engine says itself. Who asks for it by name has it.
    let filter = EnvFilter::try_new(format!("async_nats=off,{filter}"))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.init()
    } else {
        logs.json().flatten_event(true).init()
    }
    Ok(())
}

/// Answers `GET /metrics` on a listener of its own until the shutdown.
pub async fn serve(state: AppState, listener: TcpListener) {
    let shutdown = state.shutdown.clone();
    let router = Router::new().route("/metrics", get(scrape)).with_state(state);
    let serving = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
    if let Err(error) = serving.await {
        tracing::error!(%error, "metrics are not served any more");
    }
}

async fn scrape(State(state): State<AppState>) -> impl IntoResponse {
    let (rooms, members) = state.hub.census();
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], state.metrics.text(rooms, members))
}
