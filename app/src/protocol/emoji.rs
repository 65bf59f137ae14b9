//! What a reaction shows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::fault::Code;

/// The longest sequences of Unicode's emoji data (UTS #51) have ten scalar values: families and flags with tags.
const MAX_SCALARS: usize = 10;

/// One emoji: a single user-perceived character that is drawn as a picture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Emoji(String);

/// What was sent as a reaction is not one emoji.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not one emoji")]
pub struct EmojiError;

impl EmojiError {
    /// The wire's word for it.
    #[must_use]
    pub fn code(self) -> Code {
        Code::BadText
    }
}

impl Emoji {
    /// The picture.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Emoji {
    type Err = EmojiError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let single = text.chars().count() <= MAX_SCALARS && text.graphemes(true).count() == 1;
        if single && is_picture(text) { Ok(Self(text.to_owned())) } else { Err(EmojiError) }
    }
}

/// Whether a grapheme is drawn as a picture: it holds a scalar of the pictographic blocks, or asks for the emoji style
/// (U+FE0F) of another sign, or of a key (U+20E3).
#[must_use]
pub fn is_picture(grapheme: &str) -> bool {
    let sign =
        grapheme.chars().next().is_some_and(|first| first >= '\u{a9}' && first != '\u{fe0f}' && !first.is_alphabetic());
    let styled = grapheme.contains('\u{fe0f}') && (sign || grapheme.contains('\u{20e3}'));
    let pictographic = |c| {
        matches!(c, '\u{1f1e6}'..='\u{1f1ff}' | '\u{1f300}'..='\u{1faff}'
            | '\u{231a}'..='\u{231b}' | '\u{23e9}'..='\u{23ec}' | '\u{23f0}' | '\u{23f3}' | '\u{2614}'..='\u{2615}'
            | '\u{2648}'..='\u{2653}' | '\u{267f}' | '\u{2693}' | '\u{26a1}' | '\u{26aa}'..='\u{26ab}' | '\u{26bd}'..='\u{26be}'
            | '\u{26c4}'..='\u{26c5}' | '\u{26ce}' | '\u{26d4}' | '\u{26ea}' | '\u{26f2}'..='\u{26f3}' | '\u{26f5}' | '\u{26fa}'
            | '\u{26fd}' | '\u{2705}' | '\u{270a}'..='\u{270b}' | '\u{2728}' | '\u{274c}' | '\u{274e}' | '\u{2753}'..='\u{2755}'
            | '\u{2757}' | '\u{2795}'..='\u{2797}' | '\u{27b0}' | '\u{27bf}' | '\u{2b1b}'..='\u{2b1c}' | '\u{2b50}' | '\u{2b55}')
    };
    styled || grapheme.chars().any(pictographic)
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Emoji {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
