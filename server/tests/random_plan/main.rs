//! Guarantees of `PROTOCOL.md` under random faults: real clients, a real server, a network that fails on purpose.
//!
//! `PLANS=200` runs more plans, `SEED=7` begins with that one, `PLAN=file` runs a plan that was saved.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod checker;
mod inside;
mod names;
mod planted;
mod resend;
mod runner;

use std::path::Path;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use testkit::plan::Plan;
use testkit::view::View;

use self::runner::Outcome;

/// Number of plans that run at the same time: each one waits most of the time.
const AT_ONCE: usize = 4;
/// Number of plans that `make test` runs.
const PLANS: u64 = 16;
/// Time after which a plan counts as hanging.
const LIMIT: Duration = Duration::from_secs(120);
/// Number of runs of a saved plan. A plan fixes what happens, but the timing differs from run to run.
const REPLAYS: u64 = 10;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_plans_keep_the_guarantees() {
    let plans: Vec<Plan> = match std::env::var("PLAN") {
        Ok(path) => {
            vec![load(&path); number("PLANS").unwrap_or(REPLAYS) as usize]
        }
        Err(_) => {
            let first = number("SEED").unwrap_or_else(|| testkit::clock::unix_ms() * 1_000);
            (first..first + number("PLANS").unwrap_or(PLANS)).map(Plan::random).collect()
        }
    };
    let outcomes: Vec<_> = stream::iter(plans.iter().map(run)).buffer_unordered(AT_ONCE).collect().await;
    let total = |figure: fn(&View) -> u64| outcomes.iter().map(|(_, outcome)| figure(&outcome.total)).sum::<u64>();
    println!(
        "{} plans: {} sent ({} of them changes), {} acknowledged, {} refused, {} resumes, {} resets, {} events stored",
        outcomes.len(),
        total(|view| view.sent),
        total(|view| view.changes),
        total(|view| view.acked),
        total(|view| view.refused),
        total(|view| view.resumes),
        total(|view| view.resets),
        outcomes.iter().map(|(_, outcome)| outcome.stored).sum::<usize>(),
    );
    let failed: Vec<_> = outcomes.iter().filter(|(_, outcome)| !outcome.is_good()).collect();
    for (plan, outcome) in &failed {
        let file = save(plan);
        println!("seed {} failed; again: PLAN={file} cargo test -p server --test random_plan", plan.seed);
        outcome.faults.iter().for_each(|fault| println!("  {fault}"));
        outcome.stuck.iter().for_each(|what| println!("  not at rest: {what}"));
    }
    assert!(failed.is_empty(), "{} of {} plans broke a guarantee", failed.len(), outcomes.len());
}

async fn run(plan: &Plan) -> (&Plan, Outcome) {
    let running = tokio::spawn({
        let plan = plan.clone();
        async move { runner::run(&plan, None).await }
    });
    let broken = |what: String| Outcome { stuck: vec![what], ..Outcome::default() };
    let outcome = match tokio::time::timeout(LIMIT, running).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => broken(format!("{panic}")),
        Err(_) => broken("the plan hangs".to_owned()),
    };
    (plan, outcome)
}

fn save(plan: &Plan) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("random_plan-{}.json", plan.seed));
    std::fs::write(&file, serde_json::to_string_pretty(plan).unwrap()).unwrap();
    file.display().to_string()
}

fn load(file: &str) -> Plan {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn plan_is_reproducible_from_its_seed_and_from_json() {
    for seed in 0..50 {
        let plan = Plan::random(seed);
        assert_eq!(plan, Plan::random(seed));
        let kept = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&kept).unwrap(), plan);
    }
}
