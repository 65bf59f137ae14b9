//! The routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

use crate::pages::home::HomePage;
use crate::pages::missing::MissingPage;
use crate::pages::room::RoomPage;
use crate::text;

/// The application. Both pages are rendered whole (`SsrMode::Async`): without script nothing may wait in a template.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    // While it is set, the page that is left stays until the next one is complete.
    let (_, set_routing) = signal(false);
    view! {
        <Title formatter=text::page_title/>
        <Router set_is_routing=set_routing>
            <FlatRoutes fallback=MissingPage>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/room/:code") view=RoomPage ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
    }
}

/// Takes over the page that the server rendered. Traps when the page is not as the server wrote it.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    if let Some(app) = root() {
        leptos::mount::hydrate_from(app, App).forget();
    }
}

/// Draws the page anew into `#app`, where [`hydrate`] could not take over what is there.
#[cfg(feature = "hydrate")]
pub fn mount() {
    if let Some(app) = root() {
        leptos::mount::mount_to(app, App).forget();
    }
}

#[cfg(feature = "hydrate")]
fn root() -> Option<web_sys::HtmlElement> {
    use leptos::wasm_bindgen::JsCast;
    document().get_element_by_id("app")?.dyn_into().ok()
}
