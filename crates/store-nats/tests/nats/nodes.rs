//! Several nodes on one store, which share nothing but the store.

use std::sync::Arc;

use futures_util::future::join_all;
use protocol::{LeaveReason, Limits, Position};
use store::laws::support::{
    code, code_renewed, edited, ended, joined, latest, lease, left, member, message, ms, new_room, next, room_of,
    stored, take, typing, unbroken,
};
use store::{Appended, Delivery, ReadFrom, Store, StoreError};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep, timeout};

use testkit::nats::{address, room_messages, store_url};

use crate::open;

async fn two_nodes(url: &str) -> [Arc<dyn Store>; 2] {
    [open(url).await, open(url).await]
}

#[tokio::test]
async fn event_of_one_node_is_delivered_and_readable_on_all() {
    let url = store_url();
    let [here, there] = two_nodes(&url).await;
    let id = room_of(&*here, 50, &[1, 2]).await;
    let mut heard = [here.subscribe(id).await.unwrap(), there.subscribe(id).await.unwrap()];
    let mut writers = JoinSet::new();
    for (n, node) in [(1, &here), (2, &there)] {
        for line in 0..4 {
            let node = Arc::clone(node);
            writers.spawn(async move {
                for m in 0..25 {
                    let event = stored(node.append(id, message(n, &format!("{n}-{line}-{m}"))).await);
                    let before = Position { seq: event.prev, ..node.room(id).await.unwrap().position };
                    let page = node.read(id, ReadFrom::After(before), 1).await.unwrap();
                    assert_eq!(page.events, [event], "an acknowledged event is not read");
                }
            });
        }
    }
    writers.join_all().await;
    let log = latest(&*here, id).await;
    unbroken(&log);
    assert_eq!(log.len(), 202);
    assert_eq!(latest(&*there, id).await, log);
    for subscription in &mut heard {
        assert_eq!(take(subscription, 200).await, log[2..]);
    }
    // Signals are delivered too. Before them comes a presence request, where the other node began to listen later.
    there.send_presence(id, typing(2)).await.unwrap();
    for subscription in &mut heard {
        let mut signal = subscription.deliveries.recv().await;
        if signal == Some(Delivery::PresenceRequest) {
            signal = subscription.deliveries.recv().await;
        }
        assert_eq!(signal, Some(Delivery::Presence(typing(2))));
    }
}

