//! Rooms with rows that cannot be read.

use std::collections::HashSet;

use protocol::RoomCode;
use rusqlite::Connection;

use super::rooms;
use crate::backend::BackendError;

/// The rooms whose damage was reported, so that each is in the log once.
#[derive(Debug, Default)]
pub(super) struct Damage {
    reported: HashSet<RoomCode>,
}

impl Damage {
    /// Logs which room is damaged, by its number in the file: a code would let in whoever reads the log.
    pub(super) fn report(&mut self, conn: &Connection, code: RoomCode, error: &BackendError) {
        if self.reported.insert(code) {
            let room = rooms::number(conn, code).ok().flatten();
            tracing::error!(room, source = ?std::error::Error::source(error), "a room is damaged");
        }
    }
}
