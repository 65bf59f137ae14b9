//! Presence updates about a member for the others in the room, outside of the log. Best effort: a failure is no error.

use store::{Lease, PresenceKind, PresenceUpdate};

use crate::clock;
use crate::state::AppState;

/// Publishes that the member is writing, or has stopped. Dropped above the member's rate limit.
pub(super) async fn typing(state: &AppState, lease: Lease, typing: bool) {
    if state.typing_rate.take(lease.member).is_ok() {
        publish(state, lease, PresenceKind::Typing(typing)).await;
    }
}

/// Publishes that the member, who was away, has a connection again.
pub(super) async fn back(state: &AppState, lease: Lease) {
    publish(state, lease, PresenceKind::Back).await;
}

/// Handles the end of a connection. If it was the member's last on this node and the seat is still held, publishes that
/// the member is away, and until when the seat is kept.
pub(super) async fn departed(state: &AppState, lease: Lease, held: bool) {
    let Lease { room, member, .. } = lease;
    if !state.hub.connection_ended(room, member) || !held {
        return;
    }
    publish(state, lease, PresenceKind::Away { until: clock::unix_ms() + state.limits.grace_ms }).await;
    // A member who comes back at this moment may have been announced before `Away` was sent.
    if state.hub.connections(room, member) > 0 {
        back(state, lease).await;
    }
}

async fn publish(state: &AppState, Lease { room, member, .. }: Lease, kind: PresenceKind) {
    drop(state.store.send_presence(room, PresenceUpdate { member, kind }).await);
}
