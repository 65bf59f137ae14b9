//! Places of sealed records, and the keys of a room for them.

use protocol::EventId;
use store::{StoreError, seal};

pub(super) use store::seal::{Random, Secret, TAG};

/// Length of the stored hash of an event id: two of the 100 000 ids of a room are equal once in 10^19 rooms.
pub(super) const HASH: usize = 12;
/// Keyed hash of an event id.
pub(super) type IdHash = [u8; HASH];

/// Table of a sealed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Store = 0,
    Rooms = 1,
    Members = 2,
    Events = 3,
    Ids = 4,
}

/// Place of a sealed record, which is authenticated with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) table: Table,
    /// Number of the room, 0 for the store's own record.
    pub(super) room: i64,
    /// Row of the table.
    pub(super) row: i64,
}

impl Place {
    fn bytes(self) -> [u8; 17] {
        let mut bytes = [self.table as u8; 17];
        bytes[1..9].copy_from_slice(&self.room.to_le_bytes());
        bytes[9..].copy_from_slice(&self.row.to_le_bytes());
        bytes
    }
}

/// The keys of one room, or those of the store itself.
#[derive(Debug)]
pub(super) struct Keyring(seal::Keyring);

impl Keyring {
    pub(super) fn new(secret: &Secret) -> Self {
        Self(seal::Keyring::new(secret))
    }

    /// Encrypts what `write` appends.
    pub(super) fn seal(
        &self,
        random: &mut Random,
        place: Place,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Vec<u8>, StoreError> {
        self.0.seal(random, &place.bytes(), write)
    }

    /// Decrypts a record.
    ///
    /// # Errors
    /// `Corrupt` when it is damaged, was moved, or was encrypted under another key.
    pub(super) fn open(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.0.open(&place.bytes(), sealed)
    }

    /// Hashes the id of an event.
    pub(super) fn hash(&self, id: EventId) -> IdHash {
        let mut hash = [0; HASH];
        hash.copy_from_slice(&self.0.hash(id.0.as_bytes())[..HASH]);
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_differs_by_table_room_and_row() {
        let place = Place { table: Table::Events, room: 1, row: 2 };
        for other in [Place { table: Table::Ids, ..place }, Place { room: 2, ..place }, Place { row: 3, ..place }] {
            assert_ne!(place.bytes(), other.bytes(), "{other:?}");
        }
    }
}
