//! Encryption of what is stored, and the keyed hash of event ids.
//!
//! Each room has a [`Secret`] of its own, which is in the keys file only. Two keys are derived from it: one encrypts
//! the room's records, the other one hashes the ids of its events. Without the secret neither says anything.

use std::fmt;

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use protocol::EventId;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sha2::Sha256;
use store::StoreError;
use zeroize::Zeroizing;

const NONCE: usize = 24;
/// Length of what authenticates a record, at its end.
pub(super) const TAG: usize = 16;

/// Length of the stored hash of an event id: two of the 100 000 ids of a room are equal once in 10^19 rooms.
pub(super) const HASH: usize = 12;
/// Keyed hash of an event id.
pub(super) type IdHash = [u8; HASH];

/// The random bytes from which the keys of a room are derived, or those of the store itself.
#[derive(Clone)]
pub(super) struct Secret(Zeroizing<[u8; Self::LENGTH]>);

impl Secret {
    pub(super) const LENGTH: usize = 32;

    pub(super) fn draw(random: &mut Random) -> Self {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        random.fill(&mut *bytes);
        Self(bytes)
    }

    pub(super) fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Derives the key for one purpose.
    fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(mac(&self.0, purpose))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// HMAC-SHA256.
fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // The other constructor fails for keys of other lengths than a block's, and HMAC takes any.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*block).into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// A source of random bytes: a generator in memory that the operating system has seeded.
pub(super) struct Random(StdRng);

impl Random {
    /// # Errors
    /// `Unavailable` when the system provides no random bytes.
    pub(super) fn new() -> Result<Self, StoreError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(StoreError::unavailable)?;
        Ok(Self(StdRng::from_seed(*seed)))
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(…)")
    }
}

/// Table of a sealed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Store = 0,
    Rooms = 1,
    Members = 2,
    Events = 3,
    Ids = 4,
}

/// Place of a sealed record. It is authenticated with the record, so that a record that was moved cannot be read.
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

/// The keys of one room, or those of the store itself. They are overwritten in memory when they are dropped.
pub(super) struct Keyring {
    records: XChaCha20Poly1305,
    ids: Zeroizing<[u8; 32]>,
}

impl Keyring {
    pub(super) fn new(secret: &Secret) -> Self {
        let records = XChaCha20Poly1305::new((&*secret.derive(b"records")).into());
        Self { records, ids: secret.derive(b"ids") }
    }

    /// Encrypts what `write` appends, under a nonce that is used for nothing else.
    pub(super) fn seal(
        &self,
        random: &mut Random,
        place: Place,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Vec<u8>, StoreError> {
        let mut nonce = XNonce::default();
        random.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(512);
        sealed.extend_from_slice(&nonce);
        write(&mut sealed);
        let tag = self
            .records
            .encrypt_inout_detached(&nonce, &place.bytes(), (&mut sealed[NONCE..]).into())
            .map_err(|_| StoreError::unavailable("a record cannot be encrypted"))?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Decrypts a record.
    ///
    /// # Errors
    /// `Corrupt` when it is damaged, was moved, or was encrypted under another key.
    pub(super) fn open(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.try_open(place, sealed).ok_or_else(|| StoreError::corrupt("a record cannot be decrypted"))
    }

    fn try_open(&self, place: Place, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE)?;
        let (content, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        let (nonce, tag) = (XNonce::try_from(nonce).ok()?, Tag::try_from(tag).ok()?);
        let mut content = content.to_vec();
        self.records.decrypt_inout_detached(&nonce, &place.bytes(), content.as_mut_slice().into(), &tag).ok()?;
        Some(content)
    }

    /// Hashes the id of an event.
    pub(super) fn hash(&self, id: EventId) -> IdHash {
        let mut hash = [0; HASH];
        hash.copy_from_slice(&mac(&self.ids, id.0.as_bytes())[..HASH]);
        hash
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { table: Table::Events, room: 1, row: 2 };

    #[test]
    fn record_opens_in_its_place_and_under_its_key_only() {
        let mut random = Random::new().unwrap();
        let secret = Secret::draw(&mut random);
        let (mine, other) = (Keyring::new(&secret), Keyring::new(&Secret::draw(&mut random)));
        let sealed = mine.seal(&mut random, PLACE, |bytes| bytes.extend_from_slice(b"the old oak")).unwrap();
        assert_eq!(sealed.len(), NONCE + 11 + TAG);
        assert_eq!(mine.open(PLACE, &sealed).unwrap(), b"the old oak");
        assert_eq!(Keyring::new(&secret).open(PLACE, &sealed).unwrap(), b"the old oak");
        assert!(other.open(PLACE, &sealed).is_err());
        for moved in [Place { table: Table::Ids, ..PLACE }, Place { room: 2, ..PLACE }, Place { row: 3, ..PLACE }] {
            assert!(mine.open(moved, &sealed).is_err(), "{moved:?}");
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(mine.open(PLACE, &changed).is_err(), "byte {at}");
            assert!(mine.open(PLACE, &sealed[..at]).is_err(), "{at} bytes");
        }
        let again = mine.seal(&mut random, PLACE, |bytes| bytes.extend_from_slice(b"the old oak")).unwrap();
        assert_ne!(sealed[..NONCE], again[..NONCE], "a nonce is used once");
    }

    #[test]
    fn hash_of_an_id_depends_on_the_key() {
        let mut random = Random::new().unwrap();
        let (one, other) = (Keyring::new(&Secret::draw(&mut random)), Keyring::new(&Secret::draw(&mut random)));
        let id = EventId(uuid::Uuid::from_u128(7));
        assert_eq!(one.hash(id), one.hash(id));
        assert_ne!(one.hash(id), other.hash(id));
        assert_ne!(one.hash(id), one.hash(EventId(uuid::Uuid::from_u128(8))));
    }

    /// RFC 4231, test case 1, with the key filled up to 32 bytes, which HMAC does as well.
    #[test]
    fn mac_is_hmac_sha256() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(mac(&key, b"Hi There")[..4], [0xb0, 0x34, 0x4c, 0x61]);
    }
}
