//! The program on a store whose file or directory is mounted at a second place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use protocol::{Limits, RoomId};
use store::Store as _;
use store::laws::support::{message, room_of, stored};
use store_sqlite::SqliteStore;
use tempfile::{TempDir, tempdir};

/// Environment variable that leaves out the tests that need mounts.
const WITHOUT_MOUNTS: &str = "FLASKY_TESTS_WITHOUT_MOUNTS";

fn file_in(directory: &TempDir) -> PathBuf {
    directory.path().join("flasky.db")
}

/// A store in use, and a room in it.
async fn open(directory: &TempDir) -> (SqliteStore, RoomId) {
    let store = SqliteStore::open(&file_in(directory), &Limits::default()).await.unwrap();
    let id = room_of(&store, 50, &[1]).await;
    (store, id)
}

/// Runs the server on `store` while the first path of `over` is mounted over the second, asserts that it exits with
/// code 1, and returns its standard error. `None` where tests with mounts are left out.
fn run_mounted(over: [&Path; 2], command: &[&str], store: &Path) -> Option<String> {
    if std::env::var_os(WITHOUT_MOUNTS).is_some() {
        return None;
    }
    let allowed = Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    assert!(
        allowed.is_ok_and(|status| status.success()),
        "`unshare -rm` is not allowed here: set {WITHOUT_MOUNTS} to leave these tests out"
    );
    // Without the time limit, a server that wrongly starts would run for ever.
    let output = Command::new("timeout")
        .args(["10", "unshare", "-rm", "sh", "-c", r#"mount --bind "$1" "$2" && shift 2 && exec "$@""#, "sh"])
        .args(over)
        .arg(env!("CARGO_BIN_EXE_server"))
        .args(command)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("STORE", format!("sqlite://{}", store.display()))
        .env("PORT", "0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    Some(String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(start_paused = true)]
async fn mounted_directory_is_the_same_store() {
    let (place, elsewhere) = (tempdir().unwrap(), tempdir().unwrap());
    let (store, id) = open(&place).await;
    if let Some(said) = run_mounted([place.path(), elsewhere.path()], &[], &file_in(&elsewhere)) {
        assert!(said.contains("another server is using"), "{said}");
    }
    stored(store.append(id, message(1, "after")).await);
}

/// A mounted file stands in another directory, and so would its lock and its write-ahead log.
#[tokio::test(start_paused = true)]
async fn mounted_file_is_refused_by_every_command() {
    let (place, elsewhere) = (tempdir().unwrap(), tempdir().unwrap());
    let (store, id) = open(&place).await;
    fs::write(file_in(&elsewhere), "").unwrap();
    for command in [&[][..], &["check"], &["backup", "copy.db"]] {
        if let Some(said) = run_mounted([&file_in(&place), &file_in(&elsewhere)], command, &file_in(&elsewhere)) {
            assert!(said.contains("mount its directory instead"), "{said}");
        }
    }
    let files: Vec<_> = fs::read_dir(elsewhere.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["flasky.db"], "something was created beside the mounted file");
    stored(store.append(id, message(1, "after")).await);
}
