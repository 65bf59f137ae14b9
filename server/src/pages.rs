//! The pages: rendered whole, each with its own content security policy.

use std::sync::{Arc, LazyLock};

use app::api::port::SharedRooms;
use app::ui::{App, shell};
use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use leptos::context::{provide_context, use_context};
use leptos::nonce::use_nonce;
use leptos_axum::{AxumRouteListing, LeptosRoutes, ResponseOptions, generate_route_list};

use crate::assets;
use crate::rooms::RequestRooms;
use crate::state::AppState;

/// Drawn up once, before anything is rendered: while leptos does it, no resource of any page in the process loads.
static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// The pages and the server functions.
pub fn router(state: &AppState) -> Router<AppState> {
    let context = {
        let state = state.clone();
        move || provide_request(&state)
    };
    let not_found = {
        let context = context.clone();
        move || {
            context();
            if let Some(response) = use_context::<ResponseOptions>() {
                response.set_status(StatusCode::NOT_FOUND);
            }
        }
    };
    let (options, assets) = (state.leptos.clone(), assets::find());
    let page = move || shell(options.clone(), assets.clone());
    Router::new()
        .leptos_routes_with_context(state, ROUTES.clone(), context, page.clone())
        .fallback(leptos_axum::render_app_async_with_context(not_found, page))
}

/// Gives a request its rooms and its response the policy.
fn provide_request(state: &AppState) {
    let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) else { return };
    if let Some(nonce) = use_nonce()
        && let Ok(policy) = HeaderValue::from_str(&content_security_policy(&nonce))
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    let rooms: SharedRooms = Arc::new(RequestRooms::new(state.clone(), parts, response));
    provide_context(rooms);
}

/// Nothing but this page's own parts; scripts by nonce, styles by file. `'wasm-unsafe-eval'` lets WebAssembly compile.
fn content_security_policy(nonce: &str) -> String {
    // cargo-leptos reloads the page over a socket on a port of its own while developing, and only then.
    let reload =
        if std::env::var_os("LEPTOS_WATCH").is_some() { " ws://127.0.0.1:3001 ws://localhost:3001" } else { "" };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
         connect-src 'self'{reload}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}
