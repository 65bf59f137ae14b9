//! Sessions: one signed cookie with a random id and nothing else.
//!
//! A member's id is derived from session and room with a key that the store keeps. So the rooms of one person cannot be
//! linked, and the key that signs cookies is no help in finding out who a member is.

use std::str;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, CookieJar, Key, SameSite};
use hmac::{Hmac, Mac};
use protocol::{MemberId, RoomId};
use sha2::Sha256;
use store::Keys;
use uuid::Uuid;

use crate::config::{Config, PublicUrl};

/// Name of the session cookie behind TLS: the prefix binds it to this host (RFC 6265bis section 4.1.3.2). Browsers
/// refuse it on plain HTTP.
const SECURE_NAME: &str = "__Host-flasky";
/// Name of the session cookie on plain HTTP in earlier versions. It is read but no longer written, so that members keep
/// their seats through the upgrade. To be removed after 0.1.0.
const OLD_NAME: &str = "flasky";
/// Default port of plain HTTP (RFC 9110 section 4.2.1).
const HTTP_PORT: u16 = 80;

/// Identity of a browser, for as long as it keeps its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session(Uuid);

/// Reads and writes the session cookie; derives member ids.
#[derive(Clone)]
pub struct Identity {
    signing: Key,
    member: [u8; 32],
    public: Option<PublicUrl>,
}

impl Identity {
    /// Creates an identity that signs with the configured secret or, without one, with the store's key.
    #[must_use]
    pub fn new(config: &Config, keys: &Keys) -> Self {
        let signing = match &config.secret {
            Some(secret) => Key::derive_from(secret.as_bytes()),
            None => Key::from(&keys.signing),
        };
        Self { signing, member: keys.member, public: config.public_url.clone() }
    }

