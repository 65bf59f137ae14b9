//! Append or leave of a session that is in progress in the store.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::time::Duration;

use protocol::{ErrorCode, EventId, EventKind, LeaveReason, Rejection};
use store::{Appended, BackendError, Draft, Lease};

use super::refused::fault;
use crate::state::AppState;
use crate::{clock, entropy};

/// Answer of the store that is awaited. It borrows nothing: the socket is not `Sync`, so no borrow of the session may
/// live across an await.
pub(super) type Pending = Pin<Box<dyn Future<Output = Decided> + Send>>;

/// Answer of the store.
pub(super) enum Decided {
    /// Outcome of an append.
    Append(EventId, Result<Appended, Rejection>),
    /// The seat was freed. The feed informs every connection of the member.
    Left,
    /// The store is unavailable, and the outcome unknown. The client retries on its next connection.
    Silence(BackendError),
}

/// Appends an event, within the member's rate limit.
pub(super) fn append(state: &AppState, lease: Lease, id: EventId, kind: EventKind) -> Pending {
    let Lease { room, member, .. } = lease;
    if let Err(wait) = state.appends.take(member) {
        let fault = Rejection { error: ErrorCode::Rate, retry_ms: Some(wait.as_millis() as u64 + 1) };
        return Box::pin(ready(Decided::Append(id, Err(fault))));
    }
    let (backend, still_held) = (state.backend.clone(), hold(state, lease));
    let draft = Draft { id, at: clock::unix_ms(), by: member, kind };
    Box::pin(async move {
        match backend.append(room, draft).await {
            // A store that takes no event, as on a full disk, may still serve readers. If it cannot renew the lease
            // either, it does not answer at all: the connection is closed, and the page shows that it is reconnecting.
            Err(error @ BackendError::Unavailable(_)) if is_silent(still_held.await) => Decided::Silence(error),
            outcome => Decided::Append(id, outcome.map_err(|error| fault(&error))),
        }
    })
}

/// Frees the member's seat.
pub(super) fn leave(state: &AppState, lease: Lease) -> Pending {
    let (backend, Lease { room, member, .. }) = (state.backend.clone(), lease);
    let kind = EventKind::Left { member, why: LeaveReason::Choice };
    let left = Draft { id: entropy::event_id(), at: clock::unix_ms(), by: member, kind };
    Box::pin(async move {
        match backend.append(room, left).await {
            Ok(_) | Err(BackendError::Conflict | BackendError::NotFound) => Decided::Left,
            Err(error) => Decided::Silence(error),
        }
    })
}

/// Takes or renews a connection's lease, for the grace period.
pub(super) fn hold(state: &AppState, lease: Lease) -> impl Future<Output = Result<(), BackendError>> + Send + use<> {
    let (backend, grace) = (state.backend.clone(), Duration::from_millis(state.limits.grace_ms));
    async move { backend.hold(lease, grace).await }
}

/// Waits for the answer, or for ever if none is awaited. Cancel safe.
pub(super) async fn decided(awaited: &mut Option<Pending>) -> Decided {
    match awaited {
        Some(awaited) => awaited.await,
        None => pending().await,
    }
}

fn is_silent(held: Result<(), BackendError>) -> bool {
    matches!(held, Err(BackendError::Unavailable(_)))
}
