//! What the others are told of a member beside the log. All of it is best effort: that it could not be said is no error.

use crate::backend::{Lease, Sign, Signal};
use crate::clock;
use crate::state::AppState;

/// The member is writing, or has stopped. Said too often, it is not passed on.
pub(super) async fn typing(state: &AppState, lease: Lease, typing: bool) {
    if state.signals.take(lease.code, lease.member).is_ok() {
        say(state, lease, Sign::Typing(typing)).await;
    }
}

/// The member was away and has a connection again.
pub(super) async fn back(state: &AppState, lease: Lease) {
    say(state, lease, Sign::Back).await;
}

/// A connection has ended; if it was the member's last and the seat is still held, the others are told until when.
pub(super) async fn departed(state: &AppState, lease: Lease, held: bool) {
    let Lease { code, member, .. } = lease;
    if !state.hub.depart(code, member) || !held {
        return;
    }
    say(state, lease, Sign::Away { until: clock::unix_ms() + state.limits.grace_ms }).await;
    // Who comes back in this very moment may have said so before this was said.
    if state.hub.connections(code, member) > 0 {
        back(state, lease).await;
    }
}

async fn say(state: &AppState, Lease { code, member, .. }: Lease, sign: Sign) {
    drop(state.backend.signal(code, Signal { member, sign }).await);
}
