//! The server of Flasky Chat: pages, the socket, the rooms' logs.
//!
//! [`serve`] is the only way in; `main` gives it its settings, the tests give it a port of their own.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use leptos::config::LeptosOptions;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub mod assets;
pub mod backend;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod flash;
pub mod hub;
pub mod identity;
pub mod pages;
pub mod qr;
pub mod rooms;
pub mod router;
pub mod session;
pub mod state;
pub mod sweep;
pub mod ws;

use backend::{Backend, BackendError};
use config::Config;
use session::rate::Rate;
use state::AppState;

/// How long a request's header may take to arrive, so that a caller who never finishes holds no connection for ever.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connections may take to end after the shutdown began.
const DRAIN: Duration = Duration::from_secs(8);
/// Clients say every three seconds that somebody is writing, and once that nobody is.
const SIGNALS_PER_SECOND: u32 = 1;
const SIGNAL_BURST: u32 = 3;
/// A pause after a failed accept: the usual cause, no file descriptor left, does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is cancelled, then lets every connection say goodbye and closes the store.
///
/// # Errors
/// When the store refuses its keys at the start.
pub async fn serve(
    config: &Config,
    backend: Arc<dyn Backend>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), BackendError> {
    let state = state(config, backend, shutdown.clone()).await?;
    state.tasks.spawn(sweep::run(state.clone()));
    accept(&state, listener).await;
    state.tasks.close();
    if tokio::time::timeout(DRAIN, state.tasks.wait()).await.is_err() {
        tracing::warn!(left = state.tasks.len(), "some connections did not end in time");
    }
    state.backend.close().await;
    Ok(())
}

async fn state(
    config: &Config,
    backend: Arc<dyn Backend>,
    shutdown: CancellationToken,
) -> Result<AppState, BackendError> {
    let limits = Arc::new(config.limits());
    let tasks = TaskTracker::new();
    Ok(AppState {
        identity: Arc::new(identity::Identity::new(config, &backend.keys().await?)),
        hub: hub::Hub::new(backend.clone(), tasks.clone(), limits.tabs),
        appends: Arc::new(Rate::new(limits.appends_per_second, limits.append_burst)),
        arrivals: Arc::new(Rate::new(limits.appends_per_second, limits.append_burst)),
        signals: Arc::new(Rate::new(SIGNALS_PER_SECOND, SIGNAL_BURST)),
        flashes: Arc::default(),
        origins: router::OriginRule::new(config.public_url.clone()),
        leptos: LeptosOptions::builder().output_name("flasky").site_root(config.site.clone()).build(),
        backend,
        limits,
        tasks,
        shutdown,
    })
}

/// Our own accept loop: `axum::serve` sets no header timeout and does not see upgraded sockets at shutdown.
async fn accept(state: &AppState, listener: TcpListener) {
    let service = TowerToHyperService::new(router::router(state.clone()));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = state.shutdown.cancelled() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Small frames must not wait for more to fill a packet.
        let _ = stream.set_nodelay(true);
        let connection = http.serve_connection(TokioIo::new(stream), service.clone()).with_upgrades();
        let shutdown = state.shutdown.clone();
        state.tasks.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                // Broken pipes and bad requests are the caller's and end with the connection.
                _ = connection.as_mut() => {}
                () = shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
        });
    }
}
