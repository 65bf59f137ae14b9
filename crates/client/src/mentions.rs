//! Mentions of members: `@` and a name.

/// Maximum number of `@` that are looked up in one message. The worst that was measured (release build, 2 cores) is
/// 0.14 ms for a message, with 1 000 names of 31 `@` and one letter each.
pub const MAX_MARKS: usize = 200;

/// Names that can be mentioned, sorted by their scalar values in lower case. It is built once per roster. A look-up narrows
/// the names by a binary search for each scalar value it reads, so names that begin alike do not multiply its cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameIndex(Vec<Name>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    lower: Vec<char>,
    own: bool,
}

/// A name found behind an `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Length of the name as it was typed, in bytes, without the `@`.
    pub length: usize,
    /// True for the reader's name.
    pub own: bool,
}

impl NameIndex {
    /// Sorts the names; each says whether it is the reader's. Of equal names, the reader's wins.
    pub fn new<'a>(names: impl Iterator<Item = (&'a str, bool)>) -> Self {
        let mut sorted = Vec::<Name>::new();
        for (name, own) in names {
            let lower: Vec<char> = name.chars().map(lower).collect();
            match sorted.binary_search_by(|known| known.lower.cmp(&lower)) {
                Ok(at) => sorted[at].own |= own,
                // A sort of the standard library would be a kilobyte of the browser's program.
                Err(at) => sorted.insert(at, Name { lower, own }),
            }
        }
        Self(sorted)
    }

    /// Finds the longest name that a text begins with, whatever its case, and that does not end inside a word there.
    pub fn find(&self, text: impl Iterator<Item = char>) -> Option<Mention> {
        let mut text = text.peekable();
        let mut names = self.0.as_slice();
        let (mut longest, mut length, mut count) = (None, 0, 0);
        while !names.is_empty()
            && let Some(c) = text.next()
        {
            let wanted = lower(c);
            names = &names[names.partition_point(|name| name.lower.get(count) < Some(&wanted))..];
            names = &names[..names.partition_point(|name| name.lower.get(count) == Some(&wanted))];
            (length, count) = (length + c.len_utf8(), count + 1);
            if let Some(shortest) = names.first()
                && shortest.lower.len() == count
                && !text.peek().is_some_and(|next| next.is_alphanumeric())
            {
                longest = Some(Mention { length, own: shortest.own });
            }
        }
        longest
    }

    /// Finds the mentions in a run of text, each with the place of its `@` in bytes. An `@` behind an ASCII letter
    /// or digit is part of a word, mostly of an e-mail address, and mentions nobody; Chinese has no spaces before one. Every
    /// other one takes one of `marks`.
    pub fn mentions<'a>(&'a self, text: &'a str, marks: &'a mut usize) -> impl Iterator<Item = (usize, Mention)> {
        let mut rest = text;
        std::iter::from_fn(move || {
            while *marks > 0
                && let Some((before, after)) = rest.split_once('@')
            {
                let at = text.len() - after.len() - '@'.len_utf8();
                rest = after;
                if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                    continue;
                }
                *marks -= 1;
                if let Some(mention) = self.find(after.chars()) {
                    rest = &after[mention.length..];
                    return Some((at, mention));
                }
            }
            None
        })
    }
}

