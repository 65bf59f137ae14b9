//! A short soak test: the server is killed or restarted while simulated users write, and no event is lost, duplicated
//! or reordered. `make soak` runs a long one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

use std::time::Duration;

use testkit::soak::{Soak, run};

fn soak() -> Soak {
    Soak {
        server: env!("CARGO_BIN_EXE_server").into(),
        gently: false,
        kills: 5,
        time: Duration::from_secs(60),
        rooms: 2,
        members: 4,
        rate: 10.0,
        seed: testkit::clock::unix_ms(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_kills_lose_no_event() {
    let figures = run(&soak(), |_| {}).await;
    println!("{}", figures.table());
    assert!(figures.is_good(), "{:#?}", figures.faults);
    assert!(figures.kills == 5 && figures.kills_in_flight > 0 && figures.total.acked > 20, "{figures:?}");
    assert!(figures.total.changes > 0, "{figures:?}");
    assert!(figures.total.resumes > 0 && figures.total.resets == 0, "{figures:?}");
}

/// Stops the server in order, as a deploy does: it says `bye`, and the clients reconnect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_restarts_lose_no_event() {
    let figures = run(&Soak { gently: true, ..soak() }, |_| {}).await;
    println!("{}", figures.table());
    assert!(figures.is_good(), "{:#?}", figures.faults);
    assert!(figures.kills == 5 && figures.total.acked > 20 && figures.total.changes > 0, "{figures:?}");
    assert!(figures.total.resumes > 0 && figures.total.resets == 0, "{figures:?}");
}
