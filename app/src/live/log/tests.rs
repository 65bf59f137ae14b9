use std::collections::HashMap;
use std::sync::Mutex;

use client::DayRow;
use proptest::prelude::*;
use protocol::{ErrorCode, MemberId};
use uuid::Uuid;

use super::*;

fn id(nth: usize) -> EventId {
    EventId(Uuid::from_u128(nth as u128))
}

fn message(nth: usize, words: &str, state: RowState) -> Row {
    Row::Message(MessageRow {
        id: id(nth),
        by: MemberId(Uuid::nil()),
        name: None,
        at: 0,
        body: words.parse().ok(),
        edited: false,
        own: true,
        first_of_group: true,
        last_of_group: true,
        reply: None,
        reactions: Arc::default(),
        state,
    })
}

fn sent(nth: usize) -> Row {
    message(nth, "words", RowState::Sent)
}

fn draft(nth: usize) -> Row {
    message(nth, "words", RowState::Refused(ErrorCode::Storage))
}

fn day(day: i64) -> Row {
    Row::Day(DayRow { day, at: 0 })
}

fn keys(rows: &[Row]) -> Vec<RowKey> {
    rows.iter().map(Row::key).collect()
}

/// Change of a log's rows.
#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Prepend(usize),
    Insert(usize),
    Remove(usize),
    Trim(usize),
    Move(usize, usize),
    Change(usize),
    Acknowledge(usize),
    Replace(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..80_usize).prop_map(Step::Append),
        2 => (1..120_usize).prop_map(Step::Prepend),
        2 => any::<usize>().prop_map(Step::Insert),
        2 => any::<usize>().prop_map(Step::Remove),
        2 => (1..60_usize).prop_map(Step::Trim),
        1 => any::<(usize, usize)>().prop_map(|(from, to)| Step::Move(from, to)),
        2 => any::<usize>().prop_map(Step::Change),
        2 => any::<usize>().prop_map(Step::Acknowledge),
        1 => (0..80_usize).prop_map(Step::Replace),
    ]
}

/// Rows as a client gives them: a day before them, drafts behind them.
fn steps(rows: &mut Vec<Row>, next: &mut usize, step: &Step) {
    let mut fresh = |count: usize| {
        *next += count;
        (*next - count..*next).map(|nth| if nth % 7 == 0 { draft(nth) } else { sent(nth) })
    };
    let len = rows.len();
    match *step {
        Step::Append(count) => rows.extend(fresh(count)),
        Step::Prepend(count) => drop(rows.splice(1..1, fresh(count))),
        Step::Insert(at) => drop(rows.splice(1 + at % len..1 + at % len, fresh(1))),
        Step::Remove(at) if len > 1 => drop(rows.remove(1 + at % (len - 1))),
        Step::Trim(count) => drop(rows.drain(1..len.min(1 + count))),
        Step::Move(from, to) if len > 1 => {
            let row = rows.remove(1 + from % (len - 1));
            rows.insert(1 + to % (len - 1), row);
        }
        Step::Change(at) | Step::Acknowledge(at) if len > 1 => {
            if let Row::Message(message) = &mut rows[1 + at % (len - 1)] {
                message.state = RowState::Sent;
                message.edited ^= matches!(step, Step::Change(_));
            }
        }
        Step::Replace(count) => drop(rows.splice(1.., fresh(count))),
        Step::Remove(_) | Step::Move(..) | Step::Change(_) | Step::Acknowledge(_) => {}
    }
}

/// Content of a log's signals, block by block.
fn read(log: Log) -> Vec<(BlockId, Vec<RowHandle>)> {
    log.blocks.get_untracked().iter().map(|block| (block.id, block.rows.get_untracked())).collect()
}

