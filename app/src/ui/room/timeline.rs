//! The log.
//!
//! A `column-reverse` scroller around one list in normal order: it opens at its end without script, and stays there
//! while the reader does not scroll away.

use leptos::prelude::*;

use super::message::RowView;
use crate::client::Row;
use crate::live::store::RoomStore;
use crate::ui::kit::Mark;
use crate::ui::text;

/// Everything said, oldest first.
#[component]
pub(super) fn Timeline(
    /// The room.
    store: RoomStore,
) -> impl IntoView {
    let is_quiet = move || store.rows.with(|rows| rows.iter().all(|row| matches!(*row.row.read(), Row::Line(_))));
    view! {
        <section class="log">
            <div class="rows" role="log" aria-label=text::MESSAGES>
                <Show when=move || store.older.get().is_some()>
                    <button class="button earlier" on:click=move |_| store.load_older()>{text::EARLIER}</button>
                </Show>
                <For each=move || store.rows.get() key=|row| row.key let(row)>
                    <RowView store row/>
                </For>
                <Show when=is_quiet>
                    <div class="quiet"><Mark/><p>{text::EMPTY_ROOM}</p></div>
                </Show>
            </div>
        </section>
    }
}
