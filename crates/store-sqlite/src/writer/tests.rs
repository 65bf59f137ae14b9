//! Tests of the writer without its thread.

mod commit;
mod room_keys;
mod start;

use std::collections::BTreeMap;

use protocol::{DisplayName, Epoch, EventId, EventKind, LeaveReason, MemberId, RoomCode, RoomName, Seq};
use rusqlite::StatementStatus;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use store::{Appended, NameKeys, NewEvent, NewRoom, ReadFrom};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::batch::Write;
use super::removal::{PACK_INTERVAL, STEP};
use super::*;
use crate::seal::Table;
use crate::state::Rows;

const CODE: [u8; 5] = [7; 5];

type Answer = oneshot::Receiver<Result<Appended, StoreError>>;

fn write(room: RoomId, id: u128, kind: EventKind) -> (Write, Answer) {
    let (reply, answer) = oneshot::channel();
    let draft = NewEvent {
        id: EventId(Uuid::from_u128(id)),
        at: 0,
        by: MemberId(Uuid::nil()),
        kind,
        keys: NameKeys::default(),
    };
    (Write::Append { id: room, draft, now: Instant::now(), reply }, answer)
}

fn message(room: RoomId, id: u128) -> (Write, Answer) {
    write(room, id, EventKind::message("x".repeat(3_000).parse().unwrap()))
}

/// A message of one byte.
fn small(room: RoomId, id: u128) -> (Write, Answer) {
    write(room, id, EventKind::message("x".parse().unwrap()))
}

fn reopen(path: &Path) -> (Writer, Reader) {
    let lost = CancellationToken::new();
    let Opened { writer, reader, .. } = Writer::open(path, Limits::default(), Instant::now(), lost).unwrap();
    (writer, reader)
}

/// Makes a room with this code.
fn create(writer: &mut Writer, id: RoomId, code: [u8; 5]) -> Result<RoomId, StoreError> {
    let (reply, created) = oneshot::channel();
    let new = NewRoom { code: RoomCode::from_entropy(code), epoch: Epoch(1), capacity: 2, name: RoomName::default() };
    writer.commit(vec![Write::Create { id, room: new, now: Instant::now(), reply }]);
    created.blocking_recv().unwrap()
}

fn open(path: &Path) -> (Writer, Reader, RoomId) {
    let (mut writer, reader) = reopen(path);
    let room = create(&mut writer, RoomId(Uuid::max()), CODE).unwrap();
    let name: DisplayName = "A".parse().unwrap();
    let (join, joined) = write(room, 1, EventKind::Joined { member: MemberId(Uuid::nil()), name: name.into() });
    writer.commit(vec![join]);
    joined.blocking_recv().unwrap().unwrap();
    (writer, reader, room)
}

#[test]
fn full_disk_fails_the_batch_and_later_writes_succeed() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, reader, room) = open(&directory.path().join("flasky.db"));
    let pages: i64 = writer.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    writer.conn.pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(())).unwrap();

    let mut heard = writer.live.lock().subscribe(room).unwrap();
    let (batch, answers): (Vec<_>, Vec<_>) = (100..110).map(|id| message(room, id)).unzip();
    writer.commit(batch);
    for answer in answers {
        assert!(matches!(answer.blocking_recv().unwrap(), Err(StoreError::Unavailable(_))));
    }
    assert!(heard.try_recv().is_err(), "an event was delivered that is not stored");
    assert_eq!(reader.read(room, ReadFrom::Latest, 100).unwrap().events.len(), 1);

    writer.conn.pragma_update_and_check(None, "max_page_count", 1_000_000, |_| Ok(())).unwrap();
    let (again, answer) = message(room, 100);
    writer.commit(vec![again]);
    assert!(matches!(answer.blocking_recv().unwrap(), Ok(Appended::Stored(event)) if event.seq == Seq(2)));
    assert!(heard.try_recv().is_ok());
}

/// Collects log lines in memory.
#[derive(Clone, Default)]
struct Lines(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Lines that `work` logs.
fn logged(work: impl FnOnce()) -> String {
    let lines = Lines::default();
    let make = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || make.clone()).finish();
    tracing::subscriber::with_default(subscriber, work);
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn damaged_room_is_logged_once_by_number() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, reader, room) = open(&directory.path().join("flasky.db"));
    let (said, stored) = message(room, 2);
    writer.commit(vec![said]);
    stored.blocking_recv().unwrap().unwrap();
    writer.conn.execute("UPDATE events SET sealed = zeroblob(99) WHERE seq = 2", []).unwrap();

    let text = logged(|| {
        for id in [3, 4] {
            let (edit, answer) = write(room, id, EventKind::Deleted { target: EventId(Uuid::from_u128(2)) });
            writer.commit(vec![edit]);
            assert!(matches!(answer.blocking_recv().unwrap(), Err(StoreError::Corrupt(_))));
        }
        assert!(matches!(reader.read(room, ReadFrom::Latest, 9), Err(Failure(StoreError::Corrupt(_)))));
    });
    assert_eq!(text.matches("a room is damaged").count(), 1, "{text}");
    assert!(text.contains("room=1"), "{text}");
    for secret in [&RoomCode::from_entropy(CODE).to_string(), &room.0.to_string()] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// The caller may have asked for something else since, and would get a seat that it does not know of.
