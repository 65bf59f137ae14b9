//! Soak tests and measurements of the real server program.
//!
//!     soak                     kills the server repeatedly while members write
//!     soak start               measures the time until a server with many rooms is ready
//!     soak memory              holds half of the maximum append rate, and fits the growth of the server's memory
//!     soak churn               measures the memory that is left when many rooms have come and gone, and its growth
//!     soak stalled             measures how a client that stops reading slows down the others
//!     soak log-and-disk        stalls the log's reader and fills the disk while members join, write and vanish
//!     soak rolling             restarts both nodes of a cluster, one after the other, while members write
//!     soak idle                measures the cost of idle members
//!     soak cost                measures the cost of an append, of a delivery and of the forms
//!     soak growth              measures how these costs grow with rooms, members and events
//!     soak compare             compares the fan-out with that of a server as short as it can be
//!     soak attack              measures the worst-case cost of each kind of request
//!     soak size                measures the size of rooms, events and leases in JetStream

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a measurement fails by panicking")]

mod attack;
mod churn;
mod compare;
mod cost;
mod growth;
mod idle;
mod log_and_disk;
mod memory;
mod size;
mod stalled;
mod start;
mod store;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use protocol::Limits;
use server::stores;
use testkit::rolling::{self, Rolling};
use testkit::soak::Soak;

#[derive(Parser)]
struct Arguments {
    /// Path of the server; by default `server` in the parent directory of this program's directory.
    #[arg(long, env = "SERVER", global = true)]
    server: Option<PathBuf>,
    #[command(flatten)]
    kills: Kills,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Args)]
struct Kills {
    /// Sends SIGTERM, as a deployment does, instead of killing the server.
    #[arg(long)]
    gently: bool,
    /// Maximum duration in minutes.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Maximum number of kills.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    #[arg(long, default_value_t = 8)]
    rooms: usize,
    #[arg(long, default_value_t = 6)]
    members: usize,
    /// Messages per second of each member.
    #[arg(long, default_value_t = 4.0)]
    rate: f64,
    /// Seed of the plan of kills and messages; the same seed repeats the plan.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(clap::Args)]
struct Rollout {
    #[arg(long, default_value_t = 10)]
    rooms: usize,
    #[arg(long, default_value_t = 20)]
    members: usize,
    /// Messages per second of all members together.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// Seconds before, between and after the restarts.
    #[arg(long, default_value_t = 10.0)]
    pause: f64,
    /// Seed of the messages; the same seed repeats them.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Subcommand)]
enum Command {
    /// Measures the time from the server's start until it is ready, with rooms in its store.
    Start(start::Arguments),
    /// Measures the server's memory at half of the maximum append rate.
    Memory(memory::Arguments),
    /// Measures the memory that is left when many rooms have come and gone.
    Churn(churn::Arguments),
    /// Measures the effect of one client that stops reading, in a room of 100.
    Stalled(stalled::Arguments),
    /// Tests the server with a log that is not read, and with a full disk.
    LogAndDisk(log_and_disk::Arguments),
    /// Restarts both nodes of a cluster, one after the other.
    Rolling(Rollout),
    /// Measures the cost of idle members.
    Idle(idle::Arguments),
    /// Measures the cost of an append, of a delivery and of the forms.
    Cost(cost::Arguments),
    /// Measures how the cost of a delivery, an append and a join grows with rooms, members and events.
    Growth(growth::Arguments),
    /// Compares the fan-out with that of a server as short as it can be.
    Compare,
    /// Measures the worst-case cost of each kind of request per byte sent, and of clients that do not read.
    Attack(attack::Arguments),
    /// Measures the size of rooms, events and leases in JetStream.
    Size(size::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let server = arguments.server.unwrap_or_else(default_server);
    let good = match arguments.command {
        None => kills(server, arguments.kills).await,
        Some(Command::Start(arguments)) => start::run(server, &arguments).await,
        Some(Command::Memory(arguments)) => memory::run(server, &arguments).await,
        Some(Command::Churn(arguments)) => churn::run(server, &arguments).await,
        Some(Command::Stalled(arguments)) => stalled::run(server, &arguments).await,
        Some(Command::LogAndDisk(arguments)) => log_and_disk::run(server, &arguments).await,
        Some(Command::Rolling(arguments)) => rollout(server, arguments).await,
        Some(Command::Idle(arguments)) => idle::run(server, &arguments).await,
        Some(Command::Cost(arguments)) => cost::run(server, &arguments).await,
        Some(Command::Growth(arguments)) => growth::run(server, &arguments).await,
        Some(Command::Compare) => compare::run(server).await,
        Some(Command::Attack(arguments)) => attack::run(server, &arguments).await,
        Some(Command::Size(arguments)) => size::run(server, &arguments).await,
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the default path of the server: `target/release/server` for `target/release/examples/soak`.
fn default_server() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.ancestors().nth(2).unwrap().join("server")
}

async fn kills(server: PathBuf, arguments: Kills) -> bool {
    let Kills { gently, minutes, kills, rooms, members, rate, seed } = arguments;
    let seed = seed.unwrap_or_else(testkit::clock::unix_ms);
    println!(
        "{rooms} rooms of {members}, {rate} messages per second each, {kills} kills or {minutes} minutes, seed {seed}"
    );
    let soak =
        Soak { server, gently, kills, time: Duration::from_secs_f64(minutes * 60.0), rooms, members, rate, seed };
    let figures = testkit::soak::run(&soak, |figures| println!("{}", figures.line())).await;
    println!("\n{}", figures.table());
    for fault in figures.faults.iter().take(20) {
        println!("{fault}");
    }
    figures.is_good()
}

async fn rollout(server: PathBuf, arguments: Rollout) -> bool {
    let Rollout { rooms, members, rate, pause, seed } = arguments;
    let seed = seed.unwrap_or_else(testkit::clock::unix_ms);
    println!("{rooms} rooms of {members}, {rate} messages per second in all, seed {seed}");
    let rolling = Rolling { server, rooms, members, rate, pause: Duration::from_secs_f64(pause), seed };
    let open = async |url: String| stores::open(&url, &Limits::default()).await.unwrap();
    let figures = rolling::run(&rolling, open).await;
    println!("\n{figures}");
    for fault in figures.faults.iter().take(20) {
        println!("{fault}");
    }
    figures.is_good()
}
