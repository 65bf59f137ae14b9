//! Tests of the checker: every kind of fault, made by hand, is reported with exactly this text, and nothing else is.

use client::Ending;
use protocol::{Epoch, ErrorCode, EventId, EventKind, MemberId, Position, RoomInfo, RoomName, Seq};
use testkit::checker::check;
use uuid::Uuid;

use testkit::fault::{Fault, Kind};
use testkit::history::{End, Fact, History, Said, Seated};
use testkit::truth::{Entry, Truth};

fn id(n: u64) -> EventId {
    EventId(Uuid::from_u128(n.into()))
}

fn member(n: u64) -> MemberId {
    MemberId(Uuid::from_u128(n.into()))
}

fn entry(seq: u64, n: u64, kind: Option<EventKind>) -> Entry {
    Entry { seq: Seq(seq), id: id(n), kind }
}

/// A room that keeps 1 000 events and has events with these ids, all of them trimmed.
fn truth(ids: &[u64]) -> Truth {
    let log = ids.iter().zip(1..).map(|(n, seq)| entry(seq, *n, None)).collect();
    Truth { log, seats: inside(), room: None, renewed: false, host_only: false, keeps: 1_000, defers: Vec::new() }
}

fn inside() -> Vec<Seated> {
    vec![(member(1), "Ana".to_owned()), (member(2), "Ben".to_owned())]
}

fn said(n: u64, said: Said) -> Fact {
    Fact::Sent { id: id(n), said }
}

fn sent(n: u64) -> Fact {
    said(n, Said::Message(format!("words {n}")))
}

fn acked(n: u64) -> Fact {
    Fact::Acked { id: id(n) }
}

/// Event `n`, shown at sequence number `n`.
fn shown(n: u64) -> Fact {
    Fact::Shown { seq: Seq(n), id: id(n), body: Some(format!("words {n}")) }
}

fn heard(seq: u64, n: u64, words: &str) -> Fact {
    Fact::Heard { seq: Seq(seq), id: id(n), words: Some(words.to_owned()) }
}

fn refused(n: u64, error: ErrorCode) -> Fact {
    Fact::Refused { id: id(n), error }
}

fn at(seq: u64) -> Position {
    Position { epoch: Epoch(7), seq: Seq(seq) }
}

fn welcomed(asked: u64, head: u64, recovered: bool) -> Fact {
    Fact::Welcomed { asked: Some(at(asked)), head: at(head), recovered }
}

fn history(facts: impl IntoIterator<Item = Fact>) -> History {
    let facts = facts.into_iter().collect();
    History {
        who: "A".to_owned(),
        member: member(1),
        facts,
        acks: Vec::new(),
        unsent: Vec::new(),
        left: false,
        end: End::Away,
    }
}

fn live(facts: impl IntoIterator<Item = Fact>) -> History {
    History { end: End::Live { roster: inside(), room: None, shows: Vec::new() }, ..history(facts) }
}

/// Asserts that the checker finds exactly these faults, with these texts.
fn reports(truth: &Truth, histories: &[History], kind: Kind, words: &[&str]) {
    let faults: Vec<_> = words.iter().map(|words| Fault { kind, words: (*words).to_owned() }).collect();
    assert_eq!(check(truth, histories), faults);
}

/// The id as text.
fn name(n: u64) -> String {
    id(n).to_string()
}

#[test]
fn correct_history_has_no_faults() {
    let facts = [
        welcomed(0, 3, false),
        sent(2),
        shown(1),
        shown(2),
        acked(2),
        Fact::Reset,
        shown(2),
        heard(2, 2, "words 2"),
        shown(3),
        welcomed(2, 3, true),
        Fact::Replayed { upto: Seq(3) },
    ];
    let log = truth(&[1, 2, 3]);
    assert_eq!(check(&log, &[live(facts), history([shown(2), shown(3)])]), []);
}

#[test]
fn lost_message_is_reported() {
    let words = format!("A: {} was acknowledged and is not in the log", name(2));
    reports(&truth(&[1]), &[history([sent(2), acked(2), shown(1)])], Kind::Lost, &[&words]);
}

#[test]
fn message_that_disappeared_is_reported() {
    let words = format!("A: {} is neither in the log nor on the screen, and nothing was said", name(2));
    reports(&truth(&[1]), &[history([sent(2), shown(1)])], Kind::Lost, &[&words]);
    let kept = History { unsent: vec![id(2)], ..history([sent(2), shown(1)]) };
    assert_eq!(check(&truth(&[1]), &[kept]), [], "it is on the screen, and the page is not connected");
    let kept = History { unsent: vec![id(2)], ..live([sent(2), shown(1)]) };
    let words = format!("A: {} is still on its way although everything is at rest", name(2));
    reports(&truth(&[1]), &[kept], Kind::Lost, &[&words]);
}

