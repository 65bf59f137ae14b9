//! SIGTERM under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::{Event, Snapshot};
use testkit::checker;
use testkit::history::Fact;
use testkit::http;
use testkit::truth::Truth;
use tokio::task::JoinSet;

use crate::people::{FLOOD, Writer, is_bye, read_on, within};
use crate::{KEEPS, PATIENCE, program, until};
use testkit::raw_client::{RawClient, TINY};

/// Maximum time of a shutdown: eight seconds for connections that do not end, and then the store.
const STOP: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_closes_with_1001_although_one_client_does_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = program(directory.path());
    server.start().await;
    let address = server.address;
    let seat = http::enter(address, "Stuck", None, 50).await.unwrap();
    let code = seat.code;
    let stuck = RawClient::connect(address, &seat, Some(TINY)).await;
    let mut readers = JoinSet::new();
    for name in ["R1", "R2"] {
        let seat = http::enter(address, name, Some(code), 0).await.unwrap();
        readers.spawn(read_on(RawClient::connect(address, &seat, None).await));
    }
    let acked = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for name in ["W1", "W2"] {
        writers.spawn(Writer::enter(address, name.to_owned(), code).await.write_on(acked.clone()));
    }
    until("more than the buffers hold", || acked.load(Ordering::Relaxed) > FLOOD).await;

    let status = server.terminate(STOP).await;
    assert_eq!(status.code(), Some(0));
    for end in within(PATIENCE, readers.join_all()).await {
        assert!(is_bye(&end, 1001), "{end:?}");
    }
    let mut histories = Vec::new();
    for (history, end, _) in within(PATIENCE, writers.join_all()).await {
        assert!(is_bye(&end, 1001), "{end:?}");
        histories.push(history);
    }
    drop(stuck);

    server.start().await;
    let page = http::snapshot(address, &seat).await.unwrap().expect("a room");
    let truth = Truth { keeps: KEEPS, ..Truth::read(&server.store, code).unwrap() };
    assert_eq!(checker::check(&truth, &histories), []);
    for history in &histories {
        let acked = history.facts.iter().rev().find_map(|fact| match fact {
            Fact::Acked { id } => Some(*id),
            _ => None,
        });
        let last = acked.expect("something acknowledged");
        assert!(shows(&page, |event| event.id == last), "the last acknowledged message is not on the next page");
    }
}

fn shows(page: &Snapshot, is_it: impl Fn(&Event) -> bool) -> bool {
    page.events.iter().any(is_it)
}
