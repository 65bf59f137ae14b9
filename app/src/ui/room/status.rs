//! How the connection is. Silent for the first second of a loss; most losses are shorter.

use leptos::prelude::*;

use crate::live::store::{RoomStore, Status};
use crate::ui::text;

/// The banner below the header, and its voice.
#[component]
pub(super) fn StatusLine(
    /// The room.
    store: RoomStore,
) -> impl IntoView {
    let words = move || match store.status.get() {
        Status::Connecting | Status::Reconnecting { .. } if store.leaving.get() => Some(text::LEAVING.to_owned()),
        Status::Reconnecting { since, next_try, offline } => {
            let now = store.now.get();
            (now.saturating_sub(since) >= SILENT_MS)
                .then(|| text::reconnecting(offline, next_try.map(|at| at.saturating_sub(now).div_ceil(1_000))))
        }
        _ => None,
    };
    let shown = Memo::new(move |_| words().is_some());
    view! {
        <div role="status" class="banner" class:shown=shown>
            {move || words()}
            {move || shown.get().then(|| view! {
                <button class="button" on:click=move |_| store.try_now()>{text::TRY_NOW}</button>
            })}
        </div>
    }
}

/// Losses shorter than this are not worth a word, in milliseconds.
const SILENT_MS: u64 = 1_000;
