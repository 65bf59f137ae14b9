//! Tests of batches that share a commit.

use std::os::unix::fs::FileExt as _;

use super::*;

/// Damages the first page of a table in the file, and lets the writer read it again.
fn damage(writer: &Writer, path: &Path, table: &str) {
    assert!(schema::checkpoint(&writer.conn).unwrap());
    let page: u32 =
        writer.conn.query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0)).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(&[0xff; 4_096], u64::from(page - 1) * 4_096).unwrap();
    // Closing it would release the locks of SQLite.
    std::mem::forget(file);
    writer.conn.execute_batch("PRAGMA shrink_memory").unwrap();
    let read: Result<i64, _> = writer.conn.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0));
    read.expect_err("nothing is damaged");
}

/// A row that cannot be read refuses one write alone. A statement that writes may have changed something.
#[test]
fn error_of_a_writing_statement_fails_the_batch() {
    let corrupt = || rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), None);
    assert!(matches!(Failure::from(corrupt()), Failure(StoreError::Corrupt(_))));
    assert!(matches!(Failure::of_write(corrupt()), Failure(StoreError::Unavailable(_))));
}

#[test]
fn write_that_meets_a_damaged_page_rolls_its_batch_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flasky.db");
    let (mut writer, reader, room) = open(&path);
    damage(&writer, &path, "members");
    let mut heard = writer.live.lock().subscribe(room).unwrap();
    let name: DisplayName = "B".parse().unwrap();
    let (join, joined) = write(room, 3, EventKind::Joined { member: MemberId(Uuid::max()), name: name.into() });
    let ((first, said), (second, also_said)) = (small(room, 2), small(room, 4));
    writer.commit(vec![first, join, second]);
    for answer in [said, joined, also_said] {
        assert!(matches!(answer.blocking_recv().unwrap(), Err(StoreError::Unavailable(_))));
    }
    assert!(heard.try_recv().is_err(), "an event was delivered that is not stored");
    assert_eq!((count(&writer, "events"), writer.rooms.read().get(room).unwrap().position().seq), (1, Seq(1)));
    assert_eq!(reader.read(room, ReadFrom::Latest, 9).unwrap().events.len(), 1);
    // What meets no damaged page goes on.
    let (again, stored) = small(room, 2);
    writer.commit(vec![again]);
    assert!(matches!(stored.blocking_recv().unwrap(), Ok(Appended::Stored(event)) if event.seq == Seq(2)));
}

#[test]
fn page_read_between_a_commit_and_its_state_waits_for_the_state() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, reader, room) = open(&directory.path().join("flasky.db"));
    writer.commit(vec![small(room, 100).0]);
    let body = "changed".parse().unwrap();
    let (edit, _answer) =
        write(room, 101, EventKind::Edited { target: EventId(Uuid::from_u128(100)), body: Some(body) });
    let rooms = writer.rooms.clone();
    let committing = rooms.commit();
    let (_, changes) = writer.store(&[edit]).unwrap();
    let reading = std::thread::spawn(move || reader.read(room, ReadFrom::Latest, 100));
    // Enough for all tries of a reader that does not wait.
    let until = std::time::Instant::now() + Duration::from_millis(300);
    while !reading.is_finished() && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    writer.publish(changes, &[]);
    drop(committing);
    let events = reading.join().unwrap().unwrap().events;
    assert!(matches!(&events[1].kind, EventKind::Message { body: Some(body), .. } if body.as_str() == "changed"));
}

#[test]
fn lease_is_taken_of_no_seat_that_a_commit_is_freeing() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, _, room) = open(&directory.path().join("flasky.db"));
    let other = MemberId(Uuid::max());
    let (join, joined) =
        write(room, 2, EventKind::Joined { member: other, name: "B".parse::<DisplayName>().unwrap().into() });
    writer.commit(vec![join]);
    joined.blocking_recv().unwrap().unwrap();
    let lease = Lease { room, member: other, id: Uuid::from_u128(5) };
    let later = Instant::now() + Duration::from_secs(86_400);
    let hold = |writer: &Writer| writer.live.lock().hold(lease, later, later + Duration::from_secs(1));
    let leave = || {
        let (mut leave, answer) = write(room, 3, EventKind::Left { member: other, why: LeaveReason::Vanished });
        let Write::Append { now, .. } = &mut leave else { unreachable!() };
        *now = later;
        (leave, answer)
    };

    // A commit that fails frees nothing.
    let pages: i64 = writer.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    writer.conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let (batch, answers): (Vec<_>, Vec<_>) =
        [leave()].into_iter().chain((100..110).map(|id| message(room, id))).unzip();
    writer.commit(batch);
    for answer in answers {
        assert!(matches!(answer.blocking_recv().unwrap(), Err(StoreError::Unavailable(_))));
    }
    assert_eq!(hold(&writer), Hold::Held);
    writer.conn.pragma_update_and_check(None, "max_page_count", 1_000_000, |_| Ok(())).unwrap();
    let (held, refused) = leave();
    writer.commit(vec![held]);
    assert!(matches!(refused.blocking_recv().unwrap(), Err(StoreError::Conflict)));
    assert_eq!(hold(&writer), Hold::Held);

    writer.live.lock().release(lease);
    let batch = vec![leave().0];
    let (outcomes, changes) = writer.store(&batch).unwrap();
    assert_eq!(hold(&writer), Hold::Undecided, "the commit is made, and told to nobody yet");
    writer.publish(changes, &batch.into_iter().zip(outcomes).collect::<Vec<_>>());
    assert_eq!(hold(&writer), Hold::NoSeat);
}

#[test]
fn refused_write_does_not_roll_back_its_batch() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, reader, room) = open(&directory.path().join("flasky.db"));
    let (first, stored) = message(room, 2);
    let (stranger, conflict) = {
        let (reply, answer) = oneshot::channel();
        let kind = EventKind::message("?".parse().unwrap());
        let draft = NewEvent {
            id: EventId(Uuid::from_u128(3)),
            at: 0,
            by: MemberId(Uuid::max()),
            kind,
            keys: NameKeys::default(),
        };
        (Write::Append { id: room, draft, now: Instant::now(), reply }, answer)
    };
    let (second, also_stored) = message(room, 4);
    let (same, repeated) = message(room, 4);
    writer.commit(vec![first, stranger, second, same]);
    assert!(matches!(stored.blocking_recv().unwrap(), Ok(Appended::Stored(_))));
    assert!(matches!(conflict.blocking_recv().unwrap(), Err(StoreError::Conflict)));
    assert!(matches!(also_stored.blocking_recv().unwrap(), Ok(Appended::Stored(_))));
    assert!(matches!(repeated.blocking_recv().unwrap(), Ok(Appended::Duplicate(_))));
    assert_eq!(reader.read(room, ReadFrom::Latest, 100).unwrap().events.len(), 3);
}
