//! `/`.

use leptos::prelude::*;

use super::home_view::HomeViewProps;
use super::outside::OUTSIDE;
use super::unavailable::without_chunk;
use crate::components::page_announcer::PageAnnouncer;

/// The page of `/`, drawn by the chunk of the pages outside of a room.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    // Until it is drawn, with what the server has for it.
    let set_pending = expect_context::<PageAnnouncer>().pending();
    set_pending.set(true);
    // The server makes twice what is within a `Suspend`, and the second page would find a refused form taken by the first.
    if let Some(views) = OUTSIDE.loaded() {
        return (views.home)(HomeViewProps { set_pending });
    }
    let tries = RwSignal::new(0);
    let again = Callback::new(move |()| *tries.write() += 1);
    view! {
        <Transition>
            {move || {
                tries.track();
                Suspend::new(async move {
                    match OUTSIDE.load().await {
                        Some(views) => (views.home)(HomeViewProps { set_pending }),
                        None => {
                            set_pending.set(false);
                            without_chunk(String::new(), again)
                        }
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}
