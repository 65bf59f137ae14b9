//! The database file: its tables, its pragmas, and the checks that precede any write.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use store::StoreError;

use super::error::Failure;
use super::file;

/// SQLite's `application_id` of a database of this program.
const APPLICATION: i32 = i32::from_be_bytes(*b"Flsk");
/// `application_id` of a copy on which no server has been started yet: the original may contain newer events.
const COPY: i32 = i32::from_be_bytes(*b"Flsc");

/// Oldest format, a file's `user_version`, that can be migrated. Earlier ones were written before 0.1.0: what their rooms
/// said is readable in the file.
const OLDEST: usize = 7;
/// Migrations. The first creates an empty file's tables in the format [`OLDEST`]; each other one migrates to the next
/// format. Released steps are never changed; new ones are appended.
const MIGRATIONS: &[&str] = &["
    -- Whatever is `sealed` is encrypted: the only row of `store` under the store's own secret, all other rows under the
    -- secret of their room. Both are in the keys file. `last_room` is the highest number of all rooms whose row has been
    -- deleted, so that no number is used twice.
    CREATE TABLE store (place INTEGER PRIMARY KEY, sealed BLOB NOT NULL, last_room INTEGER NOT NULL DEFAULT 0) STRICT;

    -- `slot` is where the keys file has the room's secret. Both are NULL once the room has ended: then its rows in the
    -- other tables are deleted, and this one at last.
    CREATE TABLE rooms (room INTEGER PRIMARY KEY, slot INTEGER, sealed BLOB) STRICT;

    -- New rows of all rooms stand at the end of each table, so that what is written together stands together. No table
    -- has an index: where the rows of a room are is known in memory.
    CREATE TABLE members (place INTEGER PRIMARY KEY, room INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;

    -- `id` is a hash of the event's id under the room's secret. `length` is that of the event's encoded kind, in four
    -- bytes. `edits` is the seq of the message that an edit changes. An event is rewritten in its place, with a row of
    -- the same length.
    CREATE TABLE events (
        place INTEGER PRIMARY KEY,
        room INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id BLOB NOT NULL,
        length BLOB NOT NULL,
        edits INTEGER,
        sealed BLOB NOT NULL
    ) STRICT;

    -- Ids of consecutive events that were trimmed, beginning with the one at `first`: their hashes, and sealed, the ids.
    CREATE TABLE ids (
        place INTEGER PRIMARY KEY,
        room INTEGER NOT NULL,
        first INTEGER NOT NULL,
        hashes BLOB NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT;
"];
/// Format of a file to which every migration was applied.
const NEWEST: usize = OLDEST + MIGRATIONS.len() - 1;

/// Size of a connection's page cache, in KiB.
const CACHE: i64 = 16 * 1024;
/// Pages of the write-ahead log after which a commit moves its content into the database: 16 MiB. Few such moves,
/// because a page that is written often is moved once.
const CHECKPOINT: i64 = 4_096;

/// A database that is being opened for writing. Nothing in it has been changed yet.
#[derive(Debug)]
pub(super) struct Opening {
    conn: Connection,
    application: i32,
    version: usize,
}

/// Opens the database for writing, and creates a missing file.
pub(super) fn open_writer(path: &Path) -> Result<Opening, Failure> {
    match file::create_private(path) {
        // An existing database must not be opened here, see `Lock`.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(StoreError::unavailable(format!("cannot open {}: {error}", path.display())).into());
        }
        _ => {}
    }
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // A file that is refused must not be changed by a checkpoint when the connection closes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let (application, version) = identify(&conn, path)?;
    Ok(Opening { conn, application, version })
}

impl Opening {
    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    /// True if the database is empty.
    pub(super) fn is_new(&self) -> bool {
        self.version == 0
    }

    /// True if the file is a copy on which no server has been started yet.
    pub(super) fn is_copy(&self) -> bool {
        self.application == COPY
    }

    /// Prepares the database for writing, and migrates it to the newest version. `change` is run in the transaction
    /// after which it is no copy any more.
    pub(super) fn finish(
        self,
        path: &Path,
        change: impl FnOnce(&Connection) -> Result<(), Failure>,
    ) -> Result<Connection, Failure> {
        let Self { mut conn, application, version } = self;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        let mode: String = conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        if mode != "wal" {
            return Err(StoreError::unavailable(format!("{} cannot have a write-ahead log", path.display())).into());
        }
        conn.pragma_update(None, "synchronous", "FULL")?;
        // Overwrites what is deleted, so that old versions of rewritten rows are not in the file's free pages.
        conn.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        conn.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT, |_| Ok(()))?;
        migrate(&mut conn, version)?;
        let tx = conn.transaction()?;
        change(&tx)?;
        if application == COPY {
            tx.pragma_update(None, "application_id", APPLICATION)?;
        }
        tx.commit()?;
        // After a crash between a change and the purge, the write-ahead log still contains what was taken back.
        checkpoint(&conn)?;
        file::make_private(path);
        // No other connection writes from here on. Only a reader can make the database busy, and it is not waited for.
        conn.busy_timeout(Duration::ZERO)?;
        Ok(conn)
    }
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

/// Opens an existing store of the newest format read-only. A server may be using it.
pub(super) fn open_newest(path: &Path) -> Result<Connection, Failure> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match identify(&conn, path)? {
        (_, 0) => Err(StoreError::corrupt(format!("{} is empty", path.display())).into()),
        (_, NEWEST) => Ok(conn),
        _ => Err(StoreError::unavailable(format!(
            "{} was written by an earlier version of this program: start the server on it once",
            path.display()
        ))
        .into()),
    }
}

/// Opens a copy that is being made.
pub(super) fn open_copy(path: &Path) -> Result<Connection, Failure> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Marks the file as a copy, so that the first server started on it assigns new epochs.
pub(super) fn mark_as_copy(path: &Path) -> Result<(), Failure> {
    let conn = open_copy(path)?;
    let sound: String = conn.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if sound != "ok" {
        return Err(StoreError::corrupt(format!("{} is damaged: {sound}", path.display())).into());
    }
    Ok(conn.pragma_update(None, "application_id", COPY)?)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Failure> {
    // Without SQLITE_OPEN_URI, so that a path beginning with `file:` is a path. The caller has resolved symbolic links.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -CACHE)?;
    conn.set_prepared_statement_cache_capacity(64);
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

/// Names the file in the error of a start.
pub(super) fn refused(path: &Path, error: Failure) -> StoreError {
    match StoreError::from(error) {
        StoreError::Corrupt(source) => StoreError::corrupt(format!("{} is damaged: {source}", path.display())),
        StoreError::Unavailable(source) => {
            StoreError::unavailable(format!("{} cannot be opened: {source}", path.display()))
        }
        other => other,
    }
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
