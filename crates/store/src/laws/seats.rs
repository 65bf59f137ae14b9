//! Laws of seats and leases.

use std::sync::Arc;

use protocol::{LeaveReason, Limits};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};

use super::Fixture;
use super::support::{joined, latest, lease, left, member, message, ms, nowhere, room_of, stored};
use crate::{StoreError, refused};

pub async fn law_07_room_of_50_admits_50_of_51_concurrent_joins(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[]).await;
    let mut joins = JoinSet::new();
    for n in 1..=51 {
        let store = Arc::clone(&store);
        joins.spawn(async move { store.append(id, joined(n)).await });
    }
    let joins = joins.join_all().await;
    assert_eq!(joins.iter().filter(|join| join.is_ok()).count(), 50);
    assert_eq!(joins.iter().filter(|join| matches!(join, Err(StoreError::Full))).count(), 1);
    let members = store.room(id).await.unwrap().members;
    assert_eq!(members.len(), 50);

    // A member who has a seat gets `Conflict` even from a full room, and a freed seat can be taken once.
    let inside = members[0].member;
    let again = joined((inside.0.as_u128() >> 64) as u64);
    refused!(store.append(id, again).await, Conflict);
    stored(store.append(id, left((inside.0.as_u128() >> 64) as u64, LeaveReason::Choice)).await);
    stored(store.append(id, joined(100)).await);
    refused!(store.append(id, joined(101)).await, Full);
}

pub async fn law_07_join_racing_the_end_gets_a_seat_or_not_found(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut seated = 0;
    for round in 0..200 {
        let id = room_of(&*store, 50, &[1]).await;
        let leave = store.append(id, left(1, LeaveReason::Choice));
        let join = store.append(id, joined(2));
        let (leave, join) = if round % 2 == 0 {
            tokio::join!(leave, join)
        } else {
            let (join, leave) = tokio::join!(join, leave);
            (leave, join)
        };
        stored(leave);
        match join {
            Ok(_) => {
                seated += 1;
                assert!(store.room(id).await.unwrap().has(member(2)));
                stored(store.append(id, message(2, "here")).await);
            }
            Err(StoreError::NotFound) => refused!(store.room(id).await, NotFound),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!((1..200).contains(&seated), "the same side won every race: this proves nothing");
}

pub async fn law_07_append_without_a_seat_is_refused(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let nowhere = nowhere();
    refused!(store.append(nowhere, joined(1)).await, NotFound);
    refused!(store.append(nowhere, message(1, "hello?")).await, NotFound);
    refused!(store.room(nowhere).await, NotFound);
    refused!(store.subscribe(nowhere).await, NotFound);

    let id = room_of(&*store, 50, &[1, 2]).await;
    refused!(store.append(id, joined(1)).await, Conflict);
    refused!(store.append(id, message(3, "hello?")).await, Conflict);
    refused!(store.append(id, left(3, LeaveReason::Choice)).await, Conflict);
    stored(store.append(id, left(1, LeaveReason::Choice)).await);
    refused!(store.append(id, left(1, LeaveReason::Choice)).await, Conflict);
    refused!(store.append(id, message(1, "still here")).await, Conflict);
    stored(store.append(id, joined(1)).await);
    assert_eq!(latest(&*store, id).await.len(), 5, "a refused event is in the log");
}

pub async fn law_08_lease_keeps_a_seat_until_it_runs_out(fixture: &impl Fixture) {
    let limits = Limits::default();
    let store = fixture.open_with(&limits).await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    let gone = async || {
        let seats = store.expire(Instant::now()).await.unwrap();
        seats.into_iter().map(|seat| seat.member).collect::<std::collections::BTreeSet<_>>()
    };

    advance(ms(limits.arrival_ms - 1)).await;
    assert_eq!(gone().await, [].into());
    store.acquire_lease(lease(id, 1, 7), ms(1_000)).await.unwrap();
    advance(ms(1)).await;
    assert_eq!(gone().await, [member(2)].into());

    // A lease that is renewed in time never runs out, and the lease of a second connection counts as much as the first.
    for _ in 0..50 {
        store.acquire_lease(lease(id, 1, 7), ms(1_000)).await.unwrap();
        advance(ms(999)).await;
        assert_eq!(gone().await, [member(2)].into());
    }
    store.acquire_lease(lease(id, 1, 8), ms(5_000)).await.unwrap();
    advance(ms(1_000)).await;
    assert_eq!(gone().await, [member(2)].into());
    store.release_lease(lease(id, 1, 9)).await.unwrap();
    assert_eq!(gone().await, [member(2)].into());
    store.release_lease(lease(id, 1, 8)).await.unwrap();
    assert_eq!(gone().await, [member(1), member(2)].into());

    let seat = store.expire(Instant::now()).await.unwrap().into_iter().find(|seat| seat.member == member(2)).unwrap();
    assert_eq!(seat.room, id);
    assert_eq!(seat.epoch, store.room(id).await.unwrap().position.epoch);
    assert_eq!(seat.joined, latest(&*store, id).await[1].seq);
    stored(store.append(id, left(2, LeaveReason::Vanished)).await);
    assert_eq!(gone().await, [member(1)].into());
    refused!(store.acquire_lease(lease(id, 2, 7), ms(1_000)).await, NotFound);
}

pub async fn law_08_left_vanished_is_refused_while_a_lease_holds(fixture: &impl Fixture) {
    let limits = Limits::default();
    let store = fixture.open_with(&limits).await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    // The arrival lease still holds.
    refused!(store.append(id, left(1, LeaveReason::Vanished)).await, Conflict);
    advance(ms(limits.arrival_ms)).await;
    assert_eq!(store.expire(Instant::now()).await.unwrap().len(), 2);
    // The member reconnects after the sweep has listed the seat as expired.
    store.acquire_lease(lease(id, 1, 7), ms(1_000)).await.unwrap();
    refused!(store.append(id, left(1, LeaveReason::Vanished)).await, Conflict);
    // Leaving by choice is always allowed.
    stored(store.append(id, left(1, LeaveReason::Choice)).await);
    stored(store.append(id, joined(1)).await);

    // A seat that is taken again in the same moment is not the one that expired.
    advance(ms(limits.arrival_ms)).await;
    let (out, back, sweep) = tokio::join!(
        store.append(id, left(1, LeaveReason::Choice)),
        store.append(id, joined(1)),
        store.append(id, left(1, LeaveReason::Vanished)),
    );
    stored(out);
    stored(back);
    refused!(sweep, Conflict);
    stored(store.append(id, left(2, LeaveReason::Vanished)).await);
}

pub async fn law_08_restart_gives_every_seat_a_grace_period(fixture: &impl Fixture) {
    let limits = Limits::default();
    let store = fixture.open_with(&limits).await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    store.acquire_lease(lease(id, 1, 7), ms(1_000)).await.unwrap();
    store.close().await;
    advance(ms(10 * limits.grace_ms)).await;

    let store = fixture.open_with(&limits).await;
    // A short lease after the restart does not shorten the grace period.
    store.acquire_lease(lease(id, 1, 0), ms(1_000)).await.unwrap();
    advance(ms(limits.grace_ms - 1)).await;
    assert_eq!(store.expire(Instant::now()).await.unwrap(), []);
    refused!(store.append(id, left(1, LeaveReason::Vanished)).await, Conflict);
    advance(ms(1)).await;
    assert_eq!(store.expire(Instant::now()).await.unwrap().len(), 2);
}
