//! Frames to text and back. Decoding never panics and never trusts.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Text that is no frame of this protocol. Carries nothing of the text, so it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a frame of this protocol (line {line}, column {column})")]
pub struct DecodeError {
    line: usize,
    column: usize,
}

/// The text of a frame.
#[must_use]
#[expect(clippy::expect_used, reason = "the frame types have string keys and no failing Serialize")]
pub fn encode<T: Serialize>(frame: &T) -> String {
    serde_json::to_string(frame).expect("frames serialize")
}

/// The frame of a text.
///
/// # Errors
/// If the text is not JSON, or not a frame of the asked type.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|error| DecodeError { line: error.line(), column: error.column() })
}
