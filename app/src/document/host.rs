//! `/room/{code}/host`: what the host can do, as forms. A document without the program: where script runs, the room's page
//! has a dialog for it.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::location::RequestUrl;
use protocol::{Member, RoomCode};

use super::{HEAD, head, top};
use crate::api::port::SharedRooms;
use crate::api::{EnterForm, Field, Inside};
use crate::components::icon::Sprite;
use crate::components::room::host::SLOW_SECONDS;
use crate::components::title::PageTitle;
use crate::language::Language;
use crate::text;

/// The document. Whoever is not the host is led to the room's page.
pub fn host_page(style: String) -> impl IntoView {
    provide_meta_context();
    let script = view! { <script nonce=leptos::nonce::use_nonce()>{HEAD.as_str()}</script> };
    let path = use_context::<RequestUrl>().and_then(|url| Some(url.parse().ok()?.path().to_owned()));
    let code = path.as_deref().and_then(|path| path.split('/').nth(2)).unwrap_or_default().to_owned();
    let rooms = use_context::<SharedRooms>();
    let inside = Suspend::new(async move { rooms?.as_host(code).await.map(forms) });
    view! {
        <!DOCTYPE html>
        <html lang=Language::current().tag() dir=Language::current().direction()>
            {head(style, script)}
            <body>
                <PageTitle name=text::manage_room()/>
                {inside}
                <Sprite/>
            </body>
        </html>
    }
}

fn forms(inside: Inside) -> impl IntoView {
    let Inside { snapshot, flash, .. } = inside;
    let (room, me) = (snapshot.room, snapshot.member);
    let code = room.code;
    let page = format!("/room/{code}");
    let others = snapshot.members.into_iter().filter(|seated| seated.member != me);
    let others = others.map(|seated| member(code, &seated)).collect_view();
    let refused = flash.as_ref().map(|flash| text::manage_refused(flash.refused, &flash.form));
    // Typed text comes back beside the words about it.
    let typed = |field: Field, typed: fn(&EnterForm) -> &String, present: String| {
        let back = flash.as_ref().map(|flash| typed(&flash.form).clone()).filter(|typed| !typed.is_empty());
        (flash.as_ref().is_some_and(|flash| flash.refused.field == field), back.unwrap_or(present))
    };
    let (seats_refused, seats) = typed(Field::Capacity, |form| &form.capacity, room.capacity.to_string());
    let (name_refused, name) = typed(Field::RoomName, |form| &form.room_name, room.name.to_string());
    let seconds = room.slow_ms.div_ceil(1_000);
    let interval = |value: u32| {
        let words = if value == 0 { text::slow_off().to_owned() } else { text::slow_seconds(value as usize) };
        view! { <option value=(value * 1_000).to_string() selected=value == seconds>{words}</option> }
    };
    view! {
        <div class="home">
            {top(page.clone())}
            <main>
                <div class="pitch">
                    <h1>{text::manage_room()}</h1>
                    <p>{room.name.to_string()}" "{code.to_string()}</p>
                </div>
                {refused.map(|words| view! { <p class="error" role="alert">{words}</p> })}
                <div class="card">
                    {form(code, "lock", view! { {switch(text::lock_room(), room.locked)} {save()} })}
                    {form(code, "host_only", view! { {switch(text::only_host_writes(), room.host_only)} {save()} })}
                    {form(code, "slow", view! {
                        <label for="slow">{text::slow_mode()}</label>
                        <select id="slow" name="value">{SLOW_SECONDS.map(interval).into_iter().collect_view()}</select>
                        {save()}
                    })}
                    {form(code, "capacity", view! {
                        <label for="seats">{text::seats()}</label>
                        <input id="seats" name="value" inputmode="numeric" autocomplete="off" value=seats
                            aria-invalid=seats_refused.then_some("true")/>
                        {save()}
                    })}
                    {form(code, "name", view! {
                        <label for="room-name">{text::room_name()}</label>
                        <input id="room-name" name="value" autocomplete="off" value=name aria-invalid=name_refused.then_some("true")/>
                        {save()}
                    })}
                </div>
                <div class="card">
                    {form(code, "renew_code", view! { <p>{text::renew_code_more()}</p><button class="button">{text::renew_code()}</button> })}
                    {form(code, "end", view! {
                        <label class="switch"><input type="checkbox" required/>{text::end_room_sure()}</label>
                        <button class="button danger">{text::end_room()}</button>
                    })}
                </div>
                {others}
                <a class="button primary" href=page>{text::back_to_room()}</a>
            </main>
        </div>
    }
}

/// Form of one action.
fn form(code: RoomCode, action: &'static str, fields: impl IntoView) -> impl IntoView {
    view! {
        <form class="field row" method="post" action="/api/manage_room">
            <input type="hidden" name="code" value=code.to_string()/>
            <input type="hidden" name="action" value=action/>
            {fields}
        </form>
    }
}

fn save() -> impl IntoView {
    view! { <button class="button">{text::save()}</button> }
}

/// Checkbox, which a form leaves out where it is not checked.
fn switch(words: &'static str, is_on: bool) -> impl IntoView {
    view! { <label class="switch"><input type="checkbox" name="value" value="on" checked=is_on/>{words}</label> }
}

/// Actions of the host on another member. They have to be opened first, so that no slip removes somebody.
fn member(code: RoomCode, seated: &Member) -> impl IntoView + use<> {
    let name = seated.name.to_string();
    let label = name.clone();
    let action = |action: &'static str, words: &'static str| {
        view! { <button class="button" name="action" value=action>{words}</button> }
    };
    view! {
        <form class="card" method="post" action="/api/manage_room" aria-label=label>
            <input type="hidden" name="code" value=code.to_string()/>
            <input type="hidden" name="member" value=seated.member.to_string()/>
            <details>
                <summary><bdi>{name.clone()}</bdi></summary>
                <div class="ways">
                    {action("hand_over", text::hand_over())}
                    {action("remove", text::remove())}
                    {action("remove_and_lock", text::remove_and_lock())}
                </div>
            </details>
        </form>
    }
}
