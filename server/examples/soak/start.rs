//! Measures the time from the start of the server until it is ready, with rooms in its store.

use std::iter;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use protocol::{DisplayName, EventKind, Limits, MemberId, RoomCode, RoomId};
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
    let Arguments { rooms, members, messages, .. } = *arguments;
    fill(&format!("sqlite://{}", store.display()), rooms, members, messages).await;
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

/// Creates rooms with this number of members and of messages in each, and returns their codes. Rooms of one chunk are
/// filled concurrently to share commits.
pub(crate) async fn fill(url: &str, rooms: usize, members: usize, messages: usize) -> Vec<RoomCode> {
    let store = stores::open(url, &Limits::default()).await.unwrap();
    let codes: Vec<_> = iter::repeat_with(entropy::room_code).take(rooms).collect();
    for turn in codes.chunks(200) {
        join_all(turn.iter().map(|code| room(&*store, *code, members, messages))).await;
    }
    store.close().await;
    codes
}

async fn room(store: &dyn Store, code: RoomCode, members: usize, messages: usize) {
    let room = store
        .create_room(NewRoom { code, epoch: entropy::epoch(), capacity: 1_000, name: Default::default() })
        .await
        .unwrap();
    let members: Vec<MemberId> = (0..members).map(|_| MemberId(entropy::uuid())).collect();
    for (n, member) in members.iter().enumerate() {
        let name: DisplayName = format!("Member {n}").parse().unwrap();
        append(store, room, *member, EventKind::Joined { member: *member, name: name.into() }).await;
    }
    for n in 0..messages {
        let body = format!("{n:0100}").parse().unwrap();
        append(store, room, members[n % members.len()], EventKind::message(body)).await;
    }
}

async fn append(store: &dyn Store, room: RoomId, by: MemberId, kind: EventKind) {
    store.append(room, NewEvent { id: entropy::event_id(), at: 0, by, kind, keys: Default::default() }).await.unwrap();
}
