//! Tests of a start on files that are damaged.

use std::fs;

use super::*;
use crate::seal::{Place, Table};

const SLOT: usize = 64;

/// Makes a second room, which stays as it is.
fn second(writer: &mut Writer) -> RoomId {
    let id = RoomId(Uuid::nil());
    assert_eq!(create(writer, id, [8; 5]).unwrap(), id);
    id
}

/// Changes the database, and asserts that this many rows were changed.
fn change(path: &Path, rows: usize, sql: &str) {
    assert_eq!(Connection::open(path).unwrap().execute(sql, []).unwrap(), rows, "{sql}");
}

/// Changes the slot of the first room in the keys file.
fn change_slot(path: &Path, slot: u32, change: impl Fn(&mut [u8])) {
    let mut bytes = fs::read(keys::path_of(path)).unwrap();
    let before = bytes.clone();
    change(&mut bytes[slot as usize * SLOT..][..SLOT]);
    assert_ne!(bytes, before, "nothing is damaged");
    fs::write(keys::path_of(path), bytes).unwrap();
}

#[test]
fn room_whose_key_or_record_is_damaged_ends_at_start_with_one_warning() {
    type Damage = fn(&Path, u32);
    let damages: [(&str, Damage); 7] = [
        ("record", |path, _| change(path, 1, "UPDATE rooms SET sealed = zeroblob(80) WHERE room = 1")),
        ("empty record", |path, _| change(path, 1, "UPDATE rooms SET sealed = x'' WHERE room = 1")),
        ("no record", |path, _| change(path, 1, "UPDATE rooms SET sealed = NULL WHERE room = 1")),
        ("no slot", |path, _| change(path, 1, "UPDATE rooms SET slot = NULL WHERE room = 1")),
        ("lost key", |path, slot| change_slot(path, slot, |slot| slot.fill(0))),
        ("torn key", |path, slot| change_slot(path, slot, |slot| slot[20..].fill(7))),
        ("torn number", |path, slot| change_slot(path, slot, |slot| (slot[0], slot[30]) = (7, !slot[30]))),
    ];
    for (words, damage) in damages {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flasky.db");
        let (mut writer, reader, room) = open(&path);
        let well = second(&mut writer);
        let (said, stored) = message(room, 2);
        writer.commit(vec![said]);
        stored.blocking_recv().unwrap().unwrap();
        let slot = writer.rooms.read().get(room).unwrap().slot;
        drop((writer, reader));
        let secret = fs::read(keys::path_of(&path)).unwrap()[slot as usize * SLOT..][8..40].to_vec();
        damage(&path, slot);

        let mut opened = None;
        let text = logged(|| opened = Some(reopen(&path)));
        let (mut writer, reader) = opened.unwrap();
        assert_eq!((text.matches("WARN").count(), text.lines().count()), (1, 1), "{words}: {text}");
        assert!(text.contains("room=1"), "{words}: {text}");
        assert!(matches!(reader.read(room, ReadFrom::Latest, 9), Err(Failure(StoreError::NotFound))), "{words}");
        reader.read(well, ReadFrom::Latest, 9).unwrap();
        while writer.delete_some() {}
        assert_eq!(
            (count(&writer, "events"), count(&writer, "members"), count(&writer, "rooms")),
            (0, 0, 1),
            "{words}"
        );
        let left = fs::read(keys::path_of(&path)).unwrap();
        assert!(!left.windows(secret.len()).any(|bytes| bytes == secret), "{words}: its key is left");
        drop((writer, reader));
        assert_eq!(logged(|| drop(reopen(&path))), "", "{words}: it haunts the next start");
    }
}

