//! Laws about endings: of a room, of an earlier room with the same code, and of the store.

use std::sync::Arc;

use protocol::{Epoch, LeaveReason, Limits, Position, Seq};
use store::{BackendError, Delivery, From, NewRoom};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};

use crate::refused;
use crate::support::{
    Store, code, fresh, joined, latest, lease, left, member, message, ms, name, next, room_of, stored, typing,
};

pub(crate) async fn recreated_room_resets_old_positions(store: &Store) {
    let backend = store.open().await;
    let code = room_of(&*backend, 50, &[1]).await;
    let old = backend.room(code).await.unwrap().position;
    stored(backend.append(code, left(1, LeaveReason::Choice)).await);
    refused!(backend.read(code, From::After(old), 10).await, NotFound);

    backend.create_room(NewRoom { code, epoch: Epoch(u64::MAX), capacity: 2 }).await.unwrap();
    stored(backend.append(code, joined(2)).await);
    let new = backend.room(code).await.unwrap();
    assert_eq!(new.position.epoch, Epoch(u64::MAX));
    assert_eq!(new.members.len(), 1);
    refused!(backend.read(code, From::After(old), 10).await, Reset);
    refused!(backend.read(code, From::After(Position { seq: Seq(0), ..old }), 10).await, Reset);
    assert_eq!(latest(&*backend, code).await.len(), 1, "events of the first room are visible");
}

pub(crate) async fn room_that_nobody_joined_ends_after_its_arrival_time(store: &Store) {
    let limits = Limits::default();
    let backend = store.open_with(&limits).await;
    let empty = room_of(&*backend, 50, &[]).await;
    let lived = room_of(&*backend, 50, &[1]).await;
    let mut heard = backend.subscribe(empty).await.unwrap();
    advance(ms(limits.arrival_ms - 1)).await;
    backend.expired(Instant::now()).await.unwrap();
    assert_eq!(backend.room(empty).await.unwrap().members, []);
    advance(ms(1)).await;
    assert_eq!(backend.expired(Instant::now()).await.unwrap().len(), 1);
    refused!(backend.room(empty).await, NotFound);
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
    assert_eq!(heard.deliveries.recv().await, None);
    assert!(backend.room(lived).await.is_ok());

    let empty = room_of(&*backend, 50, &[]).await;
    backend.close().await;
    let backend = store.open_with(&limits).await;
    backend.expired(Instant::now()).await.unwrap();
    assert!(backend.room(empty).await.is_ok());
    advance(ms(limits.arrival_ms)).await;
    backend.expired(Instant::now()).await.unwrap();
    refused!(backend.room(empty).await, NotFound);
}

pub(crate) async fn ended_room_leaves_nothing_behind(store: &Store) {
    let limits = Limits { events: 3, ..Limits::default() };
    let backend = store.open_with(&limits).await;
    let code = room_of(&*backend, 50, &[1, 2]).await;
    let said = message(1, "remember me");
    for draft in [said.clone(), message(1, "b"), message(1, "c"), left(1, LeaveReason::Choice)] {
        stored(backend.append(code, draft).await);
    }
    let mut heard = backend.subscribe(code).await.unwrap();
    backend.hold(lease(code, 2, 7), ms(1_000)).await.unwrap();
    let last = left(2, LeaveReason::Choice);
    let end = stored(backend.append(code, last.clone()).await);

    assert_eq!(next(&mut heard).await, end);
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
    assert_eq!(heard.deliveries.recv().await, None);
    refused!(backend.room(code).await, NotFound);
    refused!(backend.read(code, From::Latest, 10).await, NotFound);
    refused!(backend.subscribe(code).await, NotFound);
    refused!(backend.append(code, last).await, NotFound);
    refused!(backend.hold(lease(code, 2, 7), ms(1_000)).await, NotFound);
    backend.release(lease(code, 2, 7)).await.unwrap();
    advance(ms(10 * limits.grace_ms)).await;
    assert_eq!(backend.expired(Instant::now()).await.unwrap(), []);

    // The next room with this code inherits nothing: no ids, no names, no retention mark, no seats.
    backend.create_room(NewRoom { code, epoch: Epoch(fresh()), capacity: 2 }).await.unwrap();
    let mut by_another = joined(3);
    by_another.by = member(1);
    stored(backend.append(code, by_another).await);
    let page = backend.read(code, From::Latest, 10).await.unwrap();
    assert_eq!(page.names, [(member(3), name(3))].into());
    assert!(!page.truncated);
    let mut same_id = message(3, "another");
    same_id.id = said.id;
    stored(backend.append(code, same_id).await);
    assert_eq!(heard.deliveries.recv().await, None);
}

pub(crate) async fn every_operation_fails_after_close(store: &Store) {
    let backend = store.open().await;
    let room = room_of(&*backend, 50, &[1]).await;
    let mut heard = backend.subscribe(room).await.unwrap();
    backend.close().await;
    refused!(backend.create_room(NewRoom { code: code(), epoch: Epoch(1), capacity: 2 }).await, Unavailable);
    refused!(backend.room(room).await, Unavailable);
    refused!(backend.append(room, message(1, "late")).await, Unavailable);
    refused!(backend.read(room, From::Latest, 10).await, Unavailable);
    refused!(backend.subscribe(room).await, Unavailable);
    refused!(backend.signal(room, typing(1)).await, Unavailable);
    refused!(backend.hold(lease(room, 1, 7), ms(1)).await, Unavailable);
    refused!(backend.release(lease(room, 1, 7)).await, Unavailable);
    refused!(backend.expired(Instant::now()).await, Unavailable);
    refused!(backend.keys().await, Unavailable);
    refused!(backend.ready().await, Unavailable);
    assert_eq!(heard.deliveries.recv().await, None, "a closed store is not an ended room");
    backend.close().await;
}

pub(crate) async fn appends_finish_or_fail_on_close(store: &Store) {
    let backend = store.open_with(&Limits { events: 10_000, ..Limits::default() }).await;
    let code = room_of(&*backend, 50, &[1]).await;
    let mut appends = JoinSet::new();
    for n in 0..3_000 {
        let appender = Arc::clone(&backend);
        appends.spawn(async move {
            let draft = message(1, &format!("{n}"));
            let id = draft.id;
            (id, appender.append(code, draft).await)
        });
        if n == 1_500 {
            tokio::task::yield_now().await;
            backend.close().await;
        }
    }
    let mut stored = Vec::new();
    for (id, result) in appends.join_all().await {
        match result {
            Ok(_) => stored.push(id),
            Err(BackendError::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let backend = store.open_with(&Limits { events: 10_000, ..Limits::default() }).await;
    let log = latest(&*backend, code).await;
    assert!(stored.iter().all(|id| log.iter().any(|event| event.id == *id)));
}

pub(crate) async fn keys_are_generated_once(store: &Store) {
    let backend = store.open().await;
    let keys = backend.keys().await.unwrap();
    assert_ne!(keys.signing, [0; 64]);
    assert_ne!(keys.member, [0; 32]);
    backend.close().await;
    assert_eq!(store.open().await.keys().await.unwrap(), keys);
    assert_ne!(Store::sqlite().open().await.keys().await.unwrap(), keys);
}