#[test]
fn duplicated_message_is_reported() {
    let words = format!("{} is in the log at 1 and at 3", name(1));
    reports(&truth(&[1, 2, 1]), &[], Kind::Doubled, &[&words]);
    let words = format!("A: {} is on the screen twice", name(1));
    reports(&truth(&[1, 2]), &[history([shown(1), shown(2), shown(1)])], Kind::Doubled, &[&words]);
    let doubled = Fact::Doubled { key: name(1) };
    reports(&truth(&[1, 2]), &[history([shown(1), shown(2), doubled])], Kind::Doubled, &[&words]);
}

#[test]
fn same_text_under_another_id_is_reported() {
    let words = ["the words \"words 1\" are in the log at 1 and at 2"];
    let again = |kind| Truth { log: vec![entry(1, 1, None), entry(2, 9, kind)], ..truth(&[]) };
    let kept = EventKind::message("words 1".parse().unwrap());
    reports(&again(Some(kept)), &[history([sent(1), acked(1)])], Kind::Doubled, &words);
    // The second copy is trimmed, but a connection delivered it.
    let listener = history([heard(2, 9, "words 1")]);
    reports(&again(None), &[history([sent(1), acked(1)]), listener], Kind::Doubled, &words);
}

#[test]
fn message_that_nobody_sent_is_reported() {
    let log = Truth { log: vec![entry(1, 9, Some(EventKind::message("boo".parse().unwrap())))], ..truth(&[]) };
    reports(&log, &[], Kind::Invented, &["nobody sent \"boo\", which the log has at 1"]);
    let words = format!("A: the screen shows {} at 2, and the log does not", name(2));
    reports(&truth(&[1]), &[history([shown(1), shown(2)])], Kind::Invented, &[&words]);
}

#[test]
fn reordered_message_is_reported() {
    reports(&truth(&[1, 2]), &[history([shown(2), shown(1)])], Kind::OutOfOrder, &["A: the screen shows 1 after 2"]);
    let facts = [sent(2), sent(3), acked(2), acked(3)];
    let words = format!("A: {} is in the log before what was sent before it", name(3));
    reports(&truth(&[1, 3, 2]), &[history(facts)], Kind::OutOfOrder, &[&words]);
}

#[test]
fn name_before_earlier_messages_is_reported_unless_they_waited_for_a_refused_one() {
    let named = said(4, Said::Named("Ana".to_owned()));
    let words = format!("A: {} is in the log before what was sent before it", name(4));
    let early = [sent(2), named.clone(), acked(4), acked(2)];
    reports(&truth(&[4, 2]), &[history(early)], Kind::OutOfOrder, &[&words]);
    let waited = [said(1, Said::Edited { target: id(9), body: "words 1".to_owned() }), sent(2), named];
    let waited = waited.into_iter().chain([refused(1, ErrorCode::NoTarget), acked(4), acked(2)]);
    reports(&truth(&[4, 2]), &[history(waited)], Kind::OutOfOrder, &[]);
}

#[test]
fn gap_is_reported() {
    let words = ["A: the screen passes over 2", "A: the screen passes over 3"];
    reports(&truth(&[1, 2, 3, 4]), &[history([shown(1), shown(4)])], Kind::Hole, &words);
    assert_eq!(check(&truth(&[1, 2, 3]), &[history([shown(1), Fact::Reset, shown(3)])]), [], "a reset may skip events");
    // A client recovers from a gap with a new connection, so no screen shows it.
    let gap = Fact::Gap { at: Seq(1), prev: Seq(2), seq: Seq(3) };
    let words = ["A: a hole on the wire: 3 says that it follows 2, after 1 came"];
    reports(&truth(&[1, 2, 3]), &[history([gap, shown(1), shown(2), shown(3)])], Kind::Hole, &words);
    let words = ["A: the server said that it continues 9, which is not of this log"];
    reports(&truth(&[1, 2]), &[history([welcomed(9, 2, true)])], Kind::Hole, &words);
}

#[test]
fn needless_reset_is_reported() {
    let reset = |asked| history([welcomed(asked, 5, false), Fact::Replayed { upto: Seq(5) }]);
    let log = truth(&[1, 2, 3, 4, 5]);
    let words = ["A: the server could not continue 3, although 2 events were missed and 1000 are kept"];
    reports(&log, &[reset(3)], Kind::NeedlessReset, &words);
    assert_eq!(check(&log, &[reset(1_000)]), [], "not a position of this log");
    let short = Truth { keeps: 2, ..log };
    assert_eq!(check(&short, &[reset(2)]), [], "trimmed");
    let words = ["A: the server could not continue 3, although 2 events were missed and 2 are kept"];
    reports(&short, &[reset(3)], Kind::NeedlessReset, &words);
    let other =
        Fact::Welcomed { asked: Some(Position { epoch: Epoch(8), seq: Seq(3) }), head: at(5), recovered: false };
    assert_eq!(check(&short, &[history([other, Fact::Replayed { upto: Seq(5) }])]), [], "of an earlier room");
}

