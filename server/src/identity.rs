//! Session of a request: one signed cookie with a random id and nothing else.
//!
//! A member's id is derived from session and room with a key of the store's own: one person's rooms cannot be linked,
//! and nobody who knows the signing secret can tell who is who.

use std::str;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, CookieJar, Key, SameSite};
use hmac::{Hmac, Mac};
use protocol::{MemberId, RoomCode};
use sha2::Sha256;
use uuid::Uuid;

use crate::backend::Keys;
use crate::config::{Config, PublicUrl};

/// Name of the session cookie behind TLS: the prefix binds it to this host (RFC 6265bis section 4.1.3.2). Browsers
/// refuse it on plain HTTP.
const SECURE_NAME: &str = "__Host-flasky";
/// Name of the session cookie on plain HTTP in earlier versions. It is read and never written, so that the upgrade puts
/// nobody out of a living room. To be removed after 0.1.0.
const OLD_NAME: &str = "flasky";
/// Port of plain HTTP where none is written (RFC 9110 section 4.2.1).
const HTTP_PORT: u16 = 80;

/// A browser, for as long as it keeps its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session(Uuid);

/// Reads and writes the session cookie; derives members.
#[derive(Clone)]
pub struct Identity {
    signing: Key,
    member: [u8; 32],
    public: Option<PublicUrl>,
}

impl Identity {
    /// Signs with the configured secret, or with the store's own key.
    #[must_use]
    pub fn new(config: &Config, keys: &Keys) -> Self {
        let signing = match &config.secret {
            Some(secret) => Key::derive_from(secret.as_bytes()),
            None => Key::from(&keys.signing),
        };
        Self { signing, member: keys.member, public: config.public_url.clone() }
    }

