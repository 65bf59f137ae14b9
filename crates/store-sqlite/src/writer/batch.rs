//! Validates queued writes and commits them in one transaction.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Event, EventKind, LeaveReason, Limits, MemberId, RoomId, Seq, ShownName};
use rusqlite::{Connection, TransactionBehavior};
use store::{Appended, Distinct, NameKeys, NewEvent, NewRoom, StoreError, host_event, known_ids, may_be_forgotten};
use tokio::time::Instant;

use super::Writer;
use crate::error::Failure;
use crate::rooms::Key;
use crate::{Reply, log, rooms, seats};

/// Request to change the file.
#[derive(Debug)]
pub(crate) enum Write {
    Create { id: RoomId, room: NewRoom, now: Instant, reply: Reply<RoomId> },
    Append { id: RoomId, draft: NewEvent, now: Instant, reply: Reply<Appended> },
}

/// Effect of one write, once the batch is committed.
#[derive(Debug)]
enum Outcome {
    Created,
    Appended(Appended),
    /// The first event freed the host's seat, and the second gave the room another host.
    HandedOver(Event, Event),
    /// The event freed the last seat and so ended the room.
    Ended(Event),
}

/// Seat that was freed.
enum Freed {
    One,
    /// The host's. This member becomes the host.
    Hosts(MemberId),
    /// The last one, which ended the room.
    Last,
}

/// Scope of the rollback after a row that cannot be read. A savepoint for every write costs 2 to 14 % of the append
/// rate (measured on batches of 16, 64 and 256), so a batch is first tried without savepoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RollbackScope {
    Batch,
    Write,
}

impl Writer {
    /// Validates and stores the writes in one transaction, except those whose callers have stopped waiting. A refused
    /// write has changed nothing and needs no rollback. A row that cannot be read fails only the write that needs it; an
    /// error of SQLite rolls back and fails all writes.
    pub(super) fn commit(&mut self, mut batch: Vec<Write>) {
        batch.retain(|write| !write.is_given_up());
        if batch.is_empty() {
            return;
        }
        let stored = match self.store(&batch, RollbackScope::Batch) {
            Err(Failure(StoreError::Corrupt(_))) => self.store(&batch, RollbackScope::Write),
            stored => stored,
        };
        match stored {
            Ok(outcomes) => {
                let decided = batch.into_iter().zip(outcomes).collect::<Vec<_>>();
                for (write, outcome) in &decided {
                    match outcome {
                        Ok(outcome) => self.publish(write, outcome),
                        Err(error @ StoreError::Corrupt(_)) => {
                            self.damage.report(&self.conn, Key::Id(write.room()), error)
                        }
                        Err(_) => {}
                    }
                }
                for (write, outcome) in decided {
                    answer(write, outcome);
                }
            }
            Err(Failure(error)) => {
                tracing::error!(source = ?std::error::Error::source(&error), writes = batch.len(), "commit failed");
                let error = Arc::new(error);
                for write in batch {
                    answer(write, Err(StoreError::unavailable(Arc::clone(&error))));
                }
            }
        }
    }

    /// Returns one result per write. The outer error, SQLite's or that of an unreadable row, leaves the file unchanged.
    fn store(&mut self, batch: &[Write], scope: RollbackScope) -> Result<Vec<Result<Outcome, StoreError>>, Failure> {
        if !self.conn.is_autocommit() {
            // An earlier rollback failed. No transaction can begin until it succeeds.
            self.conn.execute_batch("ROLLBACK")?;
        }
        self.check_files()?;
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for (done, write) in batch.iter().enumerate() {
            if scope == RollbackScope::Write {
                tx.execute_batch("SAVEPOINT write")?;
            }
            let outcome = match write {
                Write::Create { id, room, .. } => match rooms::create(&tx, *id, room) {
                    Ok(true) => Ok(Outcome::Created),
                    Ok(false) => Err(StoreError::Conflict),
                    Err(error) => Err(Failure::from(error).into()),
                },
                Write::Append { id, draft, now, .. } => {
                    // The arrival lease of a seat taken earlier in this batch is not in the in-memory state yet.
                    let held = |member| {
                        self.live.is_held(*id, member, *now) || batch[..done].iter().any(|w| w.seats(*id, member))
                    };
                    append(&tx, *id, draft, held, &self.limits).map_err(StoreError::from)
                }
            };
            let damaged = matches!(outcome, Err(StoreError::Corrupt(_)));
            if damaged && scope == RollbackScope::Batch || matches!(outcome, Err(StoreError::Unavailable(_))) {
                return Ok(outcome.map(|_| outcomes)?);
            }
            if scope == RollbackScope::Write {
                tx.execute_batch(if damaged { "ROLLBACK TO write; RELEASE write" } else { "RELEASE write" })?;
            }
            outcomes.push(outcome);
        }
        tx.commit()?;
        Ok(outcomes)
    }

