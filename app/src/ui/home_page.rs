//! `/`: one card, one form.

use leptos::prelude::*;
use leptos_meta::Title;

use super::enter_form::{EnterForm, Purpose};
use super::island::island;
use super::kit::top;
use super::notice;
use super::text;
use crate::api;

/// The home page.
#[component]
pub(super) fn HomePage() -> impl IntoView {
    let home = Resource::new_blocking(|| (), |()| api::home());
    view! {
        <Title text=""/>
        <div class="home">
            {top().view()}
            <main>
                <div class="pitch">
                    <h1>{text::PITCH}</h1>
                    <p>{text::PITCH_MORE}</p>
                </div>
                <Suspense>
                    {move || Suspend::new(async move {
                        let api::Home { flash, capacity } = home.await.unwrap_or_default();
                        let unsent: Vec<String> =
                            flash.iter().map(|flash| flash.body.clone()).filter(|body| !body.is_empty()).collect();
                        view! {
                            {notice::unsent(&unsent).map(|piece| piece.view())}
                            {island(EnterForm { purpose: Purpose::Home { capacity }, flash }).view()}
                        }
                    })}
                </Suspense>
            </main>
            <footer><span>{text::PROMISE}</span></footer>
        </div>
    }
}
