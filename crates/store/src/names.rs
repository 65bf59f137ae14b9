//! Numbers and hues that tell the members of a room apart.

use std::collections::HashSet;

use protocol::name::{HUES, numbered};
use protocol::{DisplayName, ShownName};
use serde::{Deserialize, Serialize};

/// Keys by which names are compared: two names look alike if they have one of them in common. The server computes them;
/// a key of a name with a number behind it is the key of the name with that number behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameKeys(pub Vec<String>);

impl NameKeys {
    fn numbered(&self, number: u32) -> Self {
        Self(self.0.iter().map(|key| numbered(key, number)).collect())
    }
}

/// Number, hue and keys of a member's shown name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distinct {
    /// The shown name.
    pub name: ShownName,
    /// Keys of the name as it is shown.
    pub keys: NameKeys,
}

impl Distinct {
    /// Gives a name the lowest number with which it looks like none of the `others`, who are hue and keys of the other
    /// members, and the lowest hue that the fewest of them have. A member who is renamed keeps the `hue`.
    #[must_use]
    pub fn choose(name: DisplayName, keys: &NameKeys, hue: Option<u8>, others: &[(u8, NameKeys)]) -> Self {
        let taken: HashSet<&str> = others.iter().flat_map(|(_, keys)| &keys.0).map(String::as_str).collect();
        let is_free = |keys: &NameKeys| keys.0.iter().all(|key| !taken.contains(key.as_str()));
        // Each key that is taken is so for one number, so one of these is free.
        let free = (1..).map(|number| (number, keys.numbered(number))).find(|(_, keys)| is_free(keys));
        let (number, keys) = free.unwrap_or_default();
        let users = |hue: &u8| others.iter().filter(|(other, _)| other == hue).count();
        let hue = hue.or_else(|| (0..HUES).min_by_key(users)).unwrap_or_default();
        Self { name: ShownName { name, number, hue }, keys }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> NameKeys {
        NameKeys(names.iter().map(|&name| name.to_owned()).collect())
    }

    fn chosen(key: &[&str], hue: Option<u8>, others: &[(u8, NameKeys)]) -> (u32, u8) {
        let name = Distinct::choose("Ana".parse().unwrap(), &keys(key), hue, others).name;
        (name.number, name.hue)
    }

    #[test]
    fn number_is_the_lowest_that_looks_like_no_other_name() {
        let others = [(0, keys(&["ana", "anna"])), (1, keys(&["ana 2"])), (2, keys(&["ana 4"]))];
        assert_eq!(chosen(&["ana"], None, &others), (3, 3));
        assert_eq!(chosen(&["x", "anna"], None, &others), (2, 3), "one key in common is enough");
        assert_eq!(chosen(&["bo"], None, &others), (1, 3));
        assert_eq!(chosen(&["ana"], Some(9), &[]), (1, 9));
    }

    #[test]
    fn hue_is_the_lowest_that_the_fewest_have() {
        let mut others: Vec<_> = (0..12).map(|hue| (hue, NameKeys::default())).collect();
        others.remove(3);
        assert_eq!(chosen(&[], None, &others).1, 3);
        others.push((3, NameKeys::default()));
        assert_eq!(chosen(&[], None, &others).1, 0);
        others.push((0, NameKeys::default()));
        assert_eq!(chosen(&[], None, &others).1, 1);
    }
}