    /// Session of a request: that of the first cookie which has our name and our signature. Others of our name, as a
    /// sibling host may set them, are passed over. On plain HTTP the old name counts where the new one is missing.
    #[must_use]
    pub fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let session = self.signed(headers, &self.cookie_name(headers));
        if self.is_secure() { session } else { session.or_else(|| self.signed(headers, OLD_NAME)) }
    }

    /// A new session and the `Set-Cookie` that gives it to the browser which sent these headers.
    #[must_use]
    pub fn begin(&self, headers: &HeaderMap) -> (Session, Option<HeaderValue>) {
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

    /// Member id of this session in this room.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104 section 3)")]
    pub fn member(&self, session: Session, code: RoomCode) -> MemberId {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.member).expect("any key will do");
        mac.update(session.0.as_bytes());
        mac.update(code.to_string().as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        MemberId(uuid::Builder::from_custom_bytes(id).into_uuid())
    }

    /// Session of the first cookie of exactly this name that carries our signature. Cookies cross the wire as bytes
    /// (RFC 6265 section 5.4), so each is read by itself: one that cannot be read costs itself.
    fn signed(&self, headers: &HeaderMap, name: &str) -> Option<Session> {
        let jar = CookieJar::new();
        let jar = jar.signed(&self.signing);
        let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let mut ours = lines.flat_map(|line| line.split(|byte| *byte == b';')).filter_map(|pair| {
            let pair = pair.trim_ascii();
            // Before anything is decoded: `__%48ost-flasky` is another name, which any sibling host may set.
            pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Cookie::parse_encoded(str::from_utf8(pair).ok()?.to_owned()).ok()
        });
        // The signature covers the value and not the name: the same session under another name is the same browser's.
        ours.find_map(|cookie| jar.verify(cookie)?.value().parse().ok().map(Session))
    }

    fn is_secure(&self) -> bool {
        self.public.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// Cookies do not know ports (RFC 6265 section 8.5): without the port in the name, two servers on one host would
    /// overwrite each other's.
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

    fn asking(host: &str, cookies: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        for line in cookies {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    /// A session, and its cookie as `name=value`.
    fn given(identity: &Identity, host: &str) -> (Session, String) {
        let (session, cookie) = identity.begin(&asking(host, &[]));
        (session, cookie.unwrap().to_str().unwrap().split(';').next().unwrap().to_owned())
    }

    #[test]
    fn cookie_names_are_compared_as_sent() {
        let identity = identity(&["--public-url=https://chat.example"]);
        let (own, cookie) = given(&identity, "chat.example");
        let value = cookie.strip_prefix("__Host-flasky=").unwrap();
        assert_eq!(identity.session(&asking("chat.example", &[cookie.as_bytes()])), Some(own));
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
            assert_eq!(identity.session(&asking("chat.example", &[tossed.as_bytes()])), None, "{name}");
        }
        // The browser sends the sibling's before ours, since its path is longer.
        let (_, other) = given(&identity, "chat.example");
        let line = format!("__%48ost-flasky={}; {cookie}", other.strip_prefix("__Host-flasky=").unwrap());
        assert_eq!(identity.session(&asking("chat.example", &[line.as_bytes()])), Some(own));
    }

    #[test]
    fn an_unreadable_cookie_costs_only_itself() {
        let identity = identity(&[]);
        let (own, cookie) = given(&identity, "127.0.0.1:3000");
        let cookie = cookie.as_bytes();
        for other in
            [&b"theme=d\xfcster"[..], b"theme=%ff%fe", b"theme=%zz", b"\xff\xfe=1", b"=", b"", b"theme", b"a=\"b"]
        {
            for line in [[other, b"; ", cookie].concat(), [cookie, b"; ", other].concat()] {
                assert_eq!(identity.session(&asking("127.0.0.1:3000", &[&line])), Some(own), "{line:?}");
            }
            assert_eq!(identity.session(&asking("127.0.0.1:3000", &[other, cookie])), Some(own), "in two lines");
        }
    }

    #[test]
    fn of_several_cookies_the_signed_one_counts() {
        let identity = identity(&[]);
        let (own, cookie) = given(&identity, "a:3000");
        let forged = format!("flasky-3000={}1b4e28ba-2fa1-41d2-883f-0016d3cca427", "A".repeat(43) + "=");
        for other in [&*forged, "flasky-3000=", "flasky-3000=%ff", "flasky-3000=nonsense"] {
            for line in [format!("{other}; {cookie}"), format!("{cookie}; {other}")] {
                assert_eq!(identity.session(&asking("a:3000", &[line.as_bytes()])), Some(own), "{line}");
            }
            assert_eq!(identity.session(&asking("a:3000", &[other.as_bytes()])), None, "{other}");
        }
    }

    #[test]
    fn servers_on_other_ports_have_other_cookies() {
        let local = identity(&[]);
        for (host, name) in [
            ("127.0.0.1:3000", "flasky-3000="),
            ("127.0.0.1:3001", "flasky-3001="),
            ("[::1]:3000", "flasky-3000="),
            ("chat.example", "flasky-80="),
            ("", "flasky-80="),
        ] {
            assert!(given(&local, host).1.starts_with(name), "{host}");
        }
        let behind = identity(&["--public-url=http://chat.example:8080"]);
        assert!(given(&behind, "127.0.0.1:3000").1.starts_with("flasky-8080="), "not by the node that was asked");
        // The other server, with the other secret, leaves ours alone.
        let other = Identity { signing: Key::generate(), ..local.clone() };
        let (own, cookie) = given(&local, "127.0.0.1:3000");
        let line = format!("{}; {cookie}", given(&other, "127.0.0.1:3001").1);
        assert_eq!(local.session(&asking("127.0.0.1:3000", &[line.as_bytes()])), Some(own));
    }

    /// As earlier versions wrote it: its value percent-encoded.
    #[test]
    fn the_old_cookie_is_read_on_plain_http_only() {
        let encoded = |cookie: &str| {
            let value = cookie.split_once('=').unwrap().1;
            value.replace('/', "%2F").replace('=', "%3D")
        };
        let (local, tls) = (identity(&[]), identity(&["--public-url=https://chat.example"]));
        let (own, cookie) = given(&local, "a:3000");
        let old = format!("flasky={}", encoded(&cookie));
        assert_eq!(local.session(&asking("a:3000", &[old.as_bytes()])), Some(own));
        assert_eq!(tls.session(&asking("chat.example", &[old.as_bytes()])), None, "a sibling host may have set it");
        let (own, cookie) = given(&tls, "chat.example");
        let old = format!("__Host-flasky={}", encoded(&cookie));
        assert_eq!(tls.session(&asking("chat.example", &[old.as_bytes()])), Some(own));
        // The new one goes first.
        let (own, cookie) = given(&local, "a:3000");
        let line = format!("flasky={}; {cookie}", encoded(&given(&local, "a:3000").1));
        assert_eq!(local.session(&asking("a:3000", &[line.as_bytes()])), Some(own));
    }
}
