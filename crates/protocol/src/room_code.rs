//! The code that opens a room.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::ErrorCode;

/// Crockford's base32: no I, L, O, U, so nothing is misread and no word is spelled by chance.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 8;

/// Eight characters of Crockford base32 (40 bits), written `XXXX-XXXX`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomCode([u8; LENGTH]);

impl RoomCode {
    /// A code from five bytes of the operating system's random source.
    #[must_use]
    pub fn from_entropy(entropy: [u8; 5]) -> Self {
        let bits = entropy.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        Self(std::array::from_fn(|i| ALPHABET[(bits >> (5 * (LENGTH - 1 - i))) as usize & 31]))
    }
}

/// Reason why a typed code is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomCodeError {
    /// No character but separators was typed.
    #[error("the room code is empty")]
    Empty,
    /// Fewer or more than eight characters.
    #[error("a room code has eight characters, this one {0}")]
    Length(usize),
    /// A character outside the alphabet.
    #[error("a room code has no {0:?}")]
    Character(char),
}

impl RoomCodeError {
    /// The wire's word for it.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Empty => ErrorCode::CodeMissing,
            Self::Length(_) | Self::Character(_) => ErrorCode::CodeBad,
        }
    }
}

impl FromStr for RoomCode {
    type Err = RoomCodeError;

    /// Finds the code in whatever was typed or pasted: alone, in a link, or among other words. Forgives case and signs
    /// beside the characters; reads O as 0 and I and L as 1.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let linked = typed.rsplit_once("/room/").and_then(|(_, rest)| parts(rest).next());
        if let Some(Ok(code)) = linked.map(read) {
            return Ok(code);
        }
        read(typed).or_else(|error| among_words(typed).ok_or(error))
    }
}

/// Reads a code and nothing else but signs.
fn read(typed: &str) -> Result<RoomCode, RoomCodeError> {
    let mut code = [0; LENGTH];
    let mut length = 0;
    for typed in typed.chars().filter(|c| c.is_alphanumeric()) {
        let letter = match typed.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if !letter.is_ascii() || !ALPHABET.contains(&(letter as u8)) {
            return Err(RoomCodeError::Character(typed));
        }
        if let Some(place) = code.get_mut(length) {
            *place = letter as u8;
        }
        length += 1;
    }
    match length {
        LENGTH => Ok(RoomCode(code)),
        0 if typed.chars().all(|c| c.is_whitespace() || is_dash(c)) => Err(RoomCodeError::Empty),
        other => Err(RoomCodeError::Length(other)),
    }
}

/// Words of letters, digits and dashes.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !is_dash(c)).filter(|part| !part.is_empty())
}

/// The first word that looks like a code, or two that do together. A word of eight small letters, or two of four, are
/// words.
fn among_words(text: &str) -> Option<RoomCode> {
    let looks_like_one =
        |word: &&str| word.contains(|c: char| c.is_ascii_digit()) || !word.contains(char::is_lowercase);
    let is_half = |word: &&str| word.len() == LENGTH / 2 && looks_like_one(word);
    let pairs = parts(text).zip(parts(text).skip(1)).filter(|(one, two)| is_half(one) && is_half(two));
    let words = parts(text).filter(looks_like_one).map(str::to_owned);
    words.chain(pairs.map(|(one, two)| [one, two].concat())).find_map(|word| read(&word).ok())
}

/// Hyphen-minus and the dashes that phones and word processors put in its place (U+2010 to U+2015).
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}')
}

impl fmt::Display for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, letter) in self.0.iter().enumerate() {
            if i == LENGTH / 2 {
                f.write_str("-")?;
            }
            write!(f, "{}", *letter as char)?;
        }
        Ok(())
    }
}

/// A code is the key of its room, so it never reaches a log through `{:?}`.
impl fmt::Debug for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomCode(…)")
    }
}

impl Serialize for RoomCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RoomCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
