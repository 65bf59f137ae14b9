//! Completion of names after an `@`: a list that is steered from the box, as the ARIA Authoring Practices describe it.
//!
//! The box stays a multi-line `textbox`, for which ARIA 1.2 has no `aria-expanded`: that the list is open is said by
//! `aria-controls` and `aria-activedescendant`, which exist only then.

use web_sys::{Element, Event, HtmlTextAreaElement};

use super::super::message::{avatar, bdi};
use crate::live::browser;
use crate::live::signal::Signal;
use crate::live::store::RoomStore;
use crate::protocol::name::MAX_SCALARS;
use crate::protocol::{DisplayName, Member, MemberId};
use crate::ui::text;
use crate::ui::tree::{El, el};

/// The list's id.
pub(super) const LIST: &str = "offer";
/// At most this many members are offered.
const AT_MOST: usize = 8;

/// The list of an unfinished mention.
#[derive(Clone, Copy)]
pub(super) struct Mention {
    store: RoomStore,
    offered: Signal<Option<Offered>>,
    /// Where the `@` stands whose list the person closed.
    refused: Signal<Option<u32>>,
}

/// Who is offered.
#[derive(Clone)]
struct Offered {
    /// Where the `@` stands in the box, in UTF-16 units.
    at: u32,
    /// Never empty.
    members: Vec<Member>,
    /// Which of them is marked.
    active: usize,
}

impl Mention {
    pub(super) fn new(store: RoomStore) -> Self {
        Self { store, offered: Signal::new(None), refused: Signal::new(None) }
    }

    /// Opens the list when what stands before the caret asks for it.
    pub(super) fn look(self, field: &HtmlTextAreaElement, text: &str) {
        if !text.contains('@') {
            return self.refused.set_if_new(None);
        }
        let caret = field.selection_end().ok().flatten().unwrap_or_default();
        let asked = asked(before(text, caret));
        let at = asked.map(|(at, _)| at);
        if self.refused.get_untracked() != at {
            self.refused.set_if_new(None);
        }
        let Some((at, query)) = asked.filter(|_| self.refused.with_untracked(Option::is_none)) else { return };
        let members = self.store.members.with_untracked(|members| fitting(members, self.store.me, query));
        if !members.is_empty() {
            self.offered.set(Some(Offered { at, members, active: 0 }));
        }
    }

    pub(super) fn close(self) {
        if self.is_open() {
            self.offered.set(None);
        }
    }

    /// Steers the list; whether the key was for it.
    pub(super) fn key(self, key: &str) -> bool {
        let Some(Offered { at, members, active }) = self.offered.get_untracked() else { return false };
        let count = members.len();
        let step = match key {
            "ArrowDown" => 1,
            "ArrowUp" => count - 1,
            "Escape" => {
                self.refused.set(Some(at));
                self.close();
                return true;
            }
            "ArrowLeft" | "ArrowRight" | "Home" | "End" => {
                self.close();
                return false;
            }
            _ => return false,
        };
        self.mark((active + step) % count);
        true
    }

    fn mark(self, active: usize) {
        self.offered.update(|offered| {
            if let Some(offered) = offered {
                offered.active = active;
            }
        });
    }

    /// Marks the option that was pressed; whether it was one.
    pub(super) fn point_at(self, element: &Element) -> bool {
        let option = browser::closest(element, "#offer [role=option]").map(|option| option.id());
        let place = option.and_then(|id| id.rsplit('-').next()?.parse().ok());
        place.map(|place| self.mark(place)).is_some()
    }

    /// The marked member's name, and where the mention begins; the list is closed then.
    pub(super) fn take(self) -> Option<(u32, DisplayName)> {
        let Offered { at, members, active } = self.offered.get_untracked()?;
        self.close();
        let member = members.into_iter().nth(active)?;
        Some((at, member.name))
    }

    pub(super) fn is_open(self) -> bool {
        self.offered.with_untracked(Option::is_some)
    }

    /// The list above the box.
    pub(super) fn list(self) -> El {
        let Some(Offered { members, active, .. }) = self.offered.get() else { return el("ul").attr("hidden", "") };
        let list = el("ul").attr("id", LIST).class("offer").attr("role", "listbox").attr("aria-label", text::PEOPLE);
        list.children(members.into_iter().enumerate().map(|(place, Member { member, name, .. })| {
            el("li")
                .attr("id", option_id(place))
                .attr("role", "option")
                .attr("aria-selected", if place == active { "true" } else { "false" })
                .child(avatar(&name, member))
                .child(bdi(name.to_string()))
        }))
    }

