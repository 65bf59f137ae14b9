//! Backups of a SQLite store, and its integrity check.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::error::Error as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{EventKind, LeaveReason, Limits};
use store::laws::support::{latest, left, message, room_of, stored, unbroken};
use store::{ReadFrom, Store, StoreError, refused};
use store_sqlite::check::IntegrityReport;
use store_sqlite::{SqliteStore, backup, check};

const SECRET: &str = "the treasure is under the old oak";

/// A temporary directory for stores and their copies.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    async fn open(&self, file: &str) -> Arc<SqliteStore> {
        self.open_with(file, &Limits::default()).await.unwrap()
    }

    async fn open_with(&self, file: &str, limits: &Limits) -> Result<Arc<SqliteStore>, StoreError> {
        Ok(Arc::new(SqliteStore::open(&self.path(file), limits).await?))
    }
}

/// True if a slot of a keys file has the number of a room.
fn is_used(slot: &[u8]) -> bool {
    i64::from_le_bytes(slot[..8].try_into().unwrap()) > 0
}

fn occurrences(path: &Path, text: &str) -> usize {
    fs::read(path).unwrap().windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

#[tokio::test]
async fn backup_is_complete_and_resumes_no_position_of_the_original() {
    let place = Place::new();
    let store = place.open("flasky.db").await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    stored(store.append(id, message(1, "before")).await);
    backup::write(&place.path("flasky.db"), &place.path("copy.db")).unwrap();
    stored(store.append(id, message(1, "after")).await);
    let (room, events) = (store.room(id).await.unwrap(), latest(&*store, id).await);

    let copy = place.open("copy.db").await;
    assert_eq!(copy.keys().await.unwrap(), store.keys().await.unwrap());
    assert_eq!(latest(&*copy, id).await, events[..3]);
    let copied = copy.room(id).await.unwrap();
    assert_eq!(copied.members, room.members);
    assert_ne!(copied.position.epoch, room.position.epoch);
    // No position of the original can be resumed in the copy, whether before, at or after its head.
    for seq in events.iter().map(|event| event.seq) {
        let known = protocol::Position { seq, ..room.position };
        refused!(copy.read(id, ReadFrom::After(known), 10).await, Reset);
    }
    // Only the first start on the copy changes its epochs.
    copy.close().await;
    assert_eq!(place.open("copy.db").await.room(id).await.unwrap().position, copied.position);
}

#[tokio::test]
async fn backup_contains_nothing_of_an_ended_room() {
    let place = Place::new();
    let store = place.open("flasky.db").await;
    let lives = room_of(&*store, 50, &[1]).await;
    stored(store.append(lives, message(1, "the weather is fine")).await);
    let ends = room_of(&*store, 50, &[1]).await;
    for _ in 0..200 {
        stored(store.append(ends, message(1, SECRET)).await);
    }
    stored(store.append(ends, left(1, LeaveReason::Choice)).await);
    backup::write(&place.path("flasky.db"), &place.path("copy.db")).unwrap();
    for file in ["copy.db", "copy.db-keys"] {
        assert_eq!(occurrences(&place.path(file), SECRET) + occurrences(&place.path(file), "the weather is fine"), 0);
    }
    let used = |file| {
        let keys = fs::read(place.path(file)).unwrap();
        keys.chunks_exact(64).skip(1).filter(|slot| is_used(slot)).count()
    };
    assert_eq!((used("flasky.db-keys"), used("copy.db-keys")), (1, 1), "the key of a room that ended");
    let copy = place.open("copy.db").await;
    assert_eq!(latest(&*copy, lives).await.len(), 2);
    refused!(copy.room(ends).await, NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_under_load_is_a_consistent_snapshot() {
    let place = Place::new();
    let store = place.open("flasky.db").await;
    let id = room_of(&*store, 50, &[1]).await;
    let (stop, writing) = (Arc::new(AtomicBool::new(false)), Arc::clone(&store));
    let done = Arc::clone(&stop);
    let writer = tokio::spawn(async move {
        while !done.load(Ordering::Relaxed) {
            stored(writing.append(id, message(1, &"x".repeat(500))).await);
        }
    });
    for n in 0..5 {
        let before = store.room(id).await.unwrap().position.seq;
        let copy = place.path(&format!("copy-{n}.db"));
        let (from, to) = (place.path("flasky.db"), copy.clone());
        tokio::task::spawn_blocking(move || backup::write(&from, &to).unwrap()).await.unwrap();
        let after = store.room(id).await.unwrap().position.seq;
        let found = check::run(&copy).unwrap();
        assert_eq!((found.rooms, found.faults), (1, Vec::new()));
        let copied = place.open(&format!("copy-{n}.db")).await;
        let head = copied.room(id).await.unwrap().position.seq;
        assert!(before <= head && head <= after, "{before:?} {head:?} {after:?}");
        unbroken(&latest(&*copied, id).await);
        copied.close().await;
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}

#[tokio::test]
async fn backup_refuses_an_existing_target_and_a_source_that_is_no_store() {
    let place = Place::new();
    let store = place.open("flasky.db").await;
    room_of(&*store, 50, &[1]).await;
    fs::write(place.path("taken.db"), "mine").unwrap();
    let refusal = |from: &str, to: &str| {
        let error = backup::write(&place.path(from), &place.path(to)).unwrap_err();
        error.source().unwrap().to_string()
    };
    assert!(refusal("flasky.db", "taken.db").contains("is there already"));
    assert_eq!(fs::read(place.path("taken.db")).unwrap(), b"mine");
    assert!(refusal("missing.db", "copy.db").contains("unable to open"));
    assert!(!place.path("missing.db").exists());
    fs::write(place.path("empty.db"), "").unwrap();
    assert!(refusal("empty.db", "copy.db").contains("is empty"));
    let left_behind: Vec<_> = fs::read_dir(place.0.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(left_behind.iter().all(|name| !name.to_string_lossy().starts_with("copy")), "{left_behind:?}");
}

/// Other users who may write to the copy's directory can make the backup fail, and can neither redirect nor read it.
#[tokio::test]
async fn backup_never_writes_to_a_file_or_link_that_exists() {
    let place = Place::new();
    let store = place.open("flasky.db").await;
    room_of(&*store, 50, &[1]).await;
    let partial = place.path("copy.db.partial");
    let refusal = || {
        let error = backup::write(&place.path("flasky.db"), &place.path("copy.db")).unwrap_err();
        error.source().unwrap().to_string()
    };
    // A link to another file, and one to no file.
    for (target, there) in [("theirs.db", true), ("nothing.db", false)] {
        if there {
            fs::write(place.path(target), "").unwrap();
        }
        symlink(place.path(target), &partial).unwrap();
        assert!(refusal().contains("copy.db.partial"), "{}", refusal());
        assert_eq!(fs::read(place.path(target)).ok(), there.then(Vec::new), "the copy went through the link");
        assert!(partial.is_symlink(), "a file that it did not make was removed");
        fs::remove_file(&partial).unwrap();
    }
    // A file that others can read.
    fs::write(&partial, "").unwrap();
    fs::set_permissions(&partial, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(refusal().contains("copy.db.partial"));
    assert_eq!(fs::read(&partial).unwrap(), b"");
    fs::remove_file(&partial).unwrap();
    // A link to no file under the copy's own name.
    symlink(place.path("nothing.db"), place.path("copy.db")).unwrap();
    assert!(refusal().contains("is there already"));
    assert!(place.path("copy.db").is_symlink() && !place.path("nothing.db").exists());
    fs::remove_file(place.path("copy.db")).unwrap();
    backup::write(&place.path("flasky.db"), &place.path("copy.db")).unwrap();
}

#[tokio::test]
async fn backup_never_overwrites_a_file_of_the_store() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let store = place.open("flasky.db").await;
    let id = room_of(&*store, 50, &[1]).await;
    // A closed store has no other file beside it than the lock.
    store.close().await;
    symlink(place.path("flasky.db"), elsewhere.path("link.db")).unwrap();
    symlink(place.0.path(), elsewhere.path("directory")).unwrap();
    let own = ["", "-wal", "-shm", "-journal", "-keys", ".lock"].map(|end| place.path(&format!("flasky.db{end}")));
    let linked = [elsewhere.path("link.db"), elsewhere.path("directory/flasky.db-wal")];
    for to in own.iter().chain(&linked) {
        for from in [place.path("flasky.db"), elsewhere.path("link.db")] {
            let error = backup::write(&from, to).unwrap_err();
            let words = error.source().unwrap().to_string();
            assert!(words.contains("the store's own"), "{}: {words}", to.display());
        }
    }
    let store = place.open("flasky.db").await;
    assert_eq!(latest(&*store, id).await.len(), 1);
}

/// Texts of such a store are readable in the file. It stays as it is, for the version that wrote it.
#[tokio::test]
async fn store_of_before_the_first_release_is_refused() {
    let place = Place::new();
    let store = place.open("flasky.db").await;
    room_of(&*store, 50, &[1]).await;
    store.close().await;
    for format in [1, 4, 6] {
        let old = format!("PRAGMA user_version = {format}");
        rusqlite::Connection::open(place.path("flasky.db")).unwrap().execute_batch(&old).unwrap();
        let before = fs::read(place.path("flasky.db")).unwrap();
        let path = place.path("flasky.db");
        for error in [
            place.open_with("flasky.db", &Limits::default()).await.err().unwrap(),
            check::run(&path).unwrap_err(),
            backup::write(&path, &place.path("copy.db")).unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
            let words = error.source().unwrap().to_string();
            assert!(words.contains(&format!("written before 0.1.0 (format {format},")), "{words}");
            assert!(words.contains("let them end") && words.contains("begin anew"), "{words}");
        }
        assert_eq!(fs::read(place.path("flasky.db")).unwrap(), before);
    }
}

#[tokio::test]
async fn backup_can_be_read_only_by_its_owner() {
    let place = Place::new();
    let store = place.open("flasky.db").await;
    room_of(&*store, 50, &[1]).await;
    backup::write(&place.path("flasky.db"), &place.path("copy.db")).unwrap();
    for file in ["copy.db", "copy.db-keys"] {
        assert_eq!(fs::metadata(place.path(file)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn check_finds_no_fault_in_a_store_in_use() {
    let place = Place::new();
    let store = place.open_with("flasky.db", &Limits { events: 5, ..Limits::default() }).await.unwrap();
    for n in 1..4 {
        let id = room_of(&*store, 50, &[n, 9]).await;
        for _ in 0..n * 4 {
            stored(store.append(id, message(n, "words")).await);
        }
        stored(store.append(id, left(9, LeaveReason::Choice)).await);
    }
    // A room that nobody has entered.
    room_of(&*store, 50, &[]).await;
    assert_eq!(
        check::run(&place.path("flasky.db")).unwrap(),
        IntegrityReport { rooms: 4, events: 15, faults: Vec::new() }
    );
}

/// The report quotes no message.
#[tokio::test]
async fn check_names_every_kind_of_damage() {
    for (damage, words) in [
        ("DELETE FROM events WHERE seq = 3", "hole"),
        ("DELETE FROM events WHERE seq = 1", "hole in the ids"),
        ("UPDATE events SET seq = 4 WHERE seq = 3", "hole"),
        ("UPDATE events SET id = zeroblob(12) WHERE seq = 3", "leads elsewhere"),
        ("INSERT INTO members VALUES (99, 99, x'00')", "ended"),
        ("INSERT INTO events VALUES (99, 99, 1, x'00', x'00', NULL, x'00')", "ended"),
        ("INSERT INTO ids VALUES (99, 99, 1, x'00', x'00')", "ended"),
        ("INSERT INTO ids VALUES (99, 1, 1, zeroblob(12), x'00')", "ids that cannot be read"),
        ("UPDATE events SET sealed = x'00' WHERE seq = 3", "events that cannot be read"),
        ("UPDATE events SET sealed = (SELECT sealed FROM events WHERE seq = 4) WHERE seq = 3", "events that cannot"),
        ("UPDATE rooms SET sealed = x'00'", "rooms that cannot be read"),
        ("UPDATE rooms SET slot = 2000000", "rooms that cannot be read"),
        ("UPDATE rooms SET slot = NULL, sealed = NULL", "keys of rooms that ended"),
        ("UPDATE rooms SET slot = slot + 1", "keys of rooms that ended"),
        ("INSERT INTO rooms SELECT 9, slot, x'00' FROM rooms", "rooms that have the key of another one"),
        ("UPDATE members SET sealed = x'00'", "members that cannot be read"),
    ] {
        let place = Place::new();
        let store = place.open("flasky.db").await;
        let id = room_of(&*store, 50, &[1, 2]).await;
        for text in [SECRET, "two", "three"] {
            stored(store.append(id, message(1, text)).await);
        }
        store.close().await;
        let path = place.path("flasky.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let faults = check::run(&path).unwrap().faults;
        assert!(faults.iter().any(|fault| fault.contains(words)), "{damage}: {faults:?}");
        assert!(!faults.iter().any(|fault| fault.contains(SECRET)), "{faults:?}");
    }
}

/// A key that is missing or damaged, and one of a room that does not exist.
#[tokio::test]
async fn check_finds_a_room_without_a_key_and_a_key_without_a_room() {
    let place = Place::new();
    let store = place.open("flasky.db").await;
    room_of(&*store, 50, &[1]).await;
    store.close().await;
    let (path, keys) = (place.path("flasky.db"), place.path("flasky.db-keys"));
    let sound = fs::read(&keys).unwrap();
    let used = sound.chunks_exact(64).skip(1).position(is_used).unwrap() + 1;
    let free = if used == 1 { 2 } else { 1 };
    for (slot, byte, words) in [
        (used, 0, "rooms whose key is damaged"),
        (used, 8, "rooms that cannot be read"),
        (used, 63, "rooms whose key is damaged"),
        (free, 0, "keys of rooms that ended"),
        (free, 8, "damaged keys"),
    ] {
        let mut damaged = sound.clone();
        damaged[slot * 64 + byte] ^= 1;
        fs::write(&keys, &damaged).unwrap();
        let faults = check::run(&path).unwrap().faults;
        assert_eq!(faults, [format!("1 {words}")], "byte {byte} of slot {slot}");
    }
    // The file of another store, a part of it, and none.
    let other = Place::new();
    other.open("flasky.db").await.close().await;
    fs::copy(other.path("flasky.db-keys"), &keys).unwrap();
    assert!(check::run(&path).unwrap_err().source().unwrap().to_string().contains("not the one of this database"));
    fs::write(&keys, &sound[..64]).unwrap();
    assert_eq!(check::run(&path).unwrap().faults, ["1 rooms that cannot be read"]);
    fs::remove_file(&keys).unwrap();
    for error in [
        check::run(&path).unwrap_err(),
        backup::write(&path, &place.path("copy.db")).unwrap_err(),
        place.open_with("flasky.db", &Limits::default()).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.source().unwrap().to_string().contains("flasky.db-keys"), "{error:?}");
    }
    assert!(!keys.exists(), "a new file was made, which fits no room");
    fs::write(&keys, sound).unwrap();
    assert_eq!(check::run(&path).unwrap().faults, [""; 0]);
}

#[tokio::test]
async fn check_finds_a_broken_page() {
    let place = Place::new();
    let store = place.open("flasky.db").await;
    let id = room_of(&*store, 50, &[1]).await;
    for n in 0..200 {
        let event = stored(store.append(id, message(1, &"x".repeat(400 + n))).await);
        assert!(matches!(event.kind, EventKind::Message { .. }));
    }
    store.close().await;
    let path = place.path("flasky.db");
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 16_384..].fill(0xff);
    fs::write(&path, bytes).unwrap();
    match check::run(&path) {
        Ok(found) => assert!(!found.faults.is_empty()),
        // The damage may be too severe for the check to run.
        Err(error) => assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}"),
    }
}