/// A fault of this program, or a store of another version of it: what it does not understand is no damage.
#[test]
fn record_that_is_decrypted_and_not_understood_refuses_the_start() {
    for table in [Table::Rooms, Table::Members] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flasky.db");
        let (mut writer, reader, room) = open(&path);
        let keys = Arc::clone(&writer.rooms.read().get(room).unwrap().keys);
        let row = if table == Table::Rooms {
            1
        } else {
            writer.rooms.read().get(room).unwrap().roster.iter().next().unwrap().row
        };
        let place = Place { table, room: 1, row };
        let sealed = keys.seal(&mut writer.random, place, |bytes| bytes.extend_from_slice(b"{\"later\":1}")).unwrap();
        let sql = match table {
            Table::Rooms => "UPDATE rooms SET sealed = ?1",
            _ => "UPDATE members SET sealed = ?1",
        };
        assert_eq!(writer.conn.execute(sql, [sealed]).unwrap(), 1);
        drop((writer, reader));
        let before = fs::read(keys::path_of(&path)).unwrap();
        let Failure(error) =
            Writer::open(&path, Limits::default(), Instant::now(), CancellationToken::new()).unwrap_err();
        let words = std::error::Error::source(&error).unwrap().to_string();
        assert!(words.contains("flasky.db") && words.contains("room 1") && words.contains("version"), "{words}");
        assert_eq!(fs::read(keys::path_of(&path)).unwrap(), before);
    }
}

#[test]
fn event_lost_in_the_middle_shifts_no_id() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flasky.db");
    let (mut writer, reader, room) = open(&path);
    let (batch, answers): (Vec<_>, Vec<_>) = (100..200).map(|id| small(room, id)).unzip();
    writer.commit(batch);
    answers.into_iter().for_each(|answer| drop(answer.blocking_recv().unwrap().unwrap()));
    drop((writer, reader));
    change(&path, 2, "DELETE FROM events WHERE seq IN (20, 50)");

    let (mut writer, reader) = reopen(&path);
    writer.limits.events = 10;
    let (said, stored) = small(room, 300);
    writer.commit(vec![said]);
    stored.blocking_recv().unwrap().unwrap();
    assert!(writer.removals.are_due());
    while writer.delete_some() {}
    let rows = count(&writer, "events");
    assert!(rows < 50, "{rows} rows: their ids are in no pack yet");
    drop((writer, reader));
    let (mut writer, _reader) = reopen(&path);
    for (id, seq) in [(100, 2), (117, 19), (119, 21), (147, 49), (149, 51), (150, 52)] {
        let (again, answer) = small(room, id);
        writer.commit(vec![again]);
        match answer.blocking_recv().unwrap().unwrap() {
            Appended::DuplicateTrimmed(found) => assert_eq!(found, Seq(seq), "id {id}"),
            other => panic!("id {id}: {other:?}"),
        }
    }
}

#[test]
fn rows_of_no_room_are_deleted_at_start_and_take_no_number() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flasky.db");
    let (writer, reader, _) = open(&path);
    let (last_room, last_row) = (writer.last_room, writer.last_row);
    let rows = (count(&writer, "members"), count(&writer, "events"), count(&writer, "ids"));
    drop((writer, reader));
    // The number of the next room, and the highest.
    for (place, stray) in [(50, 2), (i64::MAX, i64::MAX)] {
        change(&path, 1, &format!("INSERT INTO members VALUES ({place}, {stray}, x'00')"));
        change(&path, 1, &format!("INSERT INTO events VALUES ({place}, {stray}, 1, x'00', x'00', NULL, x'00')"));
        change(&path, 1, &format!("INSERT INTO ids VALUES ({place}, {stray}, 1, x'00', x'00')"));
        let (mut writer, _reader) = reopen(&path);
        assert_eq!((count(&writer, "members"), count(&writer, "events"), count(&writer, "ids")), rows, "{stray}");
        assert_eq!((writer.last_room, writer.last_row), (last_room, last_row), "{stray}");
        if stray == i64::MAX {
            second(&mut writer);
            assert_eq!(writer.last_room, 2);
        }
    }
    assert_eq!(logged(|| drop(reopen(&path))), "");
}
