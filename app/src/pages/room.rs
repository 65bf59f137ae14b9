//! `/room/{code}`: inside, at the door, or a calm word why neither.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::api::{self, Visit};
use crate::components::room::RoomView;

/// The room's page.
#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let code = move || params.read().get("code").unwrap_or_default();
    let visit = Resource::new_blocking(code, api::room_snapshot);
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match visit.await.unwrap_or(Visit::Unavailable) {
                    Visit::Inside(inside) => view! { <RoomView inside=*inside/> }.into_any(),
                    _ => ().into_any(),
                }
            })}
        </Suspense>
    }
}