#[test]
fn refusal_without_a_reason_is_reported() {
    let facts = || [sent(1), refused(1, ErrorCode::NoSeat), Fact::Discarded { id: id(1) }];
    let words = format!("A: {} was refused (NoSeat) without a reason", name(1));
    reports(&truth(&[]), &[history(facts())], Kind::Refused, &[&words]);
    assert_eq!(check(&truth(&[]), &[History { left: true, ..history(facts()) }]), [], "who left has no seat");

    let later = || [sent(1), Fact::Deferred { id: id(1), error: ErrorCode::Storage }, acked(1)];
    let words = format!("A: {} was refused for now (Storage) without a reason", name(1));
    reports(&truth(&[1]), &[history(later())], Kind::Refused, &[&words]);
    let full = Truth { defers: vec![ErrorCode::Storage], ..truth(&[1]) };
    assert_eq!(check(&full, &[history(later())]), [], "the disk was full");
}

#[test]
fn refusal_of_a_stored_message_is_reported() {
    let facts = [sent(1), refused(1, ErrorCode::NoSeat), Fact::Discarded { id: id(1) }];
    let words = format!("A: {} is \"not sent\" on the screen, and the log has it", name(1));
    reports(&truth(&[1]), &[History { left: true, ..history(facts) }], Kind::Doubled, &[&words]);
}

#[test]
fn disconnect_without_a_reason_is_reported() {
    let closed = Fact::Dropped { close: Some(4004) };
    let words = ["A: a connection ended without a reason: closed with 4004"];
    reports(&truth(&[]), &[history([closed.clone()])], Kind::Dropped, &words);
    let words = ["A: a connection ended without a reason: the page gave it up"];
    reports(&truth(&[]), &[history([Fact::Dropped { close: None }])], Kind::Dropped, &words);
    assert_eq!(check(&truth(&[]), &[History { left: true, ..history([closed]) }]), [], "the member left");
}

#[test]
fn page_that_ended_without_a_reason_is_reported() {
    let ended = |ending, left| History { end: End::Ended(ending), left, ..history([]) };
    let words = ["A: the page has ended (NoSeat), which nobody asked for"];
    reports(&truth(&[1]), &[ended(Ending::NoSeat, false)], Kind::ThrownOut, &words);
    let words = ["A: the page has ended (Left), which nobody asked for"];
    reports(&truth(&[1]), &[ended(Ending::Left, false)], Kind::ThrownOut, &words);
    let words = ["A: the page has ended (RoomEnded), which nobody asked for"];
    reports(&truth(&[1]), &[ended(Ending::RoomEnded, true)], Kind::ThrownOut, &words);
    for ending in [Ending::Left, Ending::NoSeat, Ending::Removed] {
        assert_eq!(check(&truth(&[1]), &[ended(ending, true)]), []);
    }
    let renewed = Truth { renewed: true, ..truth(&[1]) };
    assert_eq!(check(&renewed, &[ended(Ending::RoomEnded, true)]), []);
}

#[test]
fn page_without_the_last_event_is_reported() {
    let words = ["A: everything is at rest, the screen ends at 1, and the log at 2"];
    reports(&truth(&[1, 2]), &[live([shown(1)])], Kind::Lost, &words);
}

#[test]
fn wrong_roster_of_an_idle_page_is_reported() {
    let shows = |roster: Vec<Seated>| History {
        end: End::Live { roster, room: None, shows: Vec::new() },
        ..history([shown(1)])
    };
    let alone = vec![(member(1), "Ana".to_owned())];
    let words = ["A: the page shows [Ana], and inside are [Ana, Ben]"];
    reports(&truth(&[1]), &[shows(alone)], Kind::Roster, &words);
    let mut turned = inside();
    turned.reverse();
    let words = ["A: the page shows [Ben, Ana], and inside are [Ana, Ben]"];
    reports(&truth(&[1]), &[shows(turned)], Kind::Roster, &words);
}

#[test]
fn wrong_settings_of_an_idle_page_are_reported() {
    let room = |locked| RoomInfo {
        id: None,
        code: "KXQ4-7M2P".parse().unwrap(),
        capacity: 50,
        locked,
        name: RoomName::default(),
        host: Some(member(1)),
        slow_ms: 0,
        host_only: false,
    };
    let end = End::Live { roster: inside(), room: Some(room(false)), shows: Vec::new() };
    let words = format!("A: the page shows {:?}, and the store has {:?}", Some(room(false)), Some(room(true)));
    let locked = Truth { room: Some(room(true)), ..truth(&[1]) };
    reports(&locked, &[History { end, ..history([shown(1)]) }], Kind::Room, &[&words]);
}

