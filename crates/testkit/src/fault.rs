//! Broken guarantees, with a description.

use std::fmt;

/// Kind of a broken guarantee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sent event is not in the log or not on the screen, or its text differs.
    Lost,
    /// An event is in the log twice or on a screen twice.
    Doubled,
    /// Events are out of order.
    OutOfOrder,
    /// An event exists that nobody sent.
    Invented,
    /// An event was skipped, on the wire or on a screen.
    Hole,
    /// The server did not resume from a position although it could have.
    NeedlessReset,
    /// The server refused an event without a reason.
    Refused,
    /// A connection ended without a reason.
    Dropped,
    /// A page ended although the member did not leave.
    ThrownOut,
    /// An idle page shows a roster that differs from the seats.
    Roster,
    /// An idle page shows settings that differ from the room's.
    Room,
    /// Text is delivered or shown that was edited or deleted before, or a change is missing.
    Words,
}

/// A broken guarantee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub words: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.words)
    }
}
