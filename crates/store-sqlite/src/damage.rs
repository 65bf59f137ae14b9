//! Reports rooms with rows that cannot be read.

use std::collections::HashSet;

use rusqlite::Connection;
use store::StoreError;

use super::rooms::{self, Key};

/// Rooms that this thread has reported as damaged, so that it logs each of them once.
#[derive(Debug, Default)]
pub(super) struct DamageReports {
    reported: HashSet<Key>,
}

impl DamageReports {
    /// Logs that a room is damaged. Names it by its number in the file: its code would let readers of the log join it.
    pub(super) fn report(&mut self, conn: &Connection, key: Key, error: &StoreError) {
        if self.reported.insert(key) {
            let room = rooms::number(conn, key).ok().flatten();
            tracing::error!(room, source = ?std::error::Error::source(error), "a room is damaged");
        }
    }
}
