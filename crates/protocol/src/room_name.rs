//! Name of a room.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::ErrorCode;
use super::name::{NameError, count_graphemes, is_stored_line, line};

/// Longest name of a room, in graphemes.
pub const MAX_GRAPHEMES: usize = 64;

/// Name of a room, within the same bounds as a member's but for its length; empty where the room has none. Only members
/// see it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct RoomName(Arc<str>);

/// Error for a name that no room may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no name of a room")]
pub struct RoomNameError;

impl RoomNameError {
    /// The wire's word for it.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        ErrorCode::RoomNameBad
    }
}

impl RoomName {
    /// A name as it was typed. See [`DisplayName::typed`](super::DisplayName::typed).
    ///
    /// # Errors
    /// Fails when it is no name.
    pub fn typed(typed: &str, count_graphemes: impl FnOnce(&str) -> usize) -> Result<Self, RoomNameError> {
        match line(typed, MAX_GRAPHEMES, count_graphemes) {
            Ok(name) => Ok(Self(name)),
            Err(NameError::Empty) => Ok(Self::default()),
            Err(NameError::TooLong | NameError::BidiControl) => Err(RoomNameError),
        }
    }

    /// A name as the log has it. See [`DisplayName::stored`](super::DisplayName::stored).
    ///
    /// # Errors
    /// When it was never one.
    pub fn stored(name: &str) -> Result<Self, RoomNameError> {
        if is_stored_line(name, 4 * MAX_GRAPHEMES) { Ok(Self(name.into())) } else { Err(RoomNameError) }
    }

    /// The name as it is shown; empty where there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where the room has no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for RoomName {
    type Err = RoomNameError;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        Self::typed(typed, count_graphemes)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A room's name never reaches a log through `{:?}`.
impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomName({} bytes)", self.0.len())
    }
}

impl Serialize for RoomName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoomName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::stored(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
