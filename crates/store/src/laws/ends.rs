//! Laws about endings: of a room, of an earlier room with the same id, and of the store.

use std::sync::Arc;

use protocol::{Epoch, LeaveReason, Limits, Position, Seq};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};

use super::Fixture;
use super::support::{
    code, joined, latest, lease, left, member, message, ms, name, new_room, next, room_of, stored, typing,
};
use crate::{BackendError, Delivery, From, NewRoom, Room, refused};

pub async fn law_06_recreated_room_resets_old_positions(fixture: &impl Fixture) {
    let backend = fixture.open().await;
    let id = room_of(&*backend, 50, &[1]).await;
    let Room { code, position: old, .. } = backend.room(id).await.unwrap();
    stored(backend.append(id, left(1, LeaveReason::Choice)).await);
    refused!(backend.read(id, From::After(old), 10).await, NotFound);

    let id = backend.create_room(NewRoom { code, epoch: Epoch(u64::MAX), capacity: 2 }).await.unwrap();
    stored(backend.append(id, joined(2)).await);
    let new = backend.room(id).await.unwrap();
    assert_eq!(new.position.epoch, Epoch(u64::MAX));
    assert_eq!(new.members.len(), 1);
    refused!(backend.read(id, From::After(old), 10).await, Reset);
    refused!(backend.read(id, From::After(Position { seq: Seq(0), ..old }), 10).await, Reset);
    assert_eq!(latest(&*backend, id).await.len(), 1, "events of the first room are visible");
}

pub async fn law_08_room_that_nobody_joined_ends_after_its_arrival_time(fixture: &impl Fixture) {
    let limits = Limits::default();
    let backend = fixture.open_with(&limits).await;
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
    let backend = fixture.open_with(&limits).await;
    backend.expired(Instant::now()).await.unwrap();
    assert!(backend.room(empty).await.is_ok());
    advance(ms(limits.arrival_ms)).await;
    backend.expired(Instant::now()).await.unwrap();
    refused!(backend.room(empty).await, NotFound);
}

pub async fn law_10_ended_room_leaves_nothing_behind(fixture: &impl Fixture) {
    let limits = Limits { events: 3, ..Limits::default() };
    let backend = fixture.open_with(&limits).await;
    let id = room_of(&*backend, 50, &[1, 2]).await;
    let code = backend.room(id).await.unwrap().code;
    let said = message(1, "remember me");
    for draft in [said.clone(), message(1, "b"), message(1, "c"), left(1, LeaveReason::Choice)] {
        stored(backend.append(id, draft).await);
    }
    let mut heard = backend.subscribe(id).await.unwrap();
    backend.hold(lease(id, 2, 7), ms(1_000)).await.unwrap();
    assert_ne!(fixture.remains().await, [""; 0], "nothing is found of a room: this proves nothing");
    let last = left(2, LeaveReason::Choice);
    let end = stored(backend.append(id, last.clone()).await);

    assert_eq!(next(&mut heard).await, end);
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
    assert_eq!(heard.deliveries.recv().await, None);
    refused!(backend.resolve(code).await, NotFound);
    refused!(backend.find(code).await, NotFound);
    refused!(backend.room(id).await, NotFound);
    refused!(backend.read(id, From::Latest, 10).await, NotFound);
    refused!(backend.subscribe(id).await, NotFound);
    refused!(backend.append(id, last).await, NotFound);
    refused!(backend.hold(lease(id, 2, 7), ms(1_000)).await, NotFound);
    backend.release(lease(id, 2, 7)).await.unwrap();
    advance(ms(10 * limits.grace_ms)).await;
    assert_eq!(backend.expired(Instant::now()).await.unwrap(), []);
    assert_eq!(fixture.remains().await, [""; 0]);

    // The next room with this id inherits nothing: no ids, no names, no retention mark, no seats.
    let id = backend.create_room(new_room(code, 2)).await.unwrap();
    let mut by_another = joined(3);
    by_another.by = member(1);
    stored(backend.append(id, by_another).await);
    let page = backend.read(id, From::Latest, 10).await.unwrap();
    assert_eq!(page.names, [(member(3), name(3))].into());
    assert!(!page.truncated);
    let mut same_id = message(3, "another");
    same_id.id = said.id;
    stored(backend.append(id, same_id).await);
    assert_eq!(heard.deliveries.recv().await, None);
}

pub async fn law_11_every_operation_fails_after_close(fixture: &impl Fixture) {
    let backend = fixture.open().await;
    let room = room_of(&*backend, 50, &[1]).await;
    let mut heard = backend.subscribe(room).await.unwrap();
    backend.close().await;
    refused!(backend.create_room(new_room(code(), 2)).await, Unavailable);
    refused!(backend.resolve(code()).await, Unavailable);
    refused!(backend.find(code()).await, Unavailable);
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

pub async fn law_11_appends_finish_or_fail_on_close(fixture: &impl Fixture) {
    let backend = fixture.open_with(&Limits { events: 10_000, ..Limits::default() }).await;
    let id = room_of(&*backend, 50, &[1]).await;
    let mut appends = JoinSet::new();
    for n in 0..3_000 {
        let appender = Arc::clone(&backend);
        appends.spawn(async move {
            let draft = message(1, &format!("{n}"));
            (draft.id, appender.append(id, draft).await)
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
    let backend = fixture.open_with(&Limits { events: 10_000, ..Limits::default() }).await;
    let log = latest(&*backend, id).await;
    assert!(stored.iter().all(|id| log.iter().any(|event| event.id == *id)));
}

pub async fn keys_are_generated_once<F: Fixture>(fixture: &F) {
    let backend = fixture.open().await;
    let keys = backend.keys().await.unwrap();
    assert_ne!(keys.signing, [0; 64]);
    assert_ne!(keys.member, [0; 32]);
    backend.close().await;
    assert_eq!(fixture.open().await.keys().await.unwrap(), keys);
    assert_ne!(F::new().open().await.keys().await.unwrap(), keys);
}
