//! The room, laid out.

use leptos::prelude::*;
use leptos_meta::Title;

use super::missing_page::MissingPage;
use super::text;
use crate::api::Inside;
use crate::live::store::{RoomStore, Status};

mod composer;
mod header;
mod message;
mod roster;
mod status;
mod timeline;

use composer::Composer;
use header::Header;
use roster::Roster;
use status::StatusLine;
use timeline::Timeline;

/// The room as a member sees it: first as the server rendered it, then live.
#[component]
pub(super) fn RoomView(
    /// What the server knew.
    inside: Inside,
) -> impl IntoView {
    let Inside { snapshot, post_id, flash } = inside;
    let store = RoomStore::new(snapshot, post_id);
    store.start();
    let over = Memo::new(move |_| match store.status.get() {
        Status::Ended(ending) => Some(ending),
        _ => None,
    });
    view! {
        <Title text=store.code.to_string()/>
        {move || match over.get() {
            None => view! {
                <div class="room">
                    <Header store/>
                    <StatusLine store/>
                    <Timeline store/>
                    <Roster store/>
                    <Composer store post_id flash=flash.clone()/>
                </div>
            }.into_any(),
            Some(ending) => {
                let (heading, more, step, to) = text::ending(ending);
                let unsent = store.unsent.get_untracked().iter().map(|body| body.as_str().to_owned()).collect();
                view! { <MissingPage heading more step to unsent/> }.into_any()
            }
        }}
    }
}
