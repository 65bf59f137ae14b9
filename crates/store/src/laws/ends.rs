//! Laws about endings: of a room, of an earlier room with the same id, and of the store.

use std::sync::Arc;

use protocol::{Epoch, LeaveReason, Limits, Position, RoomName, Seq};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};

use super::Fixture;
use super::support::{
    code, joined, latest, lease, left, member, message, ms, name, new_room, next, room_of, stored, typing,
};
use crate::{Delivery, NewRoom, ReadFrom, Room, Settings, StoreError, refused};

pub async fn law_06_recreated_room_resets_old_positions(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1]).await;
    let Room { settings: Settings { code, .. }, position: old, .. } = store.room(id).await.unwrap();
    stored(store.append(id, left(1, LeaveReason::Choice)).await);
    refused!(store.read(id, ReadFrom::After(old), 10).await, NotFound);

    let id = store
        .create_room(NewRoom { code, epoch: Epoch(u64::MAX), capacity: 2, name: RoomName::default() })
        .await
        .unwrap();
    stored(store.append(id, joined(2)).await);
    let new = store.room(id).await.unwrap();
    assert_eq!(new.position.epoch, Epoch(u64::MAX));
    assert_eq!(new.members.len(), 1);
    refused!(store.read(id, ReadFrom::After(old), 10).await, Reset);
    refused!(store.read(id, ReadFrom::After(Position { seq: Seq(0), ..old }), 10).await, Reset);
    assert_eq!(latest(&*store, id).await.len(), 1, "events of the first room are visible");
}

pub async fn law_08_room_that_nobody_joined_ends_after_its_arrival_time(fixture: &impl Fixture) {
    let limits = Limits::default();
    let store = fixture.open_with(&limits).await;
    let empty = room_of(&*store, 50, &[]).await;
    let lived = room_of(&*store, 50, &[1]).await;
    let mut heard = store.subscribe(empty).await.unwrap();
    advance(ms(limits.arrival_ms - 1)).await;
    store.expire(Instant::now()).await.unwrap();
    assert_eq!(store.room(empty).await.unwrap().members, []);
    advance(ms(1)).await;
    assert_eq!(store.expire(Instant::now()).await.unwrap().len(), 1);
    refused!(store.room(empty).await, NotFound);
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
    assert_eq!(heard.deliveries.recv().await, None);
    assert!(store.room(lived).await.is_ok());

    let empty = room_of(&*store, 50, &[]).await;
    store.close().await;
    let store = fixture.open_with(&limits).await;
    store.expire(Instant::now()).await.unwrap();
    assert!(store.room(empty).await.is_ok());
    advance(ms(limits.arrival_ms)).await;
    store.expire(Instant::now()).await.unwrap();
    refused!(store.room(empty).await, NotFound);
}

pub async fn law_10_ended_room_leaves_nothing_behind(fixture: &impl Fixture) {
    let limits = Limits { events: 3, ..Limits::default() };
    let store = fixture.open_with(&limits).await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    let code = store.room(id).await.unwrap().settings.code;
    let said = message(1, "remember me");
    for draft in [said.clone(), message(1, "b"), message(1, "c"), left(1, LeaveReason::Choice)] {
        stored(store.append(id, draft).await);
    }
    let mut heard = store.subscribe(id).await.unwrap();
    store.acquire_lease(lease(id, 2, 7), ms(1_000)).await.unwrap();
    assert_ne!(fixture.remains().await, [""; 0], "nothing is found of a room: this proves nothing");
    let last = left(2, LeaveReason::Choice);
    let end = stored(store.append(id, last.clone()).await);

    assert_eq!(next(&mut heard).await, end);
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
    assert_eq!(heard.deliveries.recv().await, None);
    refused!(store.resolve(code).await, NotFound);
    refused!(store.find(code).await, NotFound);
    refused!(store.room(id).await, NotFound);
    refused!(store.read(id, ReadFrom::Latest, 10).await, NotFound);
    refused!(store.subscribe(id).await, NotFound);
    refused!(store.append(id, last).await, NotFound);
    refused!(store.acquire_lease(lease(id, 2, 7), ms(1_000)).await, NotFound);
    store.release_lease(lease(id, 2, 7)).await.unwrap();
    advance(ms(10 * limits.grace_ms)).await;
    assert_eq!(store.expire(Instant::now()).await.unwrap(), []);
    assert_eq!(fixture.remains().await, [""; 0]);

    // The next room with this code inherits nothing: no ids, no names, no retention mark, no seats.
    let id = store.create_room(new_room(code, 2)).await.unwrap();
    let mut by_another = joined(3);
    by_another.by = member(1);
    stored(store.append(id, by_another).await);
    let page = store.read(id, ReadFrom::Latest, 10).await.unwrap();
    assert_eq!(page.names, [(member(3), name(3).into())].into());
    assert!(!page.truncated);
    let mut same_id = message(3, "another");
    same_id.id = said.id;
    stored(store.append(id, same_id).await);
    assert_eq!(heard.deliveries.recv().await, None);
}

pub async fn law_11_every_operation_fails_after_close(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let room = room_of(&*store, 50, &[1]).await;
    let mut heard = store.subscribe(room).await.unwrap();
    store.close().await;
    refused!(store.create_room(new_room(code(), 2)).await, Unavailable);
    refused!(store.resolve(code()).await, Unavailable);
    refused!(store.find(code()).await, Unavailable);
    refused!(store.room(room).await, Unavailable);
    refused!(store.append(room, message(1, "late")).await, Unavailable);
    refused!(store.read(room, ReadFrom::Latest, 10).await, Unavailable);
    refused!(store.subscribe(room).await, Unavailable);
    refused!(store.send_presence(room, typing(1)).await, Unavailable);
    refused!(store.acquire_lease(lease(room, 1, 7), ms(1)).await, Unavailable);
    refused!(store.release_lease(lease(room, 1, 7)).await, Unavailable);
    refused!(store.expire(Instant::now()).await, Unavailable);
    refused!(store.keys().await, Unavailable);
    refused!(store.check_ready().await, Unavailable);
    assert_eq!(heard.deliveries.recv().await, None, "a closed store is not an ended room");
    store.close().await;
}

pub async fn law_11_appends_finish_or_fail_on_close(fixture: &impl Fixture) {
    let store = fixture.open_with(&Limits { events: 10_000, ..Limits::default() }).await;
    let id = room_of(&*store, 50, &[1]).await;
    let mut appends = JoinSet::new();
    for n in 0..3_000 {
        let appender = Arc::clone(&store);
        appends.spawn(async move {
            let draft = message(1, &format!("{n}"));
            (draft.id, appender.append(id, draft).await)
        });
        if n == 1_500 {
            tokio::task::yield_now().await;
            store.close().await;
        }
    }
    let mut stored = Vec::new();
    for (id, result) in appends.join_all().await {
        match result {
            Ok(_) => stored.push(id),
            Err(StoreError::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let store = fixture.open_with(&Limits { events: 10_000, ..Limits::default() }).await;
    let log = latest(&*store, id).await;
    assert!(stored.iter().all(|id| log.iter().any(|event| event.id == *id)));
}

pub async fn keys_are_generated_once<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let keys = store.keys().await.unwrap();
    assert_ne!(keys.signing, [0; 64]);
    assert_ne!(keys.member, [0; 32]);
    store.close().await;
    assert_eq!(fixture.open().await.keys().await.unwrap(), keys);
    assert_ne!(F::new().open().await.keys().await.unwrap(), keys);
}
