//! Keys by which names are compared, so that members whose names look alike get different numbers.

use protocol::name::is_invisible;
use store::NameKeys;
use unicode_security::skeleton;

/// Returns the keys of a name. Two names have one in common if they have the same skeleton (UTS #39) or differ in case
/// only, and also if both together make them look alike. In a key 1 stands for itself and for what looks like it, as 0
/// does, so that a name that ends in a number is compared with one that was given that number.
pub(crate) fn keys(name: &str) -> NameKeys {
    let visible: String = name.chars().filter(|c| *c == ' ' || !is_invisible(*c)).collect();
    let of_name = skeleton(&visible).collect::<String>().to_lowercase();
    let of_lower_case = skeleton(&visible.to_lowercase()).collect::<String>().to_lowercase();
    let digits = |key: String| key.replace('l', "1").replace('o', "0");
    let mut keys = [of_name, of_lower_case].map(digits).to_vec();
    keys.dedup();
    NameKeys(keys)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::DisplayName;
    use protocol::name::numbered;

    use super::*;

    fn are_alike(one: &str, other: &str) -> bool {
        let (one, other) = (keys(one).0, keys(other).0);
        one.iter().any(|key| other.contains(key))
    }

    #[test]
    fn names_that_look_alike_have_a_key_in_common() {
        for (one, other) in [
            ("Ana", "ana"),
            ("Ana", "\u{410}n\u{430}"),
            ("paypal", "p\u{430}yp\u{430}l"),
            ("Ian", "lan"),
            ("Bob", "B0b"),
            ("\u{397}\u{3bb}\u{3b9}\u{3bf}\u{3c2}", "\u{3b7}\u{3bb}\u{3b9}\u{3bf}\u{3c2}"),
            ("Ana 10", "Ana lO"),
            ("Ana", "A\u{200b}na"),
        ] {
            assert!(are_alike(one, other), "{one} {other}: {:?} {:?}", keys(one), keys(other));
        }
        for (one, other) in [("Ana", "Anna"), ("Ana", "Ana 2"), ("Bo", "Bob")] {
            assert!(!are_alike(one, other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn key_of_a_numbered_name_is_the_key_with_that_number(typed in ".{1,40}", number in 2u32..2_000) {
            let Ok(name) = typed.parse::<DisplayName>() else { return Ok(()) };
            let numbered_keys: Vec<_> = keys(name.as_str()).0.iter().map(|key| numbered(key, number)).collect();
            prop_assert_eq!(keys(&numbered(name.as_str(), number)).0, numbered_keys);
        }

        #[test]
        fn names_of_one_skeleton_or_one_lower_case_are_alike(typed in ".{1,20}") {
            let Ok(name) = typed.parse::<DisplayName>() else { return Ok(()) };
            prop_assert!(are_alike(name.as_str(), &skeleton(name.as_str()).collect::<String>()));
            prop_assert!(are_alike(name.as_str(), &name.as_str().to_lowercase()));
        }
    }
}
