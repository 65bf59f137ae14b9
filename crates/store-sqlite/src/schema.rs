//! The database file: its tables, its pragmas, and the checks that precede any write.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use store::{Keys, StoreError};

use super::error::Failure;
use super::file;

/// SQLite's `application_id` of a database of this program.
const APPLICATION: i32 = i32::from_be_bytes(*b"Flsk");
/// `application_id` of a copy on which no server has been started yet: the original may contain newer events.
const COPY: i32 = i32::from_be_bytes(*b"Flsc");

/// Oldest format, a file's `user_version`, that can be migrated. Earlier ones were written before 0.1.0: their log has
/// names without hues, and their rooms no host.
const OLDEST: usize = 5;
/// Migrations. The first creates an empty file's tables in the format [`OLDEST`]; each other one migrates to the next
/// format. Released steps are never changed; new ones are appended.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE store (signing BLOB NOT NULL, member BLOB NOT NULL) STRICT;

    -- The other tables know a room by its number, everything outside of the file by its id. The code is this one column,
    -- so that it can be replaced. `name` is empty where the room has none, `host` NULL before the first member.
    -- `trimmed` is the highest place that retention removed; `events` and `bytes` measure what is left. `forgotten` is
    -- the time at which the newest event whose id is forgotten was appended.
    CREATE TABLE rooms (
        room INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        code TEXT NOT NULL UNIQUE,
        epoch INTEGER NOT NULL,
        capacity INTEGER NOT NULL,
        name TEXT NOT NULL,
        host BLOB,
        head INTEGER NOT NULL DEFAULT 0,
        trimmed INTEGER NOT NULL DEFAULT 0,
        events INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE events (
        room INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id BLOB NOT NULL,
        at INTEGER NOT NULL,
        author BLOB NOT NULL,
        kind TEXT NOT NULL,
        -- The message that the event changes, deletes or reacts to.
        target BLOB,
        PRIMARY KEY (room, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX events_by_target ON events (room, target) WHERE target IS NOT NULL;

    -- Ids of the room's newest events, also of those that are trimmed.
    CREATE TABLE ids (
        room INTEGER NOT NULL,
        id BLOB NOT NULL,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (room, id)
    ) STRICT, WITHOUT ROWID;

    -- `keys` is a JSON array: a name looks like another one that has one of them.
    CREATE TABLE seats (
        room INTEGER NOT NULL,
        member BLOB NOT NULL,
        joined INTEGER NOT NULL,
        keys TEXT NOT NULL,
        PRIMARY KEY (room, member)
    ) STRICT, WITHOUT ROWID;

    -- Names of members, and of former members whom the log mentions. `gone` is the seq of the event with which a former
    -- member left, and which is the last that mentions them: when it is trimmed, the name is deleted.
    CREATE TABLE names (
        room INTEGER NOT NULL,
        member BLOB NOT NULL,
        name TEXT NOT NULL,
        number INTEGER NOT NULL,
        hue INTEGER NOT NULL,
        gone INTEGER,
        PRIMARY KEY (room, member)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX names_by_gone ON names (room, gone) WHERE gone IS NOT NULL;

    -- Rooms that ended and whose ids are still to be deleted.
    CREATE TABLE ended (room INTEGER PRIMARY KEY) STRICT;
"];
/// Format of a file to which every migration was applied.
const NEWEST: usize = OLDEST + MIGRATIONS.len() - 1;

/// Opens the writing connection: creates a missing file, checks its integrity and migrates it to the newest version.
pub(super) fn open_writer(path: &Path) -> Result<Connection, Failure> {
    match file::create_private(path) {
        // An existing database must not be opened here, see `Lock`.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(StoreError::unavailable(format!("cannot open {}: {error}", path.display())).into());
        }
        _ => {}
    }
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // A file that is refused below must not be changed by a checkpoint when the connection closes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let (application, version) = identify(&conn, path)?;
    quick_check(&conn, path)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;

    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::unavailable(format!("{} cannot have a write-ahead log", path.display())).into());
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Overwrites deleted content, so that the file's free pages contain nothing of an ended room.
    conn.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    if application == COPY {
        assign_new_epochs(&mut conn)?;
    }
    migrate(&mut conn, version)?;
    // After a crash between a room's end and the purge, the write-ahead log still contains the room.
    checkpoint(&conn)?;
    file::make_private(path);
    // No other connection writes from here on. Only a reader can make the database busy, and it is not waited for.
    conn.busy_timeout(Duration::ZERO)?;
    Ok(conn)
}

/// Opens the reading connection. The writing connection must be open.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Failure> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

/// Moves the content of the write-ahead log into the database. False when a reader prevents it.
pub(super) fn checkpoint(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}

/// Returns the store's keys, and generates them at the first call.
pub(super) fn keys(conn: &Connection) -> Result<Keys, Failure> {
    let stored = conn
        .query_row("SELECT signing, member FROM store", [], |row| {
            Ok(Keys { signing: row.get(0)?, member: row.get(1)? })
        })
        .optional()?;
    if let Some(keys) = stored {
        return Ok(keys);
    }
    let mut keys = Keys { signing: [0; 64], member: [0; 32] };
    getrandom::fill(&mut keys.signing).map_err(StoreError::unavailable)?;
    getrandom::fill(&mut keys.member).map_err(StoreError::unavailable)?;
    conn.execute("INSERT INTO store (signing, member) VALUES (?1, ?2)", (keys.signing, keys.member))?;
    Ok(keys)
}

/// Opens an existing store read-only. A server may be using it.
pub(super) fn open_existing(path: &Path) -> Result<Connection, Failure> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match identify(&conn, path)? {
        (_, 0) => Err(StoreError::corrupt(format!("{} is empty", path.display())).into()),
        _ => Ok(conn),
    }
}

/// Opens an existing store like [`open_existing`], and fails if an earlier version of this program wrote it.
pub(super) fn open_newest(path: &Path) -> Result<Connection, Failure> {
    let conn = open_existing(path)?;
    if identify(&conn, path)?.1 < NEWEST {
        let path = path.display();
        return Err(StoreError::unavailable(format!(
            "{path} was written by an earlier version of this program: start the server on it once"
        ))
        .into());
    }
    Ok(conn)
}

/// Marks the file as a copy, so that the first server started on it assigns new epochs.
pub(super) fn mark_as_copy(path: &Path) -> Result<(), Failure> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    quick_check(&conn, path)?;
    Ok(conn.pragma_update(None, "application_id", COPY)?)
}

