//! Stores that a server refuses to open, or must not write to any longer.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use testkit::node::Program;
use testkit::user::Act;

use crate::PATIENCE;
use crate::people::person;
use crate::program;

/// All files in the directory with their bytes, except the lock, which is empty.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "lock"))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Fails unless the server exits with 1, says why in these words, names the file, and changes no file.
async fn assert_refused(server: &mut Program, why: &str) {
    let directory = server.store.parent().unwrap().to_owned();
    let before = files(&directory);
    let (code, words) = server.refuses().await;
    assert_eq!(code, Some(1), "{words}");
    let line = words.lines().find(|line| line.contains(why)).unwrap_or_else(|| panic!("no {why:?} in: {words}"));
    assert!(words.contains(server.store.to_str().unwrap()), "it does not name the file: {line}");
    // SQLite leaves these two beside a sound file that it has opened. They hold no data.
    let says_nothing = |(path, bytes): &(PathBuf, Vec<u8>)| {
        let name = path.to_string_lossy();
        name.ends_with("-shm") || (name.ends_with("-wal") && bytes.is_empty())
    };
    let mut after = files(&directory);
    after.retain(|file| before.contains(file) || !says_nothing(file));
    assert!(after == before, "a file was changed");
}

#[tokio::test]
async fn store_in_use_is_refused_by_a_second_server() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = program(directory.path());
    first.start().await;
    let (mut ana, _) = person(first.address, "Ana", None).await;
    ana.act(Act::Send("before".to_owned()));
    assert!(ana.until(PATIENCE, |view| view.acked == 1).await);
    assert_refused(&mut program(directory.path()), "another server is using").await;
    // Also under another name of the file.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut second = program(elsewhere.path());
    symlink(&first.store, &second.store).unwrap();
    assert_refused(&mut second, "another server is using").await;
    fs::remove_file(&second.store).unwrap();
    fs::hard_link(&first.store, &second.store).unwrap();
    assert_refused(&mut second, "more than one name").await;
    ana.act(Act::Send("after".to_owned()));
    assert!(ana.until(PATIENCE, |view| view.acked == 2).await, "the first server is affected");
}

/// A write acknowledged after that would be in no file that the next start finds, or a second server could write at the
/// same time.
#[tokio::test]
async fn server_whose_store_file_is_removed_ends_and_acknowledges_nothing() {
    for gone in ["flasky.db", "flasky.db-wal", "flasky.db-shm", "flasky.db-keys", "flasky.db.lock"] {
        let directory = tempfile::tempdir().unwrap();
        let mut server = program(directory.path());
        let stderr = server.start_listened().await;
        let (mut ana, _) = person(server.address, "Ana", None).await;
        ana.act(Act::Send("before".to_owned()));
        assert!(ana.until(PATIENCE, |view| view.acked == 1).await);
        fs::rename(directory.path().join(gone), directory.path().join("elsewhere")).unwrap();
        ana.act(Act::Send("after".to_owned()));
        assert_eq!(server.ended(PATIENCE).await.code(), Some(1), "{gone}");
        assert_eq!(ana.view().acked, 1, "{gone}: acknowledged and not stored");
        let words = stderr.await.unwrap().unwrap();
        assert!(words.contains("was removed, moved, replaced or emptied") && words.contains(gone), "{words}");
    }
}

/// Empties the file as `> flasky.db` does, or a log rotator that copies and truncates.
#[tokio::test]
async fn server_whose_database_is_emptied_ends_and_acknowledges_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = program(directory.path());
    let stderr = server.start_listened().await;
    let (mut ana, _) = person(server.address, "Ana", None).await;
    ana.act(Act::Send("before".to_owned()));
    assert!(ana.until(PATIENCE, |view| view.acked == 1).await);
    fs::File::create(&server.store).unwrap();
    ana.act(Act::Send("after".to_owned()));
    assert_eq!(server.ended(PATIENCE).await.code(), Some(1));
    assert_eq!(ana.view().acked, 1, "acknowledged and not stored");
    assert!(stderr.await.unwrap().unwrap().contains("flasky.db"));
}

#[tokio::test]
async fn damaged_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = program(directory.path());
    fs::write(&server.store, "this was a database once, and is none any more. ".repeat(200)).unwrap();
    assert_refused(&mut server, "not a database").await;

    // A valid beginning, and garbage where the rooms are.
    fs::remove_file(&server.store).unwrap();
    server.start().await;
    let (mut ana, _) = person(server.address, "Ana", None).await;
    for n in 0..200 {
        ana.act(Act::Send(format!("{n} {}", "x".repeat(500))));
    }
    assert!(ana.until(PATIENCE, |view| view.acked == 200).await);
    assert_eq!(server.terminate(PATIENCE).await.code(), Some(0));
    let mut bytes = fs::read(&server.store).unwrap();
    let end = bytes.len();
    bytes[end - 16_384..].fill(0xff);
    fs::write(&server.store, &bytes).unwrap();
    assert_refused(&mut server, "is damaged").await;
}

#[tokio::test]
async fn store_of_another_program_or_of_a_later_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = program(directory.path());
    let execute = |sql| rusqlite::Connection::open(&server.store).unwrap().execute_batch(sql).unwrap();
    execute("CREATE TABLE recipes (soup TEXT); INSERT INTO recipes VALUES ('leek')");
    assert_refused(&mut server, "is a database of another program").await;

    fs::remove_file(&server.store).unwrap();
    server.start().await;
    let (ana, _) = person(server.address, "Ana", None).await;
    ana.finish().await;
    assert_eq!(server.terminate(PATIENCE).await.code(), Some(0));
    rusqlite::Connection::open(&server.store).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert_refused(&mut server, "was written by a later version of this program").await;
}
