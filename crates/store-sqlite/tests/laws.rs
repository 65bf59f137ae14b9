//! The laws of `store` for the SQLite store.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use protocol::Limits;
use rusqlite::{Connection, OpenFlags};
use store::Store;
use store::laws::Fixture;
use store_sqlite::SqliteStore;

store::laws!(File);

/// A store file in a directory of its own.
struct File {
    path: String,
    _directory: tempfile::TempDir,
}

impl Fixture for File {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flasky.db").into_os_string().into_string().unwrap();
        Self { path, _directory: directory }
    }

    fn address(&self) -> &str {
        &self.path
    }

    async fn open_at(path: &str, limits: &Limits) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(Path::new(path), limits).await.unwrap())
    }

    /// Tables that have rows, but for the one of the store itself.
    async fn remains(&self) -> Vec<String> {
        let file = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut tables =
            file.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name != 'store'").unwrap();
        let tables: Vec<String> = tables.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let has_rows = |table: &String| {
            file.query_row(&format!("SELECT EXISTS (SELECT 1 FROM {table})"), (), |row| row.get(0)).unwrap()
        };
        tables.into_iter().filter(has_rows).collect()
    }
}
