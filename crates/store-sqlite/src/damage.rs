//! Reports rooms with rows that cannot be read.

use std::collections::HashSet;

use store::StoreError;

/// Rooms that this thread has reported as damaged, so that it logs each of them once.
#[derive(Debug, Default)]
pub(super) struct DamageReports {
    reported: HashSet<i64>,
}

impl DamageReports {
    /// Logs that a room is damaged. Names it by its number in the file: its code would let readers of the log join it.
    pub(super) fn report(&mut self, room: i64, error: &StoreError) {
        if self.reported.insert(room) {
            tracing::error!(room, source = ?std::error::Error::source(error), "a room is damaged");
        }
    }
}
