//! State of the connection. Silent for the first second of a loss; most losses are shorter.

use client::SHORT_LOSS_MS;
use leptos::ev;
use leptos::prelude::*;

use crate::components::click::click;
use crate::live::room::{Room, Status};
use crate::text;

/// After this many failed attempts the network may be one that lets pages through and sockets not.
const STUBBORN: u32 = 3;

/// The banner below the header, and its voice. The voice says each state once; only the eye is told the seconds.
#[component]
pub(super) fn StatusBanner() -> impl IntoView {
    let room = expect_context::<Room>();
    let state = Memo::new(move |_| state(room));
    let class = move || match (room.status.get(), state.read().is_some()) {
        (Status::Live, true) if room.outdated.get() => "banner news shown",
        (Status::Live, true) => "banner back shown",
        (Status::Live, false) => "banner back",
        (_, true) => "banner shown",
        (_, false) => "banner",
    };
    let words = move || {
        state.get().map(|state| countdown(room).map_or(state, |seconds| text::trying_again_in(seconds as usize)))
    };
    let refresh = move || {
        let stubborn = matches!(room.status.get(), Status::Reconnecting { failed: STUBBORN.., offline: false, .. });
        let link = || {
            let refresh = move |event: ev::MouseEvent| {
                event.prevent_default();
                room.refresh();
            };
            let href = format!("/room/{}", room.code);
            view! { <a class="button" href=href rel="external" on:click=click(refresh)>{text::refresh()}</a> }
                .into_any()
        };
        stubborn.then(link)
    };
    view! {
        <div class="status">
            <div role="status" class="visually-hidden">{move || state.get()}</div>
            <div class=class>
                <span aria-hidden="true">{move || words()}</span>
                <button type="button" class="button" hidden=move || room.status.get() == Status::Live on:click=click(move |_| room.try_now())>
                    {text::try_now()}
                </button>
                {move || refresh()}
                <button type="button" class="button" hidden=move || !is_outdated(room) on:click=click(move |_| room.reload())>
                    {text::reload()}
                </button>
            </div>
        </div>
    }
}

fn state(room: Room) -> Option<String> {
    match room.status.get() {
        Status::Connecting | Status::Reconnecting { .. } if room.leaving.get() => Some(text::leaving().to_owned()),
        Status::Reconnecting { since, offline, .. } => (room.now.get().saturating_sub(since) >= SHORT_LOSS_MS)
            .then(|| if offline { text::offline() } else { text::disconnected() }.to_owned()),
        _ if is_outdated(room) => Some(text::outdated().to_owned()),
        _ => room.reconnected.get().map(|reconnected| text::reconnected(reconnected.missed)),
    }
}

/// True if there is a connection to a server of another build than this page.
fn is_outdated(room: Room) -> bool {
    room.outdated.get() && room.status.get() == Status::Live
}

/// Seconds until the next attempt to connect.
fn countdown(room: Room) -> Option<u64> {
    match room.status.get() {
        Status::Reconnecting { next_try: Some(at), .. } if !room.leaving.get() => {
            Some(at.saturating_sub(room.now.get()).div_ceil(1_000)).filter(|seconds| *seconds > 0)
        }
        _ => None,
    }
}
