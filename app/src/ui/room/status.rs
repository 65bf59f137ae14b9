//! How the connection is. Silent for the first second of a loss; most losses are shorter.

use client::LOSS_MS;

use crate::live::browser;
use crate::live::store::{RoomStore, Status};
use crate::ui::kit::tool;
use crate::ui::text;
use crate::ui::tree::{El, el};

/// The banner below the header, and its voice. The voice says each state once; only the eye is told the seconds.
pub(super) fn view(store: RoomStore) -> El {
    let voice = el("div").attr("role", "status").class("visually-hidden");
    el("div")
        .class("status")
        .live(move || voice.clone().text(state(store).unwrap_or_default()))
        .live(move || banner(store))
        .on("click", move |event| {
            if browser::target(event).and_then(|target| browser::closest(&target, "button")).is_some() {
                store.try_now();
            }
        })
}

fn state(store: RoomStore) -> Option<String> {
    match store.status.get() {
        Status::Connecting | Status::Reconnecting { .. } if store.leaving.get() => Some(text::LEAVING.to_owned()),
        Status::Reconnecting { since, offline, .. } => {
            (store.now.get().saturating_sub(since) >= LOSS_MS).then(|| text::disconnected(offline).to_owned())
        }
        _ => store.returned.get().map(|returned| text::returned(returned.missed)),
    }
}

fn banner(store: RoomStore) -> El {
    let status = store.status.get();
    let state = state(store);
    let class = match (status, &state) {
        (Status::Live, Some(_)) => "banner back shown",
        (Status::Live, None) => "banner back",
        (_, Some(_)) => "banner shown",
        (_, None) => "banner",
    };
    let countdown = match status {
        Status::Reconnecting { next_try: Some(at), .. } if !store.leaving.get() => {
            Some(at.saturating_sub(store.now.get()).div_ceil(1_000)).filter(|seconds| *seconds > 0)
        }
        _ => None,
    };
    let words = state.map(|state| countdown.map_or(state, text::trying_again_in));
    let stubborn = matches!(status, Status::Reconnecting { failed: STUBBORN.., offline: false, .. });
    el("div")
        .class(class)
        .child(el("span").attr("aria-hidden", "true").text(words.unwrap_or_default()))
        .child(tool().class("button").flag("hidden", status == Status::Live).text(text::TRY_NOW))
        .children(stubborn.then(|| {
            el("a")
                .class("button")
                .attr("href", format!("/room/{}", store.code))
                .attr("rel", "external")
                .text(text::REFRESH)
        }))
}

/// After this many attempts the network may be one that lets pages through and sockets not.
const STUBBORN: u32 = 3;
