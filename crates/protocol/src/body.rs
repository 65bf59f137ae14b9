//! Text of a message.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::ErrorCode;
use super::name::is_visible;

/// Longest message, in Unicode scalar values.
pub const MAX_SCALARS: usize = 4_000;

/// Text of 1 to 4 000 Unicode scalar values, some of it visible, never markup: lines end in `\n`, nothing blank stands around
/// it, and it has no control characters but tab and line break.
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageBody(Arc<str>);

/// Reason why typed text is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// No visible character.
    #[error("the message is empty")]
    Empty,
    /// More than [`MAX_SCALARS`].
    #[error("the message is too long")]
    TooLong,
}

impl BodyError {
    /// The wire's word for it.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Empty => ErrorCode::Empty,
            Self::TooLong => ErrorCode::TooLong,
        }
    }
}

/// Length of a message as the limit counts it. The composer's counter and the server ask this one function.
#[must_use]
pub fn length(typed: &str) -> usize {
    normal(typed).chars().count()
}

/// Line breaks as `\n`, and without what nobody sees: other control characters, which come with pasted text, blank lines
/// before, and white space after. Indentation of the first line stays.
fn normal(typed: &str) -> String {
    let text = typed.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "");
    let start = text
        .find(|c: char| !c.is_whitespace())
        .map_or(text.len(), |first| text[..first].rfind('\n').map_or(0, |line| line + 1));
    text[start..].trim_end().to_owned()
}

impl MessageBody {
    /// A body as the log has it: one that an earlier version took, before it had to be visible, is read all the same.
    ///
    /// # Errors
    /// If no version ever accepted it.
    pub fn stored(text: &str) -> Result<Self, BodyError> {
        let text = normal(text);
        if text.is_empty() {
            return Err(BodyError::Empty);
        }
        if text.chars().count() > MAX_SCALARS {
            return Err(BodyError::TooLong);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MessageBody {
    type Err = BodyError;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        Self::stored(typed).and_then(|body| if is_visible(&body.0) { Ok(body) } else { Err(BodyError::Empty) })
    }
}

/// Message text never reaches a log through `{:?}`.
impl fmt::Debug for MessageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageBody({} bytes)", self.0.len())
    }
}

impl Serialize for MessageBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MessageBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::stored(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
