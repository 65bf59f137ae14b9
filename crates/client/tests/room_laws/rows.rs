//! Laws of days, the unread mark and quotes.

use client::{Client, DayRow, Input, Outbox, Quote, QuotePlace, RoomState, Row, RowKey, UnreadRow};
use proptest::prelude::*;
use protocol::{Delivered, Event, EventKind, Names, ServerFrame, Snapshot};

use crate::changes::messages;
use crate::log::{self, Log, ME, body, deleted, id, joined, left, log, member, said, said_by};
use crate::{drawn, live_client};

const MINUTE: i128 = 60_000;
const DAY: i128 = 24 * 60 * MINUTE;

/// Calendar day of a time in a zone, in days since 1970.
fn day(at: u64, zone: i32) -> i64 {
    i64::try_from((i128::from(at) + i128::from(zone) * MINUTE).div_euclid(DAY)).unwrap()
}

/// Day rows (`Ok`) and days of messages and lines (`Err`), in order.
fn days(rows: &[Row], zone: i32) -> Vec<Result<i64, i64>> {
    rows.iter()
        .filter_map(|row| match row {
            Row::Day(row) => Some(Ok(row.day)),
            Row::Message(row) => Some(Err(day(row.at, zone))),
            Row::Roster(row) => Some(Err(day(row.at, zone))),
            Row::Unread(_) => None,
        })
        .collect()
}

