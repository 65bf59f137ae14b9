//! Origin check: which pages may post forms and open sockets here.

use std::num::NonZeroU32;
use std::sync::Arc;

use app::api::{Field, Posted, Refusal};
use app::document::Refused;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::{DefaultDirectRateLimiter, Quota};
use protocol::{ErrorCode, codec};
use url::{Origin, Url};

use crate::config::PublicUrl;
use crate::language;
use crate::request::wants_page;
use crate::telemetry::metrics::Metrics;

/// Maximum number of log lines per minute about refused origins: enough to find the cause, too few to fill a disk. The
/// metric counts every refusal.
const LINES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(6).unwrap();
/// Maximum bytes of a header that a log line shows: a host name has at most 253 (RFC 1035 section 2.3.4).
const SHOWN_BYTES: usize = 300;

/// Rule that compares the `Origin` of requests with the server's own.
#[derive(Clone, Debug)]
pub struct OriginRule {
    public: Option<PublicUrl>,
    lines: Arc<DefaultDirectRateLimiter>,
}

impl OriginRule {
    /// Creates a rule that allows pages of the public origin or, without one, those of the host that the request names.
    #[must_use]
    pub fn new(public: Option<PublicUrl>) -> Self {
        let lines = Arc::new(DefaultDirectRateLimiter::direct(Quota::per_minute(LINES_PER_MINUTE)));
        Self { public, lines }
    }

    /// Returns true if the public address uses TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// Returns the public origin, if one is configured.
    #[must_use]
    pub fn public(&self) -> Option<&str> {
        self.public.as_ref().map(PublicUrl::origin)
    }

    /// Returns the origin for links to share: the public one, or else `http://` and the host that the request names.
    #[must_use]
    pub fn origin(&self, headers: &HeaderMap) -> Option<String> {
        match &self.public {
            Some(public) => Some(public.origin().to_owned()),
            None => Some(format!("http://{}", headers.get(header::HOST)?.to_str().ok()?)),
        }
    }

    /// Returns true if the request's origin is allowed. Compares as RFC 6454 section 5 and RFC 3986 section 6.2.3 do:
    /// without regard to case, and with default ports as if they were written. A request without `Origin` is allowed:
    /// no browser's page sent it, and only the cookies of a browser would make it dangerous.
    fn allows(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Some(origin) = origin.to_str().ok().and_then(parse_origin) else { return false };
        match &self.public {
            Some(public) => origin.ascii_serialization() == public.origin(),
            None => {
                let Origin::Tuple(scheme, ..) = &origin else { return false };
                // `Host` has no scheme. The page's one is right also behind TLS, and decides the default port.
                let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
                host.and_then(|host| parse_origin(&format!("{scheme}://{host}"))).is_some_and(|own| own == origin)
            }
        }
    }

    /// Logs why a request is refused, and returns a response that explains it to the sender.
    fn refuse(&self, request: &Request<Body>) -> Response {
        let headers = request.headers();
        if self.lines.check().is_ok() {
            let (origin, host) = (escaped_header(headers, header::ORIGIN), escaped_header(headers, header::HOST));
            let public_url = self.public.as_ref().map(PublicUrl::origin);
            tracing::warn!(origin, host, public_url, "refused a request: its origin is not this server's");
        }
        if request.headers().contains_key(header::UPGRADE) || wants_page(headers) {
            let words = Refused::Origin(self.public()).words(language::of_request(headers));
            return (StatusCode::FORBIDDEN, words).into_response();
        }
        let refused = Some(Refusal { field: Field::Code, error: ErrorCode::Origin, retry_ms: None });
        let json = [(header::CONTENT_TYPE, "application/json")];
        (StatusCode::FORBIDDEN, json, codec::encode(&Posted { refused })).into_response()
    }
}

