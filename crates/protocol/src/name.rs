//! Name of a member.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_segmentation::UnicodeSegmentation;

use super::emoji::picture;
use super::fault::Code;

/// Longest name, in user-perceived characters (extended grapheme clusters, UAX #29).
pub const MAX_GRAPHEMES: usize = 32;
/// Longest name, in Unicode scalar values: bounds what one grapheme can pile up in combining marks.
pub const MAX_SCALARS: usize = 4 * MAX_GRAPHEMES;

/// A name of 1 to 32 graphemes: trimmed, inner white space folded to single spaces, without control characters.
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
    /// A control or text-direction character, which could disguise the name or break the line it stands in.
    #[error("the name holds a control character")]
    Control,
}

impl NameError {
    /// The wire's word for it.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::Empty => Code::NameMissing,
            Self::TooLong => Code::NameBad,
            Self::Control => Code::NameBad,
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
        let end = picture(&self.0).or_else(|| self.0.chars().next().map(marked));
        &self.0[..end.unwrap_or_default()]
    }
}

impl FromStr for DisplayName {
    type Err = NameError;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        if holds_control(typed) {
            return Err(NameError::Control);
        }
        let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
        if !is_seen(&name) {
            return Err(NameError::Empty);
        }
        if name.chars().count() > MAX_SCALARS || name.graphemes(true).count() > MAX_GRAPHEMES {
            return Err(NameError::TooLong);
        }
        Ok(Self(name.into()))
    }
}

/// True if something in a typed name cannot be shown.
#[must_use]
pub fn holds_control(typed: &str) -> bool {
    typed.trim().chars().any(is_control)
}

/// Control characters, line separators, and the marks that reorder text (UAX #9).
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// True if a reader would see something of it.
pub(super) fn is_seen(text: &str) -> bool {
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
        let is_one = name.chars().count() <= MAX_SCALARS && !holds_control(&name) && !name.chars().all(is_invisible);
        if is_one { Ok(Self(name.into())) } else { Err(D::Error::custom("not a name")) }
    }
}