    /// Updates the in-memory state after the commit, and delivers the event to the room's subscribers.
    fn publish(&mut self, write: &Write, outcome: &Outcome) {
        let arrival = Duration::from_millis(self.limits.arrival_ms);
        match (write, outcome) {
            (Write::Create { id, now, .. }, Outcome::Created) => self.live.created(*id, *now + arrival),
            (Write::Append { id, now, .. }, Outcome::Appended(Appended::Stored(event))) => {
                match event.kind {
                    EventKind::Joined { member, .. } => self.live.seated(*id, member, *now, *now + arrival),
                    EventKind::Left { member, .. } => self.live.freed(*id, member),
                    EventKind::Edited { .. } | EventKind::Deleted { .. } => self.purge = true,
                    _ => {}
                }
                self.live.event(*id, Arc::new(event.clone()));
            }
            (Write::Append { id, .. }, Outcome::HandedOver(left, host)) => {
                self.live.freed(*id, left.by);
                self.live.event(*id, Arc::new(left.clone()));
                self.live.event(*id, Arc::new(host.clone()));
            }
            (Write::Append { id, .. }, Outcome::Ended(event)) => {
                self.live.event(*id, Arc::new(event.clone()));
                self.live.ended(*id);
                self.purge = true;
                self.ended = true;
            }
            _ => {}
        }
    }
}

impl Write {
    /// True if the caller has stopped waiting. It may have asked for something else since.
    fn is_given_up(&self) -> bool {
        match self {
            Self::Create { reply, .. } => reply.is_closed(),
            Self::Append { reply, .. } => reply.is_closed(),
        }
    }

    /// Room that the write creates or changes.
    fn room(&self) -> RoomId {
        match self {
            Self::Create { id, .. } | Self::Append { id, .. } => *id,
        }
    }

    /// True if the write takes a seat for this member in this room.
    fn seats(&self, room: RoomId, seated: MemberId) -> bool {
        matches!(self, Self::Append { id, draft: NewEvent { kind: EventKind::Joined { member, .. }, .. }, .. }
            if *id == room && *member == seated)
    }
}

