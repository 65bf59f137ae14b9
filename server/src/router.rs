//! Every route and layer on one screen.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::state::AppState;
use crate::telemetry::panics;
use crate::{assets, health, origin, pages, qr, session};

/// Longest form. A message of 4 000 characters takes 48 KiB with each byte percent-encoded; one that is too long shall
/// still come back to its writer with a word, and not be cut off.
const FORM_BYTES: usize = 256 * 1024;

/// How long a form may take to arrive and a page to be made: a caller that stalls holds no memory for ever.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// Files of `style/assets`, at the addresses where browsers and crawlers look for them.
const FILES: [&str; 10] = [
    "/apple-touch-icon.png",
    "/favicon-news.svg",
    "/favicon.svg",
    "/icon-192.png",
    "/icon-512.png",
    "/icon-maskable-512.png",
    "/icon.svg",
    "/manifest.webmanifest",
    "/notice.wav",
    "/robots.txt",
];

/// The whole HTTP side.
pub fn router(state: AppState) -> Router {
    let files = FILES
        .iter()
        .fold(Router::new(), |files, file| files.route_service(file, assets::serve("")))
        .nest_service(&assets::ADDRESS, assets::serve("pkg").precompressed_br().precompressed_gzip())
        .layer(middleware::from_fn(caching));
    let pages = pages::router(&state)
        .layer(middleware::from_fn(readable_form))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIME))
        .layer(CompressionLayer::new())
        .layer(header("cache-control", "no-store"));
    let mut router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/ws/{code}", get(session::upgrade::upgrade))
        .route("/room/{code}/qr.svg", get(qr::picture))
        .merge(files)
        .merge(pages)
        .layer(middleware::from_fn_with_state(state.clone(), origin::same_origin))
        .layer(middleware::from_fn(has_path))
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(header("x-content-type-options", "nosniff"))
        // `same-origin`, not `no-referrer`: that would make form posts send `Origin: null`.
        .layer(header("referrer-policy", "same-origin"))
        .layer(header("cross-origin-opener-policy", "same-origin"))
        .layer(header("cross-origin-resource-policy", "same-origin"))
        .layer(header("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
    if state.origins.is_https() {
        router = router.layer(header("strict-transport-security", "max-age=31536000"));
    }
    router.with_state(state)
}

fn header(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// A file whose address says what is in it is kept for ever; any other is asked for again.
async fn caching(request: Request<Body>, next: Next) -> Response {
    let keep = assets::is_immutable(request.uri().path());
    let mut response = next.run(request).await;
    let keep = if keep && response.status().is_success() { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    response
}

/// Gives what is wrong with a form the status that says so. A server function that cannot read its arguments answers
/// 500, and a page's form with a redirect that has the error in its address; ours fail in no other way.
async fn readable_form(request: Request<Body>, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, FORM_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "This form is too large.").into_response();
    };
    let mut response = next.run(Request::from_parts(parts, body.into())).await;
    if response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response.headers_mut().remove(header::LOCATION);
    }
    response
}

/// Sends `/room/CODE/` to `/room/CODE`, and refuses what names no path, such as CONNECT: it is for proxies (RFC 9112 section 3.2.3), and leptos panics at it.
async fn has_path(request: Request<Body>, next: Next) -> Response {
    if request.uri().path_and_query().is_none() {
        return (StatusCode::BAD_REQUEST, "This is no proxy.").into_response();
    }
    // leptos would find the page, and answer it with 404.
    let path = request.uri().path();
    if let Some(room) = path.strip_suffix('/').filter(|path| path.starts_with("/room/")) {
        return Redirect::to(room).into_response();
    }
    next.run(request).await
}