fn rows_of(read: &[(BlockId, Vec<RowHandle>)]) -> Vec<Row> {
    read.iter().flat_map(|(_, rows)| rows).map(|handle| Row::clone(&handle.row.read_untracked())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn log_shows_exactly_the_rows_it_was_given_and_keeps_the_handles_that_stay(
        steps_taken in prop::collection::vec(step(), 1..25),
    ) {
        let _owner = owner();
        let (log, mut rows, mut next) = (Log::new(), vec![day(1)], 1);
        for step in &steps_taken {
            let before: HashMap<RowKey, RowHandle> =
                read(log).into_iter().flat_map(|(_, rows)| rows).map(|handle| (handle.key, handle)).collect();
            let blocks = log.blocks.get_untracked();
            steps(&mut rows, &mut next, step);
            log.draw(rows.clone());
            let now = read(log);
            prop_assert!(rows_of(&now) == rows);
            prop_assert!(now.is_sorted_by(|(one, _), (next, _)| one < next));
            prop_assert!(now.iter().all(|(_, rows)| !rows.is_empty()), "an empty block");
            for handle in now.iter().flat_map(|(_, rows)| rows) {
                prop_assert_eq!(handle.key, handle.row.read_untracked().key());
                prop_assert!(before.get(&handle.key).is_none_or(|was| was.row == handle.row), "made anew");
            }
            for block in log.blocks.get_untracked() {
                let was = blocks.iter().find(|was| was.id == block.id);
                prop_assert!(was.is_none_or(|was| was.rows == block.rows), "another block of the same name");
            }
            let newest = rows.iter().rev().find_map(|row| if let Row::Message(row) = row { Some(row.id) } else { None });
            prop_assert_eq!(log.newest.get_untracked(), newest);
        }
    }

    #[test]
    fn edits_are_none_where_nothing_changed(steps_taken in prop::collection::vec(step(), 1..12)) {
        let (mut shown, mut rows, mut next) = (Vec::new(), vec![day(1)], 1);
        for step in &steps_taken {
            steps(&mut rows, &mut next, step);
            shown = reconcile(&shown, rows.clone()).0;
            // Where rows that go along stand depends on those that came since: once more, and all is settled.
            shown = reconcile(&shown, rows.clone()).0;
            let (now, edits) = reconcile(&shown, rows.clone());
            prop_assert!(edits.is_empty(), "{:?}", edits);
            prop_assert!(now.iter().zip(&shown).all(|(now, was)| Arc::ptr_eq(&now.row, &was.row)));
        }
    }
}

fn owner() -> Owner {
    let owner = Owner::new();
    owner.set();
    owner
}

/// Signals that were notified, in order.
#[derive(Clone, Default)]
struct Notified(Arc<Mutex<Vec<String>>>);

impl Notified {
    /// Notes from now on what notifies whom, with each signal of the log in an effect of its own.
    fn listen(log: Log) -> (Self, Vec<ImmediateEffect>) {
        let this = Self::default();
        let mut effects = vec![this.note("log".to_owned(), move || log.blocks.track())];
        for (block, rows) in log.blocks.get_untracked().into_iter().map(|block| (block.id, block.rows)) {
            for handle in rows.get_untracked() {
                effects.push(this.note(format!("{:?}", handle.key), move || handle.row.track()));
            }
            effects.push(this.note(format!("block {block}"), move || rows.track()));
        }
        let _ = this.take();
        (this, effects)
    }

    fn note(&self, name: String, track: impl Fn() + Send + Sync + 'static) -> ImmediateEffect {
        let this = self.clone();
        ImmediateEffect::new_isomorphic(move || {
            track();
            this.0.lock().unwrap().push(name.clone());
        })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn log_of(rows: &[Row]) -> Log {
    let log = Log::new();
    log.draw(rows.to_vec());
    log
}

#[test]
fn message_that_comes_notifies_its_block_alone() {
    let _owner = owner();
    let mut rows: Vec<Row> = (0..120).map(sent).collect();
    rows.push(draft(500));
    let log = log_of(&rows);
    let (notified, _effects) = Notified::listen(log);
    rows.insert(120, sent(120));
    log.draw(rows.clone());
    assert_eq!(notified.take(), ["block 2"]);
    log.draw(rows);
    assert!(notified.take().is_empty());
}

#[test]
fn changed_message_notifies_its_row_alone() {
    let _owner = owner();
    let mut rows: Vec<Row> = (0..120).map(sent).collect();
    let log = log_of(&rows);
    let (notified, _effects) = Notified::listen(log);
    rows[60] = message(60, "other words", RowState::Sent);
    log.draw(rows.clone());
    assert_eq!(notified.take(), [format!("{:?}", RowKey::Event(id(60)))]);
}

#[test]
fn older_page_is_one_block_in_front_and_changes_no_other() {
    let _owner = owner();
    let mut rows: Vec<Row> = (200..300).map(sent).collect();
    let log = log_of(&rows);
    let (notified, _effects) = Notified::listen(log);
    rows.splice(0..0, (0..200).map(sent));
    log.draw(rows.clone());
    assert_eq!(notified.take(), ["log"]);
    let blocks: Vec<(BlockId, usize)> = read(log).iter().map(|(block, rows)| (*block, rows.len())).collect();
    assert_eq!(blocks, [(-1, 200), (0, 50), (1, 50)]);
}

#[test]
fn unread_line_that_moves_is_another_row() {
    let _owner = owner();
    let unread = |first| Row::Unread(client::UnreadRow { first: id(first), count: 1 });
    let mut rows: Vec<Row> = (0..40).map(sent).collect();
    rows.insert(10, unread(10));
    let log = log_of(&rows);
    let (notified, _effects) = Notified::listen(log);
    rows.remove(10);
    rows.insert(30, unread(30));
    log.draw(rows.clone());
    assert_eq!(notified.take(), ["block 0"]);
    assert_eq!(keys(&rows_of(&read(log))), keys(&rows));
    assert!(log.find(RowKey::Unread(id(10))).is_none());
}

#[test]
fn trimmed_rows_go_from_the_first_block_and_an_empty_block_goes_too() {
    let _owner = owner();
    let mut rows: Vec<Row> = (0..120).map(sent).collect();
    let log = log_of(&rows);
    let (notified, _effects) = Notified::listen(log);
    rows.drain(..3);
    log.draw(rows.clone());
    assert_eq!(notified.take(), ["block 0"]);
    rows.drain(..47);
    log.draw(rows.clone());
    assert_eq!(notified.take(), ["log"]);
    assert_eq!(read(log).len(), 2);
}

#[test]
fn last_own_message_is_the_last_that_was_not_refused() {
    let _owner = owner();
    let log = log_of(&[sent(1), draft(2)]);
    assert_eq!(log.last_own().map(|message| message.id), Some(id(1)));
    assert_eq!(log.newest.get_untracked(), Some(id(2)));
    assert_eq!(log.message(id(2)).map(|message| message.state), Some(RowState::Refused(ErrorCode::Storage)));
    let pending = RowState::Pending { since: 0, waiting: None };
    assert!(log_of(&[sent(1), message(2, "words", pending)]).last_own().is_none());
}
