//! Nothing that was said is left when everybody has gone: random plans are run by a process that is killed, finished by
//! another one, and then every byte of every file is searched. What is on the disk from before, as in a copy of the
//! database, cannot be decrypted any more.
//!
//! `make vanish` tries more seeds than `make test`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use protocol::Limits;
use store::Store;
use store::laws::vanish::{Needles, Plan};
use store_sqlite::{SqliteStore, check, contents};

/// Environment variables of the process that is killed: path of the store, and seed of the plan.
const STORE: &str = "VANISH_STORE";
const SEED: &str = "VANISH_SEED";
/// Environment variable with the number of seeds to try.
const SEEDS: &str = "VANISH_SEEDS";

fn limits(seed: u64) -> Limits {
    Limits { events: [5, 40, 1_000][seed as usize % 3], arrival_ms: 1, grace_ms: 1, ..Limits::default() }
}

async fn open(database: &Path, seed: u64) -> SqliteStore {
    SqliteStore::open(database, &limits(seed)).await.unwrap()
}

#[test]
#[ignore = "started by nothing_is_left_when_everybody_has_gone"]
fn process_that_is_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    let seed = std::env::var(SEED).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let store = open(Path::new(&path), seed).await;
        Plan::new(seed).run(&store).await;
        // Killed at last also where it is fast.
        std::future::pending::<()>().await;
    });
}

/// Runs the plan of this seed in a process that is killed after a while.
fn run_and_kill(database: &Path, seed: u64) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process_that_is_killed", "--include-ignored"])
        .env(STORE, database)
        .env(SEED, seed.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(150 + seed * 7919 % 400));
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Copies the files of a store, as a backup of the disk would.
fn copy(database: &Path, to: &Path, ends: &[&str]) {
    for end in ends {
        let name = |path: &Path| format!("{}{end}", path.display());
        if Path::new(&name(database)).exists() {
            fs::copy(name(database), name(to)).unwrap();
        }
    }
}

/// Texts of all rooms of the plan that can be read in these files.
fn readable(database: &Path, plan: &Plan) -> String {
    let rooms = plan.codes().filter_map(|code| contents::room(database, code).ok().flatten());
    rooms.map(|room| format!("{:?} {:?} {:?}", room.events, room.members, room.ids)).collect()
}

#[test]
fn nothing_is_left_when_everybody_has_gone() {
    let seeds = std::env::var(SEEDS).map_or(10, |seeds| seeds.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut controls = 0;
    for seed in 0..seeds {
        let (place, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let database = place.path().join("flasky.db");
        run_and_kill(&database, seed);
        let plan = Plan::new(seed);
        let mut needles = Needles::default();
        plan.add_to(&mut needles);

        // A copy of the disk while rooms live, and one that has the keys.
        let [without, with] = ["without.db", "with.db"].map(|name| copies.path().join(name));
        copy(&database, &without, &["", "-wal"]);
        copy(&database, &with, &["", "-wal", "-keys"]);
        assert_eq!(needles.find_in(place.path()), [""; 0], "seed {seed}: readable while the rooms live");

        runtime.block_on(async {
            let store = open(&database, seed).await;
            plan.finish(&store, &mut needles).await.iter().for_each(|id| needles.uuid(id.0));
            store.close().await;
        });
        assert_eq!(needles.find_in(place.path()), [""; 0], "seed {seed}");
        assert_eq!(needles.find(&fs::read(&without).unwrap()), [""; 0], "seed {seed}, in a copy");
        let report = check::run(&database).unwrap();
        assert_eq!((report.rooms, report.events, &*report.faults), (0, 0, &[][..]), "seed {seed}");

        // The copy is readable with the keys of that time, and not with those that are left.
        controls += needles.find(readable(&with, &plan).as_bytes()).len().min(1);
        copy(&database, &without, &["-keys"]);
        assert_eq!(readable(&without, &plan), "", "seed {seed}: the keys that are left decrypt an old copy");
    }
    assert!(controls * 2 > seeds as usize, "{controls} of {seeds} plans left anything to find: this proves nothing");
}

/// The search finds what it would have to find if the program did not do what it promises.
#[test]
fn planted_leaks_are_found() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let place = tempfile::tempdir().unwrap();
    let database = place.path().join("flasky.db");
    let plan = Plan::new(2);
    let mut needles = Needles::default();
    plan.add_to(&mut needles);
    let [keys, old] = ["flasky.db-keys", "old.db"].map(|name| place.path().join(name));
    let living = runtime.block_on(async {
        let store = open(&database, 2).await;
        plan.run(&store).await;
        copy(&database, &old, &["", "-wal"]);
        let living = fs::read(&keys).unwrap();
        plan.finish(&store, &mut needles).await.iter().for_each(|id| needles.uuid(id.0));
        store.close().await;
        living
    });
    assert_eq!(needles.find_in(place.path()), [""; 0]);
    // A key is not overwritten.
    let old_keys = place.path().join("old.db-keys");
    fs::copy(&keys, &old_keys).unwrap();
    assert_eq!(readable(&old, &plan), "");
    let mut left = fs::read(&keys).unwrap();
    let slot =
        living.chunks_exact(64).skip(1).position(|slot| i64::from_le_bytes(slot[..8].try_into().unwrap()) > 0).unwrap()
            + 1;
    left[slot * 64..][..64].copy_from_slice(&living[slot * 64..][..64]);
    fs::write(&old_keys, left).unwrap();
    assert!(!needles.find(readable(&old, &plan).as_bytes()).is_empty());
    // A name is stored beside.
    let conn = rusqlite::Connection::open(&database).unwrap();
    conn.execute_batch("CREATE TABLE beside (name TEXT)").unwrap();
    conn.execute("INSERT INTO beside VALUES (?1)", [plan.name(1)]).unwrap();
    conn.execute("DELETE FROM beside", []).unwrap();
    drop(conn);
    assert!(!needles.find_in(place.path()).is_empty(), "also where it has been deleted again");
}
