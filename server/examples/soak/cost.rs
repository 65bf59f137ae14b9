//! Measures the cost of an append, of a delivery and of the forms for a node and its store.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use testkit::dice::Dice;
use testkit::http;
use testkit::ids::mint;
use testkit::kernel::cpu_time;
use testkit::node::Program;
use testkit::raw_client::RawClient;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::store::TestStore;

const WARM_UP: Duration = Duration::from_secs(2);
const DURATION: Duration = Duration::from_secs(6);
/// Number of rooms that are filled concurrently.
pub(crate) const AT_ONCE: usize = 32;
/// Grace period: long enough that no seat of an earlier room is freed during the measurement.
pub(crate) const GRACE: Duration = Duration::from_secs(12_000);
/// Maximum number of members who write in a room.
pub(crate) const WRITERS: usize = 10;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Number of NATS servers in the store, 1 or 3; 0 for SQLite.
    #[arg(long, default_value_t = 0)]
    servers: usize,
}

/// Load: members and their messages.
pub(crate) struct Load {
    pub(crate) rooms: usize,
    /// Members of each room.
    pub(crate) members: usize,
    /// Members of each room who write.
    pub(crate) writers: usize,
    /// Messages per second of all writers together. `None` for the maximum: each writer sends again after its echo.
    pub(crate) rate: Option<f64>,
}

#[derive(Default)]
struct Count {
    /// Messages received by their own writers, and messages received by any member.
    appends: AtomicU64,
    deliveries: AtomicU64,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let store = TestStore::start(arguments.servers).await;
    println!("{}\n", store.name());
    println!(
        "{:>24} {:>9} {:>12} {:>8} {:>9} {:>11} {:>9}",
        "rooms, messages/s", "appends/s", "deliveries/s", "node CPU", "store CPU", "µs/delivery", "µs/append"
    );
    for (rooms, members, rate) in [
        (200, 5, Some(100.0)),
        (1, 50, Some(100.0)),
        (1, 1_000, Some(10.0)),
        (1, 50, None),
        (1, 1_000, None),
        (40, 5, None),
        (400, 1, None),
    ] {
        measure(&server, &store, &Load { rooms, members, writers: members.min(WRITERS), rate }).await;
    }
    println!("\n{:>24} {:>9} {:>8} {:>9} {:>9}", "forms", "/s", "node CPU", "store CPU", "µs");
    measure_forms(&server, &store, "rooms made and left", async |address, done| {
        let seat = http::enter(address, "Ana", None, 50).await.unwrap();
        http::leave_room(address, seat).await.unwrap();
        done.fetch_add(1, Ordering::Relaxed);
    })
    .await;
    measure_forms(&server, &store, "joins, rooms of 50", async |address, done| {
        let mut code = None;
        for member in 0..50 {
            code = Some(http::enter(address, &format!("M{member}"), code, 50).await.unwrap().code);
            done.fetch_add(1, Ordering::Relaxed);
        }
    })
    .await;
    true
}

/// Sends forms over connections of their own, [`AT_ONCE`] at a time. `send` counts what is done.
async fn measure_forms(server: &Path, store: &TestStore, name: &str, send: impl AsyncFn(SocketAddr, &AtomicU64)) {
    let node = store.node(server, GRACE).await;
    let done = AtomicU64::new(0);
    let load = stream::repeat(()).for_each_concurrent(AT_ONCE, |()| send(node.address, &done));
    let sample = async {
        sleep(WARM_UP).await;
        let read = || (cpu_time(&[node.pid()]), cpu_time(&store.pids()), done.load(Ordering::Relaxed));
        let before = read();
        sleep(DURATION).await;
        let after = read();
        let seconds = DURATION.as_secs_f64();
        let rate = (after.2 - before.2) as f64 / seconds;
        let [node_cpu, store_cpu] = [after.0 - before.0, after.1 - before.1].map(|time| time.as_secs_f64() / seconds);
        println!("{name:>24} {rate:9.0} {node_cpu:8.2} {store_cpu:9.2} {:9.0}", node_cpu / rate * 1e6);
    };
    tokio::select! { () = load => {} () = sample => {} }
}

async fn measure(server: &Path, store: &TestStore, load: &Load) {
    let node = store.node(server, GRACE).await;
    let Sample { appends, deliveries, node_cpu, store_cpu } = sample(&node, &store.pids(), load).await;
    let rate = load.rate.map_or("most".to_owned(), |rate| format!("{rate}"));
    println!(
        "{:>24} {appends:9.0} {deliveries:12.0} {node_cpu:8.2} {store_cpu:9.2} {:11.1} {:9.0}",
        format!("{} of {}, {rate}", load.rooms, load.members),
        node_cpu / deliveries * 1e6,
        node_cpu / appends * 1e6
    );
}

