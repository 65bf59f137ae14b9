//! Places of a query in a text.

use std::ops::Range;

use client::mentions::lower;

/// Finds the places of a query in a text, whatever their case and white space, in UTF-16 units. They do not overlap.
pub(super) fn places(text: &str, query: &str) -> Vec<Range<u32>> {
    let fold = |c: char| if c.is_whitespace() { ' ' } else { lower(c) };
    let wanted: Vec<char> = query.trim().chars().map(fold).collect();
    let said: Vec<char> = text.chars().map(fold).collect();
    let units: Vec<u32> = text.chars().map(|c| c.len_utf16() as u32).collect();
    let (mut found, mut at, mut start) = (Vec::new(), 0, 0);
    while !wanted.is_empty() && at + wanted.len() <= said.len() {
        let is_found = said[at..].starts_with(&wanted);
        let length = if is_found { wanted.len() } else { 1 };
        let end = start + units[at..at + length].iter().sum::<u32>();
        found.extend(is_found.then_some(start..end));
        (at, start) = (at + length, end);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str, place: &Range<u32>) -> String {
        let units: Vec<u16> = text.encode_utf16().collect();
        String::from_utf16(&units[place.start as usize..place.end as usize]).unwrap()
    }

    #[test]
    fn case_white_space_and_wide_characters_are_no_obstacle() {
        assert_eq!(places("🫡 Ganz oder gar\nNICHT, gar nicht", " GAR nicht "), [13..22, 24..33]);
        assert_eq!(places("aaaa", "aa"), [0..2, 2..4]);
        assert_eq!(places("ÄÖ x äö", "äö"), [0..2, 5..7]);
        assert!(places("anything", " ").is_empty());
        assert!(places("", "a").is_empty());
    }

    proptest! {
        #[test]
        fn what_is_in_a_text_is_found_there(before in ".{0,20}", query in "\\S.{0,6}\\S", after in ".{0,20}") {
            let text = format!("{before}{query}{after}");
            let found = places(&text, &query);
            prop_assert!(!found.is_empty());
            for place in &found {
                prop_assert_eq!(places(&cut(&text, place), &query).len(), 1);
            }
            prop_assert!(found.windows(2).all(|two| two[0].end <= two[1].start));
        }

        #[test]
        fn what_is_found_is_the_query(text in "[aAbB äÄ\n]{0,30}", query in "[abä]{1,3}") {
            for place in places(&text, &query) {
                prop_assert_eq!(cut(&text, &place).to_lowercase(), query.clone());
            }
        }
    }
}
