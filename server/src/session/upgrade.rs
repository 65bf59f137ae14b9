//! Handler of the WebSocket upgrade, `GET /ws/{code}`, and which sockets become a session.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use protocol::{CloseCode, MemberId, RoomCode, RoomId, SUBPROTOCOL};
use store::StoreError;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use uuid::Uuid;

use super::Connection;
use super::errors::close_code;
use super::framed_socket::FramedSocket;
use crate::address_limits::{NoPlace, RETRY, SocketPlace};
use crate::client_address::Network;
use crate::request::too_many;
use crate::state::AppState;
use crate::telemetry::panics::contained;
use crate::{entropy, http, identity};

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
    let network = state.address_limits.network(request.extensions(), request.headers());
    let session = state.identity.session(request.headers());
    let mut place = state.address_limits.take_socket(network, false);
    // The seat is looked up only where it matters.
    if place.as_ref().is_err_and(|none| *none == NoPlace::Network)
        && let Ok(code) = code.parse()
        && state.has_seat(session, code).await
    {
        place = state.address_limits.take_socket(network, true);
    }
    let place = match place {
        Ok(place) => place,
        Err(NoPlace::Network) => return too_many(RETRY).into_response(),
        // Another node may have a place.
        Err(NoPlace::Node) => return (StatusCode::SERVICE_UNAVAILABLE, too_many(RETRY).1).into_response(),
    };
    let speaks = list(request.headers(), &header::SEC_WEBSOCKET_PROTOCOL).contains(&SUBPROTOCOL);
    if speaks {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    let accepted = Box::pin(accept(state.clone(), on_upgrade, place, code, session, speaks));
    // Tracked, so that a shutdown waits until its `bye` is sent.
    state.tasks.spawn(contained(async {
        if let Some(mut connection) = accepted.await {
            connection.run().await;
        }
    }));
    response
}

/// Waits for the upgrade. A refusal that a user should see is sent as `bye` on the accepted socket. `speaks` is true if
/// the client offered the subprotocol.
async fn accept(
    state: AppState,
    on_upgrade: OnUpgrade,
    place: SocketPlace,
    code: String,
    session: Option<identity::Session>,
    speaks: bool,
) -> Option<Box<Connection>> {
    let (stream, begun) = match on_upgrade.await {
        Ok(upgraded) => http::into_stream(upgraded).or_else(|| {
            tracing::error!("an upgrade of a connection that is none of TCP");
            None
        })?,
        Err(error) => {
            tracing::debug!(%error, "no connection after an upgrade");
            return None;
        }
    };
    let open = state.metrics.socket();
    let seat = match (speaks, code.parse::<RoomCode>(), session) {
        (false, ..) => Err((CloseCode::Version, None)),
        (_, Err(_), _) => Err((CloseCode::NoSuchRoom, None)),
        (_, _, None) => Err((CloseCode::NoSeat, None)),
        (_, Ok(code), Some(session)) => {
            let room = match resolve(&state, code).await {
                // Told after `hello`, as to who has no seat in a room: an answer at once would say for nothing that there is
                // no such room. No room has this id.
                Err(CloseCode::NoSuchRoom) => Ok(RoomId(Uuid::nil())),
                room => room.map_err(|refused| (refused, None)),
            };
            room.map(|room| ((code, room), state.identity.member(session, room)))
        }
    };
    match seat {
        Ok((room, member)) => {
            let socket = FramedSocket::new(stream, begun, &state, member).await;
            Some(Box::new(Connection::new(state, socket, room, member, (open, place))))
        }
        Err((refused, retry_ms)) => {
            state.metrics.closed(refused);
            tracing::info!(conn = open.number, code = refused.number(), reason = refused.reason(), "refused");
            let retry_ms = retry_ms.or_else(|| state.reconnect_delay.after(refused, &state.metrics));
            // A random member, so that it uses nobody's budget.
            let member = MemberId(entropy::uuid());
            FramedSocket::new(stream, begun, &state, member).await.close(refused, retry_ms).await;
            None
        }
    }
}

/// Returns the room with this code, or the close code for a connection that cannot be opened.
async fn resolve(state: &AppState, code: RoomCode) -> Result<RoomId, CloseCode> {
    tokio::select! {
        () = state.shutdown.cancelled() => Err(CloseCode::Restarting),
        room = state.store.resolve(code) => room.map_err(|error| match error {
            StoreError::NotFound => CloseCode::NoSuchRoom,
            error => close_code(&error),
        }),
    }
}

/// Returns the code with which a socket is closed, and when to come back. Who tried a code without a seat there pays for
/// it as on every other road, and who has nothing left to pay with is not told about the code.
pub(super) fn refusal(state: &AppState, network: Option<Network>, refused: CloseCode) -> (CloseCode, Option<u64>) {
    if !matches!(refused, CloseCode::NoSuchRoom | CloseCode::NoSeat | CloseCode::Removed) {
        return (refused, None);
    }
    match state.address_limits.codes.take(network) {
        Ok(()) => (refused, None),
        Err(wait) => (CloseCode::StoreUnavailable, Some(wait.as_millis() as u64)),
    }
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
