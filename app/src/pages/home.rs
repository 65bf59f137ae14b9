//! `/`: one card, one form.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use protocol::RoomCode;

use super::outside::OUTSIDE;
use super::room::without_chunk;
use crate::api::{self, Home};
use crate::components::enter_form::{EnterForm, Purpose};
use crate::components::notice::Unsent;
use crate::components::page_announcer::PageAnnouncer;
use crate::components::title::PageTitle;
use crate::components::top::Top;
use crate::text;

/// The page of `/`, drawn by the chunk of the pages outside of a room.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    // Until it is drawn, with what the server has for it.
    let set_pending = expect_context::<PageAnnouncer>().pending();
    set_pending.set(true);
    // The server makes twice what is within a `Suspend`, and the second page would find a refused form taken by the first.
    if let Some(views) = OUTSIDE.here() {
        return (views.home)(HomeViewProps { set_pending });
    }
    let tries = RwSignal::new(0);
    let again = Callback::new(move |()| *tries.write() += 1);
    view! {
        <Transition>
            {move || {
                tries.track();
                Suspend::new(async move {
                    match OUTSIDE.load().await {
                        Some(views) => (views.home)(HomeViewProps { set_pending }),
                        None => {
                            set_pending.set(false);
                            without_chunk(String::new(), again)
                        }
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// One card, one form.
#[component]
pub(super) fn HomeView(
    /// Set to false when it is drawn whole.
    set_pending: SignalSetter<bool>,
) -> impl IntoView {
    let home = Resource::new_blocking(|| (), |()| async { api::home().await.unwrap_or_default() });
    let navigate = use_navigate();
    let entered = Callback::new(move |code: RoomCode| navigate(&format!("/room/{code}"), Default::default()));
    view! {
        <PageTitle name=""/>
        <div class="home">
            <Top/>
            <main>
                <div class="pitch">
                    <h1><span>{text::PITCH[0]}</span>" "<span>{text::PITCH[1]}</span></h1>
                    <p>{text::PITCH_MORE}</p>
                </div>
                <Transition>
                    {move || Suspend::new(async move {
                        let Home { flash, capacity } = home.await;
                        set_pending.set(false);
                        view! {
                            <Unsent bodies=flash.iter().map(|flash| flash.body.clone()).collect()/>
                            <EnterForm purpose=Purpose::Home { capacity } flash entered/>
                        }
                        .into_any()
                    })}
                </Transition>
            </main>
            <footer><span>{text::PROMISE}</span></footer>
        </div>
    }
}
