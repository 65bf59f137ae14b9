//! Settings: flag, then environment, then default.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use app::protocol::Limits;
use clap::Parser;

/// Flasky Chat: rooms to talk in right now, gone when everybody has left.
#[derive(Parser)]
#[command(version)]
pub struct Config {
    /// Address to listen on.
    #[arg(long, env = "HOST")]
    pub host: Option<IpAddr>,
    /// Port to listen on.
    #[arg(long, env = "PORT")]
    pub port: Option<u16>,
    /// Where rooms live.
    #[arg(long, env = "STORE", default_value = "sqlite://flasky.db")]
    pub store: String,
    /// Signs cookies, at least 32 characters. Drawn once and kept in the store when absent.
    #[arg(long, env = "SECRET", hide_env_values = true)]
    pub secret: Option<Secret>,
    /// The address people reach the server under, such as `https://chat.example`.
    #[arg(long, env = "PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,
    /// Where cargo-leptos put the client.
    #[arg(long, env = "LEPTOS_SITE_ROOT", default_value = "target/site")]
    pub site: String,
    #[command(flatten)]
    limits: LimitArgs,
}

/// One flag and one variable per limit.
#[derive(clap::Args)]
struct LimitArgs {
    /// Seats of a room whose maker did not choose.
    #[arg(long, env = "CAPACITY", value_parser = clap::value_parser!(u32).range(2..=1000))]
    capacity: Option<u32>,
    /// Most events a room's timeline keeps.
    #[arg(long, env = "EVENTS", value_parser = clap::value_parser!(u32).range(1..))]
    events: Option<u32>,
    /// Most bytes a room's timeline keeps.
    #[arg(long, env = "TIMELINE")]
    timeline: Option<usize>,
    /// Appends per second and member.
    #[arg(long, env = "APPENDS_PER_SECOND", value_parser = clap::value_parser!(u32).range(1..))]
    appends_per_second: Option<u32>,
    /// Appends a member may make at once.
    #[arg(long, env = "APPEND_BURST", value_parser = clap::value_parser!(u32).range(1..))]
    append_burst: Option<u32>,
    /// Connections of one member in one room.
    #[arg(long, env = "TABS", value_parser = clap::value_parser!(u32).range(1..))]
    tabs: Option<u32>,
    /// Milliseconds a seat is kept for a member nothing is heard of.
    #[arg(long, env = "GRACE_MS")]
    grace_ms: Option<u64>,
    /// Milliseconds a seat waits for its member's first page or connection.
    #[arg(long, env = "ARRIVAL_MS")]
    arrival_ms: Option<u64>,
    /// Milliseconds a page without a connection keeps its member's seat.
    #[arg(long, env = "PAGE_LEASE_MS")]
    page_lease_ms: Option<u64>,
}

impl Config {
    /// The address to bind. cargo-leptos says its own in `LEPTOS_SITE_ADDR`; HOST and PORT go before it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let leptos = std::env::var("LEPTOS_SITE_ADDR").ok().and_then(|address| address.parse().ok());
        let fallback = leptos.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000)));
        SocketAddr::new(self.host.unwrap_or(fallback.ip()), self.port.unwrap_or(fallback.port()))
    }

    /// The limits to enforce.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let LimitArgs {
            capacity,
            events,
            timeline,
            appends_per_second,
            append_burst,
            tabs,
            grace_ms,
            arrival_ms,
            page_lease_ms,
        } = self.limits;
        let default = Limits::default();
        Limits {
            capacity: capacity.unwrap_or(default.capacity),
            events: events.map_or(default.events, |events| events as usize),
            timeline: timeline.unwrap_or(default.timeline),
            appends_per_second: appends_per_second.unwrap_or(default.appends_per_second),
            append_burst: append_burst.unwrap_or(default.append_burst),
            tabs: tabs.map_or(default.tabs, |tabs| tabs as usize),
            grace_ms: grace_ms.unwrap_or(default.grace_ms),
            arrival_ms: arrival_ms.unwrap_or(default.arrival_ms),
            page_lease_ms: page_lease_ms.unwrap_or(default.page_lease_ms),
            ..default
        }
    }
}

/// Key material that never shows itself.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The bytes, for deriving keys.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::str::FromStr for Secret {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() < 32 { Err("a secret has at least 32 characters") } else { Ok(Self(text.to_owned())) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The origin that browsers see (RFC 6454): scheme, host and port, nothing after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
}

impl PublicUrl {
    /// As browsers write it in `Origin`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the page is reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

impl std::str::FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: axum::http::Uri = text.trim_end_matches('/').parse().map_err(|_| "not an address")?;
        match (uri.scheme_str(), uri.authority(), uri.path()) {
            (Some(scheme @ ("http" | "https")), Some(authority), "/" | "") => {
                let default_port = if scheme == "https" { ":443" } else { ":80" };
                let authority = authority.as_str().to_ascii_lowercase();
                let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
                Ok(Self { origin: format!("{scheme}://{authority}") })
            }
            _ => Err("write it as https://chat.example, without a path"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        for (typed, origin) in [
            ("https://Chat.Example", "https://chat.example"),
            ("https://chat.example:443/", "https://chat.example"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ] {
            assert_eq!(typed.parse::<PublicUrl>().unwrap().origin(), origin);
        }
        for wrong in ["chat.example", "ftp://chat.example", "https://chat.example/chat", ""] {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_long_and_hides() {
        assert!("short".parse::<Secret>().is_err());
        let secret: Secret = "0123456789abcdef0123456789abcdef".parse().unwrap();
        assert!(!format!("{secret:?}").contains("0123"));
    }
}
