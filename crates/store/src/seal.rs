//! Encryption of what is stored, and keyed hashes of what is looked up by its value.
//!
//! Each room has a [`Secret`] of its own. Two keys are derived from it: one encrypts the room's records, the other one
//! hashes the ids by which they are found. Without the secret neither says anything.

use std::fmt;

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::StoreError;

const NONCE: usize = 24;
/// Length of what authenticates a record, at its end.
pub const TAG: usize = 16;

/// The random bytes from which the keys of a room are derived, or those of the store itself.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; Self::LENGTH]>);

impl Secret {
    /// Number of its bytes.
    pub const LENGTH: usize = 32;

    /// Draws a new secret.
    pub fn draw(random: &mut Random) -> Self {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        random.fill(&mut *bytes);
        Self(bytes)
    }

    /// Returns the secret with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; Self::LENGTH] {
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
pub struct Random(StdRng);

impl Random {
    /// Creates a generator with a seed of its own.
    ///
    /// # Errors
    /// `Unavailable` when the system provides no random bytes.
    pub fn new() -> Result<Self, StoreError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(StoreError::unavailable)?;
        Ok(Self(StdRng::from_seed(*seed)))
    }

    /// Fills a buffer.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(…)")
    }
}

/// The keys of one room, or those of the store itself. They are overwritten in memory when they are dropped.
pub struct Keyring {
    records: XChaCha20Poly1305,
    ids: Zeroizing<[u8; 32]>,
}

impl Keyring {
    /// Derives the keys.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let records = XChaCha20Poly1305::new((&*secret.derive(b"records")).into());
        Self { records, ids: secret.derive(b"ids") }
    }

    /// Encrypts what `write` appends, under a nonce that is used for nothing else. The record's place is authenticated
    /// with it, so that a record that was moved cannot be read.
    ///
    /// # Errors
    /// `Unavailable` when the record is too long, which none is.
    pub fn seal(
        &self,
        random: &mut Random,
        place: &[u8],
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Vec<u8>, StoreError> {
        let mut nonce = XNonce::default();
        random.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(512);
        sealed.extend_from_slice(&nonce);
        write(&mut sealed);
        let tag = self
            .records
            .encrypt_inout_detached(&nonce, place, (&mut sealed[NONCE..]).into())
            .map_err(|_| StoreError::unavailable("a record cannot be encrypted"))?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Decrypts a record.
    ///
    /// # Errors
    /// `Corrupt` when it is damaged, was moved, or was encrypted under another key.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.try_open(place, sealed).ok_or_else(|| StoreError::corrupt("a record cannot be decrypted"))
    }

    fn try_open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE)?;
        let (content, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        let (nonce, tag) = (XNonce::try_from(nonce).ok()?, Tag::try_from(tag).ok()?);
        let mut content = content.to_vec();
        self.records.decrypt_inout_detached(&nonce, place, content.as_mut_slice().into(), &tag).ok()?;
        Some(content)
    }

    /// Hashes a value by which something is looked up. Any part of the hash may be used.
    #[must_use]
    pub fn hash(&self, value: &[u8]) -> [u8; 32] {
        mac(&self.ids, value)
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

    #[test]
    fn record_opens_in_its_place_and_under_its_key_only() {
        let mut random = Random::new().unwrap();
        let secret = Secret::draw(&mut random);
        let (mine, other) = (Keyring::new(&secret), Keyring::new(&Secret::draw(&mut random)));
        let sealed = mine.seal(&mut random, b"here", |bytes| bytes.extend_from_slice(b"the old oak")).unwrap();
        assert_eq!(sealed.len(), NONCE + 11 + TAG);
        assert_eq!(mine.open(b"here", &sealed).unwrap(), b"the old oak");
        assert_eq!(Keyring::new(&secret).open(b"here", &sealed).unwrap(), b"the old oak");
        assert!(other.open(b"here", &sealed).is_err());
        assert!(mine.open(b"there", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(mine.open(b"here", &changed).is_err(), "byte {at}");
            assert!(mine.open(b"here", &sealed[..at]).is_err(), "{at} bytes");
        }
        let again = mine.seal(&mut random, b"here", |bytes| bytes.extend_from_slice(b"the old oak")).unwrap();
        assert_ne!(sealed[..NONCE], again[..NONCE], "a nonce is used once");
    }

    #[test]
    fn hash_depends_on_the_key_and_the_value() {
        let mut random = Random::new().unwrap();
        let (one, other) = (Keyring::new(&Secret::draw(&mut random)), Keyring::new(&Secret::draw(&mut random)));
        assert_eq!(one.hash(b"oak"), one.hash(b"oak"));
        assert_ne!(one.hash(b"oak"), other.hash(b"oak"));
        assert_ne!(one.hash(b"oak"), one.hash(b"elm"));
    }

    /// RFC 4231, test case 1, with the key filled up to 32 bytes, which HMAC does as well.
    #[test]
    fn mac_is_hmac_sha256() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(mac(&key, b"Hi There")[..4], [0xb0, 0x34, 0x4c, 0x61]);
    }
}
