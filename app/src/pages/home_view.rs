//! View of the home page: one card, one form.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use protocol::RoomCode;

use super::my_rooms::MyRooms;
use crate::api::{self, Home};
use crate::components::enter_form::{EnterForm, Purpose};
use crate::components::notice::Unsent;
use crate::components::title::PageTitle;
use crate::components::top_bar::TopBar;
use crate::text;

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
            <TopBar/>
            <main>
                <div class="pitch">
                    <h1><span>{text::pitch_first()}</span>" "<span>{text::pitch_second()}</span></h1>
                    <p>{text::pitch_more()}</p>
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
                <MyRooms/>
            </main>
            <footer><span>{text::promise()}</span><a href="/privacy" rel="external">{text::privacy()}</a></footer>
        </div>
    }
}
