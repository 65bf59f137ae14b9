//! The server of Flasky Chat: pages, the socket, the rooms' logs.
//!
//! [`serve`] is the only way in; `main` gives it its settings, the tests give it a port of their own.

use std::sync::Arc;
use std::time::Duration;

use leptos::config::LeptosOptions;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub mod assets;
pub mod backend;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod flash;
pub mod health;
mod http;
pub mod hub;
pub mod identity;
pub mod origin;
pub mod pages;
pub mod qr;
pub mod render;
mod request;
pub mod rooms;
pub mod router;
pub mod session;
pub mod state;
pub mod sweep;
pub mod telemetry;

use backend::measured::Measured;
use backend::{Backend, BackendError};
use config::Config;
use session::rate::Rate;
use state::AppState;
use telemetry::metrics::Metrics;

/// How long connections may take to end after the shutdown began.
const DRAIN: Duration = Duration::from_secs(8);
/// How long all of a shutdown may take, the store's end with it: whoever operates this kills after ten seconds.
const STOP: Duration = Duration::from_secs(9);
/// Clients say every three seconds that somebody is writing, and once that nobody is.
const SIGNALS_PER_SECOND: u32 = 1;
const SIGNAL_BURST: u32 = 3;

/// What a server listens on.
#[derive(Debug)]
pub struct Listeners {
    /// People.
    pub site: TcpListener,
    /// Prometheus.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(site: TcpListener) -> Self {
        Self { site, metrics: None }
    }
}

/// Failure of a server to start or to go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store does not give its keys, or was lost.
    #[error(transparent)]
    Store(#[from] BackendError),
    /// The system does not give threads.
    #[error("cannot start the threads that render pages")]
    Threads(#[source] std::io::Error),
}

/// Serves until `shutdown` is cancelled. Then it says that it is not ready, lets every connection say goodbye, closes
/// the store and returns, after [`STOP`] at the latest.
///
/// # Errors
/// When the store refuses its keys at the start, or the system the threads that render pages. When the store is lost:
/// then the server ends in the same way.
pub async fn serve(
    config: &Config,
    backend: Arc<dyn Backend>,
    listeners: impl Into<Listeners>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let Listeners { site, metrics } = listeners.into();
    let state = state(config, backend, shutdown.clone()).await?;
    state.tasks.spawn(sweep::run(state.clone()));
    if let Some(listener) = metrics {
        state.tasks.spawn(telemetry::serve(state.clone(), listener));
    }
    let (until, ended) = {
        let mut accepting =
            std::pin::pin!(http::serve(&state, site, router::router(state.clone()), drained(state.clone())));
        tokio::select! {
            until = &mut accepting => (until, Ok(())),
            error = state.backend.lost() => {
                state.shutdown.cancel();
                (accepting.await, Err(ServeError::Store(error)))
            }
        }
    };
    if tokio::time::timeout_at(until, state.backend.close()).await.is_err() {
        tracing::warn!("the store did not end in time");
    }
    tracing::info!("stopped");
    ended
}

/// Waits for the shutdown, and then until every connection has ended, but no longer than [`DRAIN`]. Answers until when
/// the rest has time.
async fn drained(state: AppState) -> Instant {
    state.shutdown.cancelled().await;
    let until = Instant::now() + STOP;
    tracing::info!(tasks = state.tasks.len(), "draining");
    state.tasks.close();
    if tokio::time::timeout(DRAIN, state.tasks.wait()).await.is_err() {
        tracing::warn!(left = state.tasks.len(), "some connections did not end in time");
    }
    until
}

async fn state(
    config: &Config,
    backend: Arc<dyn Backend>,
    shutdown: CancellationToken,
) -> Result<AppState, ServeError> {
    let limits = Arc::new(config.limits());
    let metrics = Arc::<Metrics>::default();
    let backend: Arc<dyn Backend> = Arc::new(Measured::new(backend, metrics.clone()));
    let tasks = TaskTracker::new();
    Ok(AppState {
        identity: Arc::new(identity::Identity::new(config, &backend.keys().await?)),
        hub: hub::Hub::new(backend.clone(), tasks.clone(), limits.tabs, metrics.clone()),
        appends: Arc::new(Rate::new(limits.appends_per_second, limits.append_burst)),
        arrivals: Arc::new(Rate::new(limits.appends_per_second, limits.append_burst)),
        signals: Arc::new(Rate::new(SIGNALS_PER_SECOND, SIGNAL_BURST)),
        inbound: Arc::new(session::budget::rate(&limits)),
        flashes: Arc::default(),
        reconnect_delay: Arc::default(),
        readiness: Arc::default(),
        render: Arc::new(render::RenderPool::start().map_err(ServeError::Threads)?),
        keep_alive: Duration::from_millis(config.keep_alive_ms),
        origins: origin::OriginRule::new(config.public_url.clone()),
        leptos: LeptosOptions::builder().output_name("flasky").build(),
        backend,
        limits,
        metrics,
        tasks,
        shutdown,
    })
}
