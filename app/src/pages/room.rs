//! `/room/{code}`: the room from inside or from outside, or why it cannot be shown.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use protocol::RoomCode;

use crate::api::{self, JoinPage, Visit};
use crate::app::Reloading;
use crate::components::enter_form::{EnterForm, Purpose};
use crate::components::notice::{KeptUnsent, Notice, Unsent};
use crate::components::room::RoomView;
use crate::components::title::PageTitle;
use crate::components::top::Top;
use crate::text;

/// The room's page.
#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let code = move || params.read().get("code").unwrap_or_default();
    let visit =
        Resource::new_blocking(code, |code| async { api::room_snapshot(code).await.unwrap_or(Visit::Unavailable) });
    // Who joins is at the room's address already.
    let entered = Callback::new(move |_| visit.refetch());
    let again = Callback::new(move |()| visit.refetch());
    let Reloading(set_pending) = expect_context();
    on_cleanup(move || set_pending.set(false));
    view! {
        <Transition set_pending>
            {move || Suspend::new(async move {
                match visit.await {
                    Visit::Inside(inside) => view! { <RoomView inside=*inside/> }.into_any(),
                    Visit::JoinPage(page) => view! { <JoinRoom page entered/> }.into_any(),
                    Visit::Unknown(unsent) => view! {
                        <PageTitle name=text::NO_ROOM/>
                        <Notice heading=text::NO_ROOM more=text::MAY_HAVE_ENDED>
                            <Unsent bodies=unsent/>
                            {untrack(code).parse().ok().map(|code| view! { <KeptUnsent code gone=true/> }.into_any())}
                        </Notice>
                    }.into_any(),
                    Visit::Unavailable => view! {
                        <PageTitle name=text::UNAVAILABLE/>
                        <Notice heading=text::UNAVAILABLE more=text::UNAVAILABLE_MORE step=text::TRY_AGAIN to="" again>
                            {untrack(code).parse().ok().map(|code| view! { <KeptUnsent code/> })}
                        </Notice>
                    }.into_any(),
                }
            })}
        </Transition>
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
