//! Laws of room codes: each leads to one room, from its creation to its end.

use std::sync::Arc;

use protocol::LeaveReason;
use tokio::task::JoinSet;

use super::Fixture;
use super::support::{code, joined, latest, left, member, new_room, nowhere, stored};
use crate::{StoreError, refused};

pub async fn law_13_code_leads_to_its_room_until_it_ends(fixture: &impl Fixture) {
    let mut store = fixture.open().await;
    let (code, unused) = (code(), code());
    let room = store.create_room(new_room(code, 2)).await.unwrap();
    stored(store.append(room, joined(1)).await);
    for _ in 0..2 {
        assert_eq!(store.resolve(code).await.unwrap(), room);
        let found = store.find(code).await.unwrap();
        assert_eq!((found.id, found.settings.code, found.has(member(1))), (room, code, true));
        assert_eq!(store.room(room).await.unwrap(), found);
        refused!(store.create_room(new_room(code, 2)).await, CodeTaken);
        refused!(store.resolve(unused).await, NotFound);
        refused!(store.find(unused).await, NotFound);
        refused!(store.room(nowhere()).await, NotFound);
        store.close().await;
        store = fixture.open().await;
    }
    stored(store.append(room, left(1, LeaveReason::Choice)).await);
    refused!(store.resolve(code).await, NotFound);
    refused!(store.find(code).await, NotFound);

    let next = store.create_room(new_room(code, 2)).await.unwrap();
    assert_ne!(next, room);
    assert_eq!(store.resolve(code).await.unwrap(), next);
    refused!(store.room(room).await, NotFound);
    refused!(store.append(room, joined(1)).await, NotFound);
    assert_eq!(latest(&*store, next).await, []);
}

pub async fn law_13_one_of_concurrent_creations_gets_the_code(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for round in 0..10 {
        let code = code();
        // In every second round the code has been in use before.
        if round % 2 == 1 {
            let room = store.create_room(new_room(code, 2)).await.unwrap();
            stored(store.append(room, joined(1)).await);
            stored(store.append(room, left(1, LeaveReason::Choice)).await);
        }
        let mut creations = JoinSet::new();
        for _ in 0..8 {
            let store = Arc::clone(&store);
            creations.spawn(async move { store.create_room(new_room(code, 2)).await });
        }
        let (created, refused): (Vec<_>, Vec<_>) = creations.join_all().await.into_iter().partition(Result::is_ok);
        assert!(refused.iter().all(|refusal| matches!(refusal, Err(StoreError::CodeTaken))), "{refused:?}");
        let [Ok(room)] = created[..] else { panic!("{created:?}") };
        assert_eq!(store.resolve(code).await.unwrap(), room);
        stored(store.append(room, joined(1)).await);
    }
}

pub async fn law_13_creation_racing_the_end_gets_the_code_or_is_refused(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for round in 0..40 {
        let code = code();
        let old = store.create_room(new_room(code, 2)).await.unwrap();
        stored(store.append(old, joined(1)).await);
        let end = store.append(old, left(1, LeaveReason::Choice));
        let creation = store.create_room(new_room(code, 2));
        let (end, creation) = if round % 2 == 0 {
            tokio::join!(end, creation)
        } else {
            let (creation, end) = tokio::join!(creation, end);
            (end, creation)
        };
        stored(end);
        refused!(store.room(old).await, NotFound);
        match creation {
            Ok(new) => {
                assert_eq!(store.resolve(code).await.unwrap(), new);
                // The purge of the old room left the new one whole.
                stored(store.append(new, joined(2)).await);
                assert!(store.find(code).await.unwrap().has(member(2)));
            }
            Err(StoreError::CodeTaken) => refused!(store.resolve(code).await, NotFound),
            Err(other) => panic!("{other:?}"),
        }
    }
}
