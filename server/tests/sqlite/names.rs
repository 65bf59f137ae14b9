//! One store file under several names: links, relative paths, mounts. The lock and the write-ahead log belong to the
//! file, not to one of its names.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use protocol::Limits;
use server::stores;
use store::{Store, StoreError};
use store_sqlite::SqliteStore;

use crate::support::{latest, message, room_of, stored};
use crate::{Place, words};

async fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, &Limits::default()).await
}

async fn assert_refused(path: &Path, why: &str) {
    let error = open(path).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(words(&error).contains(why) && words(&error).contains("flasky.db"), "{}", words(&error));
}

/// Asserts that both names open one store: while one is in use the other is refused, and `check` and `backup` through
/// it see what is stored.
async fn assert_one_store(one: &Path, other: &Path) {
    let mut id = None;
    for (n, (first, second)) in [(one, other), (other, one), (one, other)].into_iter().enumerate() {
        let server = open(first).await.unwrap();
        let id = match id {
            Some(id) => id,
            None => *id.insert(room_of(&server, 50, &[1]).await),
        };
        assert_refused(second, "another server is using").await;
        stored(server.append(id, message(1, &format!("message {n}"))).await);
        assert_eq!(latest(&server, id).await.len(), n + 2, "{} lost something", first.display());

        let url = format!("sqlite://{}", second.display());
        assert_eq!(stores::check(&url).unwrap().events, n + 2);
        let copy = one.with_file_name(format!("copy-{n}"));
        stores::backup(&url, &copy).unwrap();
        assert_eq!(stores::check(&format!("sqlite://{}", copy.display())).unwrap().events, n + 2);
        server.close().await;
    }
}

/// Names of the files in the directory.
fn files(directory: &Path) -> Vec<String> {
    let mut files: Vec<_> =
        fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    files
}

#[tokio::test(start_paused = true)]
async fn symlinked_file_is_the_same_store() {
    let (place, elsewhere) = (Place::new(), tempfile::tempdir().unwrap());
    let [near, far, chain] = ["near.db", "far.db", "chain.db"].map(|name| elsewhere.path().join(name));
    symlink(place.path(), &far).unwrap();
    symlink("far.db", &chain).unwrap();
    assert_one_store(&place.path(), &chain).await;
    // No file is created beside a link.
    assert_eq!(files(elsewhere.path()), ["chain.db", "far.db"]);
    // Two links to one file.
    symlink(place.path(), &near).unwrap();
    let server = open(&near).await.unwrap();
    assert_refused(&far, "another server is using").await;
    server.close().await;
}

#[tokio::test(start_paused = true)]
async fn link_to_a_missing_store_is_followed() {
    let (place, elsewhere) = (Place::new(), tempfile::tempdir().unwrap());
    let link = elsewhere.path().join("link.db");
    symlink(place.path(), &link).unwrap();
    let server = open(&link).await.unwrap();
    assert_refused(&place.path(), "another server is using").await;
    server.close().await;
    assert_eq!(files(elsewhere.path()), ["link.db"]);

    let circle = elsewhere.path().join("flasky.db");
    symlink("flasky.db", &circle).unwrap();
    assert_refused(&circle, "cannot find").await;
}

#[tokio::test(start_paused = true)]
async fn symlinked_directory_is_the_same_store() {
    let (place, elsewhere) = (Place::new(), tempfile::tempdir().unwrap());
    let link = elsewhere.path().join("data");
    symlink(place.0.path(), &link).unwrap();
    assert_one_store(&link.join("flasky.db"), &place.path()).await;
}

#[tokio::test(start_paused = true)]
async fn relative_path_is_the_same_store() {
    let up = std::env::current_dir().unwrap().components().skip(1).map(|_| "..").collect::<PathBuf>();
    for detour in ["flasky.db", "deep/.././flasky.db"] {
        let place = Place::new();
        fs::create_dir(place.0.path().join("deep")).unwrap();
        let relative = up.join(place.0.path().join(detour).strip_prefix("/").unwrap());
        assert_one_store(&relative, &place.path()).await;
    }
}

/// The write-ahead log stands beside one of the two names only, so reading through the other is as wrong as writing.
#[tokio::test(start_paused = true)]
async fn hard_linked_file_is_refused_by_every_command() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let server = place.open().await.unwrap();
    let id = room_of(&server, 50, &[1]).await;
    stored(server.append(id, message(1, "before")).await);
    fs::hard_link(place.path(), elsewhere.path()).unwrap();
    let why = "more than one name";
    for path in [elsewhere.path(), place.path()] {
        assert_refused(&path, why).await;
        let url = format!("sqlite://{}", path.display());
        assert!(words(&stores::check(&url).unwrap_err()).contains(why));
        assert!(words(&stores::backup(&url, &place.0.path().join("copy.db")).unwrap_err()).contains(why));
    }
    stored(server.append(id, message(1, "after")).await);
    server.close().await;
    fs::remove_file(elsewhere.path()).unwrap();
    assert_eq!(latest(&place.open().await.unwrap(), id).await.len(), 3);
}

#[tokio::test]
async fn store_that_is_no_regular_file_is_refused() {
    let (directory, fifo, lock) = (Place::new(), Place::new(), Place::new());
    fs::create_dir(directory.path()).unwrap();
    make_fifo(&fifo.path());
    make_fifo(&lock.path().with_extension("db.lock"));
    assert_refused(&directory.path(), "no regular file").await;
    assert_refused(&fifo.path(), "no regular file").await;
    assert_refused(&lock.path(), "cannot open").await;
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Environment variable that leaves out the tests that need mounts.
#[cfg(target_os = "linux")]
const WITHOUT_MOUNTS: &str = "FLASKY_TESTS_WITHOUT_MOUNTS";

/// Runs the server on `store` while the first path of `over` is mounted over the second, asserts that it exits with
/// code 1, and returns its standard error. `None` where tests with mounts are left out.
#[cfg(target_os = "linux")]
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

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn mounted_directory_is_the_same_store() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let server = place.open().await.unwrap();
    let id = room_of(&server, 50, &[1]).await;
    if let Some(said) = run_mounted([place.0.path(), elsewhere.0.path()], &[], &elsewhere.path()) {
        assert!(said.contains("another server is using"), "{said}");
    }
    stored(server.append(id, message(1, "after")).await);
}

/// A mounted file stands in another directory, and so would its lock and its write-ahead log.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn mounted_file_is_refused_by_every_command() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let server = place.open().await.unwrap();
    let id = room_of(&server, 50, &[1]).await;
    fs::write(elsewhere.path(), "").unwrap();
    for command in [&[][..], &["check"], &["backup", "copy.db"]] {
        if let Some(said) = run_mounted([&place.path(), &elsewhere.path()], command, &elsewhere.path()) {
            assert!(said.contains("mount its directory instead"), "{said}");
        }
    }
    assert_eq!(files(elsewhere.0.path()), ["flasky.db"]);
    stored(server.append(id, message(1, "after")).await);
}
