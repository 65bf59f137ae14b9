//! Name of a member.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_segmentation::UnicodeSegmentation;

use super::emoji::emoji_prefix_len;
use super::error::ErrorCode;

/// Longest name, in user-perceived characters (extended grapheme clusters, UAX #29).
pub const MAX_GRAPHEMES: usize = 32;
/// Longest name, in Unicode scalar values: bounds what one grapheme can pile up in combining marks.
pub const MAX_SCALARS: usize = 4 * MAX_GRAPHEMES;

/// A name of 1 to 32 graphemes: trimmed, inner white space folded to single spaces, without control characters and without
/// marks that reorder text.
/// Two members may share a name; their ids differ.
/// Its clones share the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DisplayName(Arc<str>);

/// Reason why a typed name is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No visible character was typed.
    #[error("the name is empty")]
    Empty,
    /// More than [`MAX_GRAPHEMES`].
    #[error("the name is too long")]
    TooLong,
    /// A mark that reorders text, which could disguise the name or the line it stands in.
    #[error("the name holds a mark that reorders text")]
    BidiControl,
}

impl NameError {
    /// The wire's word for it.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Empty => ErrorCode::NameMissing,
            Self::TooLong => ErrorCode::NameBad,
            Self::BidiControl => ErrorCode::NameBad,
        }
    }
}

impl DisplayName {
    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first sign, with the marks on it: what stands in the avatar.
    #[must_use]
    pub fn initial(&self) -> &str {
        let marked = |first: char| {
            let rest = self.0[first.len_utf8()..].trim_start_matches(|c| matches!(c, '\u{300}'..='\u{36f}'));
            self.0.len() - rest.len()
        };
        let end = emoji_prefix_len(&self.0).or_else(|| self.0.chars().next().map(marked));
        &self.0[..end.unwrap_or_default()]
    }
}

impl FromStr for DisplayName {
    type Err = NameError;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        if bidi_control_at(typed).is_some() {
            return Err(NameError::BidiControl);
        }
        let words = typed.split_whitespace().map(|word| word.replace(char::is_control, ""));
        let name = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        if !is_visible(&name) {
            return Err(NameError::Empty);
        }
        if name.chars().count() > MAX_SCALARS || name.graphemes(true).count() > MAX_GRAPHEMES {
            return Err(NameError::TooLong);
        }
        Ok(Self(name.into()))
    }
}

/// Place of the first mark in a typed name that reorders text (UAX #9), counted from 1 as people count.
#[must_use]
pub fn bidi_control_at(typed: &str) -> Option<usize> {
    let turns =
        |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    typed.trim().chars().position(turns).map(|place| place + 1)
}

/// True if a reader would see something of it.
pub(super) fn is_visible(text: &str) -> bool {
    !text.chars().all(|c| is_invisible(c) || is_mark(c))
}

/// Combining marks (the Unicode blocks that are called so): alone they stand on nothing.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Characters that draw nothing by themselves: a name of these alone would be an empty line in the roster, and a
/// message an empty bubble.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}')
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for DisplayName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Without counting: in JSON there are names only that were counted when they were typed into a form. It needs tables
/// that would be a fortieth of the browser's program.
impl<'de> Deserialize<'de> for DisplayName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let is_one = name.chars().count() <= MAX_SCALARS
            && !name.contains(char::is_control)
            && bidi_control_at(&name).is_none()
            && !name.chars().all(is_invisible);
        if is_one { Ok(Self(name.into())) } else { Err(D::Error::custom("not a name")) }
    }
}
