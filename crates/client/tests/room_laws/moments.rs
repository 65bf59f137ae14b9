//! State that expires: typing, away, the notice of a reconnect.

use client::typing::{TYPING_EXPIRY_MS, TYPING_INTERVAL_MS};
use client::{Action, Client, Input, Outbox, RECONNECTED_MS, Reconnected, Status};
use protocol::{ClientFrame, Delivered, MemberId, Names, ServerFrame};

use crate::live_client;
use crate::log::{Log, ME, joined, left, member, said, said_by};

fn signal(who: u8, typing: Option<bool>, away: Option<bool>) -> Input {
    Input::Frame(1, ServerFrame::Signal { member: member(who), typing, away, until: None })
}

fn events(connection_id: u32, log: &Log, range: std::ops::Range<usize>, more: bool) -> Input {
    let events = log.events[range].iter().cloned().map(Delivered::Event).collect();
    Input::Frame(connection_id, ServerFrame::Events { events, names: Names::new(), more })
}

fn typing(client: &Client) -> Vec<String> {
    client.typing().iter().map(|member| member.name.to_string()).collect()
}

#[test]
fn typing_member_is_shown_until_the_signal_expires() {
    let mut client = live_client();
    assert_eq!(client.step(100, signal(2, Some(true), None)), [Action::Wake(100 + TYPING_EXPIRY_MS)]);
    let _ = client.step(200, signal(1, Some(true), None));
    let _ = client.step(300, signal(ME, Some(true), None));
    assert_eq!(typing(&client), ["M2", "M1"], "in the order they began, and never the reader");
    let _ = client.step(2_000, signal(2, Some(true), None));
    assert_eq!(client.step(100 + TYPING_EXPIRY_MS, Input::Tick), [Action::Wake(200 + TYPING_EXPIRY_MS)]);
    let _ = client.step(200 + TYPING_EXPIRY_MS, Input::Tick);
    assert_eq!(typing(&client), ["M2"], "the signal was repeated, so it expires later");
    let _ = client.step(300 + TYPING_EXPIRY_MS, signal(2, Some(false), None));
    assert_eq!(typing(&client), [""; 0]);
}

#[test]
fn message_or_leave_ends_typing() {
    let log = Log::of([said(1), said(2), said_by(3, 2), left(4, 3)]);
    let mut client = live_client();
    for who in [1, 2, 3] {
        let _ = client.step(100, signal(who, Some(true), None));
    }
    let _ = client.step(200, events(1, &log, 2..4, false));
    assert_eq!(typing(&client), ["M1"]);
}

#[test]
fn own_typing_is_signalled_once_per_interval() {
    let said = [Action::Transmit(ClientFrame::Signal { typing: true })];
    let mut client = live_client();
    assert_eq!(client.step(100, Input::Typing), said);
    assert_eq!(client.step(99 + TYPING_INTERVAL_MS, Input::Typing), []);
    assert_eq!(client.step(100 + TYPING_INTERVAL_MS, Input::Typing), said);
    let _ = client.step(20_000, Input::Closed(1, 1006));
    let transmits = |actions: &[Action]| actions.iter().any(|action| matches!(action, Action::Transmit(_)));
    assert!(!transmits(&client.step(20_001, Input::Typing)), "nothing is sent without a connection");
}

/// A client on connection 1 that is caught up with a room of two others.
fn among_others() -> (Client, Log) {
    let log = Log::of([joined(1, ME), joined(2, 1), joined(3, 2)]);
    let mut client = Client::new(1, Some(log.snapshot(3, 10)), Outbox::default());
    for input in [Input::Start, Input::Opened(1)] {
        let _ = client.step(0, input);
    }
    let _ = client.step(0, Input::Frame(1, ServerFrame::Welcome(Box::new(log.welcome(3, true)))));
    (client, log)
}

#[test]
fn newest_time_is_that_of_the_last_event_of_any_kind() {
    let (mut client, mut log) = among_others();
    assert_eq!(client.newest_at(), log.events[2].at);
    log.push(left(4, 2), 1, 10);
    let _ = client.step(10, events(1, &log, 3..4, false));
    assert_eq!(client.newest_at(), log.events[3].at);
    assert_eq!(Client::new(1, None, Outbox::default()).newest_at(), 0);
}

