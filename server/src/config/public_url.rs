//! Public address of the server.

use std::str::FromStr;

use url::{Host, Url};

/// Origin of the server as browsers see it (RFC 6454): scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    port: u16,
}

impl PublicUrl {
    /// Returns the origin as browsers write it in `Origin`: lower case, punycode, no default port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the port that browsers connect to, also if it is the scheme's default.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns true if pages are reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    /// Parses an address as browsers do (WHATWG URL), and refuses one that no page's `Origin` can equal: the origin
    /// check would refuse every request then.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write it as https://chat.example";
        let url = Url::parse(text).map_err(|_| FORM)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FORM);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("write it without a user and a password: browsers leave them out");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("write it without a path: the pages are at `/` and `/room/…`");
        }
        if let Some(Host::Domain(name)) = url.host()
            && name.ends_with('.')
        {
            return Err("write it without the dot at its end, as people do: browsers take it for another address");
        }
        if let Some(Host::Domain(name)) = url.host()
            && !name.split('.').all(is_label)
        {
            return Err("no host has this name");
        }
        match url.port_or_known_default() {
            None | Some(0) => Err("nothing can be reached at port 0"),
            Some(port) => Ok(Self { origin: url.origin().ascii_serialization(), port }),
        }
    }
}

/// Returns true for a label of a host name: letters, digits and hyphens (RFC 1123 section 2.1), and the underscore,
/// which browsers resolve too.
fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_url_is_normalised_as_browsers_do() {
        for (typed, origin, port) in [
            ("https://chat.example", "https://chat.example", 443),
            ("https://Chat.Example", "https://chat.example", 443),
            ("HTTPS://chat.example:443/", "https://chat.example", 443),
            ("http://chat.example:80", "http://chat.example", 80),
            ("https://chat.example:80", "https://chat.example:80", 80),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000", 3000),
            ("http://[0:0::1]:3000", "http://[::1]:3000", 3000),
            ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example", 443),
            ("https://chat\u{3002}example", "https://chat.example", 443),
            (" https://chat.example\n", "https://chat.example", 443),
            ("https://my_chat.example:0443", "https://my_chat.example", 443),
        ] {
            let url: PublicUrl = typed.parse().unwrap();
            assert_eq!((url.origin(), url.port()), (origin, port), "{typed}");
        }
    }

    #[test]
    fn public_url_that_is_no_origin_is_refused_with_the_reason() {
        for (typed, why) in [
            ("https://chat.example.", "dot"),
            ("http://127.0.0.1.nip.example.:80", "dot"),
            ("https://chat.example/chat", "path"),
            ("https://chat.example//", "path"),
            ("https://chat.example/?", "path"),
            ("https://chat.example/#", "path"),
            ("https://ana@chat.example", "user"),
            ("https://:secret@chat.example", "user"),
            ("https://chat.example:0", "port 0"),
            ("https://*.example", "name"),
            ("https://chat..example", "name"),
            ("https://.chat.example", "name"),
            ("chat.example", "write it as"),
            ("chat.example:443", "write it as"),
            ("ftp://chat.example", "write it as"),
            ("wss://chat.example", "write it as"),
            ("https://", "write it as"),
            ("https://chat.example:99999", "write it as"),
            ("https://chat example", "write it as"),
            ("null", "write it as"),
            ("", "write it as"),
        ] {
            let error = typed.parse::<PublicUrl>().unwrap_err();
            assert!(error.contains(why), "{typed}: {error}");
        }
    }
}
