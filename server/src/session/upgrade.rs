//! Handler of the WebSocket upgrade: `GET /ws/{code}`.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use protocol::SUBPROTOCOL;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use crate::session;
use crate::state::AppState;
use crate::telemetry::panics::contained;

/// Upgrades every handshake; a refusal that a user should see is sent afterwards, as `bye`.
///
/// tungstenite writes the handshake and implements the protocol. axum's `WebSocketUpgrade` wraps it too, but hides the
/// connection below it, which an orderly close and the counting of fragments need (`framed_socket`, `budget`).
pub async fn upgrade(State(state): State<AppState>, Path(code): Path<String>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let on_upgrade = parts.extensions.remove::<OnUpgrade>();
    // tungstenite reads the first `Connection` header only, and proxies add their own before or after the browser's.
    if let Ok(connection) = HeaderValue::from_str(&list(&parts.headers, &header::CONNECTION).join(",")) {
        parts.headers.insert(header::CONNECTION, connection);
    }
    let request = Request::from_parts(parts, ());
    let (Some(on_upgrade), Ok(mut response)) = (on_upgrade, create_response_with_body(&request, Body::empty)) else {
        return not_a_handshake();
    };
    // Answered before the upgrade, so that a proxy can try another server.
    if state.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "The server restarts.").into_response();
    }
    let session = state.identity.session(request.headers());
    let speaks = list(request.headers(), &header::SEC_WEBSOCKET_PROTOCOL).contains(&SUBPROTOCOL);
    if speaks {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    // Tracked, so that a shutdown waits until its `bye` is sent.
    state.tasks.clone().spawn(contained(async move {
        match on_upgrade.await {
            Ok(upgraded) => session::run(state, upgraded, code, session, speaks).await,
            Err(error) => tracing::debug!(%error, "no connection after an upgrade"),
        }
    }));
    response
}

/// Returns the response to a request without a handshake of RFC 6455, or with one of another version (section 4.4).
fn not_a_handshake() -> Response {
    let offer =
        [(header::UPGRADE, "websocket"), (header::CONNECTION, "Upgrade"), (header::SEC_WEBSOCKET_VERSION, "13")];
    (StatusCode::UPGRADE_REQUIRED, offer, "This is the address of a WebSocket.").into_response()
}

/// Returns the elements of a list header, over all of its lines (RFC 9110 section 5.3).
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).collect()
}
