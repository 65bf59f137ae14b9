//! `/`: one card, one form.

use leptos::prelude::*;
use leptos_meta::Title;

use super::enter_form::{EnterForm, Purpose};
use super::kit::Mark;
use super::text;
use crate::api;

/// The home page.
#[component]
pub(super) fn HomePage() -> impl IntoView {
    let home = Resource::new_blocking(|| (), |()| api::home());
    view! {
        <Title text=""/>
        <div class="home">
            <a class="mark" href="/" rel="external"><Mark/>{text::PRODUCT}</a>
            <main>
                <div class="pitch">
                    <h1>{text::PITCH}</h1>
                    <p>{text::PITCH_MORE}</p>
                </div>
                <Suspense>
                    {move || Suspend::new(async move {
                        let api::Home { flash, capacity } = home.await.unwrap_or_default();
                        view! { <EnterForm purpose=Purpose::Home { capacity } flash/> }
                    })}
                </Suspense>
            </main>
            <footer><span>{text::PROMISE}</span></footer>
        </div>
    }
}
