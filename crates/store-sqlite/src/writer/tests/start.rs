//! Tests of a start on files that are damaged.

use super::*;

/// Changes the database, and asserts that this many rows were changed.
fn change(path: &Path, rows: usize, sql: &str) {
    assert_eq!(Connection::open(path).unwrap().execute(sql, []).unwrap(), rows, "{sql}");
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