/// Stores one event and what it changes.
fn append(
    tx: &Connection,
    id: RoomId,
    draft: &NewEvent,
    held: impl Fn(MemberId) -> bool,
    limits: &Limits,
) -> Result<Outcome, Failure> {
    let mut room = rooms::find(tx, Key::Id(id))?.ok_or(StoreError::NotFound)?;
    if let Some(seq) = log::seq_of(tx, room.room, draft.id)? {
        let first = log::event(tx, room.room, seq)?;
        return Ok(Outcome::Appended(first.map_or(Appended::DuplicateTrimmed(seq), Appended::Duplicate)));
    }
    if may_be_forgotten(draft, room.forgotten) {
        return Err(StoreError::TooOld.into());
    }
    let mut event = Event {
        seq: Seq(room.head.0 + 1),
        prev: room.head,
        id: draft.id,
        at: draft.at,
        by: draft.by,
        kind: draft.kind.clone(),
    };
    let mut host = None;
    match &mut event.kind {
        EventKind::Joined { member, name } => {
            if seats::has(tx, room.room, *member)? {
                return Err(StoreError::Conflict.into());
            }
            if seats::count(tx, room.room)? >= room.capacity {
                return Err(StoreError::Full.into());
            }
            *name = seat(tx, &room, (*member, &*name, None), &draft.keys, event.seq)?;
            room.host = room.host.or(Some(*member));
        }
        EventKind::Left { member, why } => {
            if !seats::has(tx, room.room, *member)? || (*why == LeaveReason::Vanished && held(*member)) {
                return Err(StoreError::Conflict.into());
            }
            match free(tx, &mut room, *member, event.seq)? {
                Freed::One => {}
                Freed::Hosts(first) => host = Some(host_event(&event, first)),
                Freed::Last => return Ok(Outcome::Ended(event)),
            }
        }
        EventKind::Renamed { member, name, was } => {
            let before = seats::name_of(tx, room.room, *member)?;
            if *member != event.by || !seats::has(tx, room.room, *member)? {
                return Err(StoreError::Conflict.into());
            }
            *was = before.ok_or(StoreError::Conflict)?;
            *name = seat(tx, &room, (*member, &*name, Some(was.hue)), &draft.keys, event.seq)?;
        }
        _ if seats::has(tx, room.room, event.by)? => apply_member_event(tx, &mut room, &event)?,
        _ => return Err(StoreError::Conflict.into()),
    }
    for event in std::iter::once(&event).chain(&host) {
        log::push(tx, &mut room, event)?;
        log::trim(tx, &mut room, limits.events, limits.timeline)?;
        log::forget(tx, &mut room, known_ids(limits), limits.events as u64)?;
    }
    rooms::update(tx, &room)?;
    Ok(match host {
        Some(host) => Outcome::HandedOver(event, host),
        None => Outcome::Appended(Appended::Stored(event)),
    })
}

/// Gives a member's name its number and hue, and a new member the seat. A member who has one keeps the hue.
fn seat(
    tx: &Connection,
    room: &rooms::RoomRow,
    (member, name, hue): (MemberId, &ShownName, Option<u8>),
    keys: &NameKeys,
    joined: Seq,
) -> Result<ShownName, Failure> {
    let named = Distinct::choose(name.name.clone(), keys, hue, &seats::others(tx, room.room, member)?);
    seats::put(tx, room.room, member, &named, joined)?;
    Ok(named.name)
}

/// Frees a seat, or ends the room where it is the last one. Returns the member who becomes the host with it, if any.
fn free(tx: &Connection, room: &mut rooms::RoomRow, member: MemberId, left: Seq) -> Result<Freed, Failure> {
    seats::free(tx, room.room, member, left)?;
    let Some(first) = seats::first(tx, room.room)? else {
        rooms::end(tx, room.room)?;
        return Ok(Freed::Last);
    };
    if room.host != Some(member) {
        return Ok(Freed::One);
    }
    room.host = Some(first);
    Ok(Freed::Hosts(first))
}

/// Validates an event of a seated member against the room or the message that it targets, and applies it to that.
fn apply_member_event(tx: &Connection, room: &mut rooms::RoomRow, event: &Event) -> Result<(), Failure> {
    let message = |target| log::message(tx, room.room, target)?.ok_or_else(|| Failure::from(StoreError::NoTarget));
    match &event.kind {
        EventKind::Message { .. } => {}
        EventKind::Edited { target, .. } | EventKind::Deleted { target } => {
            let message = message(*target)?;
            if message.by != event.by {
                return Err(StoreError::NotAuthor.into());
            }
            log::amend(tx, room, message, &event.kind)?;
        }
        EventKind::Reacted { target, .. } => drop(message(*target)?),
        EventKind::Settings { .. } if room.host != Some(event.by) => return Err(StoreError::NotHost.into()),
        EventKind::Settings { name } => {
            if let Some(name) = name {
                rooms::set_name(tx, room.room, name)?;
            }
        }
        EventKind::Joined { .. }
        | EventKind::Renamed { .. }
        | EventKind::Host { .. }
        | EventKind::Left { .. }
        | EventKind::Unknown => return Err(StoreError::Conflict.into()),
    }
    Ok(())
}

