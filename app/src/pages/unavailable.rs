//! The page of what cannot be had now.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::outside::OUTSIDE;
use crate::api::{self, Cause, Visit};
use crate::components::notice::{KeptUnsent, Notice};
use crate::components::title::PageTitle;
use crate::live::browser;
use crate::live::effect::effect;
use crate::text;

/// A room that cannot be had is asked for again this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The page in place of one whose chunk does not come. Where there is a network, the server has become another build.
pub(super) fn without_chunk(code: String, again: Callback<()>) -> AnyView {
    let cause = if browser::is_online() { Cause::Release } else { Cause::Network };
    view! { <Unavailable cause code lacks_chunk=true again/> }.into_any()
}

/// The page of what cannot be had now. It asks again by itself, and at once when the network is back.
#[component]
pub(super) fn Unavailable(
    /// Why.
    cause: Cause,
    /// The room's code, as the address has it; empty where it is no room's page.
    code: String,
    /// True where the chunk of the pages outside of a room did not come, and nothing else.
    #[prop(optional)]
    lacks_chunk: bool,
    /// Called when it may be had.
    again: Callback<()>,
) -> impl IntoView {
    let (heading, more, step) = text::unavailable(cause);
    let kept = code.parse().ok().map(|code| view! { <KeptUnsent code/> }.into_any());
    // The page is another one only when there is something else to say: who reads or hears this one is not disturbed.
    let look = move || {
        if !browser::is_visible() {
            return;
        }
        let code = code.clone();
        spawn_local(async move {
            let may_be_had = if lacks_chunk {
                OUTSIDE.load().await.is_some()
            } else {
                let answer = api::room_snapshot(code, true).await.map_err(|error| error.cause);
                !matches!(answer, Ok(Visit::Unavailable) | Err(Cause::Server | Cause::Network))
            };
            if may_be_had {
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
