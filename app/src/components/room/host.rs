//! The dialog of the room's host: who comes in, who may write, and what becomes of the room.

use leptos::ev::{Event, KeyboardEvent, MouseEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{ErrorCode, MemberId};

use crate::api::{self, EnterForm, Field, Refusal};
use crate::components::click::click;
use crate::components::dialog::Dialog;
use crate::components::list::{Item, ItemKey, List};
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::text;

/// Id of the dialog.
pub(super) const HOST_ID: &str = "host";
/// Intervals of slow mode that can be chosen, in seconds.
pub(crate) const SLOW_SECONDS: [u32; 6] = [0, 5, 10, 30, 60, 300];

/// Requests of the host to the server. What comes of them is told by the log, as to everybody.
#[derive(Clone, Copy)]
struct Host {
    room: Room,
    /// Words about the last request, if it was refused; empty otherwise.
    refused: RwSignal<String>,
}

impl Host {
    fn ask(self, action: &'static str, member: String, value: String) {
        let code = self.room.rules.get_untracked().code.to_string();
        spawn_local(async move {
            let refused = match api::manage_room(code, action.to_owned(), member, value).await {
                Ok(answer) => answer.refused,
                Err(_) => Some(Refusal { field: Field::Body, error: ErrorCode::Storage, retry_ms: None }),
            };
            let words = refused.map(|refused| text::manage_refused(refused, &EnterForm::default())).unwrap_or_default();
            // Also for the same words: what shows the room's state is drawn anew.
            if self.refused.try_with_untracked(|before| !before.is_empty() || !words.is_empty()) == Some(true) {
                self.refused.try_set(words);
            }
        });
    }
}

/// The dialog that the header opens for the host.
pub(super) fn dialog() -> AnyView {
    let host = Host { room: expect_context(), refused: RwSignal::default() };
    let room = host.room;
    // A former host has nothing to do here.
    effect(move || {
        if room.host.get() != Some(room.me) {
            browser::close_dialog(HOST_ID);
        }
    });
    view! {
        <Dialog id=HOST_ID heading=text::manage_room()>
            <p class="error" role="alert">{move || host.refused.get()}</p>
            {switch(host, "lock", text::lock_room(), Box::new(move || room.locked.get()))}
            {switch(host, "host_only", text::only_host_writes(), Box::new(move || room.rules.get().host_only))}
            {slow(host)}
            {seats(host)}
            <div class="ways">
                <button type="button" class="button" on:click=click(move |_| host.ask("renew_code", String::new(), String::new()))>
                    {text::renew_code()}
                </button>
                {confirmed("button danger", text::end_room(), text::end_room_sure(), Box::new(move || host.ask("end", String::new(), String::new())))}
            </div>
            <p>{text::renew_code_more()}</p>
            {others(host)}
        </Dialog>
    }
    .into_any()
}

fn switch(host: Host, action: &'static str, words: &'static str, is_on: Box<dyn Fn() -> bool + Send>) -> AnyView {
    let change = move |event: Event| {
        let value = if event_target_checked(&event) { "on" } else { "off" };
        host.ask(action, String::new(), value.to_owned());
    };
    let is_checked = move || {
        host.refused.track();
        is_on()
    };
    view! { <label class="switch"><input type="checkbox" prop:checked=is_checked on:change=change/>{words}</label> }
        .into_any()
}

fn slow(host: Host) -> AnyView {
    let seconds = move || {
        host.refused.track();
        host.room.rules.get().slow_ms.div_ceil(1_000)
    };
    let change = move |event: Event| {
        let seconds: u32 = event_target_value(&event).parse().unwrap_or_default();
        host.ask("slow", String::new(), (seconds * 1_000).to_string());
    };
    let option = move |value: u32| {
        let words = if value == 0 { text::slow_off().to_owned() } else { text::slow_seconds(value as usize) };
        view! { <option value=value.to_string() prop:selected=move || seconds() == value>{words}</option> }.into_any()
    };
    view! {
        <div class="field">
            <label for="slow">{text::slow_mode()}</label>
            <select id="slow" on:change=change>{SLOW_SECONDS.map(option).into_iter().collect_view()}</select>
        </div>
    }
    .into_any()
}

fn seats(host: Host) -> AnyView {
    let input = NodeRef::<html::Input>::new();
    // Typed text stays when another rule changes.
    let capacity = Memo::new(move |_| host.room.rules.get().capacity);
    effect(move || {
        if let Some(input) = input.get() {
            input.set_value(&capacity.get().to_string());
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(input) = input.get_untracked() {
            host.ask("capacity", String::new(), input.value());
        }
    };
    view! {
        <form class="field row" on:submit=submit>
            <label for="seats">{text::seats()}</label>
            <input node_ref=input id="seats" inputmode="numeric" autocomplete="off"/>
            <button class="button">{text::save()}</button>
        </form>
    }
    .into_any()
}

/// The other members, with what the host can do about each.
fn others(host: Host) -> AnyView {
    let room = host.room;
    let items = move || {
        let members = room.members.read();
        let others = members.iter().filter(|seated| seated.member != room.me);
        others.map(|seated| item(host, seated.member)).collect()
    };
    view! { <ul role="list" class="members"><List each=Box::new(items)/></ul> }.into_any()
}

/// A member, also under another name: whoever keeps renaming cannot take the buttons away.
fn item(host: Host, member: MemberId) -> Item {
    Item::new(ItemKey::Text(member.to_string()), move || {
        let name = move || {
            let members = host.room.members.read();
            let seated = members.iter().find(|seated| seated.member == member);
            seated.map(|seated| seated.name.to_string()).unwrap_or_default()
        };
        let ask = move |action| host.ask(action, member.to_string(), String::new());
        view! {
            <li>
                <bdi>{name}</bdi>
                <div class="ways" role="group" aria-label=name>
                    {confirmed("button", text::hand_over(), text::press_again(), Box::new(move || ask("hand_over")))}
                    {confirmed("button", text::remove(), text::press_again(), Box::new(move || ask("remove")))}
                    {confirmed("button", text::remove_and_lock(), text::press_again(), Box::new(move || ask("remove_and_lock")))}
                </div>
            </li>
        }
        .into_any()
    })
}

/// A button that asks once more before it does what cannot be undone. A double click is one press, and so is a key that is
/// held.
fn confirmed(class: &'static str, words: &'static str, sure: &'static str, act: Box<dyn Fn() + Send>) -> AnyView {
    let asks = RwSignal::new(false);
    let press = move |event: MouseEvent| {
        if event.detail() > 1 {
            return;
        }
        if asks.get_untracked() {
            act();
        }
        asks.update(|asks| *asks = !*asks);
    };
    let hold = |event: KeyboardEvent| {
        if event.repeat() && event.key() == "Enter" {
            event.prevent_default();
        }
    };
    view! {
        <button type="button" class=class on:click=click(press) on:keydown=hold on:blur=move |_| asks.set(false)>
            {move || if asks.get() { sure } else { words }}
        </button>
    }
    .into_any()
}
