//! `/room/{code}`: the room from inside or from outside, or why it cannot be shown.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map, use_query_map};
use protocol::RoomCode;

use super::outside::{JoinRoomProps, LastLeaveProps, OUTSIDE, OutsideViews, UnknownRoomProps};
use super::unavailable::{Unavailable, without_chunk};
use crate::api::{self, Cause, Visit};
use crate::components::notice::Notice;
use crate::components::page_announcer::PageAnnouncer;
use crate::components::room::RoomView;
use crate::components::title::PageTitle;
use crate::text;

/// The room's page.
#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let code = move || params.read().get("code").unwrap_or_default();
    let visit = Resource::new_blocking(code, |code| async {
        api::room_snapshot(code, false).await.map_err(|error| error.cause)
    });
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
    let replace = navigate.clone();
    let moved = Callback::new(move |code: RoomCode| {
        replace(&format!("/room/{code}"), NavigateOptions { replace: true, ..NavigateOptions::default() });
    });
    let entered = Callback::new(move |entered: RoomCode| {
        // Who joins is at the room's address already, unless the code had to be mended.
        if entered.to_string() == untrack(code) {
            visit.refetch();
        } else {
            navigate(&format!("/room/{entered}"), Default::default());
        }
    });
    // Not on the server: there the effect that calls it may outlive the page, and panics then.
    let set_pending = cfg!(feature = "hydrate").then(|| expect_context::<PageAnnouncer>().pending());
    view! {
        <Transition nostrip:set_pending>
            {move || Suspend::new(async move {
                let visit = visit.await;
                let code = untrack(code);
                let has_left = left_code.try_get_untracked().flatten().as_ref() == Some(&code);
                match visit {
                    Ok(Visit::Inside(inside)) if asks && inside.snapshot.members.len() == 1 => {
                        outside(code, again, |views| (views.last_leave)(LastLeaveProps { inside: *inside })).await
                    }
                    Ok(Visit::Inside(inside)) => view! { <RoomView inside=*inside again left fetched moved/> }.into_any(),
                    Ok(Visit::JoinPage(page)) => {
                        let page = *page;
                        outside(code, again, |views| (views.join)(JoinRoomProps { page, has_left, entered, again })).await
                    }
                    Ok(Visit::Unknown(_)) if has_left => view! {
                        <PageTitle name=text::left(&code)/>
                        <Notice heading=text::left(&code) more=text::everybody_left() evaporates=true/>
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
