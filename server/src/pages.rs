//! The pages: rendered whole, each with its own content security policy.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use app::App;
use app::api::port::SharedRooms;
use app::document::{host_page, privacy_page, shell};
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use leptos::context::{provide_context, use_context};
use leptos::nonce::use_nonce;
use leptos_axum::{AxumRouteListing, LeptosRoutes, ResponseOptions, generate_route_list};
use protocol::RoomCode;
use tower::ServiceExt as _;

use crate::assets;
use crate::client_address::Peer;
use crate::flash::InlineFlash;
use crate::request::renders_page;
use crate::rooms::{PRIVACY, RequestRooms, room_page};
use crate::state::AppState;
use crate::{language, language_form};

/// Address to which a form is sent whose sender gets the next page in the place of a redirect to it, which saves a round
/// trip. For pages whose script runs: it gives the page its own address (`head.js`).
const IN_PLACE: &str = "/api/enter?in_place";
/// Time that such a form may take, so that most of the ten seconds of a request are left for its page.
const IN_PLACE_TIME: Duration = Duration::from_secs(2);

/// Header with the address of the styles. A browser requests them as soon as it has the headers; if it found them only in
/// the HTML, a form that is sent at once would abort that request (HTML, `preload`).
static PRELOAD_STYLE: LazyLock<Option<HeaderValue>> =
    LazyLock::new(|| format!("<{}>; rel=preload; as=style", assets::page_assets().style).parse().ok());

/// Routes of the app. Generated once, before anything is rendered: while leptos generates them, no resource of any page
/// in the process loads.
static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// Builds the routes of the pages and the server functions.
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
    let (options, assets) = (state.leptos.clone(), assets::page_assets());
    let origin = state.origins.public().map(ToOwned::to_owned);
    let privacy = {
        let (facts, style) = (state.privacy.clone(), assets.style.clone());
        leptos_axum::render_app_async_with_context(context.clone(), move || privacy_page(facts.clone(), style.clone()))
    };
    let host = {
        let style = assets.style.clone();
        leptos_axum::render_app_async_with_context(context.clone(), move || host_page(style.clone()))
    };
    let report = state.privacy.report.is_some();
    let page = move || shell(options.clone(), assets.clone(), origin.clone(), report);
    let pages = Router::new()
        .leptos_routes_with_context(state, ROUTES.clone(), context, page.clone())
        .fallback(leptos_axum::render_app_async_with_context(not_found, page))
        .route(PRIVACY, get(privacy))
        .route("/room/{code}/host", get(host))
        .route("/api/language", post(language_form::choose))
        .layer(middleware::from_fn(noindex));
    let shown = pages.clone().with_state(state.clone());
    pages
        .layer(middleware::from_fn_with_state(shown, render_in_place))
        .layer(middleware::from_fn(redirect_to_canonical))
}

/// Keeps rooms and unknown addresses out of search engines. It runs inside of [`render_in_place`], so that it sees
/// the address of the page that is shown, not that of the form.
async fn noindex(request: Request<Body>, next: Next) -> Response {
    let is_room = request.uri().path().starts_with("/room/");
    let mut response = next.run(request).await;
    if is_room || response.status() == StatusCode::NOT_FOUND {
        response.headers_mut().insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    }
    response
}

/// Answers a form with a page where that would be the next request: a refused form that cannot be kept, with the page it
/// came from ([`InlineFlash`]), and a form sent to [`IN_PLACE`], with the page that it leads to.
async fn render_in_place(State(pages): State<Router>, mut request: Request<Body>, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (is_in_place, begun) = (request.uri() == IN_PLACE, Instant::now());
    let refused = InlineFlash::default();
    request.extensions_mut().insert(refused.clone());
    let (mut headers, peer) = (request.headers().clone(), request.extensions().get::<Peer>().copied());
    let response = next.run(request).await;
    // The page gets the rest of the request's time. With less than that the redirect is better: it can be loaded anew.
    let in_time = || is_in_place && begun.elapsed() < IN_PLACE_TIME;
    let redirected = || in_time().then(|| followed_redirect(&response)).flatten();
    let is_kept = refused.page().is_none();
    let Some(Ok(uri)) = refused.page().or_else(redirected).map(|page| page.parse()) else { return response };
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::CONTENT_TYPE);
    let mut page = Request::new(Body::empty());
    *page.uri_mut() = uri;
    *page.headers_mut() = headers;
    page.extensions_mut().insert(refused);
    if let Some(peer) = peer {
        page.extensions_mut().insert(peer);
    }
    let page = pages.oneshot(page).await.into_response();
    if is_kept && page.status().is_server_error() { response } else { page }
}

/// Returns the path that a browser would request next. `None` also where it would send a cookie that it has just been
/// given.
fn followed_redirect(response: &Response) -> Option<String> {
    let is_redirect =
        response.status() == StatusCode::SEE_OTHER && !response.headers().contains_key(header::SET_COOKIE);
    is_redirect.then(|| response.headers().get(header::LOCATION)?.to_str().ok().map(ToOwned::to_owned)).flatten()
}

/// Redirects every other spelling of a room's code to the room's one address, before the request has an effect, such as
/// a new session or the removal of a kept form.
async fn redirect_to_canonical(
    code: Result<Path<String>, PathRejection>,
    request: Request<Body>,
    next: Next,
) -> Response {
    if let Ok(Path(typed)) = code
        && let Ok(code) = typed.parse::<RoomCode>()
        && typed != code.to_string()
    {
        return Redirect::to(&room_page(code)).into_response();
    }
    next.run(request).await
}

/// Provides the request's language and rooms to the app, and sets the content security policy of the response.
fn provide_request(state: &AppState) {
    let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) else { return };
    if let Some(nonce) = use_nonce()
        && let Ok(policy) = HeaderValue::from_str(&content_security_policy(&nonce))
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        if renders_page(&parts.uri)
            && let Some(style) = &*PRELOAD_STYLE
        {
            response.insert_header(header::LINK, style.clone());
        }
    }
    provide_context(language::of_request(&parts.headers));
    let rooms: SharedRooms = Arc::new(RequestRooms::new(state.clone(), parts, response));
    provide_context(rooms);
}

/// Returns the content security policy of a page: scripts by nonce, everything else from this server.
/// `'wasm-unsafe-eval'` permits WebAssembly to be compiled.
fn content_security_policy(nonce: &str) -> String {
    // During development, cargo-leptos reloads the page over a socket on a port of its own.
    let reload =
        if std::env::var_os("LEPTOS_WATCH").is_some() { " ws://127.0.0.1:3001 ws://localhost:3001" } else { "" };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
         connect-src 'self'{reload}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}