/// Asserts that each row stands below its day's row, and that each day has one such row and is not empty.
fn assert_days(rows: &[Row], zone: i32) -> Result<(), TestCaseError> {
    let mut day = None;
    let days = days(rows, zone);
    for (nth, row) in days.iter().enumerate() {
        match *row {
            Ok(new) => {
                prop_assert!(day.is_none_or(|day| day < new), "a day twice, or out of order");
                prop_assert_eq!(days.get(nth + 1), Some(&Err(new)), "a day without a row");
                day = Some(new);
            }
            Err(of) => prop_assert_eq!(day, Some(of), "a row in another day"),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_row_stands_below_its_day(log in log(1..60), zone in -720i32..=840) {
        let room = RoomState::from_snapshot(log.snapshot(log.len(), log.len()));
        assert_days(&room.rows(std::iter::empty(), zone), zone)?;
    }

    #[test]
    fn day_begins_at_the_readers_midnight(
        zone in -720i32..=840, midnight in 2i64..30_000, around in prop::collection::vec(-2i64..=2, 1..8),
    ) {
        let midnight = midnight * DAY as i64 - i64::from(zone) * MINUTE as i64;
        let mut times: Vec<u64> = around.into_iter().map(|off| (midnight + off) as u64).collect();
        times.sort_unstable();
        let mut log = Log::of(times.iter().enumerate().map(|(nth, _)| said(nth as u32)));
        log.events.iter_mut().zip(&times).for_each(|(event, at)| event.at = *at);
        let rows = RoomState::from_snapshot(log.snapshot(log.len(), log.len())).rows(std::iter::empty(), zone);
        assert_days(&rows, zone)?;
        let before = times.iter().filter(|at| (**at as i64) < midnight).count();
        let begins: Vec<usize> = (0..rows.len()).filter(|nth| matches!(rows[*nth], Row::Day(_))).collect();
        let expected = match before {
            0 => vec![0],
            _ if before == times.len() => vec![0],
            _ => vec![0, before + 1],
        };
        prop_assert_eq!(begins, expected);
    }

    /// Server clocks go back at times, and a frame may carry any time.
    #[test]
    fn keys_are_unique_at_any_times(mut log in log(1..30), times in prop::collection::vec(any::<u64>(), 30), zone: i32) {
        log.events.iter_mut().zip(times).for_each(|(event, at)| event.at = at);
        let rows = RoomState::from_snapshot(log.snapshot(log.len(), log.len())).rows(std::iter::empty(), zone);
        crate::world::keys_are_unique(&rows)?;
    }
}

#[test]
fn runs_of_lines_and_groups_end_with_the_day() {
    let mut log = Log::of([joined(1, 2), joined(2, 3), said(3), said(4)]);
    let (day, next) = (DAY as u64, 2 * DAY as u64);
    log.events.iter_mut().zip([day - 2, day - 1, next - 1, next]).for_each(|(event, at)| event.at = at);
    let rows = |log: &Log, zone| RoomState::from_snapshot(log.snapshot(4, 4)).rows(std::iter::empty(), zone);
    let keys: Vec<RowKey> = rows(&log, 0).iter().map(Row::key).collect();
    let [line, above, below] = [1, 3, 4].map(|nth| RowKey::Event(id(nth)));
    assert_eq!(keys, [RowKey::Day(0), line, RowKey::Day(1), above, RowKey::Day(2), below]);
    assert_eq!(rows(&log, 0)[0], Row::Day(DayRow { day: 0, at: day - 2 }));
    let groups: Vec<_> = messages(&rows(&log, 0)).iter().map(|row| (row.first_of_group, row.last_of_group)).collect();
    assert_eq!(groups, [(true, true), (true, true)]);

    log.events[1].at = day;
    let keys: Vec<RowKey> = rows(&log, 0).iter().map(Row::key).collect();
    assert_eq!(keys[..4], [RowKey::Day(0), line, RowKey::Day(1), RowKey::Event(id(2))]);
}

fn frame(log: &Log, events: std::ops::Range<usize>) -> Input {
    let events: Vec<Event> = log.events[events].to_vec();
    let events = events.into_iter().map(Delivered::Event).collect();
    Input::Frame(1, ServerFrame::Events { events, names: Names::new(), more: false })
}

fn unread(client: &Client) -> Option<(usize, RowKey)> {
    let rows = client.rows();
    let place = rows.iter().position(|row| matches!(row, Row::Unread(_)))?;
    let Row::Unread(UnreadRow { first, count }) = rows[place] else { return None };
    assert_eq!((count, RowKey::Event(first)), (client.unread(), rows[place + 1].key()));
    assert_eq!(rows[place].key(), RowKey::Unread(first));
    Some((count, rows[place + 1].key()))
}

#[test]
fn messages_while_hidden_are_unread_until_the_reader_sends() {
    let log = Log::of([
        said(1),
        said(2),
        said_by(3, 1),
        said(4),
        joined(5, 2),
        said_by(6, 2),
        deleted(7, 2, 6),
        said_by(8, 2),
        said_by(9, 2),
    ]);
    let mut client = live_client();
    let _ = client.step(10, frame(&log, 2..3));
    assert_eq!((client.unread(), unread(&client)), (0, None), "seen");
    let _ = client.step(20, Input::Visible(false));
    let _ = client.step(20, frame(&log, 3..5));
    assert_eq!((client.unread(), unread(&client)), (0, None), "own messages and joins do not count");
    let _ = client.step(30, frame(&log, 5..6));
    assert_eq!(unread(&client), Some((1, RowKey::Event(id(6)))));
    let _ = client.step(30, frame(&log, 6..7));
    assert_eq!(unread(&client), None, "deleted");
    let _ = client.step(30, frame(&log, 7..8));
    let _ = client.step(30, Input::Visible(false));
    assert_eq!(unread(&client), Some((1, RowKey::Event(id(8)))), "hidden twice is hidden once");

    let _ = client.step(40, Input::Visible(true));
    let _ = client.step(40, frame(&log, 8..9));
    assert_eq!(unread(&client), Some((2, RowKey::Event(id(8)))));
    let mut other = client.clone();
    let _ = other.step(50, Input::Visible(false));
    assert_eq!((other.unread(), unread(&other)), (0, None), "seen, and the mark moves on");
    let _ = client.step(50, Input::Send { id: id(100), body: body("answer"), reply_to: None, at: 5 });
    assert_eq!((client.unread(), unread(&client)), (0, None));
}

#[test]
fn every_message_of_a_new_epoch_is_unread() {
    let mut client = live_client();
    let _ = client.step(10, Input::Visible(false));
    let log = Log::of([said_by(1, 1), said_by(2, 2)]);
    let mut room = client.room().unwrap().clone();
    let mut welcome = log.welcome(2, false);
    welcome.position.epoch.0 += 1;
    room.welcome(&welcome);
    for event in &log.events {
        room.apply(Delivered::Event(event.clone()));
    }
    assert_eq!(room.unread(), 2);
}

#[test]
fn reply_quotes_the_current_text_of_a_loaded_message() {
    let answer = |nth, target| {
        (nth, 1, EventKind::Message { body: Some(body("answer")), reply_to: Some(id(target)), edited: false })
    };
    let log = Log::of([said_by(1, 2), answer(2, 1), log::edited(3, 2, 1), deleted(4, 2, 1), answer(5, 99)]);
    let quotes = |head: usize, window: usize| -> Vec<Option<Quote>> {
        let rows = messages(&drawn(&RoomState::from_snapshot(log.snapshot(head, window))));
        rows.into_iter().map(|row| row.reply).collect()
    };
    let words = |quote: &Quote| quote.body.as_ref().map(|body| body.as_str().to_owned());
    let quote = quotes(2, 9)[1].clone().unwrap();
    assert_eq!((words(&quote), quote.by, quote.place), (Some("text 1".to_owned()), Some(member(2)), QuotePlace::Here));
    assert_eq!(quote.name.as_ref().unwrap().text(), "M2");
    assert_eq!(words(quotes(3, 9)[1].as_ref().unwrap()), Some("text 3".to_owned()));
    let gone = quotes(4, 9)[1].clone().unwrap();
    assert_eq!((words(&gone), gone.by, gone.place), (None, Some(member(2)), QuotePlace::Here));
    let absent = Quote { target: id(99), by: None, name: None, body: None, place: QuotePlace::Unknown };
    assert_eq!(quotes(5, 9)[2], Some(absent.clone()));
    assert_eq!(quotes(2, 1)[0], Some(Quote { target: id(1), ..absent }), "not loaded");
}

#[test]
fn reply_quotes_a_fetched_message_and_follows_its_edits() {
    let answer = (2, 1, EventKind::Message { body: Some(body("answer")), reply_to: Some(id(1)), edited: false });
    let log = Log::of([said_by(1, 2), answer, log::edited(3, 2, 1), deleted(4, 2, 1)]);
    let quote = |room: &RoomState| {
        let quote = messages(&drawn(room)).last().unwrap().reply.clone().unwrap();
        (quote.body.map(|body| body.as_str().to_owned()), quote.name.map(|name| name.to_string()), quote.place)
    };
    let quoted = |text: Option<&str>, place| (text.map(str::to_owned), Some("M2".to_owned()), place);
    let first = || Some(log.events[0].clone());
    let later = |nth: usize| Delivered::Event(log.events[nth].clone());
    let page = || log.snapshot(2, 1);
    let mut room = RoomState::from_snapshot(page());
    let mut late = room.clone();
    let mut gone = room.clone();
    assert_eq!(quote(&room), (None, None, QuotePlace::Unknown));
    gone.insert_quoted(id(1), None, &Names::new());
    assert_eq!(quote(&gone), (None, None, QuotePlace::Gone));
    room.insert_quoted(id(1), first(), &log.names(4));
    assert_eq!(quote(&room), quoted(Some("text 1"), QuotePlace::Older));
    assert_eq!(
        quote(&RoomState::from_snapshot(Snapshot { quoted: first().into_iter().collect(), ..page() })),
        quote(&room)
    );
    // The quoted message may be fetched before or after its edit arrives.
    for room in [&mut room, &mut late] {
        room.apply(later(2));
        room.insert_quoted(id(1), first(), &log.names(4));
        assert_eq!(quote(room), quoted(Some("text 3"), QuotePlace::Older));
    }
    room.prepend(log.position(2), log.before(log.events[1].seq, 1, 3), &Names::new());
    assert_eq!(quote(&room), quoted(Some("text 3"), QuotePlace::Here));
    late.apply(later(3));
    assert_eq!(quote(&late), quoted(None, QuotePlace::Older));
}

#[test]
fn reply_to_a_pending_message_quotes_it() {
    let mut client = Client::new(1, Some(Log::of([said(1)]).snapshot(1, 1)), Outbox::default());
    let send =
        |nth, target: Option<u32>| Input::Send { id: id(nth), body: body("mine"), reply_to: target.map(id), at: 5 };
    let _ = client.step(0, send(100, None));
    let _ = client.step(0, send(101, Some(100)));
    let quote = messages(&client.rows())[2].reply.clone().unwrap();
    assert_eq!((quote.by, quote.body, quote.place), (Some(member(ME)), Some(body("mine")), QuotePlace::Here));
}

#[test]
fn lines_about_others_fold_and_the_readers_own_do_not() {
    let log = Log::of([joined(1, 2), left(2, 2), joined(3, ME), joined(4, 3)]);
    let rows = drawn(&RoomState::from_snapshot(log.snapshot(4, 4)));
    let lines: Vec<usize> =
        rows.iter().filter_map(|row| if let Row::Roster(row) = row { Some(row.changes.len()) } else { None }).collect();
    assert_eq!(lines, [2, 1, 1]);
}
