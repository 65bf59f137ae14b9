//! Laws of room codes: each leads to one room, from its creation to its end.

use std::sync::Arc;

use protocol::LeaveReason;
use tokio::task::JoinSet;

use super::Fixture;
use super::support::{code, joined, latest, left, member, new_room, nowhere, stored};
use crate::{BackendError, refused};

pub async fn law_13_code_leads_to_its_room_until_it_ends(fixture: &impl Fixture) {
    let mut backend = fixture.open().await;
    let (code, unused) = (code(), code());
    let room = backend.create_room(new_room(code, 2)).await.unwrap();
    stored(backend.append(room, joined(1)).await);
    for _ in 0..2 {
        assert_eq!(backend.resolve(code).await.unwrap(), room);
        let found = backend.find(code).await.unwrap();
        assert_eq!((found.id, found.code, found.has(member(1))), (room, code, true));
        assert_eq!(backend.room(room).await.unwrap(), found);
        refused!(backend.create_room(new_room(code, 2)).await, Conflict);
        refused!(backend.resolve(unused).await, NotFound);
        refused!(backend.find(unused).await, NotFound);
        refused!(backend.room(nowhere()).await, NotFound);
        backend.close().await;
        backend = fixture.open().await;
    }
    stored(backend.append(room, left(1, LeaveReason::Choice)).await);
    refused!(backend.resolve(code).await, NotFound);
    refused!(backend.find(code).await, NotFound);

    let next = backend.create_room(new_room(code, 2)).await.unwrap();
    assert_ne!(next, room);
    assert_eq!(backend.resolve(code).await.unwrap(), next);
    refused!(backend.room(room).await, NotFound);
    refused!(backend.append(room, joined(1)).await, NotFound);
    assert_eq!(latest(&*backend, next).await, []);
}

pub async fn law_13_one_of_concurrent_creations_gets_the_code(fixture: &impl Fixture) {
    let backend = fixture.open().await;
    for round in 0..10 {
        let code = code();
        // In every second round the code has been in use before.
        if round % 2 == 1 {
            let room = backend.create_room(new_room(code, 2)).await.unwrap();
            stored(backend.append(room, joined(1)).await);
            stored(backend.append(room, left(1, LeaveReason::Choice)).await);
        }
        let mut creations = JoinSet::new();
        for _ in 0..8 {
            let backend = Arc::clone(&backend);
            creations.spawn(async move { backend.create_room(new_room(code, 2)).await });
        }
        let (created, refused): (Vec<_>, Vec<_>) = creations.join_all().await.into_iter().partition(Result::is_ok);
        assert!(refused.iter().all(|refusal| matches!(refusal, Err(BackendError::Conflict))), "{refused:?}");
        let [Ok(room)] = created[..] else { panic!("{created:?}") };
        assert_eq!(backend.resolve(code).await.unwrap(), room);
        stored(backend.append(room, joined(1)).await);
    }
}

pub async fn law_13_creation_racing_the_end_gets_the_code_or_conflict(fixture: &impl Fixture) {
    let backend = fixture.open().await;
    for round in 0..40 {
        let code = code();
        let old = backend.create_room(new_room(code, 2)).await.unwrap();
        stored(backend.append(old, joined(1)).await);
        let end = backend.append(old, left(1, LeaveReason::Choice));
        let creation = backend.create_room(new_room(code, 2));
        let (end, creation) = if round % 2 == 0 {
            tokio::join!(end, creation)
        } else {
            let (creation, end) = tokio::join!(creation, end);
            (end, creation)
        };
        stored(end);
        refused!(backend.room(old).await, NotFound);
        match creation {
            Ok(new) => {
                assert_eq!(backend.resolve(code).await.unwrap(), new);
                // The purge of the old room left the new one whole.
                stored(backend.append(new, joined(2)).await);
                assert!(backend.find(code).await.unwrap().has(member(2)));
            }
            Err(BackendError::Conflict) => refused!(backend.resolve(code).await, NotFound),
            Err(other) => panic!("{other:?}"),
        }
    }
}
