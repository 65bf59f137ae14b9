//! A damaged row affects its own room only: other rooms are written, swept, and there after a restart.

use std::path::Path;

use futures_util::future::join_all;
use protocol::Limits;
use store::laws::support::{deleted, edited, latest, member, message, ms, room_of, stored};
use store::{Store, StoreError};
use tokio::time::{Instant, advance};

use crate::Place;

/// Changes the database, and asserts that this damages so many rows.
fn damage(path: &Path, rows: usize, sql: &str) {
    let faults = || store_sqlite::check::run(path).unwrap().faults;
    let before = faults();
    assert_eq!(rusqlite::Connection::open(path).unwrap().execute(sql, ()).unwrap(), rows, "{sql}");
    assert_ne!(faults(), before, "{sql}");
}

/// All appends are queued at once, so that most of them share a commit.
#[tokio::test(start_paused = true)]
async fn damaged_event_fails_no_other_write_of_its_batch() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let (ill, well) = (room_of(&store, 50, &[1]).await, room_of(&store, 50, &[1]).await);
    let lost = message(1, "soon unreadable");
    stored(store.append(ill, lost.clone()).await);
    let sound: Vec<u8> = rusqlite::Connection::open(place.path())
        .unwrap()
        .query_row("SELECT sealed FROM events WHERE room = 1 AND seq = 2", [], |row| row.get(0))
        .unwrap();
    damage(&place.path(), 1, "UPDATE events SET sealed = zeroblob(80) WHERE room = 1 AND seq = 2");

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
    let healed = rusqlite::Connection::open(place.path())
        .unwrap()
        .execute("UPDATE events SET sealed = ?1 WHERE room = 1 AND seq = 2", [sound])
        .unwrap();
    assert_eq!(healed, 1);
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
    store.close().await;
    for (table, rooms, rows) in [("rooms", "room IN (1, 5)", 2), ("members", "room = 2", 1), ("events", "room = 3", 1)]
    {
        damage(&place.path(), rows, &format!("UPDATE {table} SET sealed = zeroblob(80) WHERE {rooms}"));
    }
    let store = place.open().await.unwrap();
    advance(ms(Limits::default().grace_ms)).await;
    for _ in 0..2 {
        let seats = store.expire(Instant::now()).await.unwrap();
        let mut found: Vec<_> = seats.iter().map(|seat| seat.room).collect();
        found.sort();
        let mut expected = ids[2..].to_vec();
        expected.sort();
        assert_eq!(found, expected);
        assert!(seats.iter().all(|seat| seat.member == member(1)));
    }
    assert!(matches!(store.room(empty).await, Err(StoreError::NotFound)), "a room that nobody joined is still there");
}

#[tokio::test(start_paused = true)]
async fn damaged_room_does_not_prevent_a_start() {
    for (table, change) in [
        ("rooms", "sealed = zeroblob(80)"),
        ("rooms", "sealed = x''"),
        ("rooms", "sealed = (SELECT sealed FROM rooms WHERE room = 2)"),
        ("rooms", "slot = 2000000"),
        ("rooms", "slot = (SELECT slot FROM rooms WHERE room = 2)"),
        ("rooms", "slot = NULL"),
        ("members", "sealed = zeroblob(80)"),
        ("events", "sealed = x'00'"),
        ("events", "id = x'00'"),
        ("events", "seq = 7"),
        ("events", "seq = -1"),
    ] {
        let place = Place::new();
        let store = place.open().await.unwrap();
        let ill = room_of(&store, 50, &[1]).await;
        let well = room_of(&store, 50, &[1]).await;
        store.close().await;
        damage(&place.path(), 1, &format!("UPDATE {table} SET {change} WHERE room = 1"));
        let store = place.open().await.unwrap_or_else(|error| panic!("{table} {change}: {error:?}"));
        drop(store.append(ill, message(1, "where it stands now")).await);
        stored(store.append(well, message(1, "as before")).await);
        assert_eq!(latest(&store, well).await.len(), 2);
        advance(ms(Limits::default().grace_ms)).await;
        let seats = store.expire(Instant::now()).await.unwrap();
        assert!(seats.iter().any(|seat| seat.room == well), "{table} {change}: {seats:?}");
        store.close().await;
    }
}
