//! The stores that this program has, by the scheme of their URL.

use std::path::Path;
use std::sync::Arc;

use protocol::Limits;
use store::{Store, StoreError};
use store_nats::NatsStore;
use store_sqlite::check::IntegrityReport;
use store_sqlite::{SqliteStore, backup, check};

/// Opens the store that the URL names: `sqlite://PATH`, or
/// `nats://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…][/NAME]`.
///
/// # Errors
/// `Unavailable` when the store cannot be opened, the SQLite file is in use by another process, or the scheme is
/// unknown; `Corrupt` when the store can be opened and its content is damaged or not this program's.
pub async fn open(url: &str, limits: &Limits) -> Result<Arc<dyn Store>, StoreError> {
    match url.split_once("://") {
        Some(("sqlite", path)) => Ok(Arc::new(SqliteStore::open(path.as_ref(), limits).await?)),
        Some(("nats", address)) => Ok(Arc::new(NatsStore::open(address, limits).await?)),
        // The error omits the URL, which may contain a password.
        _ => Err(StoreError::unavailable("rooms cannot live there: use sqlite://PATH or nats://HOST")),
    }
}

/// Writes a copy of a store to a new file. A server may use the store meanwhile. A server that is started on the copy
/// assigns new epochs to its rooms, because clients may have seen events that the copy does not contain.
///
/// # Errors
/// As [`open`]; `Unavailable` also when the file exists or cannot be written, or when the store is not SQLite.
pub fn backup(url: &str, to: &Path) -> Result<(), StoreError> {
    backup::write(sqlite_path(url)?, to)
}

/// Checks the integrity of the whole store. A server may use the store meanwhile.
///
/// # Errors
/// As [`open`]; `Unavailable` also when the store is not SQLite.
pub fn check(url: &str) -> Result<IntegrityReport, StoreError> {
    check::run(sqlite_path(url)?)
}

fn sqlite_path(url: &str) -> Result<&Path, StoreError> {
    url.strip_prefix("sqlite://").map(Path::new).ok_or_else(|| {
        StoreError::unavailable("this store is not a file of this program: use the tools of the service that keeps it")
    })
}
