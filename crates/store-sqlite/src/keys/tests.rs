//! Tests of the keys file alone.

use super::*;

fn open(path: &Path, is_new: bool) -> (KeysFile, Random) {
    let mut random = Random::new().unwrap();
    let mut keys = KeysFile::open(path, is_new).unwrap();
    if is_new {
        keys.initialize(path, &mut random).unwrap();
    }
    (keys, random)
}

fn contains(path: &Path, secret: &Secret) -> bool {
    fs::read(path).unwrap().windows(Secret::LENGTH).any(|bytes| bytes == secret.bytes())
}

#[test]
fn secret_of_a_room_is_there_until_it_is_destroyed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let (mut keys, mut random) = open(&path, true);
    keys.provide(1, &mut random).unwrap();
    let (slot, secret) = keys.take(7).unwrap();
    assert_eq!(keys.slots, 1 + POOL, "secrets are drawn in advance");
    let stored = |keys: &KeysFile| keys.read_all().unwrap().swap_remove(slot as usize);
    assert_eq!((stored(&keys).room(), stored(&keys).secret.bytes()), (None, secret.bytes()), "before the commit");
    keys.keep_taken().unwrap();
    let kept = stored(&keys);
    assert_eq!((kept.room(), kept.is_sound, kept.secret.bytes()), (Some(7), true, secret.bytes()));
    assert!(!kept.is_older_than(7) && kept.is_older_than(8));
    keys.retire(slot);
    assert!(contains(&path, &secret));
    keys.destroy_retired(&mut random).unwrap();
    assert!(!contains(&path, &secret));
    assert!(
        !stored(&keys).is_older_than(7) && stored(&keys).is_older_than(8),
        "it was drawn after the end of the room"
    );
    // The new secret in its place is for another room.
    let (again, other) = keys.take(8).unwrap();
    assert_eq!(again, slot);
    assert_ne!(other.bytes(), secret.bytes());
    for room in 9..9 + i64::from(POOL) {
        keys.provide(1, &mut random).unwrap();
        keys.take(room).unwrap();
    }
    assert_eq!(keys.slots, 1 + 2 * POOL);
    assert!(keys.read_all().unwrap().iter().all(|slot| slot.is_sound));
}

#[test]
fn interrupted_write_is_found_by_the_check_sum() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let (mut keys, mut random) = open(&path, true);
    keys.provide(1, &mut random).unwrap();
    let (slot, _) = keys.take(7).unwrap();
    keys.keep_taken().unwrap();
    let before = fs::read(&path).unwrap();
    keys.retire(slot);
    keys.destroy_retired(&mut random).unwrap();
    let after = fs::read(&path).unwrap();
    let at = slot as usize * SLOT;
    for cut in 1..SLOT {
        for (first, second) in [(&before, &after), (&after, &before)] {
            let mut torn = after.clone();
            torn[at..at + cut].copy_from_slice(&first[at..at + cut]);
            torn[at + cut..at + SLOT].copy_from_slice(&second[at + cut..at + SLOT]);
            fs::write(&path, &torn).unwrap();
            let stored = &read_all(&open_read_only(&path).unwrap()).unwrap()[slot as usize];
            assert!(!stored.is_sound || torn[at..at + SLOT] == after[at..at + SLOT], "{cut} bytes");
        }
    }
}

#[test]
fn file_with_another_name_or_of_another_kind_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let refusal = |is_new| {
        let error = KeysFile::open(&path, is_new).unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    };
    assert!(refusal(false).contains("cannot open"));
    drop(open(&path, true));
    fs::hard_link(&path, directory.path().join("other")).unwrap();
    assert!(refusal(false).contains("more than one name"));
    assert!(refusal(true).contains("more than one name"));
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(directory.path().join("other"), &path).unwrap();
    assert!(refusal(false).contains("cannot open"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(refusal(true).contains("cannot open"));
}
