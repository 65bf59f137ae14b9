//! `backup` and `check`, as somebody types them beside a running server.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use app::protocol::EventId;

use crate::proof::dice::Dice;
use crate::proof::node::Program;
use crate::proof::{client, http};

const TIME: Duration = Duration::from_secs(10);

fn flasky(store: &Path, words: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_server"));
    let store = format!("sqlite://{}", store.display());
    program.env_clear().args(words).args(["--store", &store]).stdin(Stdio::null()).output().unwrap()
}

fn said(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_made_checked_and_put_back_while_people_write() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Program::new(env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"), Vec::new());
    server.start().await;
    let ana = http::enter(server.address, "Ana", None, 50).await.unwrap();
    let say = async |address, n: u64| {
        let id: EventId = client::mint(&mut Dice::new(n));
        http::post_message(address, &ana, id, &format!("message{n}")).await.unwrap();
    };
    say(server.address, 1).await;
    let before = http::snapshot(server.address, &ana).await.unwrap().unwrap();
    let copy = directory.path().join("copy.db");
    let made = said(flasky(&server.store, &["backup", copy.to_str().unwrap()]));
    assert!(made.contains("copy.db"), "{made}");
    assert_eq!(said(flasky(&server.store, &["check"])), "sound: 1 rooms, 2 events\n");
    assert_eq!(said(flasky(&copy, &["check"])), "sound: 1 rooms, 2 events\n");
    // The server noticed nothing.
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
fn what_is_wrong_is_said_and_counted_as_failure() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("missing.db");
    for words in [["check"].as_slice(), &["backup", "/nowhere/copy.db"]] {
        let output = flasky(&nowhere, words);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8(output.stderr).unwrap().contains("missing.db"));
    }
}
