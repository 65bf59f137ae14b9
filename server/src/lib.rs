//! The server of Flasky Chat: pages, WebSocket sessions, and the rooms' logs.
//!
//! [`serve`] is the only entry point: `main` calls it with the configured listeners, tests with listeners of their own.

use std::sync::Arc;
use std::time::Duration;

use leptos::config::LeptosOptions;
use store::measured::MeasuredStore;
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub mod address_limits;
pub mod assets;
pub mod client_address;
pub mod clock;
pub mod code_renewal;
pub mod config;
pub mod entropy;
pub mod flash;
pub mod health;
mod http;
pub mod hub;
pub mod identity;
pub mod language;
pub mod language_form;
mod name_keys;
pub mod origin;
pub mod pages;
mod privacy;
pub mod qr;
pub mod rate;
pub mod reconnect_delay;
pub mod render;
mod request;
pub mod rooms;
pub mod router;
mod scrape;
pub mod session;
pub mod slow_mode;
pub mod state;
pub mod stores;
pub mod sweep;
pub mod telemetry;

use address_limits::AddressLimits;
use config::Config;
use rate::RateLimiter;
use state::AppState;
use telemetry::metrics::Metrics;

/// Maximum time for connections to end after the shutdown began.
const DRAIN: Duration = Duration::from_secs(8);
/// Maximum time for the whole shutdown, closing the store included: container runtimes kill after ten seconds.
const STOP: Duration = Duration::from_secs(9);
/// Sustained typing signals of a member per second. Clients send one every 3 s of writing, and one at its end.
const SIGNALS_PER_SECOND: u32 = 1;
/// Typing signals that a member may send at once.
const SIGNAL_BURST: u32 = 3;
/// Names, reactions and edits of a member per minute, and at once, where the host restricts writing: at the rate of messages they
/// would push the host's own words out of the log within minutes.
const ASIDES_PER_MINUTE: u32 = 12;
const ASIDE_BURST: u32 = 10;
/// Calls for its rooms that a session may make, per second, and at once: a browser makes one for each look at its home
/// page, and each looks up to 20 rooms up.
const ROOM_LISTS_PER_SECOND: u32 = 2;
const ROOM_LIST_BURST: u32 = 60;

/// Listeners of a server.
#[derive(Debug)]
pub struct Listeners {
    /// Pages and sockets.
    pub site: TcpListener,
    /// Metrics, for Prometheus.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(site: TcpListener) -> Self {
        Self { site, metrics: None }
    }
}

/// Failure of [`serve`], at the start or later.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store did not return its keys, or was lost.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system could not start a thread.
    #[error("cannot start the threads that render pages")]
    Threads(#[source] std::io::Error),
}

/// Serves until `shutdown` is cancelled. Then `/readyz` answers 503, every socket is closed with `bye`, the store is
/// closed, and the function returns, after [`STOP`] at the latest.
///
/// # Errors
/// Fails if the store does not return its keys, or the threads that render pages cannot be started. Fails if the store
/// is lost, after the same shutdown.
pub async fn serve(
    config: &Config,
    store: Arc<dyn Store>,
    listeners: impl Into<Listeners>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let Listeners { site, metrics } = listeners.into();
    let state = state(config, store, shutdown.clone()).await?;
    state.tasks.spawn(sweep::run(state.clone()));
    if let Some(listener) = metrics {
        state.tasks.spawn(scrape::serve(state.clone(), listener));
    }
    let (until, ended) = {
        let mut accepting =
            std::pin::pin!(http::serve(&state, site, router::router(state.clone()), drained(state.clone())));
        tokio::select! {
            until = &mut accepting => (until, Ok(())),
            error = state.store.wait_until_lost() => {
                state.shutdown.cancel();
                (accepting.await, Err(ServeError::Store(error)))
            }
        }
    };
    if tokio::time::timeout_at(until, state.store.close()).await.is_err() {
        tracing::warn!("the store did not end in time");
    }
    tracing::info!("stopped");
    ended
}

/// Waits for the shutdown, and then for all tracked tasks to end, at most [`DRAIN`]. Returns the deadline for the rest
/// of the shutdown.
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

async fn state(config: &Config, store: Arc<dyn Store>, shutdown: CancellationToken) -> Result<AppState, ServeError> {
    let (limits, address_limits) = (Arc::new(config.limits()), config.address_limits());
    let metrics = Arc::<Metrics>::default();
    let store: Arc<dyn Store> = Arc::new(MeasuredStore::new(store, metrics.clone()));
    let tasks = TaskTracker::new();
    Ok(AppState::from(state::Parts {
        identity: Arc::new(identity::Identity::new(config, &store.keys().await?)),
        hub: hub::Hub::new(store.clone(), tasks.clone(), &limits, metrics.clone()),
        append_rate: Arc::new(RateLimiter::new(limits.appends_per_second, limits.append_burst)),
        join_rate: Arc::new(RateLimiter::new(limits.appends_per_second, limits.append_burst)),
        list_rate: Arc::new(RateLimiter::new(ROOM_LISTS_PER_SECOND, ROOM_LIST_BURST)),
        aside_rate: Arc::new(RateLimiter::per_minute(ASIDES_PER_MINUTE, ASIDE_BURST)),
        slow_mode: slow_mode::SlowMode::default(),
        typing_rate: Arc::new(RateLimiter::new(SIGNALS_PER_SECOND, SIGNAL_BURST)),
        inbound_rate: Arc::new(session::budget::rate(&limits)),
        address_limits: AddressLimits::new(&address_limits),
        flashes: Arc::new(flash::Flashes::new(address_limits.refused_forms)),
        large_forms: Semaphore::new(router::LARGE_FORMS),
        reconnect_delay: Arc::default(),
        render: Arc::new(render::RenderPool::start().map_err(ServeError::Threads)?),
        keep_alive: Duration::from_millis(config.keep_alive_ms),
        origins: origin::OriginRule::new(config.public_url.clone()),
        privacy: privacy::of(config),
        leptos: LeptosOptions::builder().output_name("flasky").build(),
        store,
        limits,
        metrics,
        tasks,
        shutdown,
    }))
}
