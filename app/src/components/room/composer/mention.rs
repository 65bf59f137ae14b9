//! Completion of names after an `@`: a list that is steered from the box, as the ARIA Authoring Practices describe it.
//!
//! The box stays a multi-line `textbox`, for which ARIA 1.2 has no `aria-expanded`: that the list is open is said by
//! `aria-controls` and `aria-activedescendant`, which exist only then.

use leptos::prelude::*;
use protocol::name::MAX_SCALARS;
use protocol::{DisplayName, Member, MemberId};
use web_sys::HtmlTextAreaElement;

use crate::components::click::click;
use crate::components::name::{Avatar, Name};
use crate::live::room::{Room, set_if_new};
use crate::text;

/// The list's id.
pub(super) const LIST: &str = "offer";
/// Maximum number of members that are offered.
const AT_MOST: usize = 8;

/// An unfinished mention, and the members it could mean. A handle.
#[derive(Clone, Copy)]
pub(super) struct Mention {
    room: Room,
    offered: RwSignal<Option<Offered>>,
    /// Place of the `@` whose list the reader closed.
    refused: StoredValue<Option<u32>>,
}

/// Members that are offered.
#[derive(Clone, PartialEq)]
struct Offered {
    /// Place of the `@` in the box, in UTF-16 units.
    at: u32,
    /// Never empty.
    members: Vec<Member>,
    /// Index of the marked one.
    active: usize,
}

impl Mention {
    pub(super) fn new(room: Room) -> Self {
        Self { room, offered: RwSignal::new(None), refused: StoredValue::new(None) }
    }

    /// Opens the list exactly while what stands before the caret asks for it.
    pub(super) fn look(self, field: &HtmlTextAreaElement, text: &str) {
        set_if_new(self.offered, self.asked_for(field, text));
    }

    fn asked_for(self, field: &HtmlTextAreaElement, text: &str) -> Option<Offered> {
        let before = text.contains('@').then(|| before(text, field.selection_end().ok().flatten().unwrap_or_default()));
        let asked = before.and_then(asked);
        let at = asked.map(|(at, _)| at);
        let mut refused = self.refused.try_write_value()?;
        refused.take_if(|refused| Some(*refused) != at);
        let (at, query) = asked.filter(|_| refused.is_none())?;
        let members = fitting(&self.room.members.read_untracked(), self.room.me, query);
        (!members.is_empty()).then_some(Offered { at, members, active: 0 })
    }

    /// Closes the list. A box that is taken out of the page loses the focus, and calls this, when the signals are gone.
    pub(super) fn close(self) {
        if self.is_open() {
            self.offered.set(None);
        }
    }

    /// Closes the list of this mention for good.
    pub(super) fn refuse(self) {
        let at = self.offered.read_untracked().as_ref().map(|offered| offered.at);
        self.refused.set_value(at);
        self.close();
    }

    /// Marks the option after the marked one, or the one before; the first follows the last.
    pub(super) fn step(self, forward: bool) {
        if let Some(Offered { members, active, .. }) = &mut *self.offered.write() {
            let count = members.len();
            *active = (*active + if forward { 1 } else { count - 1 }) % count;
        }
    }

    /// Closes the list. Returns where the mention begins, and the name at this place of the list; without a place, the
    /// marked one.
    pub(super) fn take(self, place: Option<usize>) -> Option<(u32, DisplayName)> {
        let Offered { at, members, active } = self.offered.get_untracked()?;
        self.close();
        let member = members.into_iter().nth(place.unwrap_or(active))?;
        Some((at, member.name))
    }

    pub(super) fn is_open(self) -> bool {
        self.offered.try_read_untracked().is_some_and(|offered| offered.is_some())
    }

    /// The list's id while it is open.
    pub(super) fn list_id(self) -> Option<&'static str> {
        self.offered.read().is_some().then_some(LIST)
    }

    /// The id of the marked option.
    pub(super) fn active_id(self) -> Option<String> {
        self.offered.read().as_ref().map(|offered| option_id(offered.active))
    }
}

/// The list above the box. Pressing an option leaves the caret where it is.
#[component]
pub(super) fn Offer(
    /// The unfinished mention.
    mention: Mention,
    /// Completes the mention with the member at this place of the list.
    choose: impl Fn(usize) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let list = move || {
        let Offered { members, active, .. } = mention.offered.get()?;
        let option = |(place, Member { member, name, .. }): (usize, Member)| {
            let selected = if place == active { "true" } else { "false" };
            view! {
                <li id=option_id(place) role="option" aria-selected=selected on:click=click(move |_| choose(place))>
                    <Avatar member initial=name.initial().to_owned()/>
                    <Name name=name.to_string()/>
                </li>
            }
            .into_any()
        };
        Some(
            view! {
                <ul
                    id=LIST
                    class="offer"
                    role="listbox"
                    aria-label=text::PEOPLE
                    on:mousedown=|event| event.prevent_default()
                >
                    {members.into_iter().enumerate().map(option).collect_view()}
                </ul>
            }
            .into_any(),
        )
    };
    view! { {move || list()} }
}

fn option_id(place: usize) -> String {
    format!("{LIST}-{place}")
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
    let (begin, contain): (Vec<_>, Vec<_>) = members
        .iter()
        .filter(|seated| seated.member != me)
        .filter_map(|seated| Some((folded(seated.name.as_str()).find(&query)?, seated)))
        .partition(|(place, _)| *place == 0);
    begin.into_iter().chain(contain).take(AT_MOST).map(|(_, seated)| seated.clone()).collect()
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
