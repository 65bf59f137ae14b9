//! `/room/{code}`: inside, at the door, or a calm word why neither.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_params_map;

use super::enter_form::{EnterForm, Purpose};
use super::island::island;
use super::kit::top;
use super::notice::{self, KeptUnsent, Notice};
use super::room::help::Help;
use super::room::invite::Invite;
use super::text;
use crate::api::{self, Visit};

/// The room's page.
#[component]
pub(super) fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let code = move || params.read().get("code").unwrap_or_default();
    let visit = Resource::new_blocking(code, api::room_snapshot);
    view! {
        <Meta name="robots" content="noindex"/>
        <Suspense>
            {move || Suspend::new(async move {
                match visit.await.unwrap_or(Visit::Unavailable) {
                    Visit::Inside(inside) => view! {
                        <Title text=inside.snapshot.room.code.to_string()/>
                        <a class="skip" href="#body">{text::SKIP}</a>
                        <Invite code=inside.snapshot.room.code/>
                        <Help/>
                        {island(*inside).view()}
                    }.into_any(),
                    Visit::Door(door) => view! { <DoorPage door/> }.into_any(),
                    Visit::Unknown { unsent } => view! {
                        <Title text=text::NO_ROOM/>
                        <Notice heading=text::NO_ROOM more=text::MAY_HAVE_ENDED unsent_words=unsent>
                            {code().parse().ok().map(|code| island(KeptUnsent { code, gone: true }).view())}
                        </Notice>
                    }.into_any(),
                    Visit::Unavailable => view! {
                        <Title text=text::UNAVAILABLE/>
                        <Notice heading=text::UNAVAILABLE more=text::UNAVAILABLE_MORE step=text::TRY_AGAIN to=""/>
                    }.into_any(),
                }
            })}
        </Suspense>
    }
}

/// The room from outside: how many are in, a name, one button.
#[component]
fn DoorPage(
    /// What can be seen from outside.
    door: api::Door,
) -> impl IntoView {
    let api::Door { code, inside, capacity, flash } = door;
    let full = inside >= capacity;
    let unsent: Vec<String> = flash.iter().map(|flash| flash.body.clone()).filter(|body| !body.is_empty()).collect();
    view! {
        <Title text=code.to_string()/>
        <div class="home">
            {top().view()}
            <main>
                <div class="pitch">
                    <h1 class="code" translate="no">{code.to_string()}</h1>
                    <p>{text::inside(inside)}</p>
                </div>
                {notice::unsent(&unsent).map(|piece| piece.view())}
                {island(KeptUnsent { code, gone: false }).view()}
                {if full {
                    view! {
                        <div class="card notice">
                            <h2>{text::FULL}</h2>
                            <p>{text::FULL_MORE}</p>
                            <a class="button primary" href=format!("/room/{code}") rel="external">{text::TRY_AGAIN}</a>
                            <a class="button" href="/" rel="external">{text::START_NEW}</a>
                        </div>
                    }.into_any()
                } else {
                    island(EnterForm { purpose: Purpose::Door(code), flash }).view().into_any()
                }}
            </main>
            <footer><span>{text::PROMISE}</span></footer>
        </div>
    }
}