/// During a rolling deploy, a newer node may send messages of a kind that an older node does not know.
#[tokio::test]
async fn messages_of_a_later_version_are_skipped() {
    let url = store_url();
    let store = open(&url).await;
    let id = room_of(&*store, 50, &[1]).await;
    let mut heard = store.subscribe(id).await.unwrap();
    let client = async_nats::connect(address()).await.unwrap();
    let name = url.rsplit_once('/').unwrap().1;
    let member = member(1).0;
    for (kind, words) in [
        ("signal", format!(r#"{{"member":"{member}","sign":{{"dancing":true}}}}"#)),
        ("signal", format!(r#"{{"member":"{member}","sign":"asleep"}}"#)),
        ("signal", "no JSON".to_owned()),
        ("signal", String::new()),
        ("applause", r#"{"how":"standing"}"#.to_owned()),
        ("applause", String::new()),
    ] {
        client.publish(format!("{name}.live.{}.{kind}", id.0.simple()), words.into()).await.unwrap();
    }
    client.flush().await.unwrap();
    let event = stored(store.append(id, message(1, "and on it goes")).await);
    assert_eq!(next(&mut heard).await, event);
    store.send_presence(id, typing(1)).await.unwrap();
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Presence(typing(1))));
}

#[tokio::test]
async fn concurrent_joins_on_two_nodes_fill_a_room_exactly() {
    let url = store_url();
    let nodes = two_nodes(&url).await;
    let id = room_of(&*nodes[0], 20, &[]).await;
    let mut joins = JoinSet::new();
    for n in 1..=40 {
        let node = Arc::clone(&nodes[n as usize % 2]);
        joins.spawn(async move { node.append(id, joined(n)).await });
    }
    let joins = joins.join_all().await;
    assert_eq!(joins.iter().filter(|join| join.is_ok()).count(), 20, "{joins:?}");
    assert_eq!(joins.iter().filter(|join| matches!(join, Err(StoreError::Full))).count(), 20);
    for node in &nodes {
        assert_eq!(node.room(id).await.unwrap().members.len(), 20);
    }
}

#[tokio::test]
async fn draft_appended_on_two_nodes_is_stored_once() {
    let url = store_url();
    let [here, there] = two_nodes(&url).await;
    let id = room_of(&*here, 50, &[1]).await;
    for n in 0..50 {
        let draft = message(1, &format!("{n}"));
        let (one, other) = tokio::join!(here.append(id, draft.clone()), there.append(id, draft.clone()));
        let both = [one.unwrap(), other.unwrap()];
        assert_eq!(both.iter().filter(|one| matches!(one, Appended::Stored(_))).count(), 1, "{both:?}");
    }
    assert_eq!(latest(&*here, id).await.len(), 51);
}

/// A node caches a room between two appends. It must not decide on the cache alone.
#[tokio::test]
async fn append_is_decided_on_the_current_state() {
    let url = store_url();
    let [here, there] = two_nodes(&url).await;
    let id = room_of(&*here, 2, &[1, 2]).await;
    let said = message(1, "mine");
    stored(here.append(id, said.clone()).await);
    stored(there.append(id, left(2, LeaveReason::Choice)).await);
    stored(here.append(id, joined(3)).await);
    assert!(matches!(there.append(id, message(2, "still here?")).await, Err(StoreError::Conflict)));
    stored(there.append(id, message(3, "hello")).await);
    stored(there.append(id, edited(1, said.id, "mine, changed elsewhere")).await);
    stored(here.append(id, edited(1, said.id, "mine, changed here")).await);
    let log = latest(&*there, id).await;
    assert_eq!(log.iter().filter(|event| format!("{event:?}").contains("elsewhere")).count(), 0);
    // A room that was ended through one node has ended on the other.
    stored(there.append(id, left(3, LeaveReason::Choice)).await);
    let mut heard = here.subscribe(id).await.unwrap();
    let end = stored(there.append(id, left(1, LeaveReason::Choice)).await);
    assert_eq!(next(&mut heard).await, end);
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
    assert!(matches!(here.append(id, message(1, "?")).await, Err(StoreError::NotFound)));
    assert!(matches!(here.acquire_lease(lease(id, 1, 7), ms(1_000)).await, Err(StoreError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn seats_of_a_dead_node_expire_after_the_grace_period() {
    let (url, limits) = (store_url(), Limits::default());
    let (grace, third) = (limits.grace_ms, limits.grace_ms / 3);
    let alive = open(&url).await;
    let dying = open(&url).await;
    let id = room_of(&*dying, 50, &[1, 2]).await;
    let gone = async || {
        let seats = alive.expire(Instant::now()).await.unwrap();
        seats.into_iter().map(|seat| seat.member).collect::<Vec<_>>()
    };
    // Both members are connected to the node that will die. It renews their leases until long after the arrival time
    // and the first grace period.
    for _ in 0..12 {
        for n in [1, 2] {
            dying.acquire_lease(lease(id, n, 7), ms(grace)).await.unwrap();
        }
        assert_eq!(gone().await, []);
        advance(ms(third)).await;
    }
    // The node dies right after a renewal. The second member reconnects to the other node.
    for n in [1, 2] {
        dying.acquire_lease(lease(id, n, 7), ms(grace)).await.unwrap();
    }
    drop(dying);
    alive.acquire_lease(lease(id, 2, 8), ms(2 * grace)).await.unwrap();
    advance(ms(grace - 1_000)).await;
    assert_eq!(gone().await, [], "a seat expired too soon");
    let vanished = alive.append(id, left(1, LeaveReason::Vanished)).await;
    assert!(matches!(vanished, Err(StoreError::Conflict)), "{vanished:?}");
    advance(ms(1_500)).await;
    assert_eq!(gone().await, [member(1)]);
    stored(alive.append(id, left(1, LeaveReason::Vanished)).await);
    assert_eq!(gone().await, []);
}

#[tokio::test(start_paused = true)]
async fn every_node_sweeps_rooms_of_all_nodes() {
    let (url, limits) = (store_url(), Limits::default());
    let [here, there] = two_nodes(&url).await;
    let id = room_of(&*there, 50, &[]).await;
    drop(there);
    // This node may learn of the room during any of these sweeps. The arrival time counts from the first sweep that
    // sees it.
    for _ in 0..10 {
        here.expire(Instant::now()).await.unwrap();
        advance(ms(limits.arrival_ms)).await;
    }
    assert!(matches!(here.room(id).await, Err(StoreError::NotFound)));
}

/// More expired seats than one sweep looks at (500): later sweeps find the others.
#[tokio::test(start_paused = true)]
async fn repeated_sweeps_find_every_expired_seat() {
    let (url, limits) = (store_url(), Limits::default());
    let store = open(&url).await;
    let members: Vec<_> = (1..=60).collect();
    for _ in 0..20 {
        let id = room_of(&*store, 60, &[]).await;
        let joins = members.iter().map(|n| store.append(id, joined(*n)));
        join_all(joins).await.into_iter().for_each(|join| drop(stored(join)));
    }
    advance(ms(limits.arrival_ms)).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..4 {
        let seats = store.expire(Instant::now()).await.unwrap();
        assert!((1..=500).contains(&seats.len()), "{} seats at once", seats.len());
        seen.extend(seats.into_iter().map(|seat| (seat.room, seat.member)));
    }
    assert_eq!(seen.len(), 20 * 60);
}

/// A NATS server refuses a request whose answer has more than 1 024 messages, and sends no part of it.
#[tokio::test(start_paused = true)]
async fn member_with_1100_leases_does_not_stop_the_sweep() {
    let (url, grace) = (store_url(), Limits::default().grace_ms);
    let [here, there] = two_nodes(&url).await;
    let id = room_of(&*there, 50, &[1, 2]).await;
    let leases = (0..1_100).map(|n| there.acquire_lease(lease(id, 1, 100 + n), ms(10 * grace)));
    join_all(leases).await.into_iter().for_each(|held| held.unwrap());
    // After an append, a node knows all seats of the room.
    stored(here.append(id, joined(3)).await);
    advance(ms(2 * grace)).await;
    for _ in 0..2 {
        let mut gone: Vec<_> = here.expire(Instant::now()).await.unwrap().into_iter().map(|seat| seat.member).collect();
        gone.sort();
        assert_eq!(gone, [member(2), member(3)]);
    }
}

/// A page lease that one node took and another one released.
#[tokio::test(start_paused = true)]
async fn lease_released_on_another_node_holds_no_seat() {
    let (url, grace) = (store_url(), Limits::default().grace_ms);
    let [here, there] = two_nodes(&url).await;
    let id = room_of(&*here, 50, &[1, 2]).await;
    here.acquire_lease(lease(id, 1, 0), ms(10 * grace)).await.unwrap();
    here.acquire_lease(lease(id, 2, 0), ms(10 * grace)).await.unwrap();
    there.acquire_lease(lease(id, 1, 7), ms(grace)).await.unwrap();
    there.release_lease(lease(id, 1, 0)).await.unwrap();
    drop(there);
    advance(ms(2 * grace)).await;
    let gone: Vec<_> = here.expire(Instant::now()).await.unwrap().into_iter().map(|seat| seat.member).collect();
    assert_eq!(gone, [member(1)]);
}

/// Rooms of one stream are given one code by two nodes, while a third room is created under it.
#[tokio::test]
async fn one_of_concurrent_renewals_and_creations_gets_the_code() {
    let url = store_url();
    let [here, there] = two_nodes(&url).await;
    let first = room_of(&*here, 50, &[1]).await;
    let second = loop {
        let id = room_of(&*there, 50, &[1]).await;
        if id.0.as_u128() % 4 == first.0.as_u128() % 4 {
            break id;
        }
    };
    let mut renewed = 0;
    for _ in 0..60 {
        let code = code();
        let (one, two, created) = tokio::join!(
            here.append(first, code_renewed(1, code)),
            there.append(second, code_renewed(1, code)),
            here.create_room(new_room(code, 2)),
        );
        let outcomes = [one.map(|_| first), two.map(|_| second), created];
        renewed += outcomes[..2].iter().filter(|outcome| outcome.is_ok()).count();
        let (won, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert!(refused.iter().all(|refusal| matches!(refusal, Err(StoreError::CodeTaken))), "{refused:?}");
        let [Ok(id)] = won[..] else { panic!("{won:?}") };
        for node in [&here, &there] {
            assert_eq!(node.resolve(code).await.unwrap(), id);
            assert_eq!(node.find(code).await.unwrap().settings.code, code);
        }
    }
    assert!(renewed > 0, "every code was another stream's");
}

/// One batch has both.
#[tokio::test]
async fn room_that_gets_a_code_and_ends_at_once_leaves_nothing_behind() {
    let url = store_url();
    let store = open(&url).await;
    let mut renewed = 0;
    for _ in 0..20 {
        let id = room_of(&*store, 50, &[1, 2]).await;
        let (code, end) = (code(), ended(1));
        let (renewal, ended) = tokio::join!(store.append(id, code_renewed(1, code)), store.append(id, end));
        stored(ended);
        renewed += usize::from(renewal.is_ok());
        assert!(matches!(renewal, Ok(_) | Err(StoreError::CodeTaken | StoreError::NotFound)), "{renewal:?}");
        assert!(matches!(store.resolve(code).await, Err(StoreError::NotFound)));
    }
    assert!(renewed > 0, "every code was another stream's");
    // The last one may still be being purged.
    let purged = async {
        while !room_messages(&url).await.is_empty() {
            sleep(ms(50)).await;
        }
    };
    assert!(timeout(ms(10_000), purged).await.is_ok(), "{:?}", room_messages(&url).await);
}
