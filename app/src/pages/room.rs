//! `/room/{code}`: the room from inside or from outside, or why it cannot be shown.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;
use protocol::RoomCode;

use crate::api::{self, Cause, JoinPage, Visit};
use crate::components::enter_form::{EnterForm, Purpose};
use crate::components::notice::{KeptUnsent, Notice, Unsent};
use crate::components::page_announcer::PageAnnouncer;
use crate::components::room::RoomView;
use crate::components::title::PageTitle;
use crate::components::top::Top;
use crate::live::browser;
use crate::live::effect::effect;
use crate::text;

/// A room that cannot be had is asked for again this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The room's page.
#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let code = move || params.read().get("code").unwrap_or_default();
    let visit =
        Resource::new_blocking(code, |code| async { api::room_snapshot(code).await.map_err(|error| error.cause) });
    // Who joins is at the room's address already.
    let entered = Callback::new(move |_| visit.refetch());
    let again = Callback::new(move |()| visit.refetch());
    let set_pending = expect_context::<PageAnnouncer>().reloading();
    on_cleanup(move || set_pending.set(false));
    view! {
        <Transition set_pending>
            {move || Suspend::new(async move {
                match visit.await {
                    Ok(Visit::Inside(inside)) => view! { <RoomView inside=*inside again/> }.into_any(),
                    Ok(Visit::JoinPage(page)) => view! { <JoinRoom page entered/> }.into_any(),
                    Ok(Visit::Unknown(unsent)) => view! {
                        <PageTitle name=text::NO_ROOM/>
                        <Notice heading=text::NO_ROOM more=text::MAY_HAVE_ENDED>
                            <Unsent bodies=unsent/>
                            {untrack(code).parse().ok().map(|code| view! { <KeptUnsent code gone=true/> }.into_any())}
                        </Notice>
                    }.into_any(),
                    Ok(Visit::Unavailable) => view! { <Unavailable cause=Cause::Server code=untrack(code) again/> }.into_any(),
                    Err(cause) => view! { <Unavailable cause code=untrack(code) again/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The page of a room that cannot be had now. It asks again by itself, and at once when the network is back.
#[component]
fn Unavailable(
    /// Why.
    cause: Cause,
    /// The room's code, as the address has it.
    code: String,
    /// Called when the room can be had.
    again: Callback<()>,
) -> impl IntoView {
    let (heading, more, step) = text::unavailable(cause);
    let kept = code.parse().ok().map(|code| view! { <KeptUnsent code/> }.into_any());
    // The page is another one only when there is something else to say: who reads or hears this one is not disturbed.
    let look = move || {
        let code = code.clone();
        spawn_local(async move {
            let answer = api::room_snapshot(code).await.map_err(|error| error.cause);
            if !matches!(answer, Ok(Visit::Unavailable) | Err(Cause::Server | Cause::Network)) {
                again.try_run(());
            }
        });
    };
    effect(move || {
        let online = look.clone();
        browser::on_window_event(ev::online, move |_| online());
        if let Ok(timer) = set_interval_with_handle(look.clone(), LOOK_AGAIN) {
            on_cleanup(move || timer.clear());
        }
    });
    // What this document cannot read, the next one can.
    let again = (cause != Cause::Release).then_some(again);
    view! {
        <PageTitle name=heading/>
        <Notice heading more step to="" again>{kept}</Notice>
    }
}

/// The room from outside: how many are in, a name, one button.
#[component]
fn JoinRoom(
    /// The room as seen from outside.
    page: JoinPage,
    /// Called when the room has to be asked for again.
    entered: Callback<RoomCode>,
) -> impl IntoView {
    let JoinPage { code, inside, capacity, flash } = page;
    let unsent = flash.iter().map(|flash| flash.body.clone()).collect();
    let next = if inside < capacity {
        view! { <EnterForm purpose=Purpose::JoinPage(code) flash entered/> }.into_any()
    } else {
        view! {
            <div class="card notice">
                <h2>{text::FULL}</h2>
                <p>{text::FULL_MORE}</p>
                <a class="button primary" href=format!("/room/{code}") rel="external">{text::TRY_AGAIN}</a>
                <a class="button" href="/">{text::START_NEW}</a>
            </div>
        }
        .into_any()
    };
    view! {
        <PageTitle name=code.to_string()/>
        <div class="home">
            <Top/>
            <main>
                <div class="pitch">
                    <h1 class="code" translate="no">{code.to_string()}</h1>
                    <p>{text::inside(inside)}</p>
                </div>
                <Unsent bodies=unsent/>
                <KeptUnsent code/>
                {next}
            </main>
            <footer><span>{text::PROMISE}</span></footer>
        </div>
    }
}
