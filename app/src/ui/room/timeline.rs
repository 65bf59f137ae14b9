//! The log.
//!
//! A `column-reverse` scroller around one list in normal order: it opens at its end without script, and stays there
//! while the reader does not scroll away.

use leptos::prelude::*;

use super::message::RowView;
use crate::live::store::RoomStore;
use crate::ui::kit::Mark;
use crate::ui::text;

/// Everything said, oldest first.
#[component]
pub(super) fn Timeline(
    /// The room.
    store: RoomStore,
) -> impl IntoView {
    view! {
        <section class="log">
            <div class="rows" role="log" aria-label=text::MESSAGES>
                <Show when=move || store.has_older.get()>
                    <button class="button earlier" on:click=move |_| store.load_older()>{text::EARLIER}</button>
                </Show>
                <For each=move || store.rows.get() key=|row| row.key let(row)>
                    <RowView store row/>
                </For>
                <Show when=move || store.is_quiet.get()>
                    <div class="quiet"><Mark/><p>{text::EMPTY_ROOM}</p></div>
                </Show>
            </div>
        </section>
    }
}
