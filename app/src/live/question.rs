//! Questions to the reader before something is given up.

/// Question before something is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// To leave the room.
    Leave {
        /// Number of texts that are not sent.
        unsent: usize,
        /// Log that is deleted with the room; `None` while others are inside.
        ends: Option<LogSize>,
    },
    /// To go to another page of this document.
    Go {
        /// Number of texts that are not sent.
        unsent: usize,
        /// The page's address.
        to: String,
    },
}

/// Size of a room's log, as far as its page knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSize {
    /// Number of messages on the page.
    pub messages: usize,
    /// True where there are earlier ones.
    pub has_older: bool,
}
