//! Servers that restart without their data while the program runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use protocol::Limits;
use server::stores;
use store::laws::support::room_of;
use testkit::nats::Server;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Longer than the interval between two checks of the streams (2 s) and a reconnect.
const SOON: Duration = Duration::from_secs(15);

fn url(server: &Server) -> String {
    format!("nats://{}", server.address())
}

/// Starts the program on a store of this server. Returns a receiver that resolves when the program listens, and a
/// thread that returns its exit code and standard error.
fn start_program(server: &Server) -> (oneshot::Receiver<()>, JoinHandle<(Option<i32>, String)>) {
    let mut program = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_server")])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("STORE", url(server))
        .env("PUBLIC_URL", "http://chat.example")
        .env("PORT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(program.stderr.take().unwrap()).lines().map(Result::unwrap);
    let (listens, listening) = oneshot::channel();
    let ended = std::thread::spawn(move || {
        let (mut listens, mut said) = (Some(listens), String::new());
        for line in lines {
            if line.contains(r#""listening""#)
                && let Some(listens) = listens.take()
            {
                let _ = listens.send(());
            }
            said += &line;
        }
        (program.wait().unwrap().code(), said)
    });
    (listening, ended)
}

#[tokio::test]
async fn process_exits_with_1_when_servers_restart_empty() {
    let mut server = Server::start();
    let (listens, program) = start_program(&server);
    if timeout(SOON, listens).await.is_ok_and(|listens| listens.is_err()) {
        panic!("it ended before it listened: {:?}", program.join());
    }
    server.kill();
    server.wipe();
    server.start_again();
    let (code, said) = tokio::task::spawn_blocking(|| program.join().unwrap()).await.unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was deleted, emptied or made anew"), "{said}");
    // The next start, as by a service manager, creates a new store.
    let again = stores::open(&url(&server), &Limits::default()).await.unwrap();
    room_of(&*again, 50, &[1]).await;
}
