//! Measures the cost of members who are connected and idle.

use std::path::PathBuf;
use std::time::Duration;

use testkit::kernel::{cpu_time, resident};
use tokio::time::sleep;

use crate::cost::{Load, Members};
use crate::store::TestStore;

const WARM_UP: Duration = Duration::from_secs(2);
/// Duration of the measurement. Each connection gets a ping and an empty frame every 25 s, and its lease is renewed
/// every 40 s.
const DURATION: Duration = Duration::from_secs(40);
/// Grace period: the server's default.
const GRACE: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Number of NATS servers in the store, 1 or 3; 0 for SQLite.
    #[arg(long, default_value_t = 0)]
    servers: usize,
    #[arg(long, default_value_t = 2_000)]
    members: usize,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let store = TestStore::start(arguments.servers).await;
    println!("{}", store.name());
    for of in [2, 100] {
        let node = store.node(&server, GRACE).await;
        let before = resident(node.pid());
        let load = Load { rooms: arguments.members / of, members: of, writers: 0, rate: None };
        let _members = Members::connect(&node, &load).await;
        sleep(WARM_UP).await;
        let grown = resident(node.pid()) - before;
        let (node_cpu, store_cpu) = (cpu_time(&[node.pid()]), cpu_time(&store.pids()));
        sleep(DURATION).await;
        let share = |before: Duration, pids: &[u32]| (cpu_time(pids) - before).as_secs_f64() / DURATION.as_secs_f64();
        println!(
            "{} members in rooms of {of:3}: {:.1} KiB each with their part of a room, beside the {:.1} MiB of an empty \
             node; {:.2} % of a core, the store {:.2} %",
            arguments.members,
            grown / arguments.members as f64,
            before / 1024.0,
            share(node_cpu, &[node.pid()]) * 100.0,
            share(store_cpu, &store.pids()) * 100.0
        );
    }
    true
}
