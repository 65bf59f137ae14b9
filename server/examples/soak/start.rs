//! Measures the time from the start of the server until it is ready, with rooms in its store.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use protocol::{DisplayName, EventKind, Limits, MemberId, RoomId};
use server::entropy;
use server::stores;
use store::{NewEvent, NewRoom, Store};
use testkit::http;
use testkit::node::Program;

const STOP: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, default_value_t = 1_000)]
    rooms: usize,
    #[arg(long, default_value_t = 5)]
    members: usize,
    /// Number of messages of 100 characters in each room.
    #[arg(long, default_value_t = 100)]
    messages: usize,
    #[arg(long, default_value_t = 9)]
    starts: usize,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("flasky.db");
    fill(&format!("sqlite://{}", store.display()), arguments).await;
    let megabytes = std::fs::metadata(&store).unwrap().len() as f64 / 1e6;
    let environment = vec![("GRACE_MS", "600000".to_owned()), ("ARRIVAL_MS", "600000".to_owned())];
    let mut program = Program::new(server, store, environment);
    let mut times = Vec::new();
    for _ in 0..arguments.starts {
        let begun = Instant::now();
        program.start().await;
        while !http::is_ready(program.address).await.unwrap() {}
        times.push(begun.elapsed());
        assert!(program.terminate(STOP).await.success());
    }
    times.sort();
    println!(
        "{} rooms of {} with {} messages, {megabytes:.0} MB: ready after {:.0?}, at worst {:.0?}",
        arguments.rooms,
        arguments.members,
        arguments.messages,
        times[times.len() / 2],
        times[times.len() - 1],
    );
    true
}

/// Creates the rooms with their members and messages. Rooms of one chunk are filled concurrently to share commits.
async fn fill(url: &str, arguments: &Arguments) {
    let store = stores::open(url, &Limits::default()).await.unwrap();
    let rooms: Vec<usize> = (0..arguments.rooms).collect();
    for turn in rooms.chunks(200) {
        join_all(turn.iter().map(|_| room(&*store, arguments))).await;
    }
    store.close().await;
}

async fn room(store: &dyn Store, arguments: &Arguments) {
    let code = entropy::room_code();
    let room = store
        .create_room(NewRoom { code, epoch: entropy::epoch(), capacity: 1_000, name: Default::default() })
        .await
        .unwrap();
    let members: Vec<MemberId> = (0..arguments.members).map(|_| MemberId(entropy::uuid())).collect();
    for (n, member) in members.iter().enumerate() {
        let name: DisplayName = format!("Member {n}").parse().unwrap();
        append(store, room, *member, EventKind::Joined { member: *member, name: name.into() }).await;
    }
    for n in 0..arguments.messages {
        let body = format!("{n:0100}").parse().unwrap();
        append(store, room, members[n % members.len()], EventKind::message(body)).await;
    }
}

async fn append(store: &dyn Store, room: RoomId, by: MemberId, kind: EventKind) {
    store.append(room, NewEvent { id: entropy::event_id(), at: 0, by, kind, keys: Default::default() }).await.unwrap();
}