/// Sends the result to the caller, who may have stopped waiting.
fn answer(write: Write, outcome: Result<Outcome, StoreError>) {
    match write {
        Write::Create { id, reply, .. } => drop(reply.send(outcome.map(|_| id))),
        Write::Append { reply, .. } => drop(reply.send(match outcome {
            Ok(Outcome::Appended(appended)) => Ok(appended),
            Ok(Outcome::Ended(event) | Outcome::HandedOver(event, _)) => Ok(Appended::Stored(event)),
            Ok(Outcome::Created) => Err(StoreError::Conflict),
            Err(error) => Err(error),
        })),
    }
}

#[cfg(test)]
mod tests {
    use protocol::{DisplayName, Epoch, EventId, RoomCode, RoomName};
    use tokio::sync::oneshot;
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    use super::super::{Job, PURGE_INTERVAL, STEP};
    use super::*;
    use crate::reader::Reader;
    use store::ReadFrom;

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

    fn reopen(path: &std::path::Path) -> (Writer, Reader) {
        let lost = CancellationToken::new();
        let (writer, reader, _) = Writer::open(path, Limits::default(), Instant::now(), lost).unwrap();
        (writer, reader)
    }

    fn open(path: &std::path::Path) -> (Writer, Reader, RoomId) {
        let (mut writer, reader) = reopen(path);
        let (reply, created) = oneshot::channel();
        let new =
            NewRoom { code: RoomCode::from_entropy(CODE), epoch: Epoch(1), capacity: 2, name: RoomName::default() };
        writer.commit(vec![Write::Create { id: RoomId(Uuid::max()), room: new, now: Instant::now(), reply }]);
        let room = created.blocking_recv().unwrap().unwrap();
        let name: DisplayName = "A".parse().unwrap();
        let (join, joined) = write(room, 1, EventKind::Joined { member: MemberId(Uuid::nil()), name: name.into() });
        writer.commit(vec![join]);
        joined.blocking_recv().unwrap().unwrap();
        (writer, reader, room)
    }

