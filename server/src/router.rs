//! All routes and middleware layers of the server.

use std::sync::Arc;
use std::time::Duration;

use app::Language;
use app::document::{Refused, limited_document};
use axum::Router;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::health::Readiness;
use crate::request::{renders_page, wants_page};
use crate::state::AppState;
use crate::telemetry::panics;
use crate::{assets, health, language, origin, pages, qr, session};

/// Maximum size of a form in bytes. A message of 4 000 characters takes 48 KiB if each byte is percent-encoded. The
/// limit is higher, so that a message that is too long comes back to its author with an explanation.
const FORM_BYTES: usize = 256 * 1024;

/// Maximum time for a form to arrive.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Size in bytes up to which a form needs no place among the [`LARGE_FORMS`]: a name and a code, or a message of 4 000
/// ASCII characters. A connection may hold four times as much of a header anyway (`http::BUFFER`).
const SMALL_FORM_BYTES: u64 = 16 * 1024;

/// Maximum number of larger forms, or of unknown size, that are in memory at the same time. With [`FORM_BYTES`] they
/// have 32 MiB.
pub(crate) const LARGE_FORMS: usize = 128;

/// Content security policy of responses that are not pages: files, errors, plain text. A page sets its own.
const NO_PAGE: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Content security policy of the page without script that says how long to wait.
const LIMITED_PAGE: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Files of `style/assets`, at the addresses where browsers and crawlers look for them.
const FILES: [&str; 13] = [
    "/apple-touch-icon.png",
    "/favicon-news.svg",
    "/favicon.svg",
    "/icon-192.png",
    "/icon-512.png",
    "/icon-maskable-512.png",
    "/icon.svg",
    "/manifest.webmanifest",
    "/og.png",
    "/robots.txt",
    "/sound-chime.wav",
    "/sound-drop.wav",
    "/sound-knock.wav",
];

/// Builds the router of the whole HTTP interface.
pub fn router(state: AppState) -> Router {
    let built = || assets::serve("pkg").precompressed_br().precompressed_gzip();
    let browser_half = Router::new()
        .nest_service(&assets::BASE_PATH, built())
        .nest_service(&format!("{}{}", *assets::BASE_PATH, assets::SECOND_COPY), built())
        // ServeDir omits it from a 304, which must have it (RFC 9110 section 15.4.5).
        .layer(header("vary", "accept-encoding"));
    let files = FILES
        .iter()
        .fold(Router::new(), |files, file| files.route_service(file, assets::serve("")))
        .merge(browser_half)
        .layer(middleware::from_fn(set_cache_control));
    let pages = pages::router(&state)
        .layer(SetResponseHeaderLayer::appending(header::VARY, HeaderValue::from_static(language::VARY)))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(state.clone(), render_in_pool))
        .layer(header("cache-control", "no-store"));
    let readiness = Readiness::new(state.store.clone(), state.shutdown.clone());
    let origins = (state.origins.clone(), state.metrics.clone());
    let mut router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready).with_state(Arc::new(readiness)))
        .route("/ws/{code}", get(session::upgrade::upgrade))
        .route("/room/{code}/qr.svg", get(qr::picture))
        .merge(files)
        .merge(pages)
        .layer(middleware::from_fn_with_state(origins, origin::same_origin))
        .layer(middleware::from_fn(require_path))
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(header("content-security-policy", NO_PAGE))
        .layer(header("x-content-type-options", "nosniff"))
        // Not `no-referrer`, with which form posts would send `Origin: null`.
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

/// Sets `Cache-Control`: a file whose path contains a hash of the content is cached for a year, others are revalidated.
async fn set_cache_control(request: Request<Body>, next: Next) -> Response {
    let immutable = assets::is_immutable(request.uri().path());
    let mut response = next.run(request).await;
    let caching = HeaderValue::from_static(cache_control(immutable, response.status()));
    response.headers_mut().insert(header::CACHE_CONTROL, caching);
    response
}

/// Returns the `Cache-Control` value of a response. A 304 has the same as a 200, because a cache replaces its stored
/// headers with it (RFC 9111 section 4.3.4). An error is never cached as immutable.
fn cache_control(immutable: bool, status: StatusCode) -> &'static str {
    match status {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED if immutable => {
            "public, max-age=31536000, immutable"
        }
        _ => "no-cache",
    }
}

