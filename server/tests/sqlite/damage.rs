//! A damaged row affects its own room only: other rooms are written, swept, and there after a restart.

use std::path::Path;

use futures_util::future::join_all;
use protocol::{Limits, RoomId};
use store::{Store, StoreError};
use tokio::time::{Instant, advance};

use crate::support::{deleted, edited, latest, member, message, ms, room_of, stored};
use crate::{Place, execute};

const UNREADABLE: &str = r#"{"kind":7}"#;

/// Changes the rows of one room in this table, and no others.
fn damage(path: &Path, table: &str, change: &str, id: RoomId) {
    let id = id.0.simple();
    execute(path, &format!("UPDATE {table} SET {change} WHERE room = (SELECT room FROM rooms WHERE id = x'{id}')"));
}

/// All appends are queued at once, so that most of them share a commit.
#[tokio::test(start_paused = true)]
async fn damaged_event_fails_no_other_write_of_its_batch() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let (ill, well) = (room_of(&store, 50, &[1]).await, room_of(&store, 50, &[1]).await);
    let lost = message(1, "soon unreadable");
    stored(store.append(ill, lost.clone()).await);
    damage(&place.path(), "events", &format!("kind = '{UNREADABLE}'"), ill);

    let mut drafts = Vec::new();
    for n in 0..60 {
        drafts.push((well, message(1, &format!("{n}"))));
        drafts.push((ill, message(1, &format!("{n}"))));
        drafts.push((ill, if n % 2 == 0 { edited(1, lost.id, "?") } else { deleted(1, lost.id) }));
    }
    let outcomes = join_all(drafts.iter().map(|(id, draft)| store.append(*id, draft.clone()))).await;
    for (n, outcome) in outcomes.into_iter().enumerate() {
        match n % 3 {
            2 => assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}"),
            _ => drop(stored(outcome)),
        }
    }
    let log = latest(&store, well).await;
    assert_eq!(log.len(), 61);
    assert!(matches!(store.read(ill, store::ReadFrom::Latest, 100).await, Err(StoreError::Corrupt(_))));
    assert_eq!(store.room(ill).await.unwrap().position.seq.0, 62, "a refused write moved the room's head");
    store.close().await;

    // Everything that was committed beside the damaged row is intact.
    let sound = "SELECT kind FROM events AS other WHERE other.room = events.room AND other.seq = 3";
    execute(&place.path(), &format!("UPDATE events SET kind = ({sound}) WHERE kind = '{UNREADABLE}'"));
    let store = place.open().await.unwrap();
    assert_eq!(latest(&store, well).await, log);
    assert_eq!(latest(&store, ill).await.len(), 62);
}

#[tokio::test(start_paused = true)]
async fn damaged_room_does_not_stop_the_sweep() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(room_of(&store, 50, &[1]).await);
    }
    let empty = room_of(&store, 50, &[]).await;
    for (id, table, change) in [
        (ids[0], "rooms", "capacity = -1"),
        (ids[1], "names", "name = ''"),
        (ids[2], "events", "kind = 'nonsense'"),
        (empty, "rooms", "capacity = -1"),
    ] {
        damage(&place.path(), table, change, id);
    }
    advance(ms(Limits::default().arrival_ms)).await;
    for _ in 0..2 {
        let seats = store.expire(Instant::now()).await.unwrap();
        let mut found: Vec<_> = seats.iter().map(|seat| seat.room).collect();
        found.sort();
        // A seat with an unreadable name can still be freed.
        let mut expected = ids[1..].to_vec();
        expected.sort();
        assert_eq!(found, expected);
        assert!(seats.iter().all(|seat| seat.member == member(1)));
    }
    assert!(matches!(store.room(empty).await, Err(StoreError::NotFound)), "a room that nobody joined is still there");
}

#[tokio::test(start_paused = true)]
async fn damaged_room_does_not_prevent_a_start() {
    for (table, change) in [
        ("rooms", "code = 'no code'"),
        ("rooms", "code = CAST(x'ff' AS TEXT)"),
        ("rooms", "id = x'00'"),
        ("rooms", "capacity = -1"),
        ("seats", "member = x'00'"),
        ("names", "name = ''"),
        ("events", "id = x'00'"),
    ] {
        let place = Place::new();
        let store = place.open().await.unwrap();
        let (ill, well) = (room_of(&store, 50, &[1]).await, room_of(&store, 50, &[1]).await);
        store.close().await;
        damage(&place.path(), table, change, ill);
        let store = place.open().await.unwrap_or_else(|error| panic!("{table} {change}: {error:?}"));
        stored(store.append(well, message(1, "as before")).await);
        assert_eq!(latest(&store, well).await.len(), 2);
        advance(ms(Limits::default().grace_ms)).await;
        let seats = store.expire(Instant::now()).await.unwrap();
        assert!(seats.iter().any(|seat| seat.room == well), "{table} {change}: {seats:?}");
        store.close().await;
    }
}
