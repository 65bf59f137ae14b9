//! Tests of the SQLite store that concern its file: lock, format, damage, permissions, and what is erased from disk.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod damage;
mod names;

use std::collections::HashSet;
use std::error::Error as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use protocol::{EventKind, LeaveReason, Limits};
use store::laws::support::{deleted, edited, joined, left, message, ms, room_of, stored};
use store::{ReadFrom, Store, StoreError, known_ids};
use store_sqlite::SqliteStore;
use tokio::time::{Instant, advance};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("flasky.db")
    }

    async fn open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.path(), &Limits::default()).await
    }

    /// Number of times the bytes occur in the files of the store's directory.
    fn occurrences(&self, bytes: impl AsRef<[u8]>) -> usize {
        let bytes = bytes.as_ref();
        let files = fs::read_dir(self.0.path()).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
        files.map(|file| file.windows(bytes.len()).filter(|window| *window == bytes).count()).sum()
    }

    /// Number of these records that are on disk.
    fn on_disk(&self, records: &[Vec<u8>]) -> usize {
        // The first bytes of a record are random, and of that record only.
        let starts: HashSet<&[u8]> = records.iter().map(|record| &record[..16]).collect();
        let files = fs::read_dir(self.0.path()).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
        let found = |file: &Vec<u8>| file.windows(16).filter(|window| starts.contains(window)).count();
        files.map(|file| found(&file)).sum()
    }

    /// Sealed records of these rows of a table.
    fn sealed(&self, table: &str, rows: &str) -> Vec<Vec<u8>> {
        let conn = rusqlite::Connection::open(self.path()).unwrap();
        let mut query = conn.prepare(&format!("SELECT sealed FROM {table} WHERE {rows}")).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

fn words(error: &StoreError) -> String {
    error.source().unwrap().to_string()
}

fn execute(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test(start_paused = true)]
async fn second_server_is_refused_until_the_first_closes() {
    let place = Place::new();
    let first = place.open().await.unwrap();
    let error = place.open().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(words(&error).contains("another server is using"), "{}", words(&error));
    assert!(words(&error).contains("flasky.db"));
    first.close().await;
    place.open().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn file_that_is_no_store_is_refused_and_unchanged() {
    let place = Place::new();
    fs::write(place.path(), "not a database, but a long enough text to look at. ".repeat(200)).unwrap();
    let before = fs::read(place.path()).unwrap();
    assert!(matches!(place.open().await.unwrap_err(), StoreError::Corrupt(_)));
    assert_eq!(fs::read(place.path()).unwrap(), before);

    fs::remove_file(place.path()).unwrap();
    execute(&place.path(), "CREATE TABLE recipes (soup TEXT)");
    let before = fs::read(place.path()).unwrap();
    let error = place.open().await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)));
    assert!(words(&error).contains("another program"));
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn damaged_store_is_refused_and_unchanged() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let id = room_of(&store, 50, &[1]).await;
    for _ in 0..200 {
        stored(store.append(id, message(1, &"all of this is about to be lost ".repeat(10))).await);
    }
    store.close().await;
    let mut bytes = fs::read(place.path()).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 10);
    // Pages of the log, which only the integrity check of opening reads.
    for page in pages - 4..pages {
        bytes[page * 4096..page * 4096 + 64].fill(0xff);
    }
    fs::write(place.path(), &bytes).unwrap();
    assert!(matches!(place.open().await.unwrap_err(), StoreError::Corrupt(_)));
    assert_eq!(fs::read(place.path()).unwrap(), bytes);
}

#[tokio::test(start_paused = true)]
async fn store_of_a_later_format_is_refused() {
    let place = Place::new();
    place.open().await.unwrap().close().await;
    execute(&place.path(), "PRAGMA user_version = 99");
    let error = place.open().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(words(&error).contains("later version"), "{}", words(&error));
}

