//! The closed tables of what can go wrong: nothing free-form crosses the wire.

use serde::{Deserialize, Serialize};

/// Reason of a refusal, `error` on the wire. The reader chooses the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// No name was given.
    NameMissing,
    /// The name has more than 32 characters, or one that cannot be shown.
    NameBad,
    /// The room's name has more than 64 characters, or one that cannot be shown.
    RoomNameBad,
    /// No room code was given.
    CodeMissing,
    /// This cannot be a room code.
    CodeBad,
    /// No room has this code; it may have ended.
    CodeUnknown,
    /// The capacity is not a number in the allowed range.
    CapacityBad,
    /// Every seat is taken.
    Full,
    /// The room takes nobody in at present.
    Locked,
    /// The host has sent the caller out of this room.
    Removed,
    /// The caller has no seat in this room.
    NoSeat,
    /// The session's cookie did not come back with a page's form.
    Cookie,
    /// A page of another origin than the server's sent the form.
    Origin,
    /// The message is empty.
    Empty,
    /// The message has more than 4 000 characters.
    TooLong,
    /// The message holds a control character.
    BadText,
    /// The message to be changed or reacted to is not in the log.
    NoTarget,
    /// Only its author may change a message.
    NotAuthor,
    /// Only the host may write at present.
    HostOnly,
    /// The event may be in the log already: its id is older than those that the server still knows.
    TooOld,
    /// Clients may not append this.
    NotAllowed,
    /// The server does not know this kind of event.
    Unsupported,
    /// Too much at once; `retry_ms` says when the next may come.
    Rate,
    /// The store cannot take it now; try again.
    Storage,
    /// An error of a later version.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// True if the same request may succeed later without being changed.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Rate | Self::Storage)
    }
}

/// A refusal of one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Reason.
    pub error: ErrorCode,
    /// Milliseconds after which a retry makes sense, where one does.
    pub retry_ms: Option<u64>,
}

impl From<ErrorCode> for Rejection {
    fn from(error: ErrorCode) -> Self {
        Self { error, retry_ms: None }
    }
}

/// Reason why a connection ends: WebSocket close codes (RFC 6455 section 7.4; 4000 to 4999 are private use).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The member left by choice.
    Left = 1000,
    /// The server restarts.
    Restarting = 1001,
    /// The client broke the WebSocket protocol.
    ProtocolError = 1002,
    /// A text message, or the reason of a Close, that is not UTF-8.
    NotUtf8 = 1007,
    /// A message too long to be read at all.
    MessageTooBig = 1009,
    /// The reader was too slow; the log has what it missed.
    SlowReader = 4001,
    /// The client was silent, and did not answer a ping.
    NoPong = 4002,
    /// A hole in the stream; a new hello mends it.
    ContinuityLost = 4004,
    /// The store does not answer.
    StoreUnavailable = 4005,
    /// Not a frame of this protocol, or not in its place.
    BadFrame = 4500,
    /// The caller has no seat here.
    NoSeat = 4501,
    /// No room has this code.
    NoSuchRoom = 4502,
    /// The host has sent the member out.
    Removed = 4504,
    /// A frame above the size limit.
    TooLarge = 4507,
    /// Another protocol version: reload the page.
    Version = 4508,
    /// The room ended.
    RoomEnded = 4509,
    /// Too many connections of one member.
    TooManyTabs = 4510,
}

impl CloseCode {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The code of a number, if it is one of these.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        use CloseCode::*;
        [
            Left,
            Restarting,
            ProtocolError,
            NotUtf8,
            MessageTooBig,
            SlowReader,
            NoPong,
            ContinuityLost,
            StoreUnavailable,
            BadFrame,
            NoSeat,
            NoSuchRoom,
            Removed,
            TooLarge,
            Version,
            RoomEnded,
            TooManyTabs,
        ]
        .into_iter()
        .find(|code| code.number() == number)
    }

    /// A few words for whoever reads the frames: developers, not members.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Restarting => "restarting",
            Self::ProtocolError => "protocol error",
            Self::NotUtf8 => "not utf-8",
            Self::MessageTooBig => "message too big",
            Self::SlowReader => "slow reader",
            Self::NoPong => "no pong",
            Self::ContinuityLost => "continuity lost",
            Self::StoreUnavailable => "store unavailable",
            Self::BadFrame => "bad frame",
            Self::NoSeat => "no seat",
            Self::NoSuchRoom => "no such room",
            Self::Removed => "removed",
            Self::TooLarge => "too large",
            Self::Version => "version",
            Self::RoomEnded => "room ended",
            Self::TooManyTabs => "too many tabs",
        }
    }
}

/// True if a client reconnects after this close: all codes but 1000 and 4500 to 4999.
#[must_use]
pub fn should_reconnect(close: u16) -> bool {
    close != CloseCode::Left.number() && !(4500..5000).contains(&close)
}
