//! The soak, short: the server is killed under people who write, and nothing is lost, doubled or out of order.
//! `make soak` is the long one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

#[path = "proof/kit.rs"]
mod proof;

use std::time::Duration;

use proof::soak::{Soak, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_kills_lose_nothing() {
    let soak = Soak {
        server: env!("CARGO_BIN_EXE_server").into(),
        kills: 5,
        time: Duration::from_secs(60),
        rooms: 2,
        members: 4,
        rate: 10.0,
        seed: proof::client::unix_ms(),
    };
    let figures = run(&soak, |_| {}).await;
    println!("{}", figures.table());
    assert!(figures.is_good(), "{:#?}", figures.faults);
    assert!(figures.kills == 5 && figures.kills_in_flight > 0 && figures.total.acked > 20, "{figures:?}");
    assert!(figures.total.changes > 0, "{figures:?}");
    assert!(figures.total.resumes > 0 && figures.total.resets == 0, "{figures:?}");
}
