//! Who a request comes from: one signed cookie with a random session id and nothing else.
//!
//! A member's id is derived from session and room with a key of the store's own: one person's rooms cannot be linked,
//! and nobody who knows the signing secret can tell who is who.

use app::protocol::{MemberId, RoomCode};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::IntoResponse;
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::backend::Keys;
use crate::config::Config;

/// A browser, for as long as it keeps its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session(Uuid);

/// Reads and writes the session cookie; derives members.
#[derive(Clone)]
pub struct Identity {
    signing: Key,
    member: [u8; 32],
    secure: bool,
}

impl Identity {
    /// Signs with the configured secret, or with the store's own key.
    #[must_use]
    pub fn new(config: &Config, keys: &Keys) -> Self {
        let signing = match &config.secret {
            Some(secret) => Key::derive_from(secret.as_bytes()),
            None => Key::from(&keys.signing),
        };
        Self { signing, member: keys.member, secure: config.public_url.as_ref().is_some_and(|url| url.is_https()) }
    }

    /// The session of a request, if it carries a cookie that this server signed.
    #[must_use]
    pub fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let jar = SignedCookieJar::from_headers(headers, self.signing.clone());
        jar.get(self.cookie_name())?.value().parse().ok().map(Session)
    }

    /// A new session and the `Set-Cookie` that gives it to the browser.
    #[must_use]
    pub fn begin(&self) -> (Session, Option<HeaderValue>) {
        let session = Session(crate::entropy::uuid());
        let mut cookie = Cookie::new(self.cookie_name(), session.0.to_string());
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Lax);
        cookie.set_path("/");
        cookie.set_secure(self.secure);
        let jar = SignedCookieJar::from_headers(&HeaderMap::new(), self.signing.clone()).add(cookie);
        (session, jar.into_response().headers().get(header::SET_COOKIE).cloned())
    }

    /// Who this session is in this room.
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

    /// `__Host-` binds the cookie to this host over TLS; browsers refuse the prefix on plain HTTP.
    fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-flasky" } else { "flasky" }
    }
}
