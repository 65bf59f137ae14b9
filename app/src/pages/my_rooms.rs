//! The rooms of this browser on its home page.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::RoomCode;

use crate::api::{self, MyRoom};
use crate::components::list::{Item, ItemKey, List};
use crate::components::name::Name;
use crate::live::effect::effect;
use crate::live::signal::set_if_new;
use crate::live::{browser, my_rooms};
use crate::text;

/// The rooms that the reader has a seat in, with what is new there. Looked up again whenever the page comes into view.
/// The server knows no browser's rooms, so its page has none.
#[component]
pub(super) fn MyRooms() -> impl IntoView {
    let rooms = RwSignal::new(Vec::new());
    effect(move || {
        look_up(rooms);
        browser::on_window_event(ev::storage, move |_| look_up(rooms));
        browser::on_window_event(ev::pageshow, move |event| {
            if event.persisted() {
                look_up(rooms);
            }
        });
        browser::on_window_event(ev::visibilitychange, move |_| look_up(rooms));
    });
    let has_rooms = Memo::new(move |_| !rooms.read().is_empty());
    move || {
        has_rooms.get().then(|| {
            view! {
                <section class="rooms" aria-labelledby="rooms">
                    <h2 id="rooms">{text::my_rooms()}</h2>
                    <ul role="list"><List each=Box::new(move || rooms.get().into_iter().map(item).collect())/></ul>
                </section>
            }
            .into_any()
        })
    }
}

/// Asks for the rooms, and forgets those that are the reader's no more.
fn look_up(rooms: RwSignal<Vec<MyRoom>>) {
    if !browser::is_visible() {
        return;
    }
    spawn_local(async move {
        let asked = my_rooms::stored();
        if asked.is_empty() {
            return set_if_new(rooms, Vec::new());
        }
        let Ok(Some(mine)) = api::my_rooms(asked.clone()).await else { return };
        for code in asked.lines().filter_map(|line| line.split(' ').next()?.parse::<RoomCode>().ok()) {
            if !mine.iter().any(|room| room.code == code) {
                my_rooms::forget(code);
            }
        }
        set_if_new(rooms, mine);
    });
}

/// Drawn anew when anything of it is another.
fn item(MyRoom { code, inside, name, unread, more }: MyRoom) -> Item {
    Item::new(ItemKey::Text(format!("{code} {inside} {unread} {more} {name}")), move || {
        view! {
            <li>
                <a href=format!("/room/{code}")>
                    {(!name.is_empty()).then(|| view! { <Name name=name.to_string()/> }.into_any())}
                    <span class="code" translate="no">{code.to_string()}</span>
                    <small>{text::inside(inside as usize)}</small>
                    {(unread > 0).then(|| view! { <b>{text::unread(unread, more)}</b> }.into_any())}
                </a>
            </li>
        }
        .into_any()
    })
}