    /// Returns the session of the first cookie with our name and a valid signature. Cookies of that name without one,
    /// which a sibling host may set, are skipped. On plain HTTP the old name is read if the new one brings no session.
    #[must_use]
    pub fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let session = self.signed(headers, &self.cookie_name(headers));
        if self.is_secure() { session } else { session.or_else(|| self.signed(headers, OLD_NAME)) }
    }

    /// Creates a session, and the `Set-Cookie` value that gives it to the browser which sent these headers.
    #[must_use]
    pub fn create_session(&self, headers: &HeaderMap) -> (Session, Option<HeaderValue>) {
        let session = Session(crate::entropy::uuid());
        let name = self.cookie_name(headers);
        let cookie = Cookie::build((name.clone(), session.0.to_string()))
            .http_only(true)
            .same_site(SameSite::Lax)
            .path("/")
            .secure(self.is_secure());
        let mut jar = CookieJar::new();
        jar.signed_mut(&self.signing).add(cookie);
        (session, jar.get(&name).and_then(|cookie| cookie.to_string().parse().ok()))
    }

    /// Derives the member id of this session in this room.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104 section 3)")]
    pub fn member(&self, session: Session, room: RoomId) -> MemberId {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.member).expect("any key will do");
        mac.update(session.0.as_bytes());
        mac.update(room.0.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        MemberId(uuid::Builder::from_custom_bytes(id).into_uuid())
    }

    /// Returns the session of the first cookie that has exactly this name and a valid signature. Cookies are sent as
    /// bytes (RFC 6265 section 5.4), so each is parsed by itself: an unreadable one does not affect the others.
    fn signed(&self, headers: &HeaderMap, name: &str) -> Option<Session> {
        let jar = CookieJar::new();
        let jar = jar.signed(&self.signing);
        let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let mut ours = lines.flat_map(|line| line.split(|byte| *byte == b';')).filter_map(|pair| {
            let pair = pair.trim_ascii();
            // Compared before decoding: `__%48ost-flasky` is another name, which any sibling host may set.
            pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Cookie::parse_encoded(str::from_utf8(pair).ok()?.to_owned()).ok()
        });
        // The signature covers the value and not the name, so a session under the old name is still valid.
        ours.find_map(|cookie| jar.verify(cookie)?.value().parse().ok().map(Session))
    }

    fn is_secure(&self) -> bool {
        self.public.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// Returns the name of the session cookie. All ports of a host share cookies (RFC 6265 section 8.5): without the
    /// port in the name, two servers on one host would overwrite each other's.
    fn cookie_name(&self, headers: &HeaderMap) -> String {
        if self.is_secure() {
            return SECURE_NAME.to_owned();
        }
        let asked = || headers.get(header::HOST)?.to_str().ok()?.parse::<Authority>().ok()?.port_u16();
        let port = self.public.as_ref().map(PublicUrl::port).or_else(asked);
        format!("flasky-{}", port.unwrap_or(HTTP_PORT))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    const SECRET: &str = "--secret=0123456789abcdef0123456789abcdef";

    fn identity(flags: &[&str]) -> Identity {
        let keys = Keys { signing: [1; 64], member: [2; 32] };
        Identity::new(&Config::parse_from(["flasky", SECRET].iter().chain(flags)), &keys)
    }

    fn headers(host: &str, cookies: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        for line in cookies {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    /// Creates a session, and its cookie as `name=value`.
    fn new_session(identity: &Identity, host: &str) -> (Session, String) {
        let (session, cookie) = identity.create_session(&headers(host, &[]));
        (session, cookie.unwrap().to_str().unwrap().split(';').next().unwrap().to_owned())
    }

    #[test]
    fn cookie_names_are_compared_as_sent() {
        let identity = identity(&["--public-url=https://chat.example"]);
        let (own, cookie) = new_session(&identity, "chat.example");
        let value = cookie.strip_prefix("__Host-flasky=").unwrap();
        assert_eq!(identity.session(&headers("chat.example", &[cookie.as_bytes()])), Some(own));
        for name in [
            "__%48ost-flasky",
            "%5f_Host-flasky",
            "__host-flasky",
            "__Host-flasky%00",
            "__Host-flasky ",
            "flasky",
            "flasky-443",
        ] {
            let tossed = format!("{name}={value}");
            assert_eq!(identity.session(&headers("chat.example", &[tossed.as_bytes()])), None, "{name}");
        }
        // A browser sends the sibling's cookie before ours if its path is longer.
        let (_, other) = new_session(&identity, "chat.example");
        let line = format!("__%48ost-flasky={}; {cookie}", other.strip_prefix("__Host-flasky=").unwrap());
        assert_eq!(identity.session(&headers("chat.example", &[line.as_bytes()])), Some(own));
    }

    #[test]
    fn unreadable_cookie_does_not_affect_others() {
        let identity = identity(&[]);
        let (own, cookie) = new_session(&identity, "127.0.0.1:3000");
        let cookie = cookie.as_bytes();
        for other in
            [&b"theme=d\xfcster"[..], b"theme=%ff%fe", b"theme=%zz", b"\xff\xfe=1", b"=", b"", b"theme", b"a=\"b"]
        {
            for line in [[other, b"; ", cookie].concat(), [cookie, b"; ", other].concat()] {
                assert_eq!(identity.session(&headers("127.0.0.1:3000", &[&line])), Some(own), "{line:?}");
            }
            assert_eq!(identity.session(&headers("127.0.0.1:3000", &[other, cookie])), Some(own), "in two lines");
        }
    }

    #[test]
    fn signed_cookie_is_found_among_several() {
        let identity = identity(&[]);
        let (own, cookie) = new_session(&identity, "a:3000");
        let forged = format!("flasky-3000={}1b4e28ba-2fa1-41d2-883f-0016d3cca427", "A".repeat(43) + "=");
        for other in [&*forged, "flasky-3000=", "flasky-3000=%ff", "flasky-3000=nonsense"] {
            for line in [format!("{other}; {cookie}"), format!("{cookie}; {other}")] {
                assert_eq!(identity.session(&headers("a:3000", &[line.as_bytes()])), Some(own), "{line}");
            }
            assert_eq!(identity.session(&headers("a:3000", &[other.as_bytes()])), None, "{other}");
        }
    }

    #[test]
    fn member_id_depends_on_session_and_room() {
        let identity = identity(&[]);
        let [one, two] = ["a:3000", "a:3000"].map(|host| new_session(&identity, host).0);
        let [here, there] = [1, 2].map(|n| RoomId(Uuid::from_u128(n)));
        assert_eq!(identity.member(one, here), identity.member(one, here));
        assert_ne!(identity.member(one, here), identity.member(two, here));
        assert_ne!(identity.member(one, here), identity.member(one, there));
    }

    #[test]
    fn cookie_name_has_the_port_on_plain_http() {
        let local = identity(&[]);
        for (host, name) in [
            ("127.0.0.1:3000", "flasky-3000="),
            ("127.0.0.1:3001", "flasky-3001="),
            ("[::1]:3000", "flasky-3000="),
            ("chat.example", "flasky-80="),
            ("", "flasky-80="),
        ] {
            assert!(new_session(&local, host).1.starts_with(name), "{host}");
        }
        let behind = identity(&["--public-url=http://chat.example:8080"]);
        assert!(new_session(&behind, "127.0.0.1:3000").1.starts_with("flasky-8080="), "named after the public port");
        // The cookie of a server with another secret, on another port, does not disturb ours.
        let other = Identity { signing: Key::generate(), ..local.clone() };
        let (own, cookie) = new_session(&local, "127.0.0.1:3000");
        let line = format!("{}; {cookie}", new_session(&other, "127.0.0.1:3001").1);
        assert_eq!(local.session(&headers("127.0.0.1:3000", &[line.as_bytes()])), Some(own));
    }

    /// Earlier versions percent-encoded the cookie's value.
    #[test]
    fn old_cookie_is_read_on_plain_http_only() {
        let encoded = |cookie: &str| {
            let value = cookie.split_once('=').unwrap().1;
            value.replace('/', "%2F").replace('=', "%3D")
        };
        let (local, tls) = (identity(&[]), identity(&["--public-url=https://chat.example"]));
        let (own, cookie) = new_session(&local, "a:3000");
        let old = format!("flasky={}", encoded(&cookie));
        assert_eq!(local.session(&headers("a:3000", &[old.as_bytes()])), Some(own));
        assert_eq!(tls.session(&headers("chat.example", &[old.as_bytes()])), None, "a sibling host may have set it");
        let (own, cookie) = new_session(&tls, "chat.example");
        let old = format!("__Host-flasky={}", encoded(&cookie));
        assert_eq!(tls.session(&headers("chat.example", &[old.as_bytes()])), Some(own));
        // The new name takes precedence.
        let (own, cookie) = new_session(&local, "a:3000");
        let line = format!("flasky={}; {cookie}", encoded(&new_session(&local, "a:3000").1));
        assert_eq!(local.session(&headers("a:3000", &[line.as_bytes()])), Some(own));
    }
}
