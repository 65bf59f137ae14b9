//! Law 4 under `kill -9`: this test binary starts itself as a child process and kills it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use protocol::{EventId, Limits, RoomCode, RoomId};
use server::stores;

use crate::support::{TestStore, joined, latest, message, new_room};

const STORE: &str = "CONFORMANCE_CRASH_STORE";
const ACKS: usize = 300;

pub(crate) async fn acknowledged_event_survives_sigkill(fixture: &TestStore) {
    for round in 1..=3 {
        let (room, acked) = run_and_kill(&fixture.url);
        let store = fixture.open_with(&unlimited()).await;
        let log = latest(&*store, room).await;
        for id in &acked {
            assert!(log.iter().any(|event| event.id == *id), "an acknowledged event is lost in round {round}");
        }
        assert_eq!(store.room(room).await.unwrap().members.len(), 2);
        store.close().await;
    }
}

/// Starts the child and kills it while it appends. Returns the room and the ids acknowledged before.
fn run_and_kill(url: &str) -> (RoomId, Vec<EventId>) {
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::server_that_is_killed", "--nocapture", "--include-ignored"])
        .env(STORE, url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
    let room = lines.by_ref().find_map(|line| Some(RoomId(line.split_once("room ")?.1.parse().unwrap()))).unwrap();
    let acked = lines
        .filter_map(|line| Some(EventId(line.split_once("ack ")?.1.parse().unwrap())))
        .take(ACKS)
        .collect::<Vec<_>>();
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(acked.len(), ACKS, "the server ended by itself");
    (room, acked)
}

/// Not a test of its own: the body of the child process that `run_and_kill` starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by acknowledged_event_survives_sigkill"]
async fn server_that_is_killed() {
    let Ok(url) = std::env::var(STORE) else { return };
    let store = stores::open(&url, &unlimited()).await.unwrap();
    // `support` counts from 1 in every process: a code made from the process id keeps the rounds' rooms apart.
    let [a, b, c, d] = std::process::id().to_be_bytes();
    let code = RoomCode::from_entropy([a, b, c, d, 1]);
    let room = store.create_room(new_room(code, 50)).await.unwrap();
    for member in 1..=2 {
        store.append(room, joined(member)).await.unwrap();
    }
    print_line(&format!("\nroom {room}"));
    let appenders = [1, 2, 1, 2].map(|member| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..100_000 {
                let draft = message(member, &format!("{n}"));
                let id = draft.id;
                store.append(room, draft).await.unwrap();
                print_line(&format!("ack {}", id.0));
            }
        })
    });
    for appender in appenders {
        appender.await.unwrap();
    }
}

fn print_line(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

fn unlimited() -> Limits {
    Limits { events: 1_000_000, timeline: 1 << 30, ..Limits::default() }
}
