//! Name of a member, and the form in which it is shown.

use std::borrow::Cow;
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
/// Two members may choose the same name; a [`ShownName`] tells them apart.
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

    /// A name as it was typed, where graphemes are counted by this function. A browser counts them itself: the tables for
    /// that are large.
    ///
    /// # Errors
    /// Fails when it is no name.
    pub fn typed(typed: &str, count_graphemes: impl FnOnce(&str) -> usize) -> Result<Self, NameError> {
        line(typed, MAX_GRAPHEMES, count_graphemes).map(Self)
    }

    /// A name as the log has it, whose graphemes were counted when it was typed: the browser has no tables for that.
    ///
    /// # Errors
    /// When it was never one.
    pub fn stored(name: &str) -> Result<Self, NameError> {
        let is_one = is_stored_line(name, MAX_SCALARS) && !name.chars().all(is_invisible);
        if is_one { Ok(Self(name.into())) } else { Err(NameError::Empty) }
    }

    /// Signs that stand in the avatar: the first ones of the first two words, or the first two of the only word. An emoji
    /// at the beginning stands alone.
    #[must_use]
    pub fn initials(&self) -> String {
        let mut words = self.0.split_whitespace().filter_map(first_sign);
        let Some((first, rest)) = words.next() else { return String::new() };
        if emoji_prefix_len(first).is_some() {
            return first.to_owned();
        }
        let second = words.next().or_else(|| first_sign(rest)).map(|(sign, _)| sign);
        let second = second.filter(|sign| emoji_prefix_len(sign).is_none());
        [first, second.unwrap_or_default()].concat()
    }
}

/// Splits the first sign, with the marks on it, from the rest. `None` where there is nothing to be seen.
fn first_sign(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(|c| is_invisible(c) || is_mark(c));
    let first = text.chars().next()?;
    let end = emoji_prefix_len(text)
        .unwrap_or_else(|| text.len() - text[first.len_utf8()..].trim_start_matches(is_mark).len());
    Some(text.split_at(end))
}

impl FromStr for DisplayName {
    type Err = NameError;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        Self::typed(typed, count_graphemes)
    }
}

/// Counts the extended grapheme clusters of a text (UAX #29).
pub(super) fn count_graphemes(text: &str) -> usize {
    text.graphemes(true).count()
}

/// A typed name of a member or room as it is kept, within this many graphemes.
pub(super) fn line(
    typed: &str,
    max_graphemes: usize,
    count_graphemes: impl FnOnce(&str) -> usize,
) -> Result<Arc<str>, NameError> {
    if bidi_control_at(typed).is_some() {
        return Err(NameError::BidiControl);
    }
    let words = typed.split_whitespace().map(|word| word.replace(char::is_control, ""));
    let name = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if !is_visible(&name) {
        return Err(NameError::Empty);
    }
    if name.chars().count() > 4 * max_graphemes || count_graphemes(&name) > max_graphemes {
        return Err(NameError::TooLong);
    }
    Ok(name.into())
}

/// True for what [`line()`] may have returned, as far as that can be judged without counting graphemes.
pub(super) fn is_stored_line(name: &str, max_scalars: usize) -> bool {
    name.chars().count() <= max_scalars && !name.contains(char::is_control) && bidi_control_at(name).is_none()
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
#[must_use]
pub fn is_invisible(c: char) -> bool {
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

impl<'de> Deserialize<'de> for DisplayName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::stored(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Number of hues.
pub const HUES: u8 = 12;

/// Name of a member as everybody sees it. The store gives number and hue, so that members with equal or look-alike names
/// can be told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShownName {
    /// The name that the member chose.
    pub name: DisplayName,
    /// Number behind the name; 1 is not shown.
    pub number: u32,
    /// Colour, below [`HUES`] (`.hue-0` to `.hue-11`).
    pub hue: u8,
}

impl ShownName {
    /// The name with its number: "Ana", "Ana 2".
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self.number {
            1 => Cow::Borrowed(self.name.as_str()),
            number => Cow::Owned(numbered(self.name.as_str(), number)),
        }
    }
}

/// A name, or the key by which it is compared, with a number behind it. 1 is not shown.
#[must_use]
pub fn numbered(name: &str, number: u32) -> String {
    match number {
        1 => name.to_owned(),
        number => format!("{name} {number}"),
    }
}

impl From<DisplayName> for ShownName {
    /// The name before a store has given it number and hue.
    fn from(name: DisplayName) -> Self {
        Self { name, number: 1, hue: 0 }
    }
}

impl fmt::Display for ShownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
