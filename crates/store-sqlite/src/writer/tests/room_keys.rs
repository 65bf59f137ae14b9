//! Tests of the writer's use of the keys file.

use std::fs::File;

use super::*;

/// Puts a file in the place of the keys file whose writes fail. Returns the sound one.
fn full_disk(writer: &mut Writer) -> File {
    writer.keys.replace_file(File::options().read(true).write(true).open("/dev/full").unwrap())
}

fn leave(room: RoomId, id: u128) -> (Write, Answer) {
    write(room, id, EventKind::Left { member: MemberId(Uuid::nil()), why: LeaveReason::Choice })
}

fn unavailable<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result.unwrap_err() {
        error @ StoreError::Unavailable(_) => std::error::Error::source(&error).unwrap().to_string(),
        other => panic!("{other:?}"),
    }
}

/// An end is not told before the key is overwritten, and nothing else is acknowledged meanwhile.
#[test]
fn end_is_not_told_while_its_key_cannot_be_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flasky.db");
    let (mut writer, reader, room) = open(&path);
    let other = create(&mut writer, RoomId(Uuid::nil()), [8; 5]).unwrap();
    let name: DisplayName = "A".parse().unwrap();
    let (join, joined) = write(other, 1, EventKind::Joined { member: MemberId(Uuid::nil()), name: name.into() });
    writer.commit(vec![join]);
    joined.blocking_recv().unwrap().unwrap();
    let mut heard = writer.live.lock().subscribe(room).unwrap();
    let mut heard_of_other = writer.live.lock().subscribe(other).unwrap();

    let sound = full_disk(&mut writer);
    let ((said, stored), (leave, left), (late, refused)) = (small(other, 2), leave(room, 2), small(room, 3));
    writer.commit(vec![said, leave, late]);
    assert!(matches!(stored.blocking_recv().unwrap(), Ok(Appended::Stored(_))), "it is stored, and no end");
    assert!(matches!(heard_of_other.try_recv(), Ok(store::Delivery::Event(_))));
    unavailable(left.blocking_recv().unwrap());
    unavailable(refused.blocking_recv().unwrap());
    for id in [3, 4] {
        assert!(heard.try_recv().is_err(), "a subscriber is told of an end whose key is there");
        assert_eq!(reader.read(room, ReadFrom::Latest, 9).unwrap().events.len(), 1, "a reader is told of it");
        let (said, refused) = small(other, id);
        writer.commit(vec![said]);
        unavailable(refused.blocking_recv().unwrap());
        assert!(writer.destroy_retired().is_err(), "it is ready");
        assert!(writer.expire(Instant::now()).is_err());
        while writer.delete_some() {}
    }
    writer.keys.replace_file(sound);
    let (said, stored) = small(other, 3);
    writer.commit(vec![said]);
    assert!(matches!(stored.blocking_recv().unwrap(), Ok(Appended::Stored(event)) if event.seq == Seq(3)));
    assert!(matches!(heard.try_recv(), Ok(store::Delivery::Event(event)) if event.seq == Seq(2)));
    assert!(matches!(heard.try_recv(), Ok(store::Delivery::Ended)));
    assert!(matches!(reader.read(room, ReadFrom::Latest, 1), Err(Failure(StoreError::NotFound))));
    writer.destroy_retired().unwrap();
    while writer.delete_some() {}
    assert_eq!(count(&writer, "rooms"), 1);
}

#[test]
fn end_of_a_room_that_nobody_entered_is_not_told_while_its_key_cannot_be_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, reader, _) = open(&directory.path().join("flasky.db"));
    let empty = create(&mut writer, RoomId(Uuid::nil()), [8; 5]).unwrap();
    let mut heard = writer.live.lock().subscribe(empty).unwrap();
    let sound = full_disk(&mut writer);
    let late = Instant::now() + Duration::from_millis(Limits::default().arrival_ms);
    for _sweep in 0..2 {
        assert!(writer.expire(late).is_err());
        assert!(heard.try_recv().is_err(), "a subscriber is told of an end whose key is there");
        reader.read(empty, ReadFrom::Latest, 9).unwrap();
    }
    writer.keys.replace_file(sound);
    writer.expire(late).unwrap();
    assert!(matches!(heard.try_recv(), Ok(store::Delivery::Ended)));
    assert!(matches!(reader.read(empty, ReadFrom::Latest, 1), Err(Failure(StoreError::NotFound))));
}

/// The disk is full when the keys that were drawn ahead are used up.
#[test]
fn keys_file_that_cannot_grow_refuses_new_rooms_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flasky.db");
    let (mut writer, reader, room) = open(&path);
    let id = |n: u32| (RoomId(Uuid::from_u128(n.into())), n.to_le_bytes());
    let make = |n| {
        let (id, [a, b, c, d]) = id(n);
        let (reply, answer) = oneshot::channel();
        let code = RoomCode::from_entropy([a, b, c, d, 1]);
        let room = NewRoom { code, epoch: Epoch(2), capacity: 2, name: RoomName::default() };
        (Write::Create { id, room, now: Instant::now(), reply }, answer)
    };
    // All but one of the first thousand.
    let (batch, made): (Vec<_>, Vec<_>) = (1..=998).map(make).unzip();
    writer.commit(batch);
    made.into_iter().for_each(|answer| assert!(answer.blocking_recv().unwrap().is_ok()));

    let before = std::fs::metadata(keys::path_of(&path)).unwrap().len();
    let sound = full_disk(&mut writer);
    let (batch, answers): (Vec<_>, Vec<_>) = (1_001..1_005).map(make).unzip();
    let (said, stored) = small(room, 7);
    let text = logged(|| writer.commit(batch.into_iter().chain([said]).collect()));
    let mut answers = answers.into_iter().map(|answer| answer.blocking_recv().unwrap());
    answers.next().unwrap().unwrap();
    for refused in answers {
        let words = unavailable(refused);
        assert!(words.contains("keys file"), "{words}");
    }
    assert!(matches!(stored.blocking_recv().unwrap(), Ok(Appended::Stored(_))));
    assert_eq!(text.matches("cannot grow").count(), 1, "{text}");
    assert_eq!(reader.read(room, ReadFrom::Latest, 9).unwrap().events.len(), 2);
    assert!(writer.destroy_retired().is_ok(), "not ready, though all goes on but new rooms");

    writer.keys.replace_file(sound);
    for n in [1_002, 1_003] {
        let (again, made) = make(n);
        writer.commit(vec![again]);
        made.blocking_recv().unwrap().unwrap();
    }
    assert!(std::fs::metadata(keys::path_of(&path)).unwrap().len() > before);
    drop((writer, reader));
    let (writer, _reader) = reopen(&path);
    assert_eq!(writer.rooms.read().get(id(1_003).0).unwrap().number, count(&writer, "rooms") as i64);
}
