//! Settings: flag, then environment, then default. The README's table is this file's, and a test compares them.

mod store_url;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use app::protocol::Limits;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser, Subcommand};

pub use self::store_url::StoreUrl;

/// Where cargo-leptos expects the server.
const LEPTOS_ADDRESS: &str = "LEPTOS_SITE_ADDR";

/// Flasky Chat: rooms to talk in right now, gone when everybody has left.
///
/// Without a command it serves.
#[derive(Parser)]
#[command(name = "flasky", version)]
pub struct Config {
    /// Address to listen on
    #[arg(long, env = "HOST", default_value_t = leptos_address().ip())]
    pub host: IpAddr,
    /// Port to listen on
    #[arg(long, env = "PORT", default_value_t = leptos_address().port())]
    pub port: u16,
    /// The address people use, such as `https://chat.example`, without a path
    #[arg(long, env = "PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,
    /// Where rooms live: `sqlite://` and a path, or `nats://` and addresses. Without it `sqlite://flasky.db` in the working directory
    #[arg(long, env = "STORE", hide_env_values = true, global = true)]
    store: Option<StoreUrl>,
    /// What some platforms call the store; `--store` goes before it
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<StoreUrl>,
    /// Signs cookies, at least 32 characters. Without it, a key is drawn once and kept in the store
    #[arg(long, env = "SECRET", hide_env_values = true)]
    pub secret: Option<Secret>,
    /// Address of a second listener, for Prometheus, such as `127.0.0.1:9464`. Without it there is none
    #[arg(long, env = "METRICS")]
    pub metrics: Option<SocketAddr>,
    /// What is logged to standard error, as lines for people on a terminal and as JSON elsewhere: a level, or
    /// `part=level,…`
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub log: String,
    #[command(flatten)]
    limits: LimitArgs,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub task: Option<Task>,
}

/// What the program does beside serving. Both work while a server uses the store.
#[derive(Subcommand)]
pub enum Task {
    /// Writes a copy of the store, whole and at one moment
    Backup {
        /// The file to make
        to: PathBuf,
    },
    /// Looks through the whole store for damage
    Check,
}

/// One flag and one variable per limit.
#[derive(clap::Args)]
struct LimitArgs {
    /// Seats of a room whose maker did not choose, 2 to 1000
    #[arg(long, env = "CAPACITY", default_value_t = Limits::default().capacity, value_parser = clap::value_parser!(u32).range(2..=1000))]
    capacity: u32,
    /// Most events a room keeps
    #[arg(long, env = "EVENTS", default_value_t = Limits::default().events as u32, value_parser = clap::value_parser!(u32).range(1..))]
    events: u32,
    /// Most bytes of events a room keeps
    #[arg(long, env = "TIMELINE", default_value_t = Limits::default().timeline)]
    timeline: usize,
    /// Messages per second and member, sustained
    #[arg(long, env = "APPENDS_PER_SECOND", default_value_t = Limits::default().appends_per_second, value_parser = clap::value_parser!(u32).range(1..))]
    appends_per_second: u32,
    /// Messages a member may send at once
    #[arg(long, env = "APPEND_BURST", default_value_t = Limits::default().append_burst, value_parser = clap::value_parser!(u32).range(1..))]
    append_burst: u32,
    /// Connections of one member in one room
    #[arg(long, env = "TABS", default_value_t = Limits::default().tabs as u32, value_parser = clap::value_parser!(u32).range(1..))]
    tabs: u32,
    /// Milliseconds a seat waits for a member whose connection broke
    #[arg(long, env = "GRACE_MS", default_value_t = Limits::default().grace_ms)]
    grace_ms: u64,
    /// Milliseconds a new seat waits for its page, and a new room for its first seat
    #[arg(long, env = "ARRIVAL_MS", default_value_t = Limits::default().arrival_ms)]
    arrival_ms: u64,
    /// Milliseconds a page without a connection keeps its seat
    #[arg(long, env = "PAGE_LEASE_MS", default_value_t = Limits::default().page_lease_ms)]
    page_lease_ms: u64,
}

/// cargo-leptos says where it expects the server; HOST and PORT go before it.
fn leptos_address() -> SocketAddr {
    let address = std::env::var(LEPTOS_ADDRESS).ok().and_then(|address| address.parse().ok());
    address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)))
}

