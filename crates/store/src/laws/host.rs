//! Laws of what the host decides.

use std::sync::Arc;

use protocol::{EventKind, LeaveReason, RoomChange};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Fixture;
use super::support::{
    changed, code, code_renewed, edited, ended, handed_over, joined, left, locked, member, message, new_room, next,
    removed, room_of, stored,
};
use crate::{Appended, Delivery, Store, StoreError, refused};

pub async fn law_16_locked_room_takes_nobody_in_and_keeps_its_members(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    refused!(store.append(id, locked(2, true)).await, NotHost);
    let lock = locked(1, true);
    let event = stored(store.append(id, lock.clone()).await);
    assert_eq!(store.append(id, lock).await.unwrap(), Appended::Duplicate(event));
    refused!(store.append(id, joined(3)).await, Locked);
    refused!(store.append(id, joined(2)).await, Conflict);
    stored(store.append(id, message(2, "still here")).await);
    store.close().await;
    let store = fixture.open().await;
    assert!(store.room(id).await.unwrap().settings.locked);
    refused!(store.append(id, joined(3)).await, Locked);
    stored(store.append(id, locked(1, false)).await);
    stored(store.append(id, joined(3)).await);
}

pub async fn law_16_removed_member_gets_no_seat_again(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2, 3]).await;
    let mut heard = store.subscribe(id).await.unwrap();
    refused!(store.append(id, removed(2, 3)).await, NotHost);
    refused!(store.append(id, removed(4, 3)).await, NotHost);
    refused!(store.append(id, removed(1, 1)).await, Conflict);
    refused!(store.append(id, removed(1, 4)).await, Conflict);
    let event = stored(store.append(id, removed(1, 3)).await);
    assert_eq!(next(&mut heard).await, event);
    assert_eq!((event.by, event.kind), (member(1), EventKind::Left { member: member(3), why: LeaveReason::Removed }));
    refused!(store.append(id, message(3, "?")).await, Conflict);
    store.close().await;
    let store = fixture.open().await;
    refused!(store.append(id, joined(3)).await, Removed);
    stored(store.append(id, joined(4)).await);
}

pub async fn law_16_host_hands_over_and_the_new_host_decides(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    refused!(store.append(id, handed_over(2, 2)).await, NotHost);
    refused!(store.append(id, handed_over(1, 3)).await, Conflict);
    stored(store.append(id, handed_over(1, 2)).await);
    assert_eq!(store.room(id).await.unwrap().settings.host, Some(member(2)));
    refused!(store.append(id, locked(1, true)).await, NotHost);
    stored(store.append(id, removed(2, 1)).await);
}

pub async fn law_16_only_the_host_writes_where_that_is_set(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    let said = stored(store.append(id, message(2, "before")).await);
    let host_only = |on| changed(1, RoomChange { host_only: Some(on), ..RoomChange::default() });
    stored(store.append(id, host_only(true)).await);
    refused!(store.append(id, message(2, "?")).await, HostOnly);
    refused!(store.append(id, edited(2, said.id, "?")).await, HostOnly);
    stored(store.append(id, message(1, "!")).await);
    stored(store.append(id, host_only(false)).await);
    stored(store.append(id, message(2, "again")).await);
}

pub async fn law_16_capacity_is_never_below_the_number_of_members(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 3, &[1, 2, 3]).await;
    let capacity = |seats| changed(1, RoomChange { capacity: Some(seats), ..RoomChange::default() });
    refused!(store.append(id, joined(4)).await, Full);
    refused!(store.append(id, capacity(2)).await, Full);
    stored(store.append(id, capacity(4)).await);
    stored(store.append(id, joined(4)).await);
    refused!(store.append(id, joined(5)).await, Full);
}

