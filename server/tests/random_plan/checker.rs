//! The checker itself: every kind of broken promise, made by hand, is reported, and nothing else is.

use app::protocol::{Code, EventId, Seq};
use uuid::Uuid;

use crate::proof::checker::{Count, Fault, check};
use crate::proof::history::{Entry, Fact, History};

fn id(n: u64) -> EventId {
    EventId(Uuid::from_u128(n.into()))
}

fn log(ids: &[u64]) -> Vec<Entry> {
    ids.iter().zip(1..).map(|(n, seq)| Entry { seq: Seq(seq), id: id(*n) }).collect()
}

fn sent(n: u64) -> Fact {
    Fact::Sent { id: id(n), body: format!("{n}") }
}

fn acked(n: u64) -> Fact {
    Fact::Acked { id: id(n) }
}

/// Event `n`, at place `n`.
fn shown(n: u64) -> Fact {
    Fact::Shown { seq: Seq(n), id: id(n), body: Some(format!("{n}")) }
}

fn refused(n: u64) -> Fact {
    Fact::Refused { id: id(n), code: Code::Empty }
}

fn history(facts: impl IntoIterator<Item = Fact>) -> History {
    History { who: "A".to_owned(), facts: facts.into_iter().collect(), unsent: Vec::new(), live: false }
}

fn a() -> String {
    "A".to_owned()
}

#[test]
fn a_good_history_is_good() {
    let facts = [sent(2), shown(1), shown(2), acked(2), Fact::Reset, shown(2), sent(9), refused(9), shown(3)];
    let mut good = history(facts);
    good.live = true;
    good.unsent = vec![id(9)];
    assert_eq!(check(&log(&[1, 2, 3]), &[good, history([shown(2), shown(3)])]), []);
}

#[test]
fn a_lost_message_is_reported() {
    let faults = check(&log(&[1]), &[history([sent(2), acked(2), shown(1)])]);
    assert_eq!(faults, [Fault::Lost { who: a(), id: id(2) }]);
    assert_eq!(Count::of(&faults), Count { lost: 1, ..Count::default() });
}

#[test]
fn a_message_that_vanished_is_reported() {
    assert_eq!(check(&log(&[1]), &[history([sent(2), shown(1)])]), [Fault::Vanished { who: a(), id: id(2) }]);
    let mut kept = history([sent(2), shown(1)]);
    kept.unsent = vec![id(2)];
    assert_eq!(check(&log(&[1]), &[kept.clone()]), [], "it is on the screen, and the page is not connected");
    kept.live = true;
    assert_eq!(check(&log(&[1]), &[kept]), [Fault::Unsettled { who: a(), id: id(2) }]);
}

#[test]
fn a_doubled_message_is_reported() {
    let faults = check(&log(&[1, 2, 1]), &[]);
    assert_eq!(faults, [Fault::DoubledInLog { id: id(1) }]);
    let faults = check(&log(&[1, 2]), &[history([shown(1), shown(2), shown(1)])]);
    assert_eq!(faults, [Fault::DoubledOnScreen { who: a(), id: id(1) }]);
    let faults = check(&log(&[1, 2]), &[history([shown(1), shown(2), Fact::Doubled { id: id(2) }])]);
    assert_eq!(faults, [Fault::DoubledOnScreen { who: a(), id: id(2) }]);
    assert_eq!(Count::of(&faults), Count { doubled: 1, ..Count::default() });
}

#[test]
fn a_reordered_message_is_reported() {
    let faults = check(&log(&[1, 2]), &[history([shown(2), shown(1)])]);
    assert_eq!(faults, [Fault::OutOfOrder { who: a(), seq: Seq(1), after: Seq(2) }]);
    let faults = check(&log(&[1, 3, 2]), &[history([sent(2), sent(3), acked(2), acked(3)])]);
    assert_eq!(faults, [Fault::SendersOrder { who: a(), id: id(3) }]);
    assert_eq!(Count::of(&faults), Count { out_of_order: 1, ..Count::default() });
}

#[test]
fn a_hole_is_reported() {
    let faults = check(&log(&[1, 2, 3, 4]), &[history([shown(1), shown(4)])]);
    let hole = |seq| Fault::Hole { who: a(), seq: Seq(seq) };
    assert_eq!(faults, [hole(2), hole(3)]);
    assert_eq!(check(&log(&[1, 2, 3]), &[history([shown(1), Fact::Reset, shown(3)])]), [], "it was said");
}

#[test]
fn a_page_that_does_not_show_the_end_is_reported() {
    let mut behind = history([shown(1)]);
    behind.live = true;
    assert_eq!(check(&log(&[1, 2]), &[behind]), [Fault::Behind { who: a(), shows: Seq(1) }]);
}

#[test]
fn what_is_not_in_the_log_or_not_what_was_sent_is_reported() {
    assert_eq!(check(&log(&[1]), &[history([shown(1), shown(2)])]), [Fault::Invented { who: a(), id: id(2) }]);
    let other = Fact::Shown { seq: Seq(1), id: id(1), body: Some("other".to_owned()) };
    assert_eq!(check(&log(&[1]), &[history([sent(1), acked(1), other])]), [Fault::Altered { who: a(), id: id(1) }]);
}

#[test]
fn a_refusal_of_what_is_stored_is_reported() {
    let facts = [sent(1), refused(1), Fact::Discarded { id: id(1) }];
    assert_eq!(check(&log(&[1]), &[history(facts)]), [Fault::RefusedButStored { who: a(), id: id(1) }]);
}
