//! Bugs planted on purpose: each is found, and the plan that found it can be saved and finds it again.

use protocol::{EventId, EventKind, Seq};
use testkit::checker;
use testkit::fault::Kind;
use testkit::faulty::StoreFault;
use testkit::proxy::Cut;
use uuid::Uuid;

use crate::runner::{self, Evidence, Outcome};
use crate::{load, save};
use testkit::history::{End, Fact};
use testkit::plan::{Change, Plan, Step};

/// A plan with two users who write, lose their connections and see the server restart.
fn plan() -> Plan {
    let mut steps = vec![Step::Connect { who: 0 }, Step::Connect { who: 1 }, Step::Wait { ms: 50 }];
    for _ in 0..3 {
        steps.extend([Step::Send { who: 0, count: 4 }, Step::Send { who: 1, count: 4 }, Step::Chatter { count: 4 }]);
        steps.extend([Change::Edit, Change::Delete].map(|what| Step::Change { who: 1, what }));
        steps.extend([Step::Cut { who: 0, how: Cut::Reset }, Step::Chatter { count: 4 }, Step::Wait { ms: 50 }]);
        steps.extend([Step::Reload { who: 1 }, Step::Wait { ms: 50 }, Step::Restart { crash: false }]);
    }
    Plan { seed: 1, people: 2, events: 1_000, rate: 10_000, steps }
}

/// A plan with only the user whose network works, and restarts.
fn alone() -> Plan {
    let round = [Step::Chatter { count: 4 }, Step::Wait { ms: 300 }, Step::Restart { crash: true }];
    let steps = [&round[..], &round[..], &round[..]].concat();
    Plan { seed: 1, people: 0, events: 1_000, rate: 10_000, steps }
}

fn has_fault(outcome: &Outcome, kind: Kind) -> bool {
    outcome.faults.iter().any(|fault| fault.kind == kind)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_bug_is_found() {
    for (planted, kind) in [
        (StoreFault::Copies, Kind::Doubled),
        (StoreFault::Skips, Kind::Hole),
        (StoreFault::Forgets, Kind::NeedlessReset),
        (StoreFault::Refuses, Kind::Refused),
        (StoreFault::Remembers, Kind::Words),
        (StoreFault::Overlooks, Kind::Roster),
        (StoreFault::ThrowsOut, Kind::ThrownOut),
        (StoreFault::Stumbles, Kind::Dropped),
    ] {
        let plan = if planted == StoreFault::Stumbles { alone() } else { plan() };
        let outcome = runner::run(&plan, Some(planted)).await;
        assert!(has_fault(&outcome, kind), "{planted:?}: {:#?}", outcome.faults);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_plan_can_be_saved_and_fails_again() {
    let plan = Plan { seed: u64::MAX, ..plan() };
    let first = runner::run(&plan, Some(StoreFault::Copies)).await;
    assert!(!first.is_good());
    let file = save(&plan);
    let kept = load(&file);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(kept, plan);
    let again = runner::run(&kept, Some(StoreFault::Copies)).await;
    assert!(has_fault(&again, Kind::Doubled), "{:#?}", again.faults);
    let mended = runner::run(&kept, None).await;
    assert!(mended.is_good(), "{:#?} {:#?}", mended.faults, mended.stuck);
}

/// The log alone defines the order, so the clock may show any time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_that_runs_backwards_breaks_no_guarantee() {
    let outcome = runner::run(&plan(), Some(StoreFault::ClockBackwards)).await;
    assert!(outcome.is_good(), "{:#?} {:#?}", outcome.faults, outcome.stuck);
    assert!(outcome.total.acked > 20 && outcome.total.resumes > 0, "{outcome:?}");
}

/// Falsifies the evidence of a plan that ran without faults.
type Forge = fn(&mut Evidence);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn falsified_real_history_is_found() {
    let evidence = runner::perform(&plan(), None).await;
    assert_eq!(checker::check(&evidence.truth, &evidence.histories), []);
    let forgeries: [(Kind, Forge); 11] = [
        (Kind::Lost, lose),
        (Kind::Lost, |it| it.histories[0].unsent = acked(it)),
        (Kind::Doubled, |it| it.truth.log.push(it.truth.log[5].clone())),
        (Kind::Doubled, store_again),
        (Kind::OutOfOrder, swap),
        (Kind::Invented, |it| it.histories[1].facts.retain(|fact| !matches!(fact, Fact::Sent { .. }))),
        (Kind::Hole, skip),
        (Kind::Words, unchange),
        (Kind::NeedlessReset, reset),
        (Kind::Roster, |it| it.truth.seats.swap(0, 1)),
        (Kind::ThrownOut, |it| it.histories[1].end = End::Ended(client::Ending::NoSeat)),
    ];
    for (n, (kind, forge)) in forgeries.into_iter().enumerate() {
        let mut forged = evidence.clone();
        forge(&mut forged);
        let faults = checker::check(&forged.truth, &forged.histories);
        assert!(faults.iter().any(|fault| fault.kind == kind), "forgery {n}: {faults:#?}");
    }
}

/// Ids that the first user saw acknowledged.
fn acked(it: &Evidence) -> Vec<EventId> {
    let ids = it.histories[0].facts.iter().filter_map(|fact| match fact {
        Fact::Acked { id } => Some(*id),
        _ => None,
    });
    ids.collect()
}

fn lose(it: &mut Evidence) {
    let lost = acked(it)[0];
    it.truth.log.retain(|entry| entry.id != lost);
}

/// Adds the text of a message again under another id, at the end of the log.
fn store_again(it: &mut Evidence) {
    let mut copy = it.truth.log.iter().find(|entry| entry.words().is_some()).unwrap().clone();
    copy.id = EventId(Uuid::from_u128(1));
    copy.seq = Seq(it.truth.log.last().unwrap().seq.0 + 1);
    it.truth.log.push(copy);
}

fn swap(it: &mut Evidence) {
    let ids = acked(it);
    let places: Vec<_> =
        ids[..2].iter().map(|id| it.truth.log.iter().position(|entry| entry.id == *id).unwrap()).collect();
    (it.truth.log[places[0]].id, it.truth.log[places[1]].id) = (ids[1], ids[0]);
}

/// Removes a message from the middle of the first user's screen.
fn skip(it: &mut Evidence) {
    let is_message = |entry: &&testkit::truth::Entry| matches!(entry.kind, Some(EventKind::Message { .. }));
    let missed = it.truth.log.iter().filter(is_message).nth(10).unwrap().id;
    it.histories[0].facts.retain(|fact| !matches!(fact, Fact::Shown { id, .. } if *id == missed));
}

/// Gives a deleted message a text again in the log.
fn unchange(it: &mut Evidence) {
    let body = |entry: &mut testkit::truth::Entry| match &mut entry.kind {
        Some(EventKind::Message { body, .. }) if body.is_none() => Some(body.insert("back".parse().unwrap()).clone()),
        _ => None,
    };
    it.truth.log.iter_mut().find_map(body).expect("a deleted message");
}

/// Makes every resume look refused.
fn reset(it: &mut Evidence) {
    for fact in it.histories.iter_mut().flat_map(|history| &mut history.facts) {
        if let Fact::Welcomed { recovered, .. } = fact {
            *recovered = false;
        }
    }
}
