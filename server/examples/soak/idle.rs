//! Measures the cost of members who are connected and idle.

use std::path::PathBuf;
use std::time::Duration;

use testkit::kernel::resident;
use tokio::time::sleep;

use crate::cost::{People, Talk};
use crate::store::{TestStore, processor};

const WARM: Duration = Duration::from_secs(2);
/// Duration of the measurement. Each connection gets a ping and an empty frame every 25 s, and its lease is renewed
/// every 40 s.
const QUIET: Duration = Duration::from_secs(40);
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
        let talk = Talk { rooms: arguments.members / of, members: of, writers: 0, rate: None };
        let _people = People::come(&node, &talk).await;
        sleep(WARM).await;
        let grown = resident(node.pid()) - before;
        let (node_cpu, store_cpu) = (processor(&[node.pid()]), processor(&store.pids()));
        sleep(QUIET).await;
        let share = |before: Duration, pids: &[u32]| (processor(pids) - before).as_secs_f64() / QUIET.as_secs_f64();
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
