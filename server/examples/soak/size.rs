//! Measures rooms, events and leases in JetStream: bytes on disk, subjects, memory of the servers and of a node that
//! has the rooms in its cache, and the number of leases that are renewed and checked per second.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use protocol::{EventKind, Limits, MemberId, RoomId};
use server::entropy;
use server::stores;
use store::{Lease, NewEvent, NewRoom, Store};
use testkit::kernel::resident;

use crate::store::TestStore;

/// Maximum number of concurrent requests.
const AT_ONCE: usize = 256;
const TTL: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Number of NATS servers, 1 or 3.
    #[arg(long, default_value_t = 1)]
    servers: usize,
    /// Number of rooms, of one member each.
    #[arg(long, default_value_t = 10_000)]
    rooms: usize,
    /// Number of messages of 100 characters, in 200 of the rooms.
    #[arg(long, default_value_t = 60_000)]
    messages: usize,
    /// Number of leases, each renewed once.
    #[arg(long, default_value_t = 20_000)]
    leases: usize,
}

/// Size of the streams.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    bytes: u64,
    messages: u64,
    /// Resident memory of one server, in KiB.
    resident: f64,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let store = TestStore::start(arguments.servers).await;
    println!("{}\n", store.name());
    let opened = stores::open(&store.url(), &Limits::default()).await.unwrap();
    let empty = (held(&store).await, node(&server, &store).await);

    let begun = Instant::now();
    let rooms: Vec<_> =
        stream::iter(0..arguments.rooms).map(|_| room(&*opened)).buffer_unordered(AT_ONCE).collect().await;
    println!("made {:.0} rooms per second", arguments.rooms as f64 / begun.elapsed().as_secs_f64());
    let full = (held(&store).await, node(&server, &store).await);
    report("room", arguments.rooms, empty.0, full.0);
    println!("a room that a node knows of: {:.2} KiB there", (full.1.0 - empty.1.0) / arguments.rooms as f64);
    println!("a node is ready after {:.0?}, without rooms {:.0?}", full.1.1, empty.1.1);

    let begun = Instant::now();
    let talking = stream::iter(0..arguments.messages).map(|n| say(opened.clone(), rooms[n % 200], n));
    talking.buffer_unordered(AT_ONCE).collect::<()>().await;
    println!("appended {:.0} messages per second", arguments.messages as f64 / begun.elapsed().as_secs_f64());
    report("message", arguments.messages, full.0, held(&store).await);

    let before = held(&store).await;
    for what in ["took", "renewed"] {
        let begun = Instant::now();
        let holding = (0..arguments.leases).map(|n| hold(opened.clone(), rooms[n % rooms.len()], n));
        stream::iter(holding).buffer_unordered(AT_ONCE).collect::<()>().await;
        println!("{what} {:.0} leases per second", arguments.leases as f64 / begun.elapsed().as_secs_f64());
    }
    report("lease", arguments.leases, before, held(&store).await);
    sweep(&store, rooms.len()).await;
    opened.close().await;
    true
}

/// Measures another node's first check of all leases, which comes one grace period after its start.
async fn sweep(store: &TestStore, seats: usize) {
    let limits = Limits::default();
    let other = stores::open(&store.url(), &limits).await.unwrap();
    let then = tokio::time::Instant::now() + Duration::from_millis(limits.grace_ms + 1_000);
    let begun = Instant::now();
    assert!(other.expire(then).await.unwrap().is_empty(), "everybody's seat is held");
    println!(
        "another node looks at the leases of {:.0} seats per second",
        seats as f64 / begun.elapsed().as_secs_f64()
    );
    other.close().await;
}

async fn room(opened: &dyn Store) -> (RoomId, MemberId) {
    let (code, member) = (entropy::room_code(), MemberId(entropy::uuid()));
    let room = opened
        .create_room(NewRoom { code, epoch: entropy::epoch(), capacity: 50, name: Default::default() })
        .await
        .unwrap();
    append(
        opened,
        room,
        member,
        EventKind::Joined { member, name: "Member".parse::<protocol::DisplayName>().unwrap().into() },
    )
    .await;
    (room, member)
}

async fn say(opened: Arc<dyn Store>, (room, member): (RoomId, MemberId), n: usize) {
    append(&*opened, room, member, EventKind::message(format!("{n:0100}").parse().unwrap())).await;
}

async fn append(opened: &dyn Store, room: RoomId, by: MemberId, kind: EventKind) {
    opened.append(room, NewEvent { id: entropy::event_id(), at: 0, by, kind, keys: Default::default() }).await.unwrap();
}

/// Takes or renews a lease; the same `n` is the same lease.
async fn hold(opened: Arc<dyn Store>, (room, member): (RoomId, MemberId), n: usize) {
    opened.acquire_lease(Lease { room, member, id: uuid::Uuid::from_u128(n as u128 + 1) }, TTL).await.unwrap();
}

/// Starts a node. Returns its resident memory in KiB, and the time until it was ready.
async fn node(server: &Path, store: &TestStore) -> (f64, Duration) {
    let begun = Instant::now();
    let node = store.node(server, TTL).await;
    let took = begun.elapsed();
    tokio::time::sleep(Duration::from_secs(1)).await;
    (resident(node.pid()), took)
}

async fn held(store: &TestStore) -> Held {
    let hosts: Vec<_> = store.url().trim_start_matches("nats://").split(',').map(str::to_owned).collect();
    let jetstream = async_nats::jetstream::new(async_nats::connect(hosts).await.unwrap());
    let mut held = Held { resident: resident(store.pids()[0]), ..Held::default() };
    for stream in ["0", "1", "2", "3", "leases", "secrets"] {
        let state = jetstream.get_stream(format!("flasky_{stream}")).await.unwrap().cached_info().state.clone();
        held.bytes += state.bytes;
        held.messages += state.messages;
    }
    held
}

fn report(what: &str, count: usize, before: Held, after: Held) {
    let (count, messages) = (count as f64, (after.messages - before.messages) as f64);
    let grown = (after.resident - before.resident) * 1024.0;
    println!(
        "a {what}: {:.0} bytes stored in {:.1} subjects; {:.0} bytes of a server's memory, {:.0} a subject",
        (after.bytes - before.bytes) as f64 / count,
        messages / count,
        grown / count,
        grown / messages
    );
}
