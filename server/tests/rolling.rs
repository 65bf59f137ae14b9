//! A rolling deploy: both nodes of a cluster are restarted while simulated users write, and no event is lost,
//! duplicated or reordered. `make soak ARGS=rolling` runs a larger one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

use std::time::Duration;

use protocol::Limits;
use server::stores;
use testkit::rolling::{Rolling, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_restart_loses_no_event() {
    let rolling = Rolling {
        server: env!("CARGO_BIN_EXE_server").into(),
        rooms: 2,
        members: 8,
        rate: 20.0,
        pause: Duration::from_secs(1),
        seed: testkit::clock::unix_ms(),
    };
    let figures = run(&rolling, async |url| stores::open(&url, &Limits::default()).await.unwrap()).await;
    println!("{figures}");
    assert!(figures.is_good(), "{figures:#?}");
    assert!(figures.total.acked > 40, "{figures:?}");
}
