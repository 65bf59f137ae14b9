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
    let look = LookUp { rooms, state: StoredValue::new(State::Idle) };
    effect(move || {
        look.ask();
        browser::on_window_event(ev::storage, move |event| {
            if my_rooms::is_changed_by(&event) {
                look.ask();
            }
        });
        browser::on_window_event(ev::pageshow, move |event| {
            if event.persisted() {
                look.ask();
            }
        });
        browser::on_window_event(ev::visibilitychange, move |_| look.ask());
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

/// The calls for the rooms: one at a time, so that a later answer is of a later time. A handle.
#[derive(Clone, Copy)]
struct LookUp {
    rooms: RwSignal<Vec<MyRoom>>,
    state: StoredValue<State>,
}

/// State of the calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is none.
    Idle,
    /// One is under way.
    Asked,
    /// One is under way, and another is to follow.
    AskedAgain,
}

impl LookUp {
    /// Looks the rooms up, after the call that is under way.
    fn ask(self) {
        let was_idle = self.state.try_update_value(|state| {
            let was_idle = *state == State::Idle;
            *state = if was_idle { State::Asked } else { State::AskedAgain };
            was_idle
        });
        if was_idle != Some(true) {
            return;
        }
        spawn_local(async move {
            loop {
                self.look_up().await;
                let is_over = self.state.try_update_value(|state| {
                    *state = if *state == State::AskedAgain { State::Asked } else { State::Idle };
                    *state == State::Idle
                });
                if is_over != Some(false) {
                    return;
                }
            }
        });
    }

    /// Asks for the rooms, and forgets those that are the reader's no more.
    async fn look_up(self) {
        if !browser::is_visible() {
            return;
        }
        let asked = my_rooms::clean();
        if asked.is_empty() {
            return set_if_new(self.rooms, Vec::new());
        }
        let Ok(Some(mine)) = api::my_rooms(asked.clone()).await else { return };
        let codes = asked.lines().filter_map(|line| line.split(' ').next()?.parse::<RoomCode>().ok());
        let gone: Vec<_> = codes.filter(|code| !mine.iter().any(|room| room.code == *code)).collect();
        my_rooms::forget_all(&gone);
        set_if_new(self.rooms, mine);
    }
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
                    {(unread > 0 || more).then(|| view! { <b>{text::unread(unread, more)}</b> }.into_any())}
                </a>
            </li>
        }
        .into_any()
    })
}