/// Assigns new epochs to all rooms, so that no client takes later events for a continuation of the log that it has.
fn assign_new_epochs(conn: &mut Connection) -> Result<(), Failure> {
    let tx = conn.transaction()?;
    tx.execute("UPDATE rooms SET epoch = random()", [])?;
    tx.pragma_update(None, "application_id", APPLICATION)?;
    Ok(tx.commit()?)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Failure> {
    // Without SQLITE_OPEN_URI, so that a path beginning with `file:` is a path. The caller has resolved symbolic links.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(64);
    // Otherwise SQLite prepares a statement anew for each value that is compared with an indexed column, in case that
    // allows another plan. The plans here never depend on a value; `trim` took a fifth of the writer's time for that.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(conn)
}

/// Returns the `application_id` and the format, which is 0 for an empty file. Fails for a file of another program, of a
/// later version, or of one before 0.1.0.
fn identify(conn: &Connection, path: &Path) -> Result<(i32, usize), Failure> {
    let number = |pragma: &str| conn.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let application = number("application_id")?;
    let version = number("user_version")?;
    let empty = conn.query_row("SELECT COUNT(*) = 0 FROM sqlite_schema", [], |row| row.get::<_, bool>(0))?;
    if empty {
        return Ok((APPLICATION, 0));
    }
    let path = path.display();
    if application != APPLICATION && application != COPY {
        return Err(StoreError::corrupt(format!("{path} is a database of another program")).into());
    }
    match usize::try_from(version) {
        Ok(version @ OLDEST..=NEWEST) => Ok((application, version)),
        Ok(..OLDEST) => Err(StoreError::unavailable(format!(
            "{path} was written before 0.1.0 (format {version}, known are {OLDEST} to {NEWEST}), and its rooms cannot be \
             taken over: let them end under the version that wrote it, or give them up; then begin anew with another file"
        ))
        .into()),
        _ => Err(StoreError::unavailable(format!(
            "{path} was written by a later version of this program (format {version}, known are {OLDEST} to {NEWEST})"
        ))
        .into()),
    }
}

fn quick_check(conn: &Connection, path: &Path) -> Result<(), Failure> {
    let sound: String = conn.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if sound != "ok" {
        return Err(StoreError::corrupt(format!("{} is damaged: {sound}", path.display())).into());
    }
    Ok(())
}

fn migrate(conn: &mut Connection, version: usize) -> Result<(), Failure> {
    for (format, step) in (OLDEST..).zip(MIGRATIONS).filter(|(format, _)| *format > version) {
        let tx = conn.transaction()?;
        tx.execute_batch(step)?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", format as i64)?;
        tx.commit()?;
    }
    Ok(())
}
