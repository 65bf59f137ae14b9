//! Emoji of a reaction.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::error::ErrorCode;

/// The longest sequences of Unicode's emoji data (UTS #51) have ten scalar values: families and flags with tags.
const MAX_SCALARS: usize = 10;

/// One emoji: a single user-perceived character that is drawn as a picture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Emoji(String);

/// Error for a reaction that is not one emoji.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not one emoji")]
pub struct EmojiError;

impl EmojiError {
    /// The wire's word for it.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        ErrorCode::BadText
    }
}

impl Emoji {
    /// An emoji as the log has it: one that this version's table does not know is read all the same.
    ///
    /// # Errors
    /// When it was never one.
    pub fn stored(text: &str) -> Result<Self, EmojiError> {
        let is_short = (1..=MAX_SCALARS).contains(&text.chars().count());
        text.parse().or_else(|error| if is_short { Ok(Self(text.to_owned())) } else { Err(error) })
    }

    /// The picture.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Emoji {
    type Err = EmojiError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        known(text).map(|emoji| Self(emoji.to_owned())).ok_or(EmojiError)
    }
}

/// The emoji as Unicode's table has it (fully qualified, UTS #51), whichever variation selectors were typed.
#[cfg(not(target_arch = "wasm32"))]
fn known(text: &str) -> Option<&str> {
    let bare = text.replace(['\u{fe0e}', '\u{fe0f}'], "");
    emojis::get(text).or_else(|| emojis::get(&bare)).map(emojis::Emoji::as_str)
}

/// The browser has no table: what it sends is from a list of its own, and the server judges it.
#[cfg(target_arch = "wasm32")]
fn known(text: &str) -> Option<&str> {
    (text.chars().count() <= MAX_SCALARS && emoji_prefix_len(text) == Some(text.len())).then_some(text)
}

/// Length in bytes of the emoji that a text begins with: a flag, or signs that are drawn as pictures, joined to one by
/// U+200D (the grammar of UTS #51, section 1.4.9).
#[must_use]
pub fn emoji_prefix_len(text: &str) -> Option<usize> {
    let mut rest = after_element(text, false)?;
    while let Some(next) = rest.strip_prefix(JOINER).and_then(|next| after_element(next, true)) {
        rest = next;
    }
    Some(text.len() - rest.len())
}

/// Joins signs to one picture.
const JOINER: char = '\u{200d}';

/// Text after the part of an emoji at the beginning: a flag's two letters, a key, or a picture with its colour or tags.
/// `joined` tells that it is not the first part.
fn after_element(text: &str, joined: bool) -> Option<&str> {
    let mut signs = text.chars();
    let first = signs.next()?;
    let rest = signs.as_str();
    if is_flag_letter(first) {
        return Some(rest.strip_prefix(is_flag_letter).unwrap_or(rest));
    }
    let (is_styled, rest) = rest.strip_prefix('\u{fe0f}').map_or((false, rest), |rest| (true, rest));
    if matches!(first, '0'..='9' | '#' | '*') {
        return rest.strip_prefix('\u{20e3}').filter(|_| is_styled);
    }
    // Signs that are text by themselves ask for the emoji style, but not where they are joined (minimally qualified).
    let is_drawn = is_styled || joined || rest.starts_with(JOINER);
    if !(is_pictographic(first) || is_sign(first) && is_drawn) {
        return None;
    }
    let rest = rest.strip_prefix(|c| matches!(c, '\u{1f3fb}'..='\u{1f3ff}')).unwrap_or(rest);
    Some(rest.trim_start_matches(|c| matches!(c, '\u{e0020}'..='\u{e007f}')))
}

fn is_flag_letter(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// True if a character can be drawn as a picture (the blocks that hold those of `Emoji=Yes`, UTS #51).
fn is_sign(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{21aa}'
        | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25aa}'..='\u{25fe}' | '\u{2600}'..='\u{27bf}' | '\u{2934}'..='\u{2935}'
        | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// True if a character is drawn as a picture by itself.
fn is_pictographic(c: char) -> bool {
    matches!(c, '\u{1f300}'..='\u{1faff}' | '\u{1f004}' | '\u{1f0cf}' | '\u{1f18e}' | '\u{1f191}'..='\u{1f19a}' | '\u{1f201}'
        | '\u{1f21a}' | '\u{1f22f}' | '\u{1f232}'..='\u{1f236}' | '\u{1f238}'..='\u{1f23a}' | '\u{1f250}'..='\u{1f251}'
        | '\u{231a}'..='\u{231b}' | '\u{23e9}'..='\u{23ec}' | '\u{23f0}' | '\u{23f3}' | '\u{2614}'..='\u{2615}'
        | '\u{2648}'..='\u{2653}' | '\u{267f}' | '\u{2693}' | '\u{26a1}' | '\u{26aa}'..='\u{26ab}' | '\u{26bd}'..='\u{26be}'
        | '\u{26c4}'..='\u{26c5}' | '\u{26ce}' | '\u{26d4}' | '\u{26ea}' | '\u{26f2}'..='\u{26f3}' | '\u{26f5}' | '\u{26fa}'
        | '\u{26fd}' | '\u{2705}' | '\u{270a}'..='\u{270b}' | '\u{2728}' | '\u{274c}' | '\u{274e}' | '\u{2753}'..='\u{2755}'
        | '\u{2757}' | '\u{2795}'..='\u{2797}' | '\u{27b0}' | '\u{27bf}' | '\u{2b1b}'..='\u{2b1c}' | '\u{2b50}' | '\u{2b55}')
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Emoji {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::stored(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
