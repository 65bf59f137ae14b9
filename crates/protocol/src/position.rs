//! Position of a reader in a room's log.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An event's place in its room's log. It grows; it is not dense, so nobody may compute `seq + 1`: an event's `prev`
/// says what came before it. Below 2^53, so that every JSON reader can hold it. `Seq(0)` stands before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// Identifies one life of a log: a room created anew, or a replaced store, has a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::from_str_radix(&String::deserialize(deserializer)?, 16).map(Self).map_err(D::Error::custom)
    }
}

/// Everything up to and including `seq` of that epoch has been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The log's life.
    pub epoch: Epoch,
    /// The last event seen.
    pub seq: Seq,
}