/// Figures of one load, for each second.
pub(crate) struct Sample {
    pub(crate) appends: f64,
    pub(crate) deliveries: f64,
    /// Processor time of the node, in seconds.
    pub(crate) node_cpu: f64,
    pub(crate) store_cpu: f64,
}

/// Puts this load on a node, in rooms of its own.
pub(crate) async fn sample(node: &Program, store: &[u32], load: &Load) -> Sample {
    let mut people = Members::connect(node, load).await;
    people.begin.cancel();
    sleep(WARM_UP).await;
    let read = || (people.count.appends.load(Ordering::Relaxed), people.count.deliveries.load(Ordering::Relaxed));
    let (node_before, store_before, (appends, deliveries)) = (cpu_time(&[node.pid()]), cpu_time(store), read());
    sleep(DURATION).await;
    let seconds = DURATION.as_secs_f64();
    let (node_cpu, store_cpu) = (cpu_time(&[node.pid()]) - node_before, cpu_time(store) - store_before);
    let (appends, deliveries) = (read().0 - appends, read().1 - deliveries);
    people.tasks.shutdown().await;
    Sample {
        appends: appends as f64 / seconds,
        deliveries: deliveries as f64 / seconds,
        node_cpu: node_cpu.as_secs_f64() / seconds,
        store_cpu: store_cpu.as_secs_f64() / seconds,
    }
}

/// Connected members. Must be dropped before the node, so that nobody is connected when it is killed.
pub(crate) struct Members {
    count: Arc<Count>,
    /// Cancelled to let the writers begin.
    begin: CancellationToken,
    tasks: JoinSet<()>,
}

impl Members {
    /// Fills the rooms concurrently and connects all members.
    pub(crate) async fn connect(node: &Program, load: &Load) -> Self {
        let (count, begin, address) = (Arc::new(Count::default()), CancellationToken::new(), node.address);
        let pause = load.rate.map(|rate| Duration::from_secs_f64((load.rooms * load.writers) as f64 / rate));
        let tasks = Mutex::new(JoinSet::new());
        let fill = async |room: usize| {
            let mut code = None;
            for member in 0..load.members {
                let seat = http::enter(address, &format!("R{room}M{member}"), code, 1_000).await.unwrap();
                code = Some(seat.code);
                let client = RawClient::connect(address, &seat, None).await;
                let begin = (member < load.writers).then(|| begin.clone());
                let seed = (room * load.members + member) as u64;
                tasks.lock().unwrap().spawn(take_part(client, begin, pause.unwrap_or_default(), count.clone(), seed));
            }
        };
        stream::iter(0..load.rooms).for_each_concurrent(AT_ONCE, fill).await;
        Self { count, begin, tasks: tasks.into_inner().unwrap() }
    }
}

/// Reads, and writes after `begin` is cancelled. A message follows `pause` after the previous one, and not before the
/// echo of that.
async fn take_part(
    mut client: RawClient,
    mut begin: Option<CancellationToken>,
    pause: Duration,
    count: Arc<Count>,
    seed: u64,
) {
    let mut dice = Dice::new(seed);
    let mut waits_for: Option<String> = None;
    let mut due: Option<Instant> = None;
    loop {
        tokio::select! {
            text = client.next_text() => {
                let text = text.expect("a connection that holds");
                count.deliveries.fetch_add(text.matches(r#""kind":"message""#).count() as u64, Ordering::Relaxed);
                if waits_for.as_ref().is_some_and(|id| text.contains(id)) {
                    waits_for = None;
                    count.appends.fetch_add(1, Ordering::Relaxed);
                }
            }
            Some(()) = until_cancelled(begin.as_ref()) => {
                begin = None;
                // Spreads the writers over the pause.
                due = Some(Instant::now() + pause.mul_f64(dice.between(0, 1_000) as f64 / 1_000.0));
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() && waits_for.is_none() => {
                due = due.map(|due| due + pause);
                let id = mint(&mut dice);
                waits_for = Some(id.to_string());
                client.append(id, format!("message {:048x}", dice.draw())).await;
            }
        }
    }
}

async fn until_cancelled(token: Option<&CancellationToken>) -> Option<()> {
    token?.cancelled().await;
    Some(())
}
