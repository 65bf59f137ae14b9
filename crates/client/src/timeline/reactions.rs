//! Who put which emoji on a message.

use std::collections::BTreeMap;

use protocol::{Emoji, MemberId};

use super::Reader;
use super::row::Reaction;

/// Most names a [`Reaction`] carries.
pub const WHO: usize = 10;

/// The reactions to one message, counted in the log's order. A member counts once per emoji. An emoji stands where it
/// first came; when nobody has it any more it is gone, and comes last if it comes again.
#[derive(Default)]
pub(super) struct Tally<'a> {
    emoji: Vec<(&'a Emoji, Members)>,
    /// How many have come so far.
    arrivals: usize,
}

/// Who has an emoji, and as the how-manieth they came.
type Members = BTreeMap<MemberId, usize>;

impl<'a> Tally<'a> {
    /// A member put this emoji on, or took it away.
    pub(super) fn count(&mut self, by: MemberId, emoji: &'a Emoji, on: bool) {
        let place = self.emoji.iter().position(|(known, _)| *known == emoji);
        match place {
            Some(place) if on => {
                self.emoji[place].1.entry(by).or_insert(self.arrivals);
            }
            Some(place) => {
                self.emoji[place].1.remove(&by);
                if self.emoji[place].1.is_empty() {
                    self.emoji.remove(place);
                }
            }
            None if on => self.emoji.push((emoji, Members::from([(by, self.arrivals)]))),
            None => {}
        }
        self.arrivals += 1;
    }

    /// As a row shows it.
    pub(super) fn shown(self, reader: Reader<'_>) -> Vec<Reaction> {
        self.emoji
            .into_iter()
            .map(|(emoji, members)| {
                let mut arrived: Vec<_> = members.iter().map(|(member, arrival)| (*arrival, *member)).collect();
                arrived.sort_unstable();
                let names = arrived.iter().filter_map(|(_, member)| reader.names.get(member));
                Reaction {
                    emoji: emoji.clone(),
                    count: members.len(),
                    own: members.contains_key(&reader.me),
                    who: names.take(WHO).cloned().collect(),
                }
            })
            .collect()
    }
}