#[tokio::test(start_paused = true)]
async fn missing_directory_is_named_in_the_error() {
    let place = Place::new();
    let error = SqliteStore::open(&place.0.path().join("missing/flasky.db"), &Limits::default()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(words(&error).contains("missing/flasky.db"), "{}", words(&error));
}

#[tokio::test(start_paused = true)]
async fn files_are_private_to_their_owner() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    room_of(&store, 50, &[1]).await;
    for file in FILES {
        assert_eq!(mode(&place, file), 0o600, "{file}");
    }
}

/// An earlier version created a lock file that others could read, and a restored backup may be readable too.
#[tokio::test(start_paused = true)]
async fn files_readable_by_others_become_private_at_start() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    room_of(&store, 50, &[1]).await;
    for (file, loose) in FILES.into_iter().zip([0o644, 0o640, 0o666, 0o604, 0o644]) {
        fs::set_permissions(place.0.path().join(file), Permissions::from_mode(loose)).unwrap();
    }
    // A killed server leaves all files behind.
    let killed = Place::new();
    for file in FILES {
        fs::copy(place.0.path().join(file), killed.0.path().join(file)).unwrap();
    }
    let restarted = killed.open().await.unwrap();
    for file in FILES {
        assert_eq!(mode(&killed, file), 0o600, "{file}");
    }
    restarted.close().await;

    // The file of another program keeps its permissions.
    let other = Place::new();
    execute(&other.path(), "CREATE TABLE recipes (soup TEXT)");
    fs::set_permissions(other.path(), Permissions::from_mode(0o644)).unwrap();
    other.open().await.unwrap_err();
    assert_eq!(mode(&other, "flasky.db"), 0o644);
}

const FILES: [&str; 5] = ["flasky.db", "flasky.db-wal", "flasky.db-shm", "flasky.db-keys", "flasky.db.lock"];

fn mode(place: &Place, file: &str) -> u32 {
    fs::metadata(place.0.path().join(file)).unwrap().permissions().mode() & 0o777
}

/// Rooms share database pages; some go on and some are trimmed. The records of ended rooms must not remain between them,
/// though nobody can decrypt them any more.
#[tokio::test(start_paused = true)]
async fn text_of_an_ended_room_is_erased_from_disk() {
    // First few rooms, whose rows fill and overflow pages; then many, which share each page.
    for (rooms, messages, longest) in [(20, 60, 900), (300, 6, 40)] {
        let limits = Limits { events: 30, ..Limits::default() };
        let place = Place::new();
        let store = SqliteStore::open(&place.path(), &limits).await.unwrap();
        let (secret, public) = ("the treasure is under the old oak", "the weather is fine");
        let mut ids = Vec::new();
        for _ in 0..rooms {
            ids.push(room_of(&store, 50, &[1, 2]).await);
        }
        for n in 0..messages {
            for (i, id) in ids.iter().enumerate() {
                let text = if i % 2 == 0 { secret } else { public };
                let padding = "x".repeat((n * 37 + i * 101) % longest * if n % 20 == 0 { 2 } else { 1 });
                stored(store.append(*id, message(1, &format!("{padding} {text} {padding}"))).await);
            }
        }
        let (ending, others) = (place.sealed("events", "room % 2 = 1"), place.sealed("events", "room % 2 = 0"));
        assert!(place.on_disk(&ending) >= ending.len());
        assert_eq!(place.occurrences(secret) + place.occurrences(public), 0, "it can be read");
        for id in ids.iter().step_by(2) {
            stored(store.append(*id, left(1, LeaveReason::Choice)).await);
            stored(store.append(*id, left(2, LeaveReason::Choice)).await);
        }
        wait_until_erased(&place, &ending).await;
        assert!(place.on_disk(&others) > 0);
        store.close().await;
        assert_eq!(place.on_disk(&ending), 0);
    }
}

