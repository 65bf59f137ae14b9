//! Broken promises, in words.

use std::fmt;

/// Which promise it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What was sent is not in the log or not on the screen, or is not what was sent.
    Lost,
    /// Twice in the log or twice on a screen.
    Doubled,
    /// Not in the one order.
    OutOfOrder,
    /// There is what nobody sent.
    Invented,
    /// Something was passed over, on the wire or on a screen.
    Hole,
    /// The server gave up a continuity that it could have proven.
    NeedlessReset,
    /// The server refused what it had no reason to refuse.
    Refused,
    /// A connection ended, and nothing explains it.
    Dropped,
    /// A page came to its end, and nobody left.
    ThrownOut,
    /// A page at rest shows other people than are inside.
    Roster,
    /// Words are said that were changed or taken back, or a change is missing.
    Words,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) words: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.words)
    }
}
