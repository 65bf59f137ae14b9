//! Messages in fragments, of which none is the last.

use std::time::Instant;

use testkit::kernel::{is_open, unread};
use tokio::task::JoinSet;

use crate::beside::Beside;
use crate::raw::{Raw, TEXT, frame};
use crate::{FLOOD, Target, join};

/// Members of a room beside the others who send each kind of fragments.
const MEMBERS: usize = 10;
/// KiB that are read of a member at once, and a second (PROTOCOL.md, Limits).
const AT_ONCE: f64 = 640.0;
const PER_SECOND: f64 = 320.0;
/// MiB that all of them may add to the server's memory.
const HELD: f64 = 16.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fragments_without_end_are_closed_with_1009_and_empty_ones_are_read_at_the_budget() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let members = join(&server, beside.code(), 2 * MEMBERS).await;
    let before = (server.mebibytes(), server.cpu_time());
    let port = server.program.address.port();
    let attack = async {
        let (begun, mut long, mut empty) = (Instant::now(), JoinSet::new(), JoinSet::new());
        for (n, member) in members.into_iter().enumerate() {
            if n < MEMBERS {
                long.spawn(async move {
                    let mut closed = 0;
                    while closed == 0 || begun.elapsed() < FLOOD {
                        let mut raw = Raw::greet(&member).await;
                        raw.push(&frame(TEXT, &[b'x'; 1_000])).await;
                        raw.flood(&frame(0, &[b'x'; 1_000]), FLOOD).await;
                        assert_eq!(raw.code().await, Some(1009));
                        closed += 1;
                    }
                    closed
                });
            } else {
                empty.spawn(async move {
                    let mut raw = Raw::greet(&member).await;
                    raw.write(&frame(TEXT, b"{")).await;
                    let taken = raw.flood(&frame(0, b"").repeat(10_000), FLOOD).await as u64;
                    let client = raw.stream.local_addr().unwrap().port();
                    let read = taken - unread(port, client);
                    assert!(is_open(port, client), "the connection was closed");
                    (read as f64 / 1024.0, begun.elapsed().as_secs_f64())
                });
            }
        }
        (long.join_all().await, empty.join_all().await)
    };
    let (closed, read) = beside.during("fragments without end", attack).await;
    let (more, used) = (server.mebibytes() - before.0, server.cpu_time() - before.1);
    println!("fragments: {} closed, {more:.0} MiB, {used:?} of processor", closed.iter().sum::<u32>());
    for (read, seconds) in read {
        let most = AT_ONCE + PER_SECOND * seconds;
        assert!((AT_ONCE / 2.0..=most).contains(&read), "{read} KiB of empty fragments read, {most} allowed");
    }
    assert!(more < HELD, "{more:.0} MiB more");
}
