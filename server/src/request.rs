//! Questions about a request that several parts of the server ask.

use axum::http::{HeaderMap, header};

/// Returns true for a browser without script, which reads pages and not JSON.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
