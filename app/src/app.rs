//! The routes.

use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

use crate::components::page_announcer::{PageAnnouncement, PageAnnouncer};
use crate::components::typed_forms::TypedForms;
use crate::pages::home::HomePage;
use crate::pages::missing::MissingPage;
#[cfg(feature = "hydrate")]
use crate::pages::outside::OUTSIDE;
use crate::pages::room::RoomPage;

/// The application. Both pages are rendered whole (`SsrMode::Async`): without script nothing may wait in a template.
#[component]
pub fn App() -> impl IntoView {
    #[cfg(feature = "ssr")]
    leptos_meta::provide_meta_context();
    let announcer = PageAnnouncer::new();
    provide_context(announcer.clone());
    provide_context(TypedForms::default());
    view! {
        <Router set_is_routing=announcer.routing()>
            <FlatRoutes fallback=MissingPage>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/room/:code") view=RoomPage ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
        <PageAnnouncement announcer/>
    }
}

/// Fetches what the page that the server rendered is drawn with, beside the program itself. False when it does not come.
#[cfg(feature = "hydrate")]
pub async fn fetch_chunks() -> bool {
    let is_outside = document().query_selector("#app .pitch").is_ok_and(|found| found.is_some());
    !is_outside || OUTSIDE.load().await.is_some()
}

/// Takes the socket that was begun, before the program ran, for the room on the page.
#[cfg(feature = "hydrate")]
pub fn take_socket(socket: Option<web_sys::WebSocket>) {
    crate::live::socket::adopt_early_socket(socket);
}

/// Takes over the page that the server rendered. Traps when the page is not as the server wrote it.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    if let Some(app) = root() {
        leptos::mount::hydrate_from(app, App).forget();
    }
}

/// Draws the page anew into `#app`, where [`hydrate`] could not take over what is there. What the server sent along
/// with its page serves this one as well, so it is complete at once.
#[cfg(feature = "hydrate")]
pub fn mount() {
    use hydration_context::{HydrateSharedContext, SharedContext as _};
    use std::sync::Arc;

    let Some(app) = root() else { return };
    let sent = Arc::new(HydrateSharedContext::new());
    // The owner of everything here; `mount_to` makes its own below it.
    let owner = Owner::new_root(Some(sent.clone()));
    leptos::mount::mount_to(app, App).forget();
    sent.hydration_complete();
    std::mem::forget(owner);
}

#[cfg(feature = "hydrate")]
fn root() -> Option<web_sys::HtmlElement> {
    use leptos::wasm_bindgen::JsCast;
    crate::language::adopt();
    document().get_element_by_id("app")?.dyn_into().ok()
}