#[test]
fn write_whose_caller_has_stopped_waiting_is_not_stored() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, reader, room) = open(&directory.path().join("flasky.db"));
    let (given_up, answer) = message(room, 2);
    drop(answer);
    let (awaited, stored) = message(room, 3);
    writer.commit(vec![given_up, awaited]);
    assert!(matches!(stored.blocking_recv().unwrap(), Ok(Appended::Stored(event)) if event.seq == Seq(2)));
    assert_eq!(reader.read(room, ReadFrom::Latest, 100).unwrap().events.len(), 2);
}

fn count(writer: &Writer, table: &str) -> usize {
    let count: i64 = writer.conn.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    usize::try_from(count).unwrap()
}

/// Inserts this many rows of the room with this number, which only have to be deleted.
fn fill(writer: &mut Writer, room: i64, rows: usize) -> Vec<(Table, i64)> {
    let fill = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?3)
        INSERT INTO events (place, room, seq, id, length, sealed)
        SELECT ?1 + n, ?2, n, zeroblob(12), zeroblob(4), x'' FROM n WHERE n <= ?3";
    let first = writer.last_row;
    writer.conn.execute(fill, (first, room, rows as i64)).unwrap();
    writer.last_row += rows as i64;
    (first + 1..=writer.last_row).map(|row| (Table::Events, row)).collect()
}

#[test]
fn rows_of_an_ended_room_are_deleted_in_steps_which_a_restart_continues() {
    const EVENTS: usize = 5 * STEP / 2;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flasky.db");
    let (mut writer, reader, room) = open(&path);
    let (batch, answers): (Vec<_>, Vec<_>) = (100..100 + EVENTS as u128 - 1).map(|id| small(room, id)).unzip();
    writer.limits.events = EVENTS;
    writer.commit(batch);
    answers.into_iter().for_each(|answer| drop(answer.blocking_recv().unwrap().unwrap()));
    assert_eq!(count(&writer, "events"), EVENTS);
    let kind = EventKind::Left { member: MemberId(Uuid::nil()), why: LeaveReason::Choice };
    let (leave, left) = write(room, 2, kind);
    writer.commit(vec![leave]);
    left.blocking_recv().unwrap().unwrap();
    assert!(writer.live.lock().subscribe(room).is_none());
    assert_eq!(count(&writer, "events"), EVENTS, "the commit is as long as the room");
    assert!(writer.delete_some());
    assert_eq!(count(&writer, "events") + count(&writer, "members"), EVENTS + 1 - STEP);

    drop((writer, reader));
    let (mut writer, _reader) = reopen(&path);
    assert!(writer.removals.are_due());
    // The next room gets another number, and so none of these rows.
    create(&mut writer, RoomId(Uuid::nil()), CODE).unwrap();
    assert_ne!(writer.rooms.read().get(RoomId(Uuid::nil())).unwrap().number, 1);
    while writer.delete_some() {}
    assert_eq!((count(&writer, "events"), count(&writer, "members"), count(&writer, "rooms")), (0, 0, 1));
}

#[test]
fn one_step_deletes_the_rows_of_many_small_rooms() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, _reader, _) = open(&directory.path().join("flasky.db"));
    end_rooms(&mut writer, 10, 2);
    writer.delete_some();
    assert_eq!((count(&writer, "rooms"), count(&writer, "events")), (1, 1));

    // A room without events counts too.
    end_rooms(&mut writer, STEP + 10, 0);
    writer.delete_some();
    assert_eq!(count(&writer, "rooms"), 1 + 10);
}

#[test]
fn text_is_purged_while_rows_of_ended_rooms_are_left() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, _reader, _) = open(&directory.path().join("flasky.db"));
    end_rooms(&mut writer, 2, 2 * STEP);
    let (queue, mut jobs) = tokio::sync::mpsc::channel(1);
    let (reply, _answer) = oneshot::channel();
    queue.try_send(Job::Close { reply }).unwrap();
    writer.purge = true;
    writer.last_purge = std::time::Instant::now().checked_sub(PURGE_INTERVAL).unwrap();
    assert!(writer.wait(&mut jobs).is_some());
    assert!(writer.removals.are_due() && !writer.purge);
}

#[test]
fn deletion_that_keeps_failing_is_logged_once() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, _reader, _) = open(&directory.path().join("flasky.db"));
    end_rooms(&mut writer, 1, 1);
    writer.conn.execute_batch("ALTER TABLE events RENAME TO hidden").unwrap();
    let text = logged(|| {
        for _sweep in 0..3 {
            let (queue, mut jobs) = tokio::sync::mpsc::channel(1);
            let (reply, _answer) = oneshot::channel();
            queue.try_send(Job::Close { reply }).unwrap();
            writer.removals.sweep(Instant::now());
            assert!(writer.wait(&mut jobs).is_some());
            assert!(!writer.removals.are_due(), "it waits for the next sweep");
        }
    });
    assert_eq!(text.matches("cannot be deleted").count(), 1, "{text}");
}

