//! The long proof, against the real program.
//!
//!     soak                     kills the server again and again under people who write
//!     soak start               measures how long a server with many rooms takes until it is ready
//!     soak rss                 holds half of the most appends per second, and fits the server's memory
//!     soak stalled             measures what one reader who stops reading costs the others
//!     soak surroundings        has nobody read the log, and fills the disk, under people who come, talk and vanish
//!     soak rolling             restarts both nodes of a cluster, one after the other, under people who write
//!     soak idle                measures what people cost who say nothing
//!     soak cost                measures what an append and a delivery cost
//!     soak attack              measures the worst cost of each kind of request
//!     soak size                measures what rooms, events and leases are in JetStream

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a measurement fails by panicking")]

#[path = "../../tests/support/cluster.rs"]
#[allow(dead_code, reason = "shared with the test that breaks a cluster")]
mod cluster;
#[path = "../../tests/support/nats.rs"]
mod nats_server;
#[path = "../../tests/proof/kit.rs"]
mod proof;
#[path = "../../tests/support/rolling.rs"]
mod rolling;

mod attack;
mod cost;
mod idle;
mod memory;
mod size;
mod stalled;
mod start;
mod store;
mod surroundings;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use proof::soak::Soak;

#[derive(Parser)]
struct Arguments {
    /// The program to kill; the one beside this one's directory when absent.
    #[arg(long, env = "SERVER", global = true)]
    server: Option<PathBuf>,
    #[command(flatten)]
    kills: Kills,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Args)]
struct Kills {
    /// Asks the server to end, as a deploy does, instead of killing it.
    #[arg(long)]
    gently: bool,
    /// Ends after this time.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Ends after these many kills.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    #[arg(long, default_value_t = 8)]
    rooms: usize,
    #[arg(long, default_value_t = 6)]
    members: usize,
    /// Messages per second of one member.
    #[arg(long, default_value_t = 4.0)]
    rate: f64,
    /// Repeats the plan of kills and messages.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(clap::Args)]
struct Rollout {
    #[arg(long, default_value_t = 10)]
    rooms: usize,
    #[arg(long, default_value_t = 20)]
    members: usize,
    /// Messages per second, of all of them.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// Seconds before, between and after the restarts.
    #[arg(long, default_value_t = 10.0)]
    pause: f64,
    /// Repeats what is said.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Subcommand)]
enum What {
    /// The time from the server's start until it is ready, with live rooms in its store.
    Start(start::Arguments),
    /// The server's memory at half of the most appends per second.
    Rss(memory::Arguments),
    /// One reader who stops reading, in a room of 100.
    Stalled(stalled::Arguments),
    /// A log that nobody reads, and a full disk.
    Surroundings(surroundings::Arguments),
    /// Both nodes of a cluster, restarted one after the other.
    Rolling(Rollout),
    /// What people cost who say nothing.
    Idle(idle::Arguments),
    /// What an append and a delivery cost.
    Cost(cost::Arguments),
    /// The worst cost of each kind of request per byte sent, and of readers who do not read.
    Attack(attack::Arguments),
    /// What rooms, events and leases are in JetStream.
    Size(size::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let server = arguments.server.unwrap_or_else(beside);
    let good = match arguments.what {
        None => kills(server, arguments.kills).await,
        Some(What::Start(arguments)) => start::run(server, &arguments).await,
        Some(What::Rss(arguments)) => memory::run(server, &arguments).await,
        Some(What::Stalled(arguments)) => stalled::run(server, &arguments).await,
        Some(What::Surroundings(arguments)) => surroundings::run(server, &arguments).await,
        Some(What::Rolling(arguments)) => rollout(server, arguments).await,
        Some(What::Idle(arguments)) => idle::run(server, &arguments).await,
        Some(What::Cost(arguments)) => cost::run(server, &arguments).await,
        Some(What::Attack(arguments)) => attack::run(server, &arguments).await,
        Some(What::Size(arguments)) => size::run(server, &arguments).await,
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `target/release/examples/soak` belongs to `target/release/server`.
fn beside() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.ancestors().nth(2).unwrap().join("server")
}

async fn kills(server: PathBuf, arguments: Kills) -> bool {
    let Kills { gently, minutes, kills, rooms, members, rate, seed } = arguments;
    let seed = seed.unwrap_or_else(proof::client::unix_ms);
    println!(
        "{rooms} rooms of {members}, {rate} messages per second each, {kills} kills or {minutes} minutes, seed {seed}"
    );
    let soak =
        Soak { server, gently, kills, time: Duration::from_secs_f64(minutes * 60.0), rooms, members, rate, seed };
    let figures = proof::soak::run(&soak, |figures| println!("{}", figures.line())).await;
    println!("\n{}", figures.table());
    for fault in figures.faults.iter().take(20) {
        println!("{fault}");
    }
    figures.is_good()
}

async fn rollout(server: PathBuf, arguments: Rollout) -> bool {
    let Rollout { rooms, members, rate, pause, seed } = arguments;
    let seed = seed.unwrap_or_else(proof::client::unix_ms);
    println!("{rooms} rooms of {members}, {rate} messages per second in all, seed {seed}");
    let rolling = rolling::Rolling { server, rooms, members, rate, pause: Duration::from_secs_f64(pause), seed };
    let figures = rolling::run(&rolling).await;
    println!("\n{figures}");
    for fault in figures.faults.iter().take(20) {
        println!("{fault}");
    }
    figures.is_good()
}