#[test]
fn away_member_is_shown_until_back_is_signalled() {
    let (mut client, _) = among_others();
    let away = |client: &Client| -> Vec<bool> { client.members().iter().map(|seated| seated.away).collect() };
    let _ = client.step(10, signal(1, None, Some(true)));
    let _ = client.step(10, signal(9, None, Some(true)));
    assert_eq!(away(&client), [false, true, false]);
    let _ = client.step(20, signal(1, Some(true), None));
    assert_eq!(away(&client), [false, true, false]);
    let _ = client.step(30, signal(1, None, Some(false)));
    assert_eq!(away(&client), [false, false, false]);
    let names: Vec<(MemberId, String)> =
        client.member_names().map(|(member, name)| (member, name.to_string())).collect();
    assert_eq!(names, [(member(ME), "M0".into()), (member(1), "M1".into()), (member(2), "M2".into())]);
}

/// Loses the connection at `lost`, and opens the next one at `back`; the welcome is still to come.
fn lose(client: &mut Client, connection_id: u32, lost: u64, back: u64) {
    let _ = client.step(lost, Input::Closed(connection_id, 1006));
    let _ = client.step(back, Input::TryNow);
    let _ = client.step(back, Input::Tick);
    let _ = client.step(back, Input::Opened(connection_id + 1));
}

fn welcome(client: &mut Client, connection_id: u32, now: u64, log: &Log, head: usize) {
    let _ = client.step(now, Input::Frame(connection_id, ServerFrame::Welcome(Box::new(log.welcome(head, true)))));
}

#[test]
fn reconnect_notice_counts_missed_messages_after_the_replay() {
    let (mut client, mut log) = among_others();
    for entry in [said_by(4, 1), said(5), said_by(6, 2), said_by(7, 2)] {
        log.push(entry, 1, 10);
    }
    lose(&mut client, 1, 1_000, 3_000);
    welcome(&mut client, 2, 3_100, &log, 6);
    assert_eq!((client.status(), client.reconnected()), (Status::Live, None), "the replay is not complete");
    let _ = client.step(3_200, events(2, &log, 3..5, true));
    assert_eq!(client.reconnected(), None);
    let actions = client.step(3_300, events(2, &log, 5..6, false));
    assert_eq!(client.reconnected(), Some(Reconnected { missed: 2, at: 3_300 }));
    assert_eq!(actions, [Action::Wake(3_300 + RECONNECTED_MS)]);
    let _ = client.step(3_400, events(2, &log, 6..7, false));
    assert_eq!(
        client.reconnected(),
        Some(Reconnected { missed: 2, at: 3_300 }),
        "a new message does not count as missed"
    );
    let _ = client.step(3_299 + RECONNECTED_MS, Input::Tick);
    assert!(client.reconnected().is_some());
    let _ = client.step(3_300 + RECONNECTED_MS, Input::Tick);
    assert_eq!(client.reconnected(), None);
}

#[test]
fn short_disconnect_has_no_notice_and_a_new_one_ends_it() {
    let (mut client, log) = among_others();
    lose(&mut client, 1, 1_000, 1_500);
    welcome(&mut client, 2, 2_000, &log, 3);
    assert_eq!(client.reconnected(), None, "one second");
    lose(&mut client, 2, 9_000, 10_000);
    welcome(&mut client, 3, 10_001, &log, 3);
    assert_eq!(client.reconnected(), Some(Reconnected { missed: 0, at: 10_001 }));
    let _ = client.step(10_100, Input::Closed(3, 1006));
    assert_eq!(client.reconnected(), None);
}

#[test]
fn disconnect_during_the_replay_keeps_the_count_of_missed() {
    let (mut client, mut log) = among_others();
    for nth in 4..8 {
        log.push(said_by(nth, 1), 1, 10);
    }
    lose(&mut client, 1, 1_000, 3_000);
    welcome(&mut client, 2, 3_100, &log, 7);
    let _ = client.step(3_200, events(2, &log, 3..5, true));
    lose(&mut client, 2, 3_300, 5_000);
    welcome(&mut client, 3, 5_100, &log, 7);
    let _ = client.step(5_200, events(3, &log, 5..7, false));
    assert_eq!(client.reconnected(), Some(Reconnected { missed: 4, at: 5_200 }));
}
