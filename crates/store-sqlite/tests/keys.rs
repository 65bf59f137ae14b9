//! Crashes between any two steps of making and ending a room: the database and the keys file are put together from
//! different moments. A living room is readable, and the key of any other room is gone after the next start.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use protocol::{LeaveReason, Limits, RoomId};
use store::laws::support::{latest, left, message, room_of, stored};
use store::{Store, StoreError};
use store_sqlite::{SqliteStore, backup, check};

const SLOT: usize = 64;

/// Files of a store at one moment, by the ends of their names.
type Files = HashMap<&'static str, Vec<u8>>;

/// Reads what a process that is killed now would leave behind.
fn moment(database: &Path) -> Files {
    let read = |end| Some((end, fs::read(format!("{}{end}", database.display())).ok()?));
    ["", "-wal", "-keys"].into_iter().filter_map(read).collect()
}

/// Reads the files once nothing is deleted or moved any more in the background.
fn settled(database: &Path) -> Files {
    let mut files = moment(database);
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let again = moment(database);
        if again == files {
            return files;
        }
        files = again;
    }
    panic!("the store does not come to rest");
}

fn put(database: &Path, files: &Files) {
    for (end, bytes) in files {
        fs::write(format!("{}{end}", database.display()), bytes).unwrap();
    }
}

async fn open(database: &Path) -> SqliteStore {
    SqliteStore::open(database, &Limits::default()).await.unwrap()
}

/// Moments before a second room was made, while it lives, after its end, and while a third one lives in its slot.
struct Moments {
    before: Files,
    living: Files,
    after: Files,
    later: Files,
    first: RoomId,
    second: RoomId,
    third: RoomId,
    /// Slot of the second room.
    slot: usize,
}

impl Moments {
    async fn record() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("flasky.db");
        let store = open(&database).await;
        let first = room_of(&store, 50, &[1]).await;
        let before = settled(&database);
        let second = room_of(&store, 50, &[1]).await;
        stored(store.append(second, message(1, "the treasure is under the old oak")).await);
        let living = settled(&database);
        stored(store.append(second, left(1, LeaveReason::Choice)).await);
        let after = settled(&database);
        let third = room_of(&store, 50, &[1]).await;
        let later = settled(&database);
        let slot = |files: &Files, number: i64| {
            files["-keys"].chunks_exact(SLOT).position(|slot| slot[..8] == number.to_le_bytes()).unwrap()
        };
        let number = slot(&living, 2);
        assert_eq!(slot(&later, 3), number, "the third room is in another slot");
        Self { before, living, after, later, first, second, third, slot: number }
    }

    /// Content of the second room's slot at a moment.
    fn slot(&self, files: &Files) -> [u8; SLOT] {
        files["-keys"].as_chunks().0[self.slot]
    }

    /// Every content that the slot may have after a crash.
    fn slots(&self) -> Vec<[u8; SLOT]> {
        let whole = [&self.before, &self.living, &self.after].map(|files| self.slot(files));
        let mut slots = whole.to_vec();
        for (one, other) in whole.iter().flat_map(|one| whole.iter().map(move |other| (one, other))) {
            // Torn where a field ends, and within each.
            for cut in [4, 8, 24, 32, 40, 52] {
                let mut torn = *other;
                torn[..cut].copy_from_slice(&one[..cut]);
                slots.push(torn);
            }
        }
        slots.push([0; SLOT]);
        slots.sort();
        slots.dedup();
        slots
    }
}

#[tokio::test]
async fn crash_between_any_steps_leaves_a_readable_living_room_or_no_key() {
    let moments = Moments::record().await;
    let secret = moments.slot(&moments.living)[8..40].to_vec();
    assert_eq!(secret, moments.slot(&moments.before)[8..40], "a room uses a secret that is on the disk already");
    let (mut readable, mut unreadable) = (0, 0);
    for (database, lives) in [(&moments.before, false), (&moments.living, true), (&moments.after, false)] {
        for slot in moments.slots() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("flasky.db");
            let mut files = database.clone();
            let keys = files.get_mut("-keys").unwrap();
            keys[moments.slot * SLOT..][..SLOT].copy_from_slice(&slot);
            put(&path, &files);
            let has_key = slot[8..40] == secret;
            if database == &moments.before && slot == moments.slot(&moments.living) {
                // No crash leaves that: a slot gets the number of its room after the commit that made the room.
                SqliteStore::open(&path, &Limits::default()).await.unwrap_err();
                continue;
            }

            let store = open(&path).await;
            assert_eq!(latest(&store, moments.first).await.len(), 1);
            match store.room(moments.second).await {
                Ok(_) => assert_eq!(latest(&store, moments.second).await.len(), 2),
                Err(StoreError::NotFound) => assert!(!lives || !has_key, "a living room is lost"),
                Err(error) => panic!("{error:?}"),
            }
            let stays = fs::read(path.with_extension("db-keys")).unwrap().windows(32).any(|bytes| bytes == secret);
            assert_eq!(stays, lives && has_key, "the key of a room that does not exist is left");
            // It can go on, and what it makes next is sound.
            let third = room_of(&store, 50, &[1]).await;
            stored(store.append(third, message(1, "and on")).await);
            store.close().await;
            assert_eq!(check::run(&path).unwrap().faults, [""; 0]);
            *(if stays { &mut readable } else { &mut unreadable }) += 1;
        }
    }
    assert!(readable >= 2 && unreadable > 50, "{readable} {unreadable}");
}