/// Edited and deleted text must not remain on pages that it shared with text that stays. Not every plan would pass:
/// where SQLite moves rows between pages it may leave a copy that `secure_delete` does not know of.
#[tokio::test(start_paused = true)]
async fn edited_and_deleted_text_is_erased_from_disk() {
    for (rooms, messages, longest) in [(2, 40, 900), (20, 6, 40)] {
        let place = Place::new();
        let store = place.open().await.unwrap();
        let (secret, public) = ("the treasure is under the old oak", "the weather is fine");
        let mut ids = Vec::new();
        for _ in 0..rooms {
            ids.push(room_of(&store, 50, &[1]).await);
        }
        let mut secrets = Vec::new();
        for n in 0..messages {
            for (i, room) in ids.iter().enumerate() {
                let text = if (n + i) % 3 == 0 { public } else { secret };
                let padding = "x".repeat((n * 37 + i * 101) % longest);
                let said = stored(store.append(*room, message(1, &format!("{padding} {text} {padding}"))).await);
                if text == secret {
                    secrets.push((*room, said.id, n));
                }
            }
        }
        let mut replaced = place.sealed("events", "seq > 1");
        let kept = replaced.len() - secrets.len();
        assert!(place.on_disk(&replaced) >= replaced.len());
        // Some secrets are first edited to a longer or shorter text. Then every secret is deleted or edited away.
        let changed = secrets.iter().filter(|(_, _, n)| n % 2 == 0).map(|(room, id, n)| {
            let padding = "y".repeat((n * 53) % longest);
            store.append(*room, edited(1, *id, &format!("{padding} {secret} indeed")))
        });
        join_all(changed).await.into_iter().for_each(|result| drop(stored(result)));
        replaced.extend(place.sealed("events", "seq > 1"));
        let taken_back = secrets.iter().map(|(room, id, n)| {
            let draft = if n % 4 < 2 { deleted(1, *id) } else { edited(1, *id, "never mind") };
            store.append(*room, draft)
        });
        join_all(taken_back).await.into_iter().for_each(|result| drop(stored(result)));
        let current: HashSet<_> = place.sealed("events", "seq > 1").into_iter().collect();
        replaced.retain(|record| !current.contains(record));
        assert!(replaced.len() >= secrets.len() && current.len() >= kept);
        wait_until_erased(&place, &replaced).await;
        store.close().await;
        assert_eq!(place.on_disk(&replaced), 0);
        assert!(place.on_disk(&current.into_iter().collect::<Vec<_>>()) >= kept);
    }
}

/// An open read transaction delays the purge but does not prevent it. If the server is killed meanwhile, its next start
/// purges.
#[tokio::test(start_paused = true)]
async fn purge_waits_for_a_reader_and_is_repeated_after_a_kill() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let secret = "the treasure is under the old oak";
    let id = room_of(&store, 50, &[1]).await;
    let said = stored(store.append(id, message(1, secret)).await);
    let replaced = place.sealed("events", "seq = 2");
    let reader = rusqlite::Connection::open(place.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT COUNT(*) FROM rooms").unwrap();
    stored(store.append(id, deleted(1, said.id)).await);
    assert!(place.on_disk(&replaced) > 0);

    let killed = Place::new();
    for file in ["flasky.db", "flasky.db-wal", "flasky.db-keys"] {
        fs::copy(place.0.path().join(file), killed.0.path().join(file)).unwrap();
    }
    assert!(killed.on_disk(&replaced) > 0);
    let restarted = killed.open().await.unwrap();
    assert_eq!(killed.on_disk(&replaced), 0);
    restarted.close().await;

    // The writer goes on working while the purge waits.
    room_of(&store, 50, &[1]).await;
    reader.execute_batch("COMMIT").unwrap();
    wait_until_erased(&place, &replaced).await;
}

