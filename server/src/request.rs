//! Properties of a request that several parts of the server use.

use axum::http::{HeaderMap, Uri, header};

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