/// Reads the request's body, and runs the page or server function in the render pool until its response is complete.
///
/// server_fn answers a browser's form with a 302 to the `Referer`, or with the error in the address. Both are undone
/// here: this program redirects with 303, any other response has the function's result as its body, and an unreadable
/// form gets a 400, for which its reader gets words.
async fn render_in_pool(State(state): State<AppState>, request: Request<Body>, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    parts.headers.remove(header::REFERER);
    let language = language::of_request(&parts.headers);
    let (wants_page, renders_page) = (wants_page(&parts.headers), renders_page(&parts.uri));
    let refuse = |status, refused: Refused<'_>| (status, refused.words(language)).into_response();
    let busy = || {
        state.metrics.timed_out();
        ([(header::RETRY_AFTER, "1")], refuse(StatusCode::SERVICE_UNAVAILABLE, Refused::Busy)).into_response()
    };
    let is_small = body.size_hint().upper().is_some_and(|bytes| bytes <= SMALL_FORM_BYTES);
    let place = async { if is_small { None } else { state.large_forms.acquire().await.ok() } };
    // Kept until the form is answered: until then it is in memory.
    let Ok(_place) = timeout(FORM_TIMEOUT, place).await else { return busy() };
    let body = match timeout(FORM_TIMEOUT, to_bytes(body, FORM_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return refuse(StatusCode::PAYLOAD_TOO_LARGE, Refused::FormTooLarge),
        Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, Refused::FormTooSlow),
    };
    let call = next.run(Request::from_parts(parts, body.into()));
    let Some(mut response) = state.render.run(call).await else { return busy() };
    if renders_page && response.status() == StatusCode::TOO_MANY_REQUESTS {
        return limited_page(&response, language);
    }
    let unreadable = response.headers().contains_key(SERVER_FN_ERROR_HEADER);
    if unreadable && wants_page {
        return refuse(StatusCode::BAD_REQUEST, Refused::FormUnreadable);
    }
    if unreadable || response.status() == StatusCode::FOUND {
        *response.status_mut() = if unreadable { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        response.headers_mut().remove(header::LOCATION);
    }
    response
}

/// Returns the page of somebody who has to wait, in place of the one that was limited.
fn limited_page(limited: &Response, language: Language) -> Response {
    let wait = limited.headers().get(header::RETRY_AFTER).cloned().unwrap_or(HeaderValue::from_static("1"));
    let seconds = wait.to_str().ok().and_then(|wait| wait.parse().ok()).unwrap_or(1);
    let page = limited_document(language, seconds, &assets::page_assets().style);
    let headers = [
        (header::RETRY_AFTER, wait),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(LIMITED_PAGE)),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ];
    (StatusCode::TOO_MANY_REQUESTS, headers, Html(page)).into_response()
}

/// Redirects `/room/CODE/` to `/room/CODE`, and refuses requests without a path, such as CONNECT: they are for proxies
/// (RFC 9112 section 3.2.3), and leptos panics on them.
async fn require_path(request: Request<Body>, next: Next) -> Response {
    if request.uri().path_and_query().is_none() {
        return (StatusCode::BAD_REQUEST, "This is no proxy.").into_response();
    }
    // leptos would render the page, but with status 404.
    let path = request.uri().path();
    if let Some(room) = path.strip_suffix('/').filter(|path| path.starts_with("/room/")) {
        return Redirect::to(room).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revalidated_immutable_file_stays_immutable() {
        let kept = cache_control(true, StatusCode::OK);
        assert!(kept.contains("immutable"));
        assert_eq!(cache_control(true, StatusCode::NOT_MODIFIED), kept);
        assert_eq!(cache_control(true, StatusCode::PARTIAL_CONTENT), kept);
        for status in [StatusCode::NOT_FOUND, StatusCode::RANGE_NOT_SATISFIABLE, StatusCode::INTERNAL_SERVER_ERROR] {
            assert_eq!(cache_control(true, status), "no-cache", "{status}");
        }
        for status in [StatusCode::OK, StatusCode::NOT_MODIFIED] {
            assert_eq!(cache_control(false, status), "no-cache", "{status}");
        }
    }
}
