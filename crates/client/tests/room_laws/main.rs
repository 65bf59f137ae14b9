//! Laws of a room and its client in any order of deliveries, duplicates, pages and disconnects.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod changes;
mod log;
mod moments;
mod rows;
mod world;

use client::timeline::WINDOW;
use client::timeline::rows::GROUP_MS;
use client::{
    Action, Applied, Client, DraftEvent, Ending, Input, Outbox, RoomState, Row, RowState, SeatChangeKind, Status,
};
use log::{Log, ME, body, epoch, id, log, member, said};
use proptest::prelude::*;
use protocol::{
    ClientFrame, Delivered, ErrorCode, EventKind, Names, Position, Proposal, RoomChange, RoomInfo, Seq, ServerFrame,
};
use world::{Step, World, step};

/// Time zone of the tests, in minutes from UTC: any but 0.
const ZONE: i32 = 120;

/// One delivery to a room.
#[derive(Clone, Debug)]
enum Arrival {
    /// The next events.
    Live(usize),
    /// An event that was delivered before.
    Repeat(prop::sample::Index),
    /// An older page: the event before which it ends, its length, and how much longer the log was when it was read.
    Older(prop::sample::Index, usize, prop::sample::Index),
}

fn arrival() -> impl Strategy<Value = Arrival> {
    prop_oneof![
        (0usize..5).prop_map(Arrival::Live),
        any::<prop::sample::Index>().prop_map(Arrival::Repeat),
        // An empty page means that no older events are left, so a server sends none while there are some.
        (any::<prop::sample::Index>(), 1usize..12, any::<prop::sample::Index>())
            .prop_map(|(before, size, read)| Arrival::Older(before, size, read)),
    ]
}

fn at(seq: Seq) -> Position {
    Position { epoch: epoch(), seq }
}

/// State of the room that the user sees.
fn seen(room: &RoomState) -> (Vec<Row>, Vec<protocol::Member>, RoomInfo, Option<Position>) {
    (drawn(room), room.members().to_vec(), room.info().clone(), room.position())
}

fn drawn(room: &RoomState) -> Vec<Row> {
    room.rows(std::iter::empty(), ZONE)
}

