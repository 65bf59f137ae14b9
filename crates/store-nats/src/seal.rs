//! Keys of rooms, and the records that are encrypted under them.
//!
//! Encrypted are events, rosters and names. Hashed are ids of events and members in subjects, under the room's key, and
//! codes, under a secret of the store. The rest is in clear, so that it can be read where no key is left: heads and ends,
//! which have numbers, times and hashes only.

use ::store::StoreError;
use ::store::seal::{Keyring, Random, Secret};
use bytes::Bytes;
use protocol::{RoomCode, RoomId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::record::decode;

/// Place of an encrypted record within its room. It is authenticated with the record, so that a record that was moved
/// cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Roster,
    /// Slot of the event.
    Event(u64),
    /// Hash of the member's id.
    Name(Uuid),
}

impl Place {
    fn bytes(self, room: RoomId) -> [u8; 33] {
        let (kind, at) = match self {
            Self::Roster => (0, 0),
            Self::Event(slot) => (1, u128::from(slot)),
            Self::Name(member) => (2, member.as_u128()),
        };
        let mut bytes = [kind; 33];
        bytes[1..17].copy_from_slice(room.0.as_bytes());
        bytes[17..].copy_from_slice(&at.to_be_bytes());
        bytes
    }
}

/// The key of one room.
#[derive(Debug)]
pub(super) struct RoomKey {
    room: RoomId,
    pub(super) secret: Secret,
    keys: Keyring,
}

impl RoomKey {
    pub(super) fn new(room: RoomId, secret: Secret) -> Self {
        Self { room, keys: Keyring::new(&secret), secret }
    }

    pub(super) fn seal(&self, random: &mut Random, place: Place, record: &impl Serialize) -> Result<Bytes, StoreError> {
        let content = serde_json::to_vec(record).map_err(StoreError::corrupt)?;
        let sealed = self.keys.seal(random, &place.bytes(self.room), |bytes| bytes.extend_from_slice(&content))?;
        Ok(sealed.into())
    }

    /// Decrypts and decodes a record. The error contains nothing of its content.
    pub(super) fn open<T: DeserializeOwned>(&self, place: Place, sealed: &[u8]) -> Result<T, StoreError> {
        decode(&self.decrypt(place, sealed)?)
    }

    /// Decrypts a record.
    pub(super) fn decrypt(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.keys.open(&place.bytes(self.room), sealed)
    }

    /// Returns the hash of the id of an event or member.
    pub(super) fn hash(&self, id: Uuid) -> Uuid {
        shorten(self.keys.hash(id.as_bytes()))
    }
}

/// Key under which codes of rooms are hashed.
#[derive(Debug)]
pub(super) struct CodeKey {
    pub(super) secret: Secret,
    keys: Keyring,
}

impl CodeKey {
    pub(super) fn new(secret: Secret) -> Self {
        Self { keys: Keyring::new(&secret), secret }
    }

    pub(super) fn hash(&self, code: RoomCode) -> Uuid {
        shorten(self.keys.hash(code.to_string().as_bytes()))
    }
}

fn shorten(hash: [u8; 32]) -> Uuid {
    let (short, _) = hash.split_at(16);
    Uuid::from_slice(short).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_opens_in_its_place_and_room_only() {
        let mut random = Random::new().unwrap();
        let secret = Secret::draw(&mut random);
        let [one, other] = [1, 2].map(|n| RoomKey::new(RoomId(Uuid::from_u128(n)), secret.clone()));
        let sealed = one.seal(&mut random, Place::Event(7), &"the old oak").unwrap();
        assert_eq!(one.open::<String>(Place::Event(7), &sealed).unwrap(), "the old oak");
        for place in [Place::Event(8), Place::Roster, Place::Name(Uuid::from_u128(7))] {
            assert!(one.open::<String>(place, &sealed).is_err(), "{place:?}");
        }
        assert!(other.open::<String>(Place::Event(7), &sealed).is_err());
    }
}
