//! Who is here.

use leptos::prelude::*;

use crate::live::store::RoomStore;
use crate::protocol::{DisplayName, MemberId};
use crate::ui::text;

/// The panel beside the log.
#[component]
pub(super) fn Roster(
    /// The room.
    store: RoomStore,
) -> impl IntoView {
    view! {
        <aside class="people" aria-label=text::PEOPLE>
            <h2>{move || text::here_now(store.members.read().len(), store.capacity)}</h2>
            <ul role="list">
                <For each=move || store.members.get() key=|seated| (seated.member, seated.name.clone()) let(seated)>
                    <li class=format!("person hue-{}", seated.member.hue())>
                        <Avatar name=seated.name.clone() member=seated.member/>
                        <bdi translate="no">{seated.name.to_string()}</bdi>
                        {(seated.member == store.me).then(|| view! { <small>{text::YOU}</small> })}
                    </li>
                </For>
            </ul>
        </aside>
    }
}

/// A member's colour and initial.
#[component]
pub(super) fn Avatar(
    /// What the member is called.
    name: DisplayName,
    /// Who it is.
    member: MemberId,
) -> impl IntoView {
    view! { <span class=format!("avatar hue-{}", member.hue()) aria-hidden="true" translate="no">{name.initial()}</span> }
}