/// The lower case of a scalar value. `İ` alone has one of two scalar values, and stands for itself.
pub fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// A text in lower case, to compare with others. `str::to_lowercase` also minds where a Σ stands, and is 4 KB of the
/// browser's program.
#[must_use]
pub fn folded(text: &str) -> String {
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(names: &[(&str, bool)]) -> NameIndex {
        NameIndex::new(names.iter().copied())
    }

    /// True if the reader is mentioned in a line.
    fn finds_reader(index: &NameIndex, line: &str) -> bool {
        let mut marks = MAX_MARKS;
        index.mentions(line, &mut marks).any(|(_, mention)| mention.own)
    }

    /// Reference result for [`NameIndex::find`]: compares the text with each name by itself.
    fn by_each_name(text: &str, names: &[(&str, bool)]) -> Option<Mention> {
        let found = names.iter().filter_map(|(name, own)| {
            let mut rest = text.chars();
            let equal =
                name.chars().all(|c| rest.next().is_some_and(|typed| typed.to_lowercase().eq(c.to_lowercase())));
            let length = text.len() - rest.as_str().len();
            (equal && !rest.next().is_some_and(char::is_alphanumeric)).then_some(Mention { length, own: *own })
        });
        found.max_by_key(|mention| (mention.length, mention.own))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn find_agrees_with_comparing_each_name(
            names in prop::collection::vec(("[aAbB@ İiſsKk\u{307}ßẞ]{1,5}|[\\PC]{1,4}", any::<bool>()), 0..8),
            texts in prop::collection::vec("[aAbB@ İiſsKk\u{307}ßẞ]{0,9}|[\\PC]{0,6}", 1..6),
        ) {
            let names: Vec<(&str, bool)> = names.iter().map(|(name, own)| (name.as_str(), *own)).collect();
            let index = index(&names);
            for text in texts.iter().map(String::as_str).chain(names.iter().map(|(name, _)| *name)) {
                prop_assert_eq!(index.find(text.chars()), by_each_name(text, &names), "{:?}", text);
            }
        }
    }

    #[test]
    fn look_up_reads_no_more_than_the_longest_name_and_one_scalar_value() {
        let long: Vec<String> = ('a'..='z').map(|last| format!("{}{last}", "@".repeat(31))).collect();
        let index = NameIndex::new(long.iter().map(|name| (name.as_str(), false)));
        for (text, most) in [("@".repeat(4_000), 33), (long[7].clone() + " x", 33), ("x".repeat(4_000), 2)] {
            let mut read = 0;
            index.find(text.chars().inspect(|_| read += 1));
            assert!(read <= most, "{read} of {text:.40}");
        }
    }

    #[test]
    fn reader_is_found_by_the_whole_name_in_any_case() {
        let index = index(&[("Zo\u{eb} M", true), ("Zo", false)]);
        for text in [
            "@Zo\u{eb} M",
            "hi @ZO\u{cb} m!",
            "@@zo\u{eb} m",
            "\u{4f60}\u{597d}@Zo\u{eb} M\u{ff0c}",
            "@Zo @Zo\u{eb} M, you?",
        ] {
            assert!(finds_reader(&index, text), "{text}");
        }
        for text in [
            "x@Zo\u{eb} M",
            "7@Zo\u{eb} M",
            "Zo\u{eb} M",
            "@Zo\u{eb}",
            "@Zo\u{eb} Mo",
            "@Zo\u{eb} M2",
            "@ Zo\u{eb} M",
            "@Zo\u{eb}\u{eb} M",
        ] {
            assert!(!finds_reader(&index, text), "{text}");
        }
    }

    #[test]
    fn longest_name_wins_and_of_equal_names_the_readers() {
        let index = index(&[("Ana", true), ("ANA MARIA", false), ("bo", false), ("Bo", true)]);
        assert!(!finds_reader(&index, "@Ana Maria"));
        assert!(finds_reader(&index, "@Ana Mari"));
        assert!(finds_reader(&index, "@BO"));
    }

    #[test]
    fn marks_beyond_the_maximum_find_nobody() {
        let index = index(&[("Ana", true)]);
        assert!(finds_reader(&index, &format!("{} @Ana", "@ ".repeat(MAX_MARKS - 1))));
        assert!(!finds_reader(&index, &format!("{} @Ana", "@ ".repeat(MAX_MARKS))));
    }

    #[test]
    fn at_sign_inside_a_word_finds_nobody_and_takes_no_mark() {
        let index = index(&[("Ana", true)]);
        assert!(!finds_reader(&index, "bob@Ana"));
        assert!(finds_reader(&index, &format!("{} @Ana", "bob@Ana.example ".repeat(MAX_MARKS))));
    }
}
