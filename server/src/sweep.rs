//! The sweep: frees the seats of members who vanished, so that a room without members ends.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use protocol::{EventId, EventKind, LeaveReason};
use store::{ExpiredSeat, NameKeys, NewEvent, StoreError};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use crate::clock;
use crate::state::AppState;

/// Namespace of derived event ids (UUID version 5, RFC 9562 section 5.5): a random value that must not change.
const LEFT: Uuid = Uuid::from_u128(0x5b8f_2f0e_63c1_4f0d_9a57_6e1c_8d43_a2b7);

/// Maximum number of `left` events that a sweep appends concurrently. The stores commit such events together.
const CONCURRENCY: usize = 64;

/// Frees seats without a live lease until the shutdown. Every node does so: the id of the `left` event is derived from
/// the seat, so it is appended once.
pub async fn run(state: AppState) {
    let shortest = state.limits.grace_ms.min(state.limits.arrival_ms);
    let mut tick = tokio::time::interval(Duration::from_millis((shortest / 4).clamp(50, 1_000)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = state.shutdown.cancelled() => return,
        }
        match state.store.expire(Instant::now()).await {
            Ok(seats) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("looking for run-out seats again");
                }
                stream::iter(seats)
                    .take_until(state.shutdown.cancelled())
                    .for_each_concurrent(CONCURRENCY, |seat| free(&state, seat))
                    .await;
            }
            // Logged once: the store may be unavailable for long, and it is asked at least once a second.
            Err(_) if failing => {}
            Err(error) => {
                failing = true;
                tracing::error!(error = &error as &dyn std::error::Error, "cannot look for run-out seats");
            }
        }
        state.append_rate.evict_full();
        state.aside_rate.evict_full();
        state.join_rate.evict_full();
        state.list_rate.evict_full();
        state.typing_rate.evict_full();
        state.inbound_rate.evict_full();
        state.address_limits.evict_full();
    }
}

async fn free(state: &AppState, seat: ExpiredSeat) {
    let kind = EventKind::Left { member: seat.member, why: LeaveReason::Vanished };
    let left = NewEvent { id: left_id(&seat), at: clock::unix_ms(), by: seat.member, kind, keys: NameKeys::default() };
    match state.store.append(seat.room, left).await {
        // Conflict: the member came back in the meantime. NotFound: the room ended in the meantime.
        Ok(_) | Err(StoreError::Conflict | StoreError::NotFound) => {}
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "could not free a run-out seat"),
    }
}

fn left_id(seat: &ExpiredSeat) -> EventId {
    let mut name = Vec::with_capacity(32);
    name.extend(seat.epoch.0.to_be_bytes());
    name.extend(seat.member.0.as_bytes());
    name.extend(seat.joined.0.to_be_bytes());
    EventId(Uuid::new_v5(&LEFT, &name))
}
