//! The socket's door: `GET /ws/{code}`.

use app::protocol::SUBPROTOCOL;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::session;
use crate::state::AppState;
use crate::telemetry::panics::contained;

/// Above the protocol's own limit, so that the session can say `too large` before the transport cuts.
const TRANSPORT_CUT: usize = 128 * 1024;
/// tungstenite allocates this much for every socket at once (its default is 128 KiB).
const READ_BUFFER: usize = 4 * 1024;
/// tungstenite's default is unlimited. The largest frame is a welcome to 1 000 members with the longest names, 0.6 MB.
const WRITE_BUFFER_MOST: usize = 1024 * 1024;

/// Upgrades whoever asks; what a person should read is said inside, with `bye`.
pub async fn upgrade(
    State(state): State<AppState>,
    Path(code): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    // Said at the door, so that a proxy may turn to another server.
    if state.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "The server restarts.").into_response();
    }
    let session = state.identity.session(&headers);
    let tasks = state.tasks.clone();
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_MOST)
        .max_message_size(TRANSPORT_CUT)
        .max_frame_size(TRANSPORT_CUT)
        // Tracked, so that a shutdown waits for its goodbye.
        .on_upgrade(move |socket| tasks.track_future(contained(session::run(state, socket, code, session))))
}
