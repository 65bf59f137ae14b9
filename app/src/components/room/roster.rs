//! The list of members: beside the log, or on a narrow screen a sheet that the header opens.

use leptos::prelude::*;
use protocol::{MemberId, ShownName};

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
    word: Option<&'static str>,
}

/// Members of the room, the reader first.
fn people(room: Room) -> Vec<Person> {
    let (members, typing) = (room.members.read(), room.typing.read());
    let (reader, others): (Vec<_>, Vec<_>) = members
        .iter()
        .map(|seated| Person {
            member: seated.member,
            name: seated.name.clone(),
            away: seated.away,
            word: if seated.member == room.me {
                Some(text::YOU)
            } else if seated.away {
                Some(text::AWAY)
            } else {
                typing.iter().any(|one| one.member == seated.member).then_some(text::TYPING)
            },
        })
        .partition(|person| person.member == room.me);
    reader.into_iter().chain(others).collect()
}

/// Drawn anew when anything of it is another.
fn item(Person { member, name, away, word }: Person) -> Item {
    let key = ItemKey::Text(format!("{member} {away} {word:?} {} {name}", name.hue));
    Item::new(key, move || {
        view! {
            <li class=if away { "person away" } else { "person" }>
                <Avatar name=&name/>
                <Name name=name.to_string()/>
                <small>{word}</small>
            </li>
        }
        .into_any()
    })
}
