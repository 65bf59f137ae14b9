//! Which room this is, the way to bring others in, and the way out.

use leptos::ev::{MouseEvent, SubmitEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::live::browser;
use crate::live::store::RoomStore;
use crate::ui::kit::{Glyph, Icon, Mark};
use crate::ui::text;

/// The bar at the top.
#[component]
pub(super) fn Header(
    /// The room.
    store: RoomStore,
) -> impl IntoView {
    let code = store.code.to_string();
    let link = format!("/room/{code}");
    let copied = RwSignal::new(false);
    let copy = move |event: MouseEvent| {
        if !browser::can_copy() {
            return;
        }
        event.prevent_default();
        let link = format!("{}/room/{}", browser::origin(), store.code);
        spawn_local(async move {
            if browser::copy(&link).await {
                copied.set(true);
                set_timeout(
                    move || {
                        copied.try_set(false);
                    },
                    COPIED_FOR,
                );
            }
        });
    };
    let leave = move |event: SubmitEvent| {
        let unsent = store.unsent.read_untracked().len();
        let stays = unsent > 0 && !browser::confirm(&text::leave_unsent(unsent));
        if stays || store.leave() {
            event.prevent_default();
        }
    };
    view! {
        <header>
            <a class="mark" href="/" rel="external" aria-label=text::PRODUCT><Mark/></a>
            // Without script this is the room's link, to be copied by the browser's own means.
            <a class="chip" href=link rel="external" title=text::COPY_LINK on:click=copy>
                <code data-testid="code" translate="no">{code.clone()}</code>
                <Glyph icon=Signal::derive(move || if copied.get() { Icon::Done } else { Icon::Copy })/>
                <span class="visually-hidden" role="status">{move || if copied.get() { text::COPIED } else { "" }}</span>
            </a>
            <span class="chip still">
                <Glyph icon=Icon::People/>
                {move || store.members.read().len()}
                <span class="of">"/ "{store.capacity}</span>
            </span>
            <span class="space"></span>
            <form method="post" action="/api/leave_room" on:submit=leave>
                <input type="hidden" name="code" value=code/>
                <button class="button leave">
                    <Glyph icon=Icon::Leave/>
                    <span class="label">{text::LEAVE}</span>
                </button>
            </form>
        </header>
    }
}

/// How long the tick stands in place of the copy sign.
const COPIED_FOR: std::time::Duration = std::time::Duration::from_secs(2);
