//! Which pages may post forms and open sockets here.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::PublicUrl;
use crate::state::AppState;

/// Which pages may post forms and open sockets here.
#[derive(Clone, Debug)]
pub struct OriginRule(Option<PublicUrl>);

impl OriginRule {
    /// With a public address, pages of that origin; without, pages of whatever host the request names.
    #[must_use]
    pub fn new(public: Option<PublicUrl>) -> Self {
        Self(public)
    }

    /// Whether people come over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// The origin of links to give away: the public one, or what a request for this host came to.
    #[must_use]
    pub fn origin(&self, headers: &HeaderMap) -> Option<String> {
        match &self.0 {
            Some(public) => Some(public.origin().to_owned()),
            None => Some(format!("http://{}", headers.get(header::HOST)?.to_str().ok()?)),
        }
    }

    /// A request without `Origin` comes from no browser's page, and cookies are all that could make it dangerous.
    fn allows<B>(&self, request: &Request<B>) -> bool {
        let Some(origin) = request.headers().get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        match &self.0 {
            Some(public) => origin == public.origin(),
            None => {
                let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
                origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host)
            }
        }
    }
}

/// Refuses what another site's page sends: every POST, and every socket (RFC 6455 section 10.2).
pub async fn same_origin(State(state): State<AppState>, request: Request<Body>, next: Next) -> Response {
    let changes = request.method() != Method::GET && request.method() != Method::HEAD;
    let socket = request.headers().contains_key(header::UPGRADE);
    if (changes || socket) && !state.origins.allows(&request) {
        return (StatusCode::FORBIDDEN, "This request comes from another site's page.").into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(rule: &OriginRule, origin: Option<&str>, host: &str) -> bool {
        let mut request = Request::builder().uri("/").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        rule.allows(&request.body(()).unwrap())
    }

    #[test]
    fn only_its_own_pages_may_post() {
        let local = OriginRule::new(None);
        assert!(asks(&local, None, "127.0.0.1:3000"));
        assert!(asks(&local, Some("http://127.0.0.1:3000"), "127.0.0.1:3000"));
        for other in ["http://127.0.0.1:3001", "http://evil.example", "null", ""] {
            assert!(!asks(&local, Some(other), "127.0.0.1:3000"), "{other}");
        }
        let public = OriginRule::new(Some("https://chat.example".parse().unwrap()));
        assert!(asks(&public, Some("https://chat.example"), "127.0.0.1:3000"));
        assert!(!asks(&public, Some("http://127.0.0.1:3000"), "127.0.0.1:3000"));
    }
}
