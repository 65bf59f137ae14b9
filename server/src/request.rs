//! Properties of a request that several parts of the server use.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};

/// Returns true if the request accepts HTML, as page loads and form posts of a browser do. Calls by script accept JSON.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// Returns true if the response is a page. Scripts request the same values at `/api/`.
pub(crate) fn renders_page(uri: &Uri) -> bool {
    !uri.path().starts_with("/api/")
}

/// Returns a wait in whole seconds, at least one, as people and `Retry-After` have it.
pub(crate) fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).max(1) as u64
}

/// Returns status and header of an answer to somebody who has to wait.
pub(crate) fn too_many(wait: Duration) -> (StatusCode, [(HeaderName, String); 1]) {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds(wait).to_string())])
}