/// The text of an edited message is in the row of its newest edit, which may change between the look into memory and the
/// read: the message must never seem to be deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_has_a_text_while_it_is_edited_again_and_again() {
    let place = Place::new();
    let store = std::sync::Arc::new(place.open().await.unwrap());
    let id = room_of(&*store, 50, &[1]).await;
    let said = stored(store.append(id, message(1, "draft 0")).await);
    let editor = std::sync::Arc::clone(&store);
    let edits = tokio::spawn(async move {
        for n in 1..=400 {
            stored(editor.append(id, edited(1, said.id, &format!("draft {n}"))).await);
        }
    });
    let mut texts = HashSet::new();
    while !edits.is_finished() {
        let page = store.read(id, ReadFrom::Latest, 1_000).await.unwrap();
        let EventKind::Message { body: Some(body), .. } = &page.events[1].kind else { panic!("it seems deleted") };
        texts.insert(body.as_str().to_owned());
    }
    edits.await.unwrap();
    assert!(texts.len() > 10, "{} texts: this proves nothing", texts.len());
}

#[tokio::test(start_paused = true)]
async fn room_that_nobody_joined_is_erased_from_disk() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let id = room_of(&store, 50, &[]).await;
    let code = store.room(id).await.unwrap().settings.code.to_string();
    let record = place.sealed("rooms", "TRUE");
    assert_eq!((place.on_disk(&record) > 0, place.occurrences(&code)), (true, 0));
    advance(ms(Limits::default().arrival_ms)).await;
    store.expire(Instant::now()).await.unwrap();
    wait_until_erased(&place, &record).await;
}

/// Under constant load the writer is never idle, and an ended room is still purged within 5 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purge_does_not_wait_for_an_idle_writer() {
    let place = Place::new();
    let store = std::sync::Arc::new(place.open().await.unwrap());
    let busy = room_of(&*store, 50, &[1]).await;
    // Several batches are always queued. Every append is refused: stored ones would overwrite the write-ahead log, and
    // with it the secret.
    let load: Vec<_> = (0..2_000)
        .map(|_| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move {
                while let Err(StoreError::Conflict) = store.append(busy, message(2, "on and on")).await {}
            })
        })
        .collect();
    let secret = "the treasure is under the old oak";
    let id = room_of(&*store, 50, &[]).await;
    stored(store.append(id, joined(1)).await);
    stored(store.append(id, message(1, secret)).await);
    let records = place.sealed("events", "room = 2");
    stored(store.append(id, left(1, LeaveReason::Choice)).await);
    wait_until_erased(&place, &records).await;
    store.close().await;
    for task in load {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn ids_and_names_of_a_room_are_bounded_on_disk() {
    let limits = Limits { events: 3, ..Limits::default() };
    let place = Place::new();
    let store = SqliteStore::open(&place.path(), &limits).await.unwrap();
    let id = room_of(&store, 50, &[1]).await;
    for n in 2..500 {
        stored(store.append(id, joined(n)).await);
        stored(store.append(id, left(n, LeaveReason::Choice)).await);
    }
    let conn = rusqlite::Connection::open(place.path()).unwrap();
    let number = |query| -> i64 { conn.query_row(query, [], |row| row.get(0)).unwrap() };
    let known = known_ids(&limits);
    let ids = number("SELECT (SELECT COUNT(*) FROM events) + (SELECT SUM(octet_length(hashes)) / 12 FROM ids)");
    assert!((known..known + 2 * 128).contains(&ids.cast_unsigned()), "{ids} ids");
    let names = number("SELECT COUNT(*) FROM members");
    assert!((3..=4).contains(&names), "{names} names of one member, and of two who left and whom the log mentions");
}

/// Waits, at most 5 s of real time, until these records are gone from disk: the purge runs after the commit.
async fn wait_until_erased(place: &Place, records: &[Vec<u8>]) {
    let start = std::time::Instant::now();
    while place.on_disk(records) > 0 {
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{} records on disk", place.on_disk(records));
        tokio::task::spawn_blocking(|| std::thread::sleep(std::time::Duration::from_millis(20))).await.unwrap();
    }
}
