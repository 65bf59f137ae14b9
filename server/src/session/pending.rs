//! Append or leave of a session that is in progress in the store.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::time::Duration;

use protocol::{ErrorCode, EventId, EventKind, LeaveReason, Rejection};
use store::{Appended, Lease, NameKeys, NewEvent, StoreError};

use super::errors::fault;
use super::machine::Change;
use crate::state::AppState;
use crate::{clock, code_renewal, entropy, name_keys};

/// Answer of the store that is awaited. It borrows nothing: the socket is not `Sync`, so no borrow of the session may
/// live across an await.
pub(super) type Pending = Pin<Box<dyn Future<Output = AppendDone> + Send>>;

/// Answer of the store.
pub(super) enum AppendDone {
    /// Outcome of an append.
    Append(EventId, Result<Appended, Rejection>),
    /// The seat was freed. The feed informs every connection of the member.
    Left,
    /// The store is unavailable, and the outcome unknown. The client retries on its next connection.
    Unavailable(StoreError),
}

/// Appends an event, within the member's rate limit. `restriction` is the time between two messages of a member whom the
/// host restricts.
pub(super) fn append(
    state: &AppState,
    lease: Lease,
    restriction: Option<Duration>,
    id: EventId,
    change: Change,
) -> Pending {
    let Lease { room, member, .. } = lease;
    let turn = match (restriction, &change) {
        (Some(interval), Change::Event(EventKind::Message { .. })) if !interval.is_zero() => {
            state.slow_mode.take(member, id, interval)
        }
        (Some(_), Change::Name(_) | Change::Event(EventKind::Reacted { .. } | EventKind::Edited { .. })) => {
            state.aside_rate.take(member)
        }
        _ => Ok(()),
    };
    if let Err(wait) = turn.and_then(|()| state.append_rate.take(member)) {
        let fault = Rejection { error: ErrorCode::Rate, retry_ms: Some(wait.as_millis() as u64 + 1) };
        return Box::pin(ready(AppendDone::Append(id, Err(fault))));
    }
    let (store, still_held) = (state.store.clone(), acquire_lease(state, lease));
    let renews_code = change == Change::Code;
    let (kind, keys) = match change {
        Change::Event(kind) => (kind, NameKeys::default()),
        Change::Code => (EventKind::Unknown, NameKeys::default()),
        Change::Name(name) => {
            let keys = name_keys::keys(name.as_str());
            (EventKind::Renamed { member, name: name.clone().into(), was: name.into() }, keys)
        }
    };
    let draft = NewEvent { id, at: clock::unix_ms(), by: member, kind, keys };
    Box::pin(async move {
        let appended = if renews_code {
            Box::pin(code_renewal::renew(&*store, room, draft)).await
        } else {
            store.append(room, draft).await
        };
        match appended {
            // A store that takes no event, as on a full disk, may still serve readers. If it has not answered in time, or
            // cannot renew the lease either, the connection is closed, and the page shows that it is reconnecting.
            Err(error @ StoreError::Unavailable(_)) if error.is_timeout() || is_silent(still_held.await) => {
                AppendDone::Unavailable(error)
            }
            outcome => AppendDone::Append(id, outcome.map_err(|error| fault(&error))),
        }
    })
}

/// Frees the member's seat.
pub(super) fn leave(state: &AppState, lease: Lease) -> Pending {
    let (store, Lease { room, member, .. }) = (state.store.clone(), lease);
    let kind = EventKind::Left { member, why: LeaveReason::Choice };
    let left = NewEvent { id: entropy::event_id(), at: clock::unix_ms(), by: member, kind, keys: NameKeys::default() };
    Box::pin(async move {
        match store.append(room, left).await {
            Ok(_) | Err(StoreError::Conflict | StoreError::NotFound) => AppendDone::Left,
            Err(error) => AppendDone::Unavailable(error),
        }
    })
}

/// Takes or renews a connection's lease, for the grace period.
pub(super) fn acquire_lease(
    state: &AppState,
    lease: Lease,
) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
    let (store, grace) = (state.store.clone(), Duration::from_millis(state.limits.grace_ms));
    async move { store.acquire_lease(lease, grace).await }
}

/// Waits for the answer, or for ever if none is awaited. Cancel safe.
pub(super) async fn completed(awaited: &mut Option<Pending>) -> AppendDone {
    match awaited {
        Some(awaited) => awaited.await,
        None => pending().await,
    }
}

fn is_silent(held: Result<(), StoreError>) -> bool {
    matches!(held, Err(StoreError::Unavailable(_)))
}
