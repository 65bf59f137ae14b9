//! The emoji that can be picked, and their names.

use client::mentions::folded;

use crate::text;

/// Name of each group, and its emoji with their names.
pub(super) fn groups() -> [(&'static str, &'static str); 6] {
    [
        (text::smileys(), text::smileys_names()),
        (text::hands(), text::hands_names()),
        (text::nature(), text::nature_names()),
        (text::food(), text::food_names()),
        (text::fun(), text::fun_names()),
        (text::things(), text::things_names()),
    ]
}

pub(super) fn named(emoji: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    emoji.split(", ").filter_map(|named| named.split_once(' '))
}

/// All emoji and their names.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    groups().into_iter().flat_map(|(_, emoji)| named(emoji))
}

/// The emoji whose name has this in it.
pub(super) fn matching(query: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let query = folded(query.trim());
    all().filter(move |(_, name)| folded(name).contains(&query))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::Emoji;

    use super::*;
    use crate::language::Language;

    /// Emoji in a row of the widest picker.
    const COLUMNS: usize = 8;

    #[test]
    fn every_group_fills_its_rows_with_named_emoji_in_every_language() {
        let picked = |language: Language| language.run(|| all().map(|(emoji, _)| emoji).collect::<Vec<_>>());
        for language in Language::ALL {
            let mut seen = BTreeSet::new();
            for (group, emoji) in language.run(groups) {
                let count = emoji.split(", ").count();
                assert_eq!(named(emoji).count(), count, "{group}: one has no name");
                assert_eq!(count % COLUMNS, 0, "{group} has {count}");
                for (emoji, name) in named(emoji) {
                    assert!(emoji.parse::<Emoji>().is_ok(), "{emoji} can be no reaction");
                    assert!(!name.is_empty() && name.trim() == name, "{emoji}: {name:?}");
                    assert!(seen.insert(emoji) && seen.insert(name), "{emoji} or {name:?} is there twice");
                }
            }
            assert_eq!(picked(language), picked(Language::default()), "{language:?}");
        }
    }

    #[test]
    fn emoji_are_found_by_any_part_of_their_name() {
        let found = |query| matching(query).map(|(emoji, _)| emoji).collect::<String>();
        assert_eq!(found("Test TUBE "), "🧪");
        assert_eq!(found("ok h"), "👌");
        assert_eq!(found("no such thing"), "");
        assert_eq!(Language::De.run(|| found("reagenz")), "🧪");
    }
}
