//! Completion of names after an `@`.

use client::mentions::folded;
use leptos::prelude::*;
use protocol::name::MAX_SCALARS;
use protocol::{Member, MemberId, ShownName};
use web_sys::HtmlTextAreaElement;

use crate::live::room::Room;
use crate::live::signal::set_if_new;

/// The list's id.
pub(super) const LIST_ID: &str = "offer";
/// Maximum number of members that are offered.
const MAX_SUGGESTIONS: usize = 8;

/// An unfinished mention, and the members it could mean. A handle.
#[derive(Clone, Copy)]
pub(in crate::components::room) struct Mention {
    room: Room,
    pub(super) suggestions: RwSignal<Option<Suggestions>>,
    /// Place of the `@` whose list the reader dismissed.
    dismissed: StoredValue<Option<u32>>,
}

/// Members that are offered.
#[derive(Clone, PartialEq)]
pub(super) struct Suggestions {
    /// Place of the `@` in the box, in UTF-16 units.
    at: u32,
    /// Never empty.
    pub(super) members: Vec<Member>,
    /// Index of the marked one, which Enter takes: the first if its name begins with what was typed, or the one that the
    /// reader moved to.
    pub(super) active: Option<usize>,
}

impl Mention {
    pub(super) fn new(room: Room) -> Self {
        Self { room, suggestions: RwSignal::new(None), dismissed: StoredValue::new(None) }
    }

    fn suggestions_for(self, field: &HtmlTextAreaElement, text: &str) -> Option<Suggestions> {
        let before = text.contains('@').then(|| before(text, field.selection_end().ok().flatten().unwrap_or_default()));
        let asked = before.and_then(unfinished_mention);
        let at = asked.map(|(at, _)| at);
        let mut dismissed = self.dismissed.try_write_value()?;
        dismissed.take_if(|dismissed| Some(*dismissed) != at);
        let (at, query) = asked.filter(|_| dismissed.is_none())?;
        let members = matching_members(&self.room.members.read_untracked(), self.room.me, query);
        let first = folded(&members.first()?.name.text());
        let is_begun = !query.is_empty() && first.starts_with(&folded(query));
        Some(Suggestions { at, members, active: is_begun.then_some(0) })
    }

    /// Closes the list. A box that is taken out of the page loses the focus, and calls this, when the signals are gone.
    pub(super) fn close(self) {
        if self.is_open() {
            self.suggestions.set(None);
        }
    }

    /// Closes the list of this mention for good.
    pub(super) fn dismiss(self) {
        let at = self.suggestions.read_untracked().as_ref().map(|suggestions| suggestions.at);
        self.dismissed.set_value(at);
        self.close();
    }

    /// Marks the option after the marked one, or the one before; the first follows the last.
    pub(super) fn step(self, forward: bool) {
        if let Some(Suggestions { members, active, .. }) = &mut *self.suggestions.write() {
            let count = members.len();
            *active = Some(match (*active, forward) {
                (None, true) => 0,
                (None, false) => count - 1,
                (Some(active), _) => (active + if forward { 1 } else { count - 1 }) % count,
            });
        }
    }

    /// Closes the list. Returns where the mention begins, and the name at this place of the list; without a place, the
    /// marked one, or the first.
    pub(super) fn accept(self, place: Option<usize>) -> Option<(u32, ShownName)> {
        let Suggestions { at, members, active } = self.suggestions.get_untracked()?;
        self.close();
        let member = members.into_iter().nth(place.or(active).unwrap_or(0))?;
        Some((at, member.name))
    }

    pub(super) fn is_open(self) -> bool {
        self.suggestions.try_read_untracked().is_some_and(|suggestions| suggestions.is_some())
    }

    /// True while one of the list is marked.
    pub(super) fn is_marked(self) -> bool {
        self.suggestions
            .try_read_untracked()
            .is_some_and(|list| list.as_ref().is_some_and(|list| list.active.is_some()))
    }

    /// The list's id while it is open.
    pub(super) fn list_id(self) -> Option<&'static str> {
        self.suggestions.read().is_some().then_some(LIST_ID)
    }

    /// The id of the marked option.
    pub(super) fn active_id(self) -> Option<String> {
        self.suggestions.read().as_ref().and_then(|suggestions| suggestions.active).map(option_id)
    }
}

