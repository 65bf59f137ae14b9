//! Reactions to a message.

use protocol::{Emoji, MemberId};

use super::reader::Reader;
use super::row::Reaction;

/// Maximum number of names in a [`Reaction`].
pub const MAX_NAMES: usize = 10;

/// The reactions to one message, counted in the log's order. Emoji stand in the order in which they came first, and
/// so do the members who have one. An emoji that nobody has any more is gone, and comes last if it comes again.
#[derive(Default)]
pub(super) struct Tally<'a> {
    emoji: Vec<(&'a Emoji, Vec<MemberId>)>,
}

impl<'a> Tally<'a> {
    /// Counts a reaction that a member added or removed.
    pub(super) fn count(&mut self, by: MemberId, emoji: &'a Emoji, on: bool) {
        let Some(place) = self.emoji.iter().position(|(known, _)| *known == emoji) else {
            if on {
                self.emoji.push((emoji, vec![by]));
            }
            return;
        };
        let members = &mut self.emoji[place].1;
        match members.iter().position(|member| *member == by) {
            None if on => members.push(by),
            Some(at) if !on => _ = members.remove(at),
            _ => {}
        }
        if members.is_empty() {
            self.emoji.remove(place);
        }
    }

    /// Returns the reactions as a row shows them.
    pub(super) fn shown(self, reader: Reader<'_>) -> Vec<Reaction> {
        self.emoji
            .into_iter()
            .map(|(emoji, members)| {
                let names = members.iter().filter_map(|member| reader.names.get(member));
                Reaction {
                    emoji: emoji.clone(),
                    count: members.len(),
                    own: members.contains(&reader.me),
                    who: names.take(MAX_NAMES).cloned().collect(),
                }
            })
            .collect()
    }
}