    /// The id of the marked option.
    pub(super) fn active(self) -> Option<String> {
        self.offered.with(|offered| offered.as_ref().map(|offered| option_id(offered.active)))
    }
}

fn option_id(place: usize) -> String {
    format!("{LIST}-{place}")
}

/// Pressing an option leaves the caret where it is.
pub(super) fn hold_caret(event: &Event) {
    if browser::target(event).and_then(|target| browser::closest(&target, "#offer")).is_some() {
        event.prevent_default();
    }
}

/// What stands before a place given in UTF-16 units, as browsers give it.
fn before(text: &str, place: u32) -> &str {
    let mut left = place as usize;
    let end = text.char_indices().find(|(_, c)| {
        let reached = left == 0;
        left = left.saturating_sub(c.len_utf16());
        reached
    });
    &text[..end.map_or(text.len(), |(end, _)| end)]
}

/// Where the unfinished mention at the end of this text begins, in UTF-16 units, and what follows its `@`.
fn asked(before: &str) -> Option<(u32, &str)> {
    let at = before.rfind('@')?;
    let (rest, query) = (&before[..at], &before[at + 1..]);
    let begins_word = !rest.ends_with(|c: char| c.is_ascii_alphanumeric());
    // Every name is searched for it at every key: no more than a name holds.
    let unfinished = query.trim() == query && !query.contains('\n') && query.chars().nth(MAX_SCALARS).is_none();
    (begins_word && unfinished).then(|| (rest.encode_utf16().count() as u32, query))
}

/// Without the difference between small and capital letters.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The others whose name contains this, those first whose name begins with it.
fn fitting(members: &[Member], me: MemberId, query: &str) -> Vec<Member> {
    let query = folded(query);
    let mut found: Vec<(Option<usize>, &Member)> = members
        .iter()
        .filter(|seated| seated.member != me)
        .map(|seated| (folded(seated.name.as_str()).find(&query), seated))
        .filter(|(place, _)| place.is_some())
        .collect();
    found.sort_by_key(|(place, _)| *place != Some(0));
    found.into_iter().take(AT_MOST).map(|(_, seated)| seated.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn member(number: u128, name: &str) -> Member {
        Member { member: MemberId(Uuid::from_u128(number)), name: name.parse().unwrap(), away: false }
    }

    fn names(members: &[Member], query: &str) -> Vec<String> {
        fitting(members, MemberId(Uuid::from_u128(0)), query).iter().map(|seated| seated.name.to_string()).collect()
    }

    #[test]
    fn a_mention_begins_a_word_and_ends_at_the_caret() {
        assert_eq!(asked("@"), Some((0, "")));
        assert_eq!(asked("hi @an"), Some((3, "an")));
        assert_eq!(asked("(@Ana M"), Some((1, "Ana M")));
        assert_eq!(asked("🧪 @an"), Some((3, "an")));
        for finished in ["", "an", "ana@example", "@Ana ", "@ Ana", "@Ana\nB", "a\n@ "] {
            assert_eq!(asked(finished), None, "{finished:?}");
        }
        assert_eq!(asked("@Ana @b"), Some((5, "b")));
        let longest = "a".repeat(MAX_SCALARS);
        assert_eq!(asked(&format!("@{longest}")), Some((0, longest.as_str())));
        assert_eq!(asked(&format!("@{longest}a")), None);
    }

    #[test]
    fn the_caret_counts_as_browsers_do() {
        for (place, expected) in [(0, ""), (1, "a"), (3, "a🧪"), (4, "a🧪b"), (9, "a🧪b")] {
            assert_eq!(before("a🧪b", place), expected);
        }
    }

    #[test]
    fn others_are_offered_by_any_part_of_their_name() {
        let members =
            [member(0, "Anna"), member(1, "Diana"), member(2, "ANA MARIA"), member(3, "Bo"), member(4, "Дарья")];
        assert_eq!(names(&members, "an"), ["ANA MARIA", "Diana"]);
        assert_eq!(names(&members, "ДАР"), ["Дарья"]);
        assert_eq!(names(&members, "Ana M"), ["ANA MARIA"]);
        assert_eq!(names(&members, ""), ["Diana", "ANA MARIA", "Bo", "Дарья"]);
        assert!(names(&members, "nobody").is_empty());
        let many: Vec<Member> = (1..=20).map(|number| member(number, "Ana")).collect();
        assert_eq!(names(&many, "a").len(), AT_MOST);
    }
}