impl Config {
    /// What the command line and the environment say. Ends the process where they say nothing sensible; what is
    /// secret is not repeated then.
    #[must_use]
    pub fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| redacted(error).exit())
    }

    /// The address to bind.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Where rooms live.
    #[must_use]
    pub fn store(&self) -> StoreUrl {
        let said = self.store.as_ref().or(self.database_url.as_ref());
        said.cloned().unwrap_or_default()
    }

    /// The limits to enforce.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let limits = &self.limits;
        Limits {
            capacity: limits.capacity,
            events: limits.events as usize,
            timeline: limits.timeline,
            appends_per_second: limits.appends_per_second,
            append_burst: limits.append_burst,
            tabs: limits.tabs as usize,
            grace_ms: limits.grace_ms,
            arrival_ms: limits.arrival_ms,
            page_lease_ms: limits.page_lease_ms,
            ..Limits::default()
        }
    }

    /// What whoever opens this server to others should know, in sentences.
    #[must_use]
    pub fn concerns(&self) -> Vec<&'static str> {
        let mut concerns = Vec::new();
        let beyond = !self.host.is_loopback();
        match &self.public_url {
            None if beyond => concerns.push(
                "listening beyond this machine without PUBLIC_URL: set it to the https address people use, or cookies \
                 and messages cross the network readable",
            ),
            Some(url) if !url.is_https() => concerns.push(
                "PUBLIC_URL is not https: cookies and messages cross the network readable, and browsers will not \
                 install the app or show notifications",
            ),
            _ => {}
        }
        if self.secret.is_none() && (beyond || self.public_url.is_some()) {
            concerns.push(
                "SECRET is not set: cookies are signed with a random key that is kept in the store, so where the store \
                 does not outlive a deploy, everybody is signed out by it",
            );
        }
        if self.metrics.is_some_and(|address| !address.ip().is_loopback()) {
            concerns.push("METRICS is not a loopback address: whoever reaches it reads how busy this server is");
        }
        concerns
    }
}

/// clap repeats what it could not read. Of what may hold a password it must not.
fn redacted(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) {
        let mut command = Config::command();
        command.build();
        let hides = |known: &clap::Arg| known.is_hide_env_values_set() && known.to_string() == *named;
        if command.get_arguments().any(hides) {
            error.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
        }
    }
    error
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

    /// What is wrong is said without saying what it was.
    #[test]
    fn no_secret_is_in_an_error() {
        for flag in ["--secret=too-short-and-secret", "--store=a-secret-without-a-scheme"] {
            let Err(error) = Config::try_parse_from(["flasky", "--host=127.0.0.1", flag]) else { panic!("{flag}") };
            let words = redacted(error).to_string();
            assert!(!words.contains("and-secret") && !words.contains("a-secret"), "{words}");
        }
        let Err(error) = Config::try_parse_from(["flasky", "--host=127.0.0.1", "--port=seventy"]) else {
            panic!("a port")
        };
        assert!(redacted(error).to_string().contains("seventy"));
    }

    #[test]
    fn a_server_of_ones_own_concerns_nobody() {
        const SECRET: &str = "--secret=0123456789abcdef0123456789abcdef";
        // Said, so that the environment does not say it: HOST is the machine's name in some shells.
        let concerns = |host: &str, flags: &[&str]| {
            Config::parse_from(["flasky", &format!("--host={host}")].iter().chain(flags)).concerns()
        };
        assert_eq!(concerns("127.0.0.1", &[]).len(), 0);
        let public = ["--public-url=https://chat.example", "--metrics=127.0.0.1:9464", SECRET];
        assert_eq!(concerns("0.0.0.0", &public).len(), 0);
        for (host, flags, word) in [
            ("0.0.0.0", [SECRET].as_slice(), "PUBLIC_URL"),
            ("127.0.0.1", &["--public-url=http://chat.example", SECRET], "https"),
            ("127.0.0.1", &["--public-url=https://chat.example"], "SECRET"),
            ("127.0.0.1", &["--metrics=0.0.0.0:9464"], "METRICS"),
        ] {
            let concerns = concerns(host, flags);
            assert!(concerns.len() == 1 && concerns[0].contains(word), "{host} {flags:?}: {concerns:?}");
        }
    }

    /// The unit, the image and the Procfile set what there is to set, to what can be read.
    #[test]
    fn what_operators_take_can_be_read() {
        let settings = |text: &str, before: &str| {
            let said = text.lines().filter_map(|line| line.strip_prefix(before)?.split_once('='));
            let flags = said.map(|(name, value)| format!("--{}={value}", name.to_lowercase().replace('_', "-")));
            flags.collect::<Vec<_>>().join(" ")
        };
        let unit = settings(include_str!("../../deploy/flasky.service"), "Environment=");
        let image = settings(include_str!("../../Dockerfile"), "ENV ");
        let procfile = include_str!("../../Procfile").strip_prefix("web: dist/flasky ").unwrap();
        for (words, host) in
            [(format!("{unit} --host=127.0.0.1").as_str(), "127.0.0.1"), (&image, "0.0.0.0"), (procfile, "0.0.0.0")]
        {
            let config = Config::try_parse_from(["flasky"].into_iter().chain(words.split_whitespace()));
            let config = config.map_err(|error| format!("{words}: {error}")).unwrap();
            assert_eq!(config.host.to_string(), host, "{words}");
        }
        assert!(unit.contains("--store=") && unit.contains("--metrics="), "{unit}");
    }

    /// The table of the README: made from the flags, so that it is true.
    #[test]
    fn the_readme_lists_every_setting() {
        let mut table = String::from("| flag | environment | default | |\n|---|---|---|---|\n");
        for argument in Config::command().get_arguments().filter(|argument| argument.get_long().is_some()) {
            let cell = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
            let environment = argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let default: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let flag = argument.get_long().unwrap_or_default();
            table += &format!("| `--{flag}` | {} | {} | {help} |\n", cell(&environment), cell(&default.join(",")));
        }
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&table), "the README's table should be\n\n{table}");
    }
}