pub async fn law_13_renewed_code_leads_to_the_room_and_the_old_one_stays_taken(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let codes: Vec<_> = (0..12).map(|_| code()).collect();
    let id = store.create_room(new_room(codes[0], 50)).await.unwrap();
    stored(store.append(id, joined(1)).await);
    let other = store.create_room(new_room(code(), 50)).await.unwrap();
    let taken = store.room(other).await.unwrap().settings.code;
    refused!(store.append(id, code_renewed(1, taken)).await, CodeTaken);
    refused!(store.append(id, code_renewed(1, codes[0])).await, CodeTaken);
    let renewed = renew_all(&*store, id, &codes[1..]).await;
    store.close().await;
    let store = fixture.open().await;
    assert_eq!(store.room(id).await.unwrap().settings.code, *renewed.last().unwrap());
    let kept = renewed.len() - 9;
    for code in &renewed[kept..] {
        assert_eq!(store.resolve(*code).await.unwrap(), id);
        refused!(store.create_room(new_room(*code, 2)).await, CodeTaken);
    }
    for code in &renewed[..kept] {
        refused!(store.resolve(*code).await, NotFound);
    }
    stored(store.append(id, left(1, LeaveReason::Choice)).await);
    for code in renewed {
        refused!(store.resolve(code).await, NotFound);
        store.create_room(new_room(code, 2)).await.unwrap();
    }
}

/// Gives the room one code after the other, each drawn until the store takes it, and returns those that it had.
async fn renew_all(store: &dyn Store, id: protocol::RoomId, codes: &[protocol::RoomCode]) -> Vec<protocol::RoomCode> {
    let mut had = vec![store.room(id).await.unwrap().settings.code];
    for code in codes {
        let mut drawn = *code;
        had.push(loop {
            match store.append(id, code_renewed(1, drawn)).await {
                Err(StoreError::CodeTaken) => drawn = super::support::code(),
                renewed => {
                    stored(renewed);
                    break drawn;
                }
            }
        });
    }
    had
}

pub async fn law_10_room_ended_by_its_host_leaves_nothing_behind(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    let first = store.room(id).await.unwrap().settings.code;
    let codes = renew_all(&*store, id, &[code(), code()]).await;
    assert_eq!(codes[0], first);
    let mut heard = store.subscribe(id).await.unwrap();
    refused!(store.append(id, ended(2)).await, NotHost);
    let event = stored(store.append(id, ended(1)).await);
    assert_eq!(next(&mut heard).await, event);
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
    refused!(store.append(id, message(2, "?")).await, NotFound);
    for code in codes {
        refused!(store.resolve(code).await, NotFound);
    }
    assert_eq!(store.expire(Instant::now()).await.unwrap(), []);
    assert_eq!(fixture.remains().await, [""; 0]);
    store.close().await;
    let store = fixture.open().await;
    refused!(store.room(id).await, NotFound);
}

pub async fn law_16_concurrent_host_actions_are_each_decided_against_one_host(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2, 3]).await;
    let mut actions = JoinSet::new();
    for n in 0..99u64 {
        let by = 1 + n % 3;
        let draft = match n % 4 {
            0 => locked(by, n % 8 == 0),
            1 => handed_over(by, 1 + (n + 1) % 3),
            2 => changed(by, RoomChange { host_only: Some(n % 8 == 2), ..RoomChange::default() }),
            _ => removed(by, 4 + n),
        };
        let store = Arc::clone(&store);
        actions.spawn(async move { store.append(id, draft).await });
    }
    for outcome in actions.join_all().await {
        assert!(
            matches!(outcome, Ok(Appended::Stored(_)) | Err(StoreError::NotHost | StoreError::Conflict)),
            "{outcome:?}"
        );
    }
    let mut host = member(1);
    for event in super::support::latest(&*store, id).await {
        match event.kind {
            EventKind::Host { member } => {
                assert_eq!(event.by, host, "who handed over was not the host");
                host = member;
            }
            EventKind::Settings(_) => assert_eq!(event.by, host, "another member changed the room"),
            _ => {}
        }
    }
    assert_eq!(store.room(id).await.unwrap().settings.host, Some(host));
}