/// Leaves what is left of this many ended rooms, each with this many events.
fn end_rooms(writer: &mut Writer, rooms: usize, events: usize) {
    for room in 101..=100 + rooms as i64 {
        writer.conn.execute("INSERT INTO rooms (room) VALUES (?1)", [room]).unwrap();
        let rows = if events > 0 { fill(writer, room, events) } else { Vec::new() };
        writer.removals.add_ended(Rows { room, rows });
    }
}

/// A full room trims one event with each that is appended. Their rows are deleted many at once.
#[test]
fn rows_of_trimmed_events_are_deleted_together_and_their_ids_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flasky.db");
    let (mut writer, reader, room) = open(&path);
    writer.limits.events = 1_000;
    let send = |writer: &mut Writer, ids: std::ops::Range<u128>| {
        let (batch, answers): (Vec<_>, Vec<_>) = ids.map(|id| small(room, id)).unzip();
        writer.commit(batch);
        answers.into_iter().for_each(|answer| drop(answer.blocking_recv().unwrap().unwrap()));
    };
    send(&mut writer, 100..1_100);
    assert_eq!(reader.read(room, ReadFrom::Latest, 2_000).unwrap().events.len(), 1_000);
    send(&mut writer, 1_100..1_200);
    assert!(!writer.removals.are_due());
    assert_eq!(reader.read(room, ReadFrom::Latest, 2_000).unwrap().events.len(), 1_000);
    assert_eq!(count(&writer, "events"), 1_101, "a row is deleted for each event");
    send(&mut writer, 1_200..1_300);
    assert!(writer.removals.are_due());
    while writer.delete_some() {}
    // One sweep a minute does not wait for more of them, and the ids go into the pack that is there.
    let mut now = Instant::now();
    let mut sweep = |writer: &mut Writer, after| {
        now += after;
        writer.expire(now).unwrap();
        while writer.delete_some() {}
        (count(writer, "events"), count(writer, "ids"))
    };
    sweep(&mut writer, Duration::ZERO);
    let (_, packs) = sweep(&mut writer, PACK_INTERVAL);
    send(&mut writer, 1_300..1_310);
    for second in 1..60 {
        assert_eq!(sweep(&mut writer, Duration::from_secs(1)), (1_010, packs), "deleted after {second} s");
    }
    assert_eq!(sweep(&mut writer, Duration::from_secs(1)), (1_000, packs));
    let known = |writer: &mut Writer| {
        for (id, seq) in [(100, 2), (150, 52), (310, 212), (1_309, 1_211)] {
            let (again, answer) = small(room, id);
            writer.commit(vec![again]);
            match answer.blocking_recv().unwrap().unwrap() {
                Appended::DuplicateTrimmed(found) => assert_eq!(found, Seq(seq)),
                Appended::Duplicate(event) => assert_eq!((event.seq, id > 300), (Seq(seq), true)),
                other => panic!("{other:?}"),
            }
        }
    };
    known(&mut writer);
    drop((writer, reader));
    let (mut writer, _reader) = reopen(&path);
    known(&mut writer);
}

/// SQLite prepares a statement anew for a value on which its plan may depend. With an index, it did that for each append.
#[test]
fn statements_are_prepared_once_for_all_values() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, _reader, room) = open(&directory.path().join("flasky.db"));
    writer.limits.events = 8;
    let (sender, prepared_again) = std::sync::mpsc::channel();
    let trace = move |event: TraceEvent<'_>| {
        if let TraceEvent::Profile(statement, _) = event {
            sender.send((statement.sql().into_owned(), statement.get_status(StatementStatus::RePrepare))).unwrap();
        }
    };
    writer.conn.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(trace)).unwrap();
    let mut send = |id, kind| {
        let (write, answer) = write(room, id, kind);
        writer.commit(vec![write]);
        while writer.delete_some() {}
        answer.blocking_recv().unwrap().unwrap();
    };
    for id in (100..1_000).step_by(4) {
        let target = EventId(Uuid::from_u128(id));
        let name: DisplayName = id.to_string().parse().unwrap();
        let member = MemberId(Uuid::nil());
        send(id, EventKind::message("?".parse().unwrap()));
        send(id + 1, EventKind::Edited { target, body: Some("!".parse().unwrap()) });
        send(id + 2, EventKind::Deleted { target });
        send(id + 3, EventKind::Renamed { member, name: name.clone().into(), was: name.into() });
    }
    send(2_000, EventKind::Left { member: MemberId(Uuid::nil()), why: LeaveReason::Choice });
    drop(writer);
    let again: BTreeMap<_, _> = prepared_again.iter().collect();
    for table in ["rooms", "members", "events", "ids"] {
        assert!(again.keys().any(|sql| sql.starts_with(&format!("DELETE FROM {table}"))), "{table}: {again:?}");
    }
    assert!(again.values().all(|times| *times == 0), "{again:#?}");
}