/// Opens the list, or closes it.
pub(in crate::components::room) fn suggest(mention: Mention, field: &HtmlTextAreaElement, text: &str) {
    set_if_new(mention.suggestions, mention.suggestions_for(field, text));
}

/// The id of an option.
pub(super) fn option_id(place: usize) -> String {
    format!("{LIST_ID}-{place}")
}

/// Text before a place given in UTF-16 units, as browsers give it.
fn before(text: &str, place: u32) -> &str {
    let mut left = place as usize;
    let end = text.char_indices().find(|(_, c)| {
        let reached = left == 0;
        left = left.saturating_sub(c.len_utf16());
        reached
    });
    &text[..end.map_or(text.len(), |(end, _)| end)]
}

/// Place of the unfinished mention at the end of this text, in UTF-16 units, and what follows its `@`.
fn unfinished_mention(before: &str) -> Option<(u32, &str)> {
    let at = before.rfind('@')?;
    let (rest, query) = (&before[..at], &before[at + 1..]);
    let begins_word = !rest.ends_with(|c: char| c.is_ascii_alphanumeric());
    // Every name is searched for it at every key: no more than a name holds.
    let unfinished = query.trim() == query && !query.contains('\n') && query.chars().nth(MAX_SCALARS).is_none();
    (begins_word && unfinished).then(|| (rest.encode_utf16().count() as u32, query))
}

/// Other members whose name contains this, those first whose name begins with it.
fn matching_members(members: &[Member], me: MemberId, query: &str) -> Vec<Member> {
    let query = folded(query);
    let (begin, contain): (Vec<_>, Vec<_>) = members
        .iter()
        .filter(|seated| seated.member != me)
        .filter_map(|seated| Some((folded(&seated.name.text()).find(&query)?, seated)))
        .partition(|(place, _)| *place == 0);
    begin.into_iter().chain(contain).take(MAX_SUGGESTIONS).map(|(_, seated)| seated.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn member(number: u128, name: &str) -> Member {
        Member {
            member: MemberId(Uuid::from_u128(number)),
            name: name.parse::<protocol::DisplayName>().unwrap().into(),
            away: false,
        }
    }

    fn names(members: &[Member], query: &str) -> Vec<String> {
        matching_members(members, MemberId(Uuid::from_u128(0)), query)
            .iter()
            .map(|seated| seated.name.to_string())
            .collect()
    }

    #[test]
    fn unfinished_mention_begins_a_word_and_ends_at_the_caret() {
        assert_eq!(unfinished_mention("@"), Some((0, "")));
        assert_eq!(unfinished_mention("hi @an"), Some((3, "an")));
        assert_eq!(unfinished_mention("(@Ana M"), Some((1, "Ana M")));
        assert_eq!(unfinished_mention("🧪 @an"), Some((3, "an")));
        for finished in ["", "an", "ana@example", "@Ana ", "@ Ana", "@Ana\nB", "a\n@ "] {
            assert_eq!(unfinished_mention(finished), None, "{finished:?}");
        }
        assert_eq!(unfinished_mention("@Ana @b"), Some((5, "b")));
        let longest = "a".repeat(MAX_SCALARS);
        assert_eq!(unfinished_mention(&format!("@{longest}")), Some((0, longest.as_str())));
        assert_eq!(unfinished_mention(&format!("@{longest}a")), None);
    }

    #[test]
    fn caret_counts_utf16_units() {
        for (place, expected) in [(0, ""), (1, "a"), (3, "a🧪"), (4, "a🧪b"), (9, "a🧪b")] {
            assert_eq!(before("a🧪b", place), expected);
        }
    }

    #[test]
    fn members_are_suggested_by_any_part_of_their_name() {
        let members =
            [member(0, "Anna"), member(1, "Diana"), member(2, "ANA MARIA"), member(3, "Bo"), member(4, "Дарья")];
        assert_eq!(names(&members, "an"), ["ANA MARIA", "Diana"]);
        assert_eq!(names(&members, "ДАР"), ["Дарья"]);
        assert_eq!(names(&members, "Ana M"), ["ANA MARIA"]);
        assert_eq!(names(&members, ""), ["Diana", "ANA MARIA", "Bo", "Дарья"]);
        assert!(names(&members, "nobody").is_empty());
        let many: Vec<Member> = (1..=20).map(|number| member(number, "Ana")).collect();
        assert_eq!(names(&many, "a").len(), MAX_SUGGESTIONS);
    }
}
