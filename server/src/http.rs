//! HTTP/1 connections: accepting them, and the limits of each.
//!
//! `axum::serve` has neither a header timeout nor a write timeout, and does not see upgraded sockets at shutdown.

use std::io;
use std::time::{Duration, Instant};

use axum::middleware::AddExtension;
use axum::{Extension, Router};
use bytes::Bytes;
use hyper::server::conn::http1::Builder;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

use crate::client_address::Peer;
use crate::state::AppState;
use crate::telemetry::panics;

mod header_timer;

use header_timer::{CountedStream, HeaderTimer, ReadCounter};

/// Maximum time for a request's header, from its first byte on; on a new connection, from the beginning.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time in which a pending write makes no progress. Linux reports progress once a third of its send buffer is
/// free, so a peer that reads less than that is disconnected too (measured on loopback: 230 KB of 2.4 MB in 20 s).
/// Twice what a session allows a socket (`framed_socket::WRITE_TIMEOUT`), so that a session ends first and logs why.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum bytes of a request's header (more is answered with 431), and of what hyper holds of a request or response
/// before it waits for its reader. hyper's own maximum is 400 KiB.
const BUFFER: usize = 64 * 1024;
/// Pause after a failed accept: if file descriptors have run out, none is free again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time without a failed accept after which accepting counts as recovered. Near the limit of descriptors each
/// connection that ends lets one more in, so one success is no recovery.
const RECOVERED: Duration = Duration::from_secs(10);

/// Accepts connections until `end` is ready, and returns its output. Each connection is a tracked task, and is shut
/// down gracefully when the shutdown begins. Connections accepted after that get one response, so that a health check
/// learns that this server is not ready. When one cannot be accepted, those that wait for a request are closed: a few
/// addresses could hold all descriptors with them for [`AppState::keep_alive`](crate::state::Parts::keep_alive).
pub(crate) async fn serve<T>(
    state: &AppState,
    listener: TcpListener,
    router: Router,
    end: impl Future<Output = T>,
) -> T {
    let mut failures = AcceptFailures::default();
    let mut make_room = CancellationToken::new();
    let mut end = std::pin::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            output = &mut end => return output,
        };
        match accepted {
            Ok((stream, peer)) => {
                failures.accepted();
                let service = Extension(Peer(peer.ip())).layer(router.clone());
                let service = TowerToHyperService::new(service);
                let connection = connection(state.clone(), stream, service, make_room.clone());
                state.tasks.spawn(panics::contained(connection));
            }
            // The peer gave up before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                failures.failed(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
                // After the pause, in which those that came last have read their requests.
                std::mem::take(&mut make_room).cancel();
            }
        }
    }
}

/// Returns the TCP stream of an upgraded connection, and what was read from it after the request. hyper's own buffers
/// are given back. `None` for a connection that [`serve`] did not accept.
pub(crate) fn into_stream(upgraded: Upgraded) -> Option<(TcpStream, Bytes)> {
    let parts = upgraded.downcast::<TokioIo<CountedStream>>().ok()?;
    Some((parts.io.into_inner().into_stream()?, parts.read_buf))
}

/// Serves one connection. Once `make_room` is cancelled, it ends as soon as it has no request.
async fn connection(
    state: AppState,
    stream: TcpStream,
    service: TowerToHyperService<AddExtension<Router, Peer>>,
    make_room: CancellationToken,
) {
    // Small frames must not wait for more to fill a packet.
    let _ = stream.set_nodelay(true);
    let reads = ReadCounter::default();
    let mut http = Builder::new();
    http.timer(HeaderTimer::new(reads.clone(), HEADER_TIMEOUT))
        .header_read_timeout(state.keep_alive)
        .max_header_size(BUFFER)
        .max_buf_size(BUFFER)
        .keep_alive(!state.shutdown.is_cancelled());
    let stream = TokioIo::new(CountedStream::new(stream, reads, WRITE_TIMEOUT));
    let connection = http.serve_connection(stream, service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    if !state.shutdown.is_cancelled() {
        tokio::select! {
            // Errors such as broken pipes and bad requests are the peer's, and end with the connection.
            _ = connection.as_mut() => return,
            () = state.shutdown.cancelled() => {}
            () = make_room.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
    }
    let _ = connection.await;
}

/// Logs the first of a series of failed accepts, and the recovery: without descriptors, ten fail per second.
#[derive(Default)]
struct AcceptFailures {
    last: Option<Instant>,
}

impl AcceptFailures {
    fn failed(&mut self, error: &io::Error) {
        if self.last.replace(Instant::now()).is_none() {
            tracing::error!(%error, "cannot accept connections");
        }
    }

    fn accepted(&mut self) {
        if self.last.is_some_and(|last| last.elapsed() > RECOVERED) {
            self.last = None;
            tracing::info!("accepting connections again");
        }
    }
}
