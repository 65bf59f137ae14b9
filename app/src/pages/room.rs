//! `/room/{code}`: the room from inside or from outside, or why it cannot be shown.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_navigate, use_params_map, use_query_map};
use protocol::RoomCode;

use super::outside::{JoinRoomProps, LastLeaveProps, OUTSIDE, OutsideViews, UnknownRoomProps};
use crate::api::{self, Cause, Visit};
use crate::components::notice::{KeptUnsent, Notice};
use crate::components::page_announcer::PageAnnouncer;
use crate::components::room::RoomView;
use crate::components::title::PageTitle;
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
    // Where a form without script leads: to the question for the last one, and to the page for who has left.
    let query = use_query_map();
    let has = move |name| query.read_untracked().get_str(name).is_some();
    let asks = has("leave");
    // The room that the reader has left, and not come back to.
    let left_code = RwSignal::new(has("left").then(|| untrack(code)));
    let left = Callback::new(move |()| {
        left_code.set(Some(untrack(code)));
        visit.refetch();
    });
    let again = Callback::new(move |()| visit.refetch());
    let fetched = Callback::new(|()| OUTSIDE.prefetch());
    let navigate = use_navigate();
    let entered = Callback::new(move |entered: RoomCode| {
        // Who joins is at the room's address already, unless the code had to be mended.
        if entered.to_string() == untrack(code) {
            visit.refetch();
        } else {
            navigate(&format!("/room/{entered}"), Default::default());
        }
    });
    let set_pending = expect_context::<PageAnnouncer>().pending();
    view! {
        <Transition set_pending>
            {move || Suspend::new(async move {
                let visit = visit.await;
                let code = untrack(code);
                let has_left = left_code.try_get_untracked().flatten().as_ref() == Some(&code);
                match visit {
                    Ok(Visit::Inside(inside)) if asks && inside.snapshot.members.len() == 1 => {
                        outside(code, again, |views| (views.last_leave)(LastLeaveProps { inside: *inside })).await
                    }
                    Ok(Visit::Inside(inside)) => view! { <RoomView inside=*inside again left fetched/> }.into_any(),
                    Ok(Visit::JoinPage(page)) => {
                        outside(code, again, |views| (views.join)(JoinRoomProps { page, has_left, entered, again })).await
                    }
                    Ok(Visit::Unknown(_)) if has_left => view! {
                        <PageTitle name=text::left(&code)/>
                        <Notice heading=text::left(&code) more=text::EVERYBODY_LEFT evaporates=true/>
                    }
                    .into_any(),
                    Ok(Visit::Unknown(unsent)) => {
                        outside(code.clone(), again, |views| (views.unknown)(UnknownRoomProps { code, unsent, entered })).await
                    }
                    Ok(Visit::Unavailable) => view! { <Unavailable cause=Cause::Server code again/> }.into_any(),
                    Err(cause) => view! { <Unavailable cause code again/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// Draws with the chunk of the pages outside of a room.
async fn outside(code: String, again: Callback<()>, draw: impl FnOnce(OutsideViews) -> AnyView) -> AnyView {
    OUTSIDE.load().await.map_or_else(|| without_chunk(code, again), draw)
}

/// The page in place of one whose chunk does not come. Where there is a network, the server has become another build.
pub(super) fn without_chunk(code: String, again: Callback<()>) -> AnyView {
    let cause = if browser::is_online() { Cause::Release } else { Cause::Network };
    view! { <Unavailable cause code lacks_chunk=true again/> }.into_any()
}

/// The page of what cannot be had now. It asks again by itself, and at once when the network is back.
#[component]
fn Unavailable(
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
        let code = code.clone();
        spawn_local(async move {
            let may_be_had = if lacks_chunk {
                OUTSIDE.load().await.is_some()
            } else {
                let answer = api::room_snapshot(code).await.map_err(|error| error.cause);
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
