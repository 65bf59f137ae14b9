//! Floods of WebSocket pings and pongs, whose answers nobody reads.

use std::time::Instant;

use tokio::task::JoinSet;

use crate::beside::{Beside, MESSAGES};
use crate::raw::{FIN, PING, PONG, Raw, frame};
use crate::{FLOOD, Target, join};

/// Members of a room beside the others, each of whom sends one kind.
const MEMBERS: usize = 20;
/// Frames that are read of a member at once, and a second (PROTOCOL.md, Limits).
const AT_ONCE: f64 = 128.0;
const PER_SECOND: f64 = 64.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_pings_and_pongs_are_read_at_the_budget_of_all_frames() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let members = join(&server, beside.code(), MEMBERS).await;
    let floods = [frame(FIN | PING, b""), frame(FIN | PING, &[7; 125]), frame(FIN | PONG, b"")];
    let before = (server.metric("flasky_frames_total").await, server.cpu_time());
    let attack = async {
        let mut flooding = JoinSet::new();
        for (member, flood) in members.into_iter().zip(floods.into_iter().cycle()) {
            flooding.spawn(async move { Raw::greet(&member).await.flood(&flood.repeat(10_000), FLOOD).await });
        }
        flooding.join_all().await
    };
    let begun = Instant::now();
    let taken = beside.during("ping and pong floods", attack).await;
    let (frames, used) = (server.metric("flasky_frames_total").await - before.0, server.cpu_time() - before.1);
    let seconds = begun.elapsed().as_secs_f64();
    let most = MEMBERS as f64 * (AT_ONCE + PER_SECOND * seconds) + MESSAGES * seconds;
    println!("pings: {} bytes sent, {frames} frames read, {used:?} of processor", taken.iter().sum::<usize>());
    assert!(frames as f64 <= most, "{frames} frames read, {most} allowed");
}