    #[test]
    fn full_disk_fails_the_batch_and_later_writes_succeed() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, mut reader, room) = open(&directory.path().join("flasky.db"));
        let pages: i64 = writer.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        writer.conn.pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(())).unwrap();

        let mut heard = writer.subscribe(room).unwrap().deliveries;
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

    /// What `work` logs.
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
        let (mut writer, mut reader, room) = open(&directory.path().join("flasky.db"));
        let (said, stored) = message(room, 2);
        writer.commit(vec![said]);
        stored.blocking_recv().unwrap().unwrap();
        writer.conn.execute("UPDATE events SET kind = '{\"treasure\":7}' WHERE seq = 2", []).unwrap();

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
        for secret in [&RoomCode::from_entropy(CODE).to_string(), &room.0.to_string(), "treasure"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }

    /// The caller may have asked for something else since, and would get a seat that it does not know of.
    #[test]
    fn write_whose_caller_has_stopped_waiting_is_not_stored() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, mut reader, room) = open(&directory.path().join("flasky.db"));
        let (given_up, answer) = message(room, 2);
        drop(answer);
        let (awaited, stored) = message(room, 3);
        writer.commit(vec![given_up, awaited]);
        assert!(matches!(stored.blocking_recv().unwrap(), Ok(Appended::Stored(event)) if event.seq == Seq(2)));
        assert_eq!(reader.read(room, ReadFrom::Latest, 100).unwrap().events.len(), 2);
    }

    #[test]
    fn ids_of_an_ended_room_are_deleted_in_steps_which_a_restart_continues() {
        const IDS: usize = 5 * STEP / 2;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flasky.db");
        let (mut writer, reader, room) = open(&path);
        let count = |writer: &Writer, table| -> i64 {
            writer.conn.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        let ids = |writer: &Writer| usize::try_from(count(writer, "ids")).unwrap();
        let fill = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
            INSERT INTO ids (room, id, seq, at) SELECT 1, randomblob(16), n, 0 FROM n";
        writer.conn.execute(fill, [IDS as i64 - 1]).unwrap();
        assert_eq!(ids(&writer), IDS);
        let kind = EventKind::Left { member: MemberId(Uuid::nil()), why: LeaveReason::Choice };
        let (leave, left) = write(room, 2, kind);
        writer.commit(vec![leave]);
        left.blocking_recv().unwrap().unwrap();
        assert!(matches!(writer.subscribe(room), Err(Failure(StoreError::NotFound))));
        assert_eq!(ids(&writer), IDS, "the commit is as long as the room");
        assert!(writer.delete_some());
        assert_eq!(ids(&writer), IDS - STEP);

        drop((writer, reader));
        let (mut writer, reader) = reopen(&path);
        assert!(writer.ended);
        drop(reader);
        // The next room gets another number, and so none of these ids.
        let (reply, created) = oneshot::channel();
        let new =
            NewRoom { code: RoomCode::from_entropy(CODE), epoch: Epoch(2), capacity: 2, name: RoomName::default() };
        writer.commit(vec![Write::Create { id: RoomId(Uuid::nil()), room: new, now: Instant::now(), reply }]);
        created.blocking_recv().unwrap().unwrap();
        assert_ne!(rooms::number(&writer.conn, Key::Id(RoomId(Uuid::nil()))).unwrap(), Some(1));
        while writer.delete_some() {}
        assert_eq!(ids(&writer), 0);
        assert_eq!(count(&writer, "ended"), 0);
    }

    #[test]
    fn one_step_deletes_the_ids_of_many_small_rooms() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, _reader, _) = open(&directory.path().join("flasky.db"));
        end_rooms(&writer, 10, 2);
        writer.delete_some();
        assert_eq!(writer.conn.query_row("SELECT COUNT(*) FROM ended", [], |row| row.get(0)), Ok(0));
        assert_eq!(writer.conn.query_row("SELECT COUNT(*) FROM ids WHERE room > 100", [], |row| row.get(0)), Ok(0));

        // A room without ids counts too.
        end_rooms(&writer, STEP + 10, 0);
        writer.delete_some();
        assert_eq!(writer.conn.query_row("SELECT COUNT(*) FROM ended", [], |row| row.get(0)), Ok(10));
    }

    #[test]
    fn text_is_purged_while_ids_of_ended_rooms_are_left() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, _reader, _) = open(&directory.path().join("flasky.db"));
        end_rooms(&writer, 2, 2 * STEP);
        let (queue, mut jobs) = tokio::sync::mpsc::channel(1);
        let (reply, _answer) = oneshot::channel();
        queue.try_send(Job::Close { reply }).unwrap();
        writer.purge = true;
        writer.last_purge = std::time::Instant::now().checked_sub(PURGE_INTERVAL).unwrap();
        assert!(writer.wait(&mut jobs).is_some());
        assert!(writer.ended && !writer.purge);
    }

    #[test]
    fn deletion_that_keeps_failing_is_logged_once() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, _reader, _) = open(&directory.path().join("flasky.db"));
        writer.conn.execute_batch("ALTER TABLE ended RENAME TO hidden").unwrap();
        let text = logged(|| {
            for _sweep in 0..3 {
                let (queue, mut jobs) = tokio::sync::mpsc::channel(1);
                let (reply, _answer) = oneshot::channel();
                queue.try_send(Job::Close { reply }).unwrap();
                writer.ended = true;
                assert!(writer.wait(&mut jobs).is_some());
                assert!(!writer.ended, "it waits for the next sweep");
            }
        });
        assert_eq!(text.matches("cannot be deleted").count(), 1, "{text}");
    }

    /// Leaves what is left of this many ended rooms, each with this many ids.
    fn end_rooms(writer: &Writer, rooms: usize, ids: usize) {
        for room in 101..=100 + rooms as i64 {
            writer.conn.execute("INSERT INTO ended (room) VALUES (?1)", [room]).unwrap();
            let fill = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2)
                INSERT INTO ids (room, id, seq, at) SELECT ?1, randomblob(16), n, 0 FROM n WHERE n <= ?2";
            writer.conn.execute(fill, (room, ids as i64)).unwrap();
        }
    }

    #[test]
    fn refused_write_does_not_roll_back_its_batch() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, mut reader, room) = open(&directory.path().join("flasky.db"));
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
}
