//! Messages in fragments, of which none is the last.

use std::time::Instant;

use testkit::kernel::{is_open, unread};
use tokio::task::JoinSet;

use crate::beside::Beside;
use crate::raw::{Raw, TEXT, frame};
use crate::{FLOOD, Target, join};

/// Members of a room beside the others who send each kind of fragments.
const MEMBERS: usize = 10;
/// Frames that are read of a member at once, and a second (PROTOCOL.md, Limits), and bytes that are read at a time.
const AT_ONCE: f64 = 128.0;
const PER_SECOND: f64 = 64.0;
const READ: f64 = 1024.0;
/// MiB that all of them may add to the server's memory.
const HELD: f64 = 16.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fragments_without_end_are_closed_with_1009_and_empty_ones_are_read_at_the_budget() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let members = join(&server, beside.code(), 2 * MEMBERS).await;
    let before = (server.mebibytes(), server.cpu_time());
    let (empty, begun) = (frame(0, b""), Instant::now());
    let attack = async {
        let (mut long, mut short) = (JoinSet::new(), JoinSet::new());
        for (n, member) in members.into_iter().enumerate() {
            if n < MEMBERS {
                long.spawn(async move {
                    let mut closed = 0;
                    let begun = Instant::now();
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
                let empty = empty.clone();
                short.spawn(async move {
                    let mut raw = Raw::greet(&member).await;
                    raw.write(&frame(TEXT, b"{")).await;
                    let taken = raw.flood(&empty.repeat(10_000), FLOOD).await as u64;
                    (raw, taken)
                });
            }
        }
        (long.join_all().await, short.join_all().await)
    };
    let (closed, short) = beside.during("fragments without end", attack).await;
    let (more, used) = (server.mebibytes() - before.0, server.cpu_time() - before.1);
    println!("fragments: {} closed, {more:.0} MiB, {used:?} of processor", closed.iter().sum::<u32>());
    for (raw, taken) in short {
        let (port, client) = (server.program.address.port(), raw.stream.local_addr().unwrap().port());
        assert!(is_open(port, client), "the connection was closed");
        let (read, fragment) = ((taken - unread(port, client)) as f64, empty.len() as f64);
        // The fragments that are being paid for, and those read meanwhile.
        let most = (AT_ONCE + PER_SECOND * begun.elapsed().as_secs_f64()) * fragment + 2.0 * READ;
        assert!((AT_ONCE * fragment..=most).contains(&read), "{read} bytes of empty fragments read, {most} allowed");
    }
    assert!(more < HELD, "{more:.0} MiB more");
}
