//! The commands `backup` and `check` beside a running server, and messages about a failed start.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use protocol::EventId;
use testkit::dice::Dice;
use testkit::node::Program;
use testkit::{http, ids};

const TIME: Duration = Duration::from_secs(10);

/// Runs a command with the log off, which does not affect its result on stdout.
fn flasky(store: &Path, words: &[&str]) -> Output {
    command(store, words, "off").output().unwrap()
}

fn command(store: &Path, words: &[&str], filter: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_server"));
    let store = format!("sqlite://{}", store.display());
    program.env_clear().env("RUST_LOG", filter).args(words).args(["--store", &store]).stdin(Stdio::null());
    program
}

fn stdout_of(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_of_a_running_server_passes_check_and_is_restored() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Program::new(env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"), Vec::new());
    server.start().await;
    let ana = http::enter(server.address, "Ana", None, 50).await.unwrap();
    let say = async |address, n: u64| {
        let id: EventId = ids::mint(&mut Dice::new(n));
        http::post_message(address, &ana, id, &format!("message{n}")).await.unwrap();
    };
    say(server.address, 1).await;
    let before = http::snapshot(server.address, &ana).await.unwrap().unwrap();
    let copy = directory.path().join("copy.db");
    let made = stdout_of(flasky(&server.store, &["backup", copy.to_str().unwrap()]));
    assert!(made.contains("copy.db"), "{made}");
    assert_eq!(stdout_of(flasky(&server.store, &["check"])), "sound: 1 rooms, 2 events\n");
    assert_eq!(stdout_of(flasky(&copy, &["check"])), "sound: 1 rooms, 2 events\n");
    // The server is not affected.
    say(server.address, 2).await;
    assert_eq!(http::snapshot(server.address, &ana).await.unwrap().unwrap().events.len(), 3);
    assert!(server.terminate(TIME).await.success());

    let mut restored = Program::new(env!("CARGO_BIN_EXE_server").into(), copy, Vec::new());
    restored.start().await;
    let after = http::snapshot(restored.address, &ana).await.unwrap().expect("the same cookie, the same seat");
    assert_eq!((&after.events, &after.members), (&before.events, &before.members));
    assert_ne!(after.position.epoch, before.position.epoch);
    say(restored.address, 3).await;
}

#[test]
fn failure_is_reported_on_stderr_whatever_the_log_filter() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("missing.db");
    for filter in ["info", "off", "server=off", "async_nats=trace"] {
        for words in [["check"].as_slice(), &["backup", "/nowhere/copy.db"]] {
            let output = command(&nowhere, words, filter).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{filter} {words:?}: {stderr}");
            assert!(stderr.starts_with("flasky: cannot ") && stderr.contains("missing.db"), "{stderr}");
        }
        let unusable = directory.path().join("no/such/directory/flasky.db");
        let output = command(&unusable, &["--port=0"], filter).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{filter}: {stderr}");
        assert!(stderr.starts_with("flasky: cannot use the store"), "{filter}: {stderr}");
    }
}

#[test]
fn invalid_log_filter_is_refused_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("flasky.db");
    for filter in ["flasky=loud", "info,server[{=debug", "flasky::session=9=9", "verbose", "info,hyper"] {
        let output = command(&store, &["--port=0"], filter).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{filter}: {stderr}");
        assert!(
            stderr.starts_with("flasky: cannot read --log, FLASKY_LOG or RUST_LOG") && stderr.contains(filter),
            "{stderr}"
        );
    }
    assert!(!store.exists(), "it is refused before anything is opened");
}

/// Standard output whose reader is gone, as in `flasky check | true`, and one that is full.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_code_does_not_depend_on_writing_to_stdout() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Program::new(env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"), Vec::new());
    server.start().await;
    http::enter(server.address, "Ana", None, 50).await.unwrap();
    assert!(server.terminate(TIME).await.success());
    let gone = || Stdio::from(std::io::pipe().unwrap().1);
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let code = |words: &[&str], stdout| command(&server.store, words, "info").stdout(stdout).status().unwrap().code();
    let stdouts: [&dyn Fn() -> Stdio; 2] = [&gone, &full];
    for (n, stdout) in stdouts.into_iter().enumerate() {
        assert_eq!(code(&["check"], stdout()), Some(0));
        let copy = directory.path().join(format!("copy{n}.db"));
        assert_eq!(code(&["backup", copy.to_str().unwrap()], stdout()), Some(0));
        assert!(copy.exists());
    }
    let conn = rusqlite::Connection::open(&server.store).unwrap();
    conn.execute("UPDATE events SET sealed = x'00'", ()).unwrap();
    drop(conn);
    assert_eq!([code(&["check"], gone()), code(&["check"], full())], [Some(1); 2]);
}
