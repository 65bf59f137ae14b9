//! The routes, and what becomes of a page on the way to the next.

use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

use crate::live::browser;
use crate::live::effect::effect;
use crate::pages::home::HomePage;
use crate::pages::missing::MissingPage;
use crate::pages::room::RoomPage;

/// Set while a page that stays asks for its content anew. A context.
#[derive(Clone, Copy)]
pub(crate) struct Reloading(pub(crate) WriteSignal<bool>);

/// The application. Both pages are rendered whole (`SsrMode::Async`): without script nothing may wait in a template.
#[component]
pub fn App() -> impl IntoView {
    #[cfg(feature = "ssr")]
    leptos_meta::provide_meta_context();
    // True while the page that is left stays, until the next one is complete.
    let (routing, set_routing) = signal(false);
    let (reloading, set_reloading) = signal(false);
    provide_context(Reloading(set_reloading));
    view! {
        <Router set_is_routing=set_routing>
            <FlatRoutes fallback=MissingPage>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/room/:code") view=RoomPage ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
        <PageAnnouncer routing reloading/>
    }
}

/// Does for a page without a document of its own what the browser does for one that it loads: nothing has the focus,
/// Tab begins at the top, and a screen reader says the title.
#[component]
fn PageAnnouncer(
    /// True on the way to the next page.
    routing: ReadSignal<bool>,
    /// True while a page that stays asks for its content anew.
    reloading: ReadSignal<bool>,
) -> impl IntoView {
    let title = RwSignal::new(None);
    let mut was_loading = false;
    effect(move || {
        let is_loading = routing.get() || reloading.get();
        browser::toggle_root_attribute("data-loading", is_loading);
        if is_loading {
            // So that the same title is said again.
            title.set(None);
        } else if was_loading {
            // The page is put in, and its title set, before the next frame.
            request_animation_frame(move || {
                browser::restart_focus();
                title.set(Some(document().title()));
            });
        }
        was_loading = is_loading;
    });
    view! { <p id="announcer" class="visually-hidden" aria-live="polite">{move || title.get()}</p> }
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
    document().get_element_by_id("app")?.dyn_into().ok()
}
