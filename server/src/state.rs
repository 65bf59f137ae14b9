//! What every request can reach.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use protocol::Limits;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Backend;
use crate::flash::Flashes;
use crate::health::Readiness;
use crate::hub::Hub;
use crate::identity::Identity;
use crate::origin::OriginRule;
use crate::render::RenderPool;
use crate::session::rate::Rate;
use crate::session::reconnect_delay::ReconnectDelay;
use crate::telemetry::metrics::Metrics;

/// Shared by all requests and connections; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The rooms' logs.
    pub backend: Arc<dyn Backend>,
    /// The rooms' live readers on this node.
    pub hub: Hub,
    /// Cookies and members.
    pub identity: Arc<Identity>,
    /// What is enforced.
    pub limits: Arc<Limits>,
    /// How fast members talk.
    pub appends: Arc<Rate>,
    /// How fast members come and go, which fills a room's log as well.
    pub arrivals: Arc<Rate>,
    /// How fast members say that they are writing.
    pub signals: Arc<Rate>,
    /// Budget of what members' connections send, in KiB.
    pub inbound: Arc<Rate>,
    /// Refused forms on their way back.
    pub flashes: Arc<Flashes>,
    /// Which origins may post and connect.
    pub origins: OriginRule,
    /// The store's last answer to `/readyz`.
    pub readiness: Arc<Readiness>,
    /// Runs pages and server functions.
    pub render: Arc<RenderPool>,
    /// Time that an idle connection is kept open between two requests.
    pub keep_alive: Duration,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Everything that runs beside requests.
    pub tasks: TaskTracker,
    /// When clients come back after this server's end.
    pub reconnect_delay: Arc<ReconnectDelay>,
    /// Cancelled when the server is to end.
    pub shutdown: CancellationToken,
    /// For the pages.
    pub leptos: LeptosOptions,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
