//! Names that are given up or go first, in plans that were faults of the checker.

use testkit::plan::{Change, Plan, Step};

use crate::runner;

/// A plan with one user, who does all this while the network delivers nothing.
fn stalled(acts: impl IntoIterator<Item = Step>) -> Plan {
    let mut steps = vec![Step::Connect { who: 0 }, Step::Chatter { count: 1 }, Step::Wait { ms: 200 }];
    steps.push(Step::Stall { who: 0, ms: 300 });
    steps.extend(acts);
    Plan { seed: 1, people: 1, events: 1_000, rate: 10_000, steps }
}

async fn assert_good(plan: &Plan) {
    let outcome = runner::run(plan, None).await;
    assert!(outcome.is_good(), "{:#?} {:#?}", outcome.faults, outcome.stuck);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_given_up_before_they_were_sent_are_not_lost() {
    let change = |what| Step::Change { who: 0, what };
    // Of few names, some are the one that is on its way.
    assert_good(&stalled([Change::Rename; 20].map(change))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn name_goes_before_messages_that_wait_for_a_refused_edit() {
    let change = |what| Step::Change { who: 0, what };
    assert_good(&stalled([change(Change::Meddle), Step::Send { who: 0, count: 2 }, change(Change::Rename)])).await;
}