/// A crash while the keys file grows, or is made.
#[tokio::test]
async fn crash_while_keys_are_drawn_loses_nothing() {
    let moments = Moments::record().await;
    let whole = &moments.living["-keys"];
    // The database exists: all slots that its rooms use do, too.
    for more in [0, 1, 63, 64, 65, 640] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flasky.db");
        let mut files = moments.living.clone();
        files.get_mut("-keys").unwrap().extend(vec![7; more]);
        put(&path, &files);
        let store = open(&path).await;
        assert_eq!(latest(&store, moments.second).await.len(), 2);
        store.close().await;
        assert_eq!(check::run(&path).unwrap().faults, [""; 0]);
    }
    // It does not, or is empty: no room was made from what is in the keys file.
    let unused = moments.slot * SLOT;
    for length in [None, Some(0), Some(1), Some(64), Some(100), Some(unused)] {
        for database in [None, Some(Vec::new())] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("flasky.db");
            let mut files = Files::new();
            if let Some(length) = length {
                files.insert("-keys", whole[..length].to_vec());
            }
            if let Some(database) = database {
                files.insert("", database);
            }
            put(&path, &files);
            let store = open(&path).await;
            room_of(&store, 50, &[1]).await;
            store.close().await;
            assert_eq!(check::run(&path).unwrap().faults, [""; 0]);
            let keys = fs::read(path.with_extension("db-keys")).unwrap();
            let old = whole.chunks_exact(SLOT).map(|slot| &slot[8..40]);
            let left = old.filter(|old| keys.chunks_exact(SLOT).any(|new| new[8..40] == **old)).count();
            assert_eq!(left, 0, "{left} keys are left of {length:?} bytes");
        }
    }
}

/// A database that was restored, or lost its write-ahead log, beside the keys of later rooms: a start would overwrite
/// them. Or rooms beside the keys of an earlier moment: a start would end them.
#[tokio::test]
async fn database_and_keys_of_different_moments_are_refused_and_unchanged() {
    let Moments { before, living, after, later, first, slot, .. } = Moments::record().await;
    let cut = HashMap::from([("-keys", later["-keys"][..slot * SLOT].to_vec())]);
    for (database, keys, words, common) in [
        (&before, &living, "never had", 1),
        (&before, &later, "never had", 1),
        (&living, &later, "never had", 1),
        (&after, &later, "never had", 1),
        (&later, &before, "older", 1),
        (&later, &living, "older", 1),
        (&later, &cut, "older", 0),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flasky.db");
        let mut files = database.clone();
        files.insert("-keys", keys["-keys"].clone());
        put(&path, &files);
        let error = SqliteStore::open(&path, &Limits::default()).await.unwrap_err();
        let said = std::error::Error::source(&error).unwrap().to_string();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(said.contains(words) && said.contains("flasky.db-keys") && said.contains("flasky backup"), "{said}");
        assert_eq!(moment(&path), files);

        // The way out that it names: a copy of the rooms that both have.
        let copy = directory.path().join("copy.db");
        backup::write(&path, &copy).unwrap();
        let store = open(&copy).await;
        assert_eq!(store.room(first).await.is_ok(), common == 1);
        store.close().await;
        let report = check::run(&copy).unwrap();
        assert_eq!((report.rooms, &*report.faults), (common, &[][..]));
    }
}

/// A room whose key was overwritten when it ended does not come back with an older database. A room made from a secret
/// that was drawn ahead is in an older keys file, too.
#[tokio::test]
async fn database_and_keys_that_lack_nothing_of_each_other_are_started() {
    let Moments { before, living, after, later, first, second, third, .. } = Moments::record().await;
    for (database, keys, lives) in [(&before, &after, None), (&living, &after, None), (&later, &after, Some(third))] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flasky.db");
        let mut files = database.clone();
        files.insert("-keys", keys["-keys"].clone());
        put(&path, &files);
        let store = open(&path).await;
        assert_eq!(latest(&store, first).await.len(), 1);
        assert!(matches!(store.room(second).await, Err(StoreError::NotFound)));
        if let Some(third) = lives {
            assert_eq!(latest(&store, third).await.len(), 1);
        }
        store.close().await;
        assert_eq!(check::run(&path).unwrap().faults, [""; 0]);
    }
}

/// A disk that is not mounted, or a file that was moved away while the service is restarted again and again.
#[tokio::test]
async fn missing_database_beside_keys_of_rooms_is_refused() {
    let moments = Moments::record().await;
    for database in [None, Some(Vec::new())] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flasky.db");
        let mut files = Files::from([("-keys", moments.living["-keys"].clone())]);
        files.extend(database.map(|database| ("", database)));
        put(&path, &files);
        for _start in 0..2 {
            let error = SqliteStore::open(&path, &Limits::default()).await.unwrap_err();
            let said = std::error::Error::source(&error).unwrap().to_string();
            assert!(said.contains("flasky.db is missing or empty") && said.contains("flasky.db-keys"), "{said}");
            assert_eq!(moment(&path)["-keys"], files["-keys"]);
        }
        put(&path, &moments.living);
        assert_eq!(latest(&open(&path).await, moments.second).await.len(), 2);
    }
}

/// The keys file of a store that lives, without its database: the file of another store, or none.
#[tokio::test]
async fn database_without_its_keys_file_is_refused_and_unchanged() {
    let moments = Moments::record().await;
    let other = Moments::record().await;
    for keys in [None, Some(Vec::new()), Some(other.living["-keys"].clone())] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flasky.db");
        let mut files = moments.living.clone();
        files.remove("-keys");
        if let Some(keys) = keys {
            files.insert("-keys", keys);
        }
        put(&path, &files);
        drop(SqliteStore::open(&path, &Limits::default()).await.unwrap_err());
        let mut after = moment(&path);
        assert_eq!((after.remove("-keys"), &after[""]), (files.remove("-keys"), &files[""]));
    }
}
