//! The list of members: beside the log, or on a narrow screen a sheet that the header opens.

use leptos::prelude::*;
use protocol::{MemberId, ShownName};

use super::naming::RENAME_ID;
use crate::components::list::{Item, ItemKey, List};
use crate::components::name::{Avatar, Name};
use crate::live::room::Room;
use crate::text;

/// The panel.
#[component]
pub(super) fn Roster() -> impl IntoView {
    let room = expect_context::<Room>();
    view! {
        // It may have to be scrolled, and Safari lets keys do that only in what can have the focus.
        <aside class="people" id="people" popover="" aria-label=text::PEOPLE tabindex="0">
            <h2>{move || text::here_now(room.members.read().len(), room.capacity)}</h2>
            <button type="button" class="button icon narrow" popovertarget="people" popovertargetaction="hide" aria-label=text::CLOSE>
                <svg aria-hidden="true"><use href="#i-close"/></svg>
            </button>
            <ul role="list">
                <List each=Box::new(move || people(room).into_iter().map(item).collect())/>
            </ul>
        </aside>
    }
}

/// A member, as the panel shows it.
struct Person {
    member: MemberId,
    name: ShownName,
    away: bool,
    own: bool,
    /// What is said of the member.
    words: String,
}

/// Members of the room, the reader first.
fn people(room: Room) -> Vec<Person> {
    let (members, typing, host) = (room.members.read(), room.typing.read(), room.host.get());
    let (reader, others): (Vec<_>, Vec<_>) = members
        .iter()
        .map(|seated| {
            let own = seated.member == room.me;
            let word = if own {
                Some(text::YOU)
            } else if seated.away {
                Some(text::AWAY)
            } else {
                typing.iter().any(|one| one.member == seated.member).then_some(text::TYPING)
            };
            let is_host = host == Some(seated.member);
            let words = is_host.then_some(text::HOST).into_iter().chain(word).collect::<Vec<_>>().join(", ");
            Person { member: seated.member, name: seated.name.clone(), away: seated.away, own, words }
        })
        .partition(|person| person.own);
    reader.into_iter().chain(others).collect()
}

/// Drawn anew when anything of it is another.
fn item(Person { member, name, away, own, words }: Person) -> Item {
    let key = ItemKey::Text(format!("{member} {away} {words} {} {name}", name.hue));
    let rename = || {
        view! {
            <button type="button" class="button icon hydrated" command="show-modal" commandfor=RENAME_ID aria-label=text::RENAME title=text::RENAME>
                <svg aria-hidden="true"><use href="#i-edit"/></svg>
            </button>
        }
        .into_any()
    };
    Item::new(key, move || {
        view! {
            <li class=if away { "person away" } else { "person" }>
                <Avatar name=&name/>
                <Name name=name.to_string()/>
                <small>{words}</small>
                {own.then(rename)}
            </li>
        }
        .into_any()
    })
}
