//! The server's shared state.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use app::document::Privacy;
use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use protocol::{Limits, RoomCode};
use store::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address_limits::AddressLimits;
use crate::flash::Flashes;
use crate::hub::Hub;
use crate::identity::{Identity, Session};
use crate::origin::OriginRule;
use crate::rate::RateLimiter;
use crate::reconnect_delay::ReconnectDelay;
use crate::render::RenderPool;
use crate::slow_mode::SlowMode;
use crate::telemetry::metrics::Metrics;

/// State that all requests and connections share; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// Parts of the shared state.
pub struct Parts {
    /// Store of rooms, logs and seats.
    pub store: Arc<dyn Store>,
    /// Feeds of the rooms that have a connection on this node.
    pub hub: Hub,
    /// Session cookies and member ids.
    pub identity: Arc<Identity>,
    /// Limits to enforce.
    pub limits: Arc<Limits>,
    /// Rate limit of a member's appends.
    pub append_rate: Arc<RateLimiter>,
    /// Rate limit of a member's names, reactions and edits where the host restricts writing.
    pub aside_rate: Arc<RateLimiter>,
    /// Slow mode of rooms.
    pub slow_mode: SlowMode,
    /// Rate limit of a member's joins, which add to the room's log as appends do.
    pub join_rate: Arc<RateLimiter>,
    /// Rate limit of a session's calls for its rooms.
    pub list_rate: Arc<RateLimiter>,
    /// Rate limit of a member's typing signals.
    pub typing_rate: Arc<RateLimiter>,
    /// Rate limit of what a member's connections send, in KiB.
    pub inbound_rate: Arc<RateLimiter>,
    /// Limits per network address, and those of this whole node.
    pub address_limits: AddressLimits,
    /// Refused forms that wait for the page that shows them.
    pub flashes: Arc<Flashes>,
    /// Places of large forms that are read or answered.
    pub large_forms: Semaphore,
    /// Rule for the origins whose pages may post forms and open sockets.
    pub origins: OriginRule,
    /// Runtime of pages and server functions.
    pub render: Arc<RenderPool>,
    /// Time that an idle connection is kept open between two requests.
    pub keep_alive: Duration,
    /// Metrics of this server.
    pub metrics: Arc<Metrics>,
    /// Tracker of connections and background tasks; the shutdown waits for them.
    pub tasks: TaskTracker,
    /// Delay before clients reconnect after a restart of this server.
    pub reconnect_delay: Arc<ReconnectDelay>,
    /// Cancelled to begin the shutdown.
    pub shutdown: CancellationToken,
    /// Facts that `/privacy` is made from.
    pub privacy: Privacy,
    /// Leptos options, for the pages.
    pub leptos: LeptosOptions,
}

impl Parts {
    /// Returns true if the session has a seat in the room with this code, as far as the store says so.
    pub(crate) async fn has_seat(&self, session: Option<Session>, code: RoomCode) -> bool {
        let Some(session) = session else { return false };
        self.store.find(code).await.is_ok_and(|room| room.has(self.identity.member(session, room.id)))
    }
}

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