/// Returns the origin of an address that is the scheme http or https, a host, an optional port, and nothing else.
fn parse_origin(text: &str) -> Option<Origin> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let origin = url.origin();
    (url.as_str().strip_suffix('/')? == origin.ascii_serialization()).then_some(origin)
}

/// Returns the beginning of a header's value, escaped so that it cannot forge parts of a log line.
fn escaped_header(headers: &HeaderMap, name: HeaderName) -> String {
    let value = headers.get(name).map(|value| value.as_bytes()).unwrap_or_default();
    value[..value.len().min(SHOWN_BYTES)].escape_ascii().to_string()
}

/// Refuses sockets (RFC 6455 section 10.2), and requests other than GET and HEAD, of pages of another origin.
pub async fn same_origin(
    State((origins, metrics)): State<(OriginRule, Arc<Metrics>)>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let changes = request.method() != Method::GET && request.method() != Method::HEAD;
    let socket = request.headers().contains_key(header::UPGRADE);
    if (changes || socket) && !origins.allows(request.headers()) {
        metrics.refused_origin();
        return origins.refuse(&request);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(rule: &OriginRule, origin: Option<&str>, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        rule.allows(&headers)
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let local = OriginRule::new(None);
        assert!(is_allowed(&local, None, "127.0.0.1:3000"));
        assert!(is_allowed(&local, Some("http://127.0.0.1:3000"), "127.0.0.1:3000"));
        for other in ["http://127.0.0.1:3001", "http://evil.example", "null", "", "ftp://127.0.0.1:3000"] {
            assert!(!is_allowed(&local, Some(other), "127.0.0.1:3000"), "{other}");
        }
        let public = OriginRule::new(Some("https://chat.example".parse().unwrap()));
        assert!(is_allowed(&public, Some("https://chat.example"), "127.0.0.1:3000"));
        for other in ["http://127.0.0.1:3000", "http://chat.example", "https://chat.example.evil.example"] {
            assert!(!is_allowed(&public, Some(other), "127.0.0.1:3000"), "{other}");
        }
    }

    #[test]
    fn origins_are_compared_without_case_and_default_port() {
        let local = OriginRule::new(None);
        for (origin, host) in [
            ("http://chat.example", "chat.example:80"),
            ("https://chat.example", "chat.example:443"),
            ("https://chat.example", "chat.example"),
            ("http://chat.example", "CHAT.example"),
            ("http://chat.example:80", "chat.example"),
            ("http://[::1]:3000", "[0:0:0:0:0:0:0:1]:3000"),
            ("http://chat.example.:3000", "chat.example.:3000"),
        ] {
            assert!(is_allowed(&local, Some(origin), host), "{origin} at {host}");
        }
        for (origin, host) in [
            ("http://chat.example", "chat.example:443"),
            ("https://chat.example", "chat.example:80"),
            ("http://chat.example", "chat.example."),
            ("http://chat.example", "evil.example@chat.example"),
            ("http://evil.example", "evil.example/@chat.example"),
            ("http://evil.example", "evil.example\\@chat.example"),
            ("http://evil.example", "evil.example?chat.example"),
            ("http://evil.example", ""),
        ] {
            assert!(!is_allowed(&local, Some(origin), host), "{origin} at {host}");
        }
        let public = OriginRule::new(Some("https://Chat.Example:443/".parse().unwrap()));
        assert!(is_allowed(&public, Some("https://chat.example"), "10.0.0.1"));
        assert!(is_allowed(&public, Some("https://chat.example:443"), "10.0.0.1"));
    }

    #[test]
    fn logged_header_is_escaped_and_truncated() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ORIGIN,
            header::HeaderValue::from_bytes(&[b"http://\x80\t\"".as_slice(), &[b'x'; 9_000]].concat()).unwrap(),
        );
        let shown = escaped_header(&headers, header::ORIGIN);
        assert!(shown.starts_with("http://\\x80\\t\\\"xxx") && shown.len() < 2 * SHOWN_BYTES, "{shown}");
    }
}
