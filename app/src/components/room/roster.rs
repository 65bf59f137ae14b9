//! The list of members: beside the log, or on a narrow screen a sheet that the header opens.

use leptos::prelude::*;
use protocol::{Member, MemberId, ShownName};

use super::naming::RENAME_ID;
use crate::components::click::click;
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
        <aside class="people" id="people" popover="" aria-label=text::people() tabindex="0">
            <h2>{move || text::here_now(room.members.read().len(), room.rules.get().capacity as usize)}</h2>
            <button type="button" class="button icon narrow" popovertarget="people" popovertargetaction="hide" aria-label=text::close()>
                <svg aria-hidden="true"><use href="#i-close"/></svg>
            </button>
            <ul role="list">
                // Not one of the list's: a new name would take the focus from its button.
                <li class="person">
                    {move || reader(room).map(face)}
                    <button type="button" class="button icon hydrated" command="show-modal" commandfor=RENAME_ID aria-label=text::rename() title=text::rename()>
                        <svg aria-hidden="true"><use href="#i-edit"/></svg>
                    </button>
                </li>
                <List each=Box::new(move || others(room).into_iter().map(|person| item(room, person)).collect())/>
            </ul>
        </aside>
    }
}

/// A member, as the panel shows it.
struct Person {
    member: MemberId,
    name: ShownName,
    away: bool,
    /// True if the reader ignores the member.
    ignored: bool,
    /// Words about the member.
    words: String,
}

impl Person {
    fn new(room: Room, seated: &Member, word: Option<&str>) -> Self {
        let is_host = room.host.get() == Some(seated.member);
        let words = is_host.then_some(text::host()).into_iter().chain(word).collect::<Vec<_>>().join(text::comma());
        let ignored = room.ignored.read().contains(&seated.member);
        Self { member: seated.member, name: seated.name.clone(), away: seated.away, ignored, words }
    }
}

/// The reader.
fn reader(room: Room) -> Option<Person> {
    let members = room.members.read();
    let seated = members.iter().find(|seated| seated.member == room.me)?;
    Some(Person::new(room, seated, Some(text::you())))
}

/// The other members of the room.
fn others(room: Room) -> Vec<Person> {
    let (members, typing) = (room.members.read(), room.typing.read());
    let others = members.iter().filter(|seated| seated.member != room.me);
    others
        .map(|seated| {
            let is_typing = typing.iter().any(|one| one.member == seated.member);
            let word = match seated.away {
                _ if room.ignored.read().contains(&seated.member) => Some(text::ignored()),
                true => Some(text::away()),
                false => is_typing.then_some(text::is_typing_short()),
            };
            Person::new(room, seated, word)
        })
        .collect()
}

/// Drawn anew when anything of it is another.
fn item(room: Room, person: Person) -> Item {
    let Person { member, name, away, words, ignored } = &person;
    let key = ItemKey::Text(format!("{member} {away} {words} {} {name}", name.hue));
    let (member, on) = (*member, !ignored);
    Item::new(key, move || {
        let class = if person.away { "person away" } else { "person" };
        let label = text::ignore(&person.name.to_string());
        view! {
            <li class=class>
                {face(person)}
                <button type="button" class="button icon hydrated ignore" aria-label=label.clone() title=label aria-pressed=(!on).to_string()
                    on:click=click(move |_| room.ignore(member, on))>
                    <svg aria-hidden="true"><use href="#i-ignore"/></svg>
                </button>
            </li>
        }
        .into_any()
    })
}

fn face(Person { name, words, .. }: Person) -> AnyView {
    view! {
        <Avatar name=&name/>
        <Name name=name.to_string()/>
        <small>{words}</small>
    }
    .into_any()
}