fn load_all(room: &mut RoomState, log: &Log) {
    let mut pages = 0;
    while let Some(before) = room.older_cursor() {
        room.prepend(before, log.before(before.seq, 7, log.len()), &log.names(log.len()));
        pages += 1;
        assert!(pages < 1_000, "older pages without end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_split_duplicates_and_page_order_give_the_same_room(
        log in log(1..60), head: prop::sample::Index, window in 1usize..20, arrivals in prop::collection::vec(arrival(), 0..40),
    ) {
        let mut head = head.index(log.len() + 1);
        let mut room = RoomState::from_snapshot(log.snapshot(head, window));
        // A page is requested once the one before it has arrived, so it is read no earlier.
        let mut last_read = head;
        for arrival in arrivals {
            match arrival {
                Arrival::Live(count) => for event in &log.events[head..log.len().min(head + count)] {
                    prop_assert_eq!(room.apply(Delivered::Event(event.clone())), Applied::Added);
                    head += 1;
                },
                Arrival::Repeat(which) if head > 0 => {
                    let mut event = log.events[which.index(head)].clone();
                    // A repeated event's `prev` is not compared, so it may be anything.
                    event.prev = Seq(u64::from(head as u32));
                    prop_assert_eq!(room.apply(Delivered::Event(event)), Applied::Known);
                }
                Arrival::Older(before, size, read) => {
                    let place = before.index(log.len());
                    let seq = log.events[place].seq;
                    let earliest = place.max(last_read);
                    last_read = earliest + read.index(log.len() - earliest + 1);
                    room.prepend(at(seq), log.before(seq, size, last_read), &log.names(last_read));
                }
                Arrival::Repeat(_) => {}
            }
            prop_assert!(log.has_run(room.timeline().events()), "a gap or a double in the timeline");
            changes::nothing_outdated_is_here(&room, &log)?;
        }
        for event in &log.events[head..] {
            prop_assert_eq!(room.apply(Delivered::Event(event.clone())), Applied::Added);
        }
        load_all(&mut room, &log);
        prop_assert_eq!(seen(&room), seen(&RoomState::from_snapshot(log.snapshot(log.len(), log.len()))));
        changes::rows_say_what_the_log_says(&room, &log)?;
    }

    #[test]
    fn gap_is_reported_and_never_skipped(log in log(2..40), head: prop::sample::Index, skip in 1usize..5) {
        let head = head.index(log.len() - 1);
        let mut room = RoomState::from_snapshot(log.snapshot(head, 10));
        for event in log.events[head..].iter().skip(skip) {
            let before = room.clone();
            prop_assert_eq!(room.apply(Delivered::Event(event.clone())), Applied::Gap);
            prop_assert_eq!(&room, &before, "an event after a gap must change nothing");
        }
    }

    #[test]
    fn resumed_room_equals_a_fresh_one(log in log(1..60), head: prop::sample::Index, more: prop::sample::Index) {
        let had = head.index(log.len() + 1);
        let head = had + more.index(log.len() - had + 1);
        let mut room = RoomState::from_snapshot(log.snapshot(had, 100));
        room.welcome(&log.welcome(head, true));
        for event in &log.events[had..head] {
            prop_assert!(!room.is_caught_up());
            room.apply(Delivered::Event(event.clone()));
            prop_assert_eq!(room.members(), log.roster(head), "replay must not change the roster");
        }
        prop_assert!(room.is_caught_up());
        for event in &log.events[head..] {
            room.apply(Delivered::Event(event.clone()));
        }
        prop_assert_eq!(seen(&room), seen(&RoomState::from_snapshot(log.snapshot(log.len(), log.len()))));
    }

    #[test]
    fn room_after_a_reset_and_its_replay_equals_a_fresh_one(
        old in log(1..30), new in log(1..60), window in 1usize..20, late: prop::sample::Index, same_epoch: bool,
    ) {
        let mut room = RoomState::from_snapshot(old.snapshot(old.len(), 10));
        let before = room.older_cursor();
        let mut welcome = new.welcome(new.len(), false);
        if !same_epoch {
            welcome.position.epoch.0 += 1;
        }
        room.welcome(&welcome);
        room.add_names(&new.names(new.len()));
        prop_assert_eq!(room.position(), None, "the old position is kept");
        let start = new.len().saturating_sub(window);
        for event in &new.events[start..] {
            let mut event = event.clone();
            if event.seq == new.events[start].seq {
                event.prev = Seq(late.index(1_000) as u64);
            }
            prop_assert_eq!(room.apply(Delivered::Event(event)), Applied::Added);
        }
        // A page that was requested before the reset arrives after it.
        if let (Some(before), false) = (before, same_epoch) {
            room.prepend(before, old.before(before.seq, 9, old.len()), &old.names(old.len()));
        }
        let mut fresh = new.snapshot(new.len(), window);
        fresh.position = welcome.position;
        let fresh = RoomState::from_snapshot(fresh);
        let lines = |room: &RoomState| (drawn(room), room.members().to_vec(), room.position(), room.older_cursor());
        prop_assert_eq!(lines(&room), lines(&fresh));
    }

    #[test]
    fn row_keys_are_unique_and_groups_have_both_ends(log in log(1..60)) {
        let rows = drawn(&RoomState::from_snapshot(log.snapshot(log.len(), 100)));
        world::keys_are_unique(&rows)?;
        for pair in rows.windows(2) {
            let (Row::Message(above), Row::Message(below)) = (&pair[0], &pair[1]) else { continue };
            let together = above.by == below.by && below.at - above.at <= GROUP_MS;
            prop_assert_eq!((above.last_of_group, below.first_of_group), (!together, !together));
        }
        for pair in rows.windows(2) {
            let (Row::Roster(above), Row::Roster(below)) = (&pair[0], &pair[1]) else { continue };
            let own = |row: &client::RosterRow| row.changes.iter().any(|change| change.own);
            prop_assert!(own(above) || own(below), "a run that is not folded");
        }
        for row in &rows {
            if let Row::Roster(line) = row {
                prop_assert!(line.changes.len() == 1 || line.changes.iter().all(|change| !change.own));
            }
        }
    }

    /// The protocol's guarantees, for a client and a server that disconnects, refuses, trims and sends duplicates.
    #[test]
    fn nothing_sent_is_lost_or_shown_twice(entropy: u64, steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new(entropy);
        for step in steps {
            world.live(step)?;
        }
        world.rest()?;
    }
}

#[test]
fn draft_is_resent_once_after_each_disconnect_and_the_next_waits() {
    let mut world = World::new(3);
    world.run(&[Step::Up, Step::Up, Step::Down, Step::Down, Step::Send, Step::Send]);
    for _ in 0..4 {
        // The server never reads the append, so nothing is echoed.
        assert_eq!(world.appended_on_this_dial(), [world.sent[0]]);
        world.run(&[Step::Cut(1006), Step::Wait(15_000), Step::Up, Step::Up, Step::Down, Step::Down]);
    }
    world.rest().unwrap();
    assert_eq!(world.own_in_log(), world.sent);
}

#[test]
fn final_refusal_blocks_later_drafts_until_the_user_decides() {
    let mut client = live_client();
    let send = |client: &mut Client, nth| {
        client.step(10, Input::Send { id: id(nth), body: body("text"), reply_to: None, at: 5 })
    };
    assert_eq!(send(&mut client, 100).len(), 1, "transmitted at once");
    assert_eq!(send(&mut client, 101), []);
    let refusal = ServerFrame::Rejected { id: id(100), error: ErrorCode::TooLong, retry_ms: None };
    assert_eq!(client.step(20, Input::Frame(1, refusal.clone())), []);
    let states = |client: &Client| -> Vec<RowState> {
        client
            .rows()
            .iter()
            .filter_map(|row| if let Row::Message(row) = row { Some(row.state) } else { None })
            .collect()
    };
    assert_eq!(states(&client)[2..], [RowState::Refused(ErrorCode::TooLong), RowState::Held]);
    assert_eq!(client.step(30, Input::Recompose(id(101))), [], "a draft that is not refused may be in the log");

    let appended = |nth| {
        [Action::Transmit(ClientFrame::Append {
            id: id(nth),
            event: protocol::Proposal::Message { body: "text".into(), reply_to: None },
        })]
    };
    assert_eq!(client.step(40, Input::Retry(id(100))), appended(100));
    assert_eq!(client.step(50, Input::Frame(1, refusal)), []);
    let actions = client.step(60, Input::Recompose(id(100)));
    assert_eq!(actions[0], Action::Compose(body("text")));
    assert_eq!(actions[1..], appended(101));
    assert!(client.has_unsent());
}

#[test]
fn refusal_for_now_is_retried_after_retry_ms() {
    let mut client = live_client();
    let _ = client.step(10, Input::Send { id: id(100), body: body("text"), reply_to: None, at: 5 });
    let refusal = ServerFrame::Rejected { id: id(100), error: ErrorCode::Rate, retry_ms: Some(400) };
    assert_eq!(client.step(20, Input::Frame(1, refusal)), [Action::Wake(420)]);
    assert_eq!(client.step(419, Input::Tick), [Action::Wake(420)]);
    assert!(matches!(client.step(420, Input::Tick)[0], Action::Transmit(ClientFrame::Append { .. })));
}

#[test]
fn draft_kept_over_a_reload_settles_if_the_snapshot_has_it() {
    let log = Log::of([said(1), said(2)]);
    let mut outbox = Outbox::default();
    for nth in [2, 7] {
        outbox.push(1_000, id(nth), DraftEvent::Message { body: body("kept"), reply_to: None }, 5);
    }
    let kept: Outbox = serde_json::from_str(&serde_json::to_string(&outbox).unwrap()).unwrap();
    let client = Client::new(1, Some(log.snapshot(2, 10)), kept);
    let left: Vec<_> = client.outbox().drafts().map(|draft| (draft.id, draft.since)).collect();
    assert_eq!(left, [(id(7), 0)]);
}

#[test]
fn message_row_keeps_its_key_when_it_is_sent() {
    let mut client = live_client();
    let _ = client.step(10, Input::Send { id: id(3), body: body("text"), reply_to: None, at: 5 });
    let pending = client.rows();
    let event = Log::of([said(1), said(2), said(3)]).events[2].clone();
    let frame = ServerFrame::Events { events: vec![Delivered::Event(event)], names: Names::new(), more: false };
    let _ = client.step(20, Input::Frame(1, frame));
    let sent = client.rows();
    assert_eq!(pending.iter().map(Row::key).collect::<Vec<_>>(), sent.iter().map(Row::key).collect::<Vec<_>>());
    assert_ne!(pending, sent);
    assert!(!client.has_unsent());
}

#[test]
fn trimmed_duplicate_settles_without_a_row() {
    let mut client = live_client();
    let _ = client.step(10, Input::Send { id: id(100), body: body("text"), reply_to: None, at: 5 });
    let rows = client.rows().len();
    let events = vec![Delivered::Trimmed { id: id(100), seq: Seq(1) }];
    let _ = client.step(20, Input::Frame(1, ServerFrame::Events { events, names: Names::new(), more: false }));
    assert!(!client.has_unsent());
    assert_eq!(client.rows().len(), rows - 1);
}

#[test]
fn gap_leads_to_a_new_hello_with_the_same_position() {
    let mut client = live_client();
    let position = client.room().unwrap().position();
    let log = Log::of((1..5).map(said));
    let events = vec![Delivered::Event(log.events[3].clone())];
    let actions = client.step(20, Input::Frame(1, ServerFrame::Events { events, names: Names::new(), more: false }));
    assert_eq!(actions[0], Action::Disconnect(1));
    let Status::Reconnecting { since: 20, next_try: Some(next), offline: false, failed: 0 } = client.status() else {
        panic!("{:?}", client.status());
    };
    assert_eq!(client.step(next, Input::Tick)[0], Action::Connect(2));
    let hello = ClientFrame::Hello { v: protocol::VERSION, position };
    assert_eq!(client.step(next, Input::Opened(2))[0], Action::Transmit(hello));
}

#[test]
fn no_such_room_after_a_snapshot_means_room_ended() {
    let mut client = Client::new(1, Some(Log::of([said(1)]).snapshot(1, 10)), Outbox::default());
    let _ = client.step(0, Input::Start);
    assert_eq!(client.status(), Status::Connecting);
    let _ = client.step(0, Input::Closed(1, 4502));
    assert_eq!(client.status(), Status::Ended(Ending::RoomEnded));
    assert_eq!(client.rows().len(), 2, "messages can still be read");
}

#[test]
fn window_is_bounded_and_full_window_loads_no_older_page() {
    let log = Log::of((0..WINDOW as u32 + 50).map(said));
    let mut room = RoomState::from_snapshot(log.snapshot(40, 10));
    for event in &log.events[40..] {
        room.apply(Delivered::Event(event.clone()));
        assert!(log.has_run(room.timeline().events()));
    }
    assert_eq!(room.timeline().events().len(), WINDOW);
    assert_eq!(room.older_cursor(), None, "the window has no space for an older page");
    assert!(!room.is_whole());
}

#[test]
fn member_who_left_keeps_the_name() {
    let log = Log::of([log::joined(0, ME), log::joined(1, 3), log::left(2, 3)]);
    let mut room = RoomState::from_snapshot(log.snapshot(1, 10));
    room.apply(Delivered::Event(log.events[1].clone()));
    room.apply(Delivered::Event(log.events[2].clone()));
    assert_eq!(room.members().len(), 1);
    assert_eq!(room.name(member(3)).unwrap().text(), "M3");
    let rows = drawn(&room);
    let Row::Roster(line) = &rows[2] else { panic!("{rows:?}") };
    let kinds: Vec<_> = line.changes.iter().map(|change| change.kind.clone()).collect();
    assert_eq!(kinds[0], SeatChangeKind::Joined);
    assert_eq!((rows.len(), line.changes.len()), (3, 2), "the reader's line by itself, the others folded");
}

#[test]
fn rename_changes_roster_and_older_rows_and_the_line_keeps_both_names() {
    let log =
        Log::of([log::joined(0, 3), log::said_by(1, 3), log::renamed(2, 3, "M3"), said(3), log::renamed(4, 3, "R2")]);
    for known in 1..=5 {
        let mut room = RoomState::from_snapshot(log.snapshot(known, 10));
        log.events[known..]
            .iter()
            .for_each(|event| assert_eq!(room.apply(Delivered::Event(event.clone())), Applied::Added));
        assert_eq!(room.members()[0].name.text(), "R4");
        let rows = drawn(&room);
        let Row::Message(message) = &rows[2] else { panic!("{rows:?}") };
        assert_eq!(message.name.as_ref().unwrap().text(), "R4", "an older message shows the new name");
        let Row::Roster(line) = &rows[3] else { panic!("{rows:?}") };
        let both = SeatChangeKind::Renamed { was: log::shown("M3"), name: log::shown("R2") };
        assert_eq!(line.changes[0].kind, both);
    }
}

#[test]
fn room_name_and_host_change_the_room_and_are_lines() {
    let named = |nth, name: &str| {
        (nth, 1, EventKind::Settings(RoomChange { name: name.parse().ok(), ..RoomChange::default() }))
    };
    let host = (3, 1, EventKind::Host { member: member(ME) });
    let log = Log::of([said(0), named(1, "Book club"), named(2, ""), host]);
    let mut room = RoomState::from_snapshot(log.snapshot(1, 10));
    let mut names = Vec::new();
    for event in &log.events[1..] {
        room.apply(Delivered::Event(event.clone()));
        names.push((room.info().name.to_string(), room.info().host));
    }
    let none = String::new();
    assert_eq!(names, [("Book club".to_owned(), None), (none.clone(), None), (none, Some(member(ME)))]);
    let rows = drawn(&room);
    let kinds = |row: &Row| match row {
        Row::Roster(line) => line.changes.iter().map(|change| (change.own, change.kind.clone())).collect::<Vec<_>>(),
        row => panic!("{row:?}"),
    };
    let name = |name: &str| (false, SeatChangeKind::RoomName(name.parse().unwrap()));
    assert_eq!(kinds(&rows[2]), [name("Book club"), name("")]);
    assert_eq!(kinds(&rows[3]), [(true, SeatChangeKind::Host)]);
}

/// Old clients pass over the kinds of this version in the same way.
#[test]
fn event_of_a_later_version_moves_the_position_and_shows_nothing() {
    let log =
        Log::of([said(0), (1, 3, EventKind::Unknown), (2, 3, EventKind::Settings(RoomChange::default())), said(3)]);
    let mut room = RoomState::from_snapshot(log.snapshot(1, 10));
    log.events[1..].iter().for_each(|event| assert_eq!(room.apply(Delivered::Event(event.clone())), Applied::Added));
    assert_eq!(room.position(), Some(log.position(4)));
    assert_eq!(drawn(&room).len(), 3, "a day and two messages");
}

#[test]
fn names_are_sent_as_drafts_and_shown_once_they_are_in_the_log() {
    let mut client = live_client();
    let rename = Input::Rename { id: id(100), name: "Ana".parse().unwrap(), at: 5 };
    let append = |id, event| [Action::Transmit(ClientFrame::Append { id, event })];
    assert_eq!(client.step(10, rename), append(id(100), Proposal::Renamed { name: "Ana".into() }));
    let rejected = ServerFrame::Rejected { id: id(100), error: ErrorCode::NoSeat, retry_ms: None };
    assert_eq!(client.step(20, Input::Frame(1, rejected)), [Action::NameRefused(ErrorCode::NoSeat)]);
    assert!(!client.has_unsent(), "a refused name is no more");
    let present = Input::NameRoom { id: id(101), name: Default::default(), at: 5 };
    assert_eq!(client.step(30, present), [], "the room has no name");
    assert!(!client.has_unsent());
    let settings = Input::NameRoom { id: id(102), name: "Book club".parse().unwrap(), at: 5 };
    assert_eq!(client.step(40, settings), append(id(102), Proposal::Settings("Book club".to_owned().into())));
}

/// A client that is live on connection 1, caught up, with two messages.
fn live_client() -> Client {
    let log = Log::of([said(1), said(2)]);
    let mut client = Client::new(1, Some(log.snapshot(2, 10)), Outbox::default());
    let _ = client.step(0, Input::Start);
    let _ = client.step(0, Input::Opened(1));
    let _ = client.step(0, Input::Frame(1, ServerFrame::Welcome(Box::new(log.welcome(2, true)))));
    assert_eq!(client.status(), Status::Live);
    client
}