#[test]
fn shown_text_that_was_not_sent_is_reported() {
    let other = Fact::Shown { seq: Seq(1), id: id(1), body: Some("other".to_owned()) };
    let words = format!("A: {} is shown as Some(\"other\"), which is not what was sent", name(1));
    reports(&truth(&[1]), &[history([sent(1), acked(1), other])], Kind::Lost, &[&words]);
}

fn message(body: Option<&str>, edited: bool) -> Option<EventKind> {
    Some(EventKind::Message { body: body.map(|body| body.parse().unwrap()), reply_to: None, edited })
}

fn changes() -> [Fact; 3] {
    [sent(1), said(2, Said::Edited { target: id(1), body: "new".to_owned() }), said(3, Said::Deleted { target: id(1) })]
}

#[test]
fn change_missing_in_the_log_is_reported() {
    let log = |kind, changes: u64| Truth {
        log: [entry(1, 1, kind)].into_iter().chain((2..=changes).map(|n| entry(n, n, None))).collect(),
        ..truth(&[])
    };
    let history = |n: usize| [history(changes().into_iter().take(n))];
    assert_eq!(check(&log(message(Some("new"), true), 2), &history(2)), []);
    let words = format!("{} is Some(\"words 1\") in the log, and was last made Some(\"new\")", name(1));
    reports(&log(message(Some("words 1"), false), 2), &history(2), Kind::Words, &[&words]);
    assert_eq!(check(&log(message(None, false), 3), &history(3)), []);
    let words = format!("{} is Some(\"new\") in the log, and was last made None", name(1));
    reports(&log(message(Some("new"), true), 3), &history(3), Kind::Words, &[&words]);
}

#[test]
fn old_text_delivered_after_a_change_is_reported() {
    let from = |head, words| history([welcomed(0, head, false), heard(1, 1, words)]);
    let log = truth(&[1, 2, 3]);
    let sender = || history(changes());
    assert_eq!(check(&log, &[sender(), from(1, "words 1"), from(2, "new")]), [], "the text was current then");
    let words = ["A: heard \"words 1\" on a connection from 2, taken back at 2"];
    reports(&log, &[sender(), from(2, "words 1")], Kind::Words, &words);
    let words = ["A: heard \"new\" on a connection from 3, taken back at 3"];
    reports(&log, &[sender(), from(3, "new")], Kind::Words, &words);
}

#[test]
fn old_text_on_an_idle_page_is_reported() {
    let shows = |body: Option<&str>| {
        let shows = vec![(id(1), body.map(str::to_owned))];
        [History { end: End::Live { roster: inside(), room: None, shows }, ..history([shown(1), shown(2), shown(3)]) }]
    };
    let sender = |n: usize| [history(changes().into_iter().take(n))];
    let log = truth(&[1, 2, 3]);
    let all = |n, body| [&sender(n)[..], &shows(body)].concat();
    assert_eq!(check(&log, &all(2, Some("new"))), []);
    let words = format!("A: {} is Some(\"words 1\") on the screen, and was last made Some(\"new\")", name(1));
    reports(&log, &all(2, Some("words 1")), Kind::Words, &[&words]);
    assert_eq!(check(&log, &all(3, None)), []);
    let words = format!("A: {} is Some(\"new\") on the screen, and was last made None", name(1));
    reports(&log, &all(3, Some("new")), Kind::Words, &[&words]);
}

#[test]
fn refused_change_is_reported_unless_it_has_a_reason() {
    let refusal = |error| history([said(2, Said::Deleted { target: id(1) }), refused(2, error)]);
    let author = |n| History { member: member(n), ..history([sent(1), acked(1)]) };
    assert_eq!(check(&truth(&[1]), &[author(2), refusal(ErrorCode::NotAuthor)]), []);
    let words = format!("A: {} was refused (NotAuthor) without a reason", name(2));
    reports(&truth(&[1]), &[author(1), refusal(ErrorCode::NotAuthor)], Kind::Refused, &[&words]);
    let words = format!("A: {} was refused (NoTarget) without a reason", name(2));
    reports(&truth(&[1]), &[author(1), refusal(ErrorCode::NoTarget)], Kind::Refused, &[&words]);
    let short = Truth { keeps: 1, ..truth(&[1, 5]) };
    assert_eq!(check(&short, &[author(1), refusal(ErrorCode::NoTarget)]), [], "trimmed");
}
