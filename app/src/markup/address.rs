//! Addresses as browsers read them, by the [URL Standard](https://url.spec.whatwg.org/): the server has the `url` crate
//! for it, the browser its own `URL`.

/// An http, https or mailto address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address as the parser serialises it. Read again, it is the same, whichever page it stands in.
    pub href: String,
    /// Host, in ASCII, and port unless it is the default one; of a mailto address the mailboxes.
    pub host: String,
}

/// Parses an absolute address; `None` when it is none, or of another scheme.
#[cfg(feature = "ssr")]
#[must_use]
pub fn parse(typed: &str) -> Option<Address> {
    let url = url::Url::parse(typed).ok()?;
    let host = match url.scheme() {
        "http" | "https" => url[url::Position::BeforeHost..url::Position::AfterPort].to_owned(),
        "mailto" => url.path().to_owned(),
        _ => return None,
    };
    Some(Address { href: url.into(), host })
}

/// Parses an absolute address; `None` when it is none, or of another scheme.
#[cfg(not(feature = "ssr"))]
#[must_use]
pub fn parse(typed: &str) -> Option<Address> {
    let url = web_sys::Url::new(typed).ok()?;
    let host = match url.protocol().as_str() {
        "http:" | "https:" => url.host(),
        "mailto:" => url.pathname(),
        _ => return None,
    };
    Some(Address { href: url.href(), host })
}
