//! Settings: flag, then environment, then default. A test keeps the table in the README equal to this file.
//!
//! Variables are read with the prefix `FLASKY_` first, to avoid clashes with others, and then under the names that
//! platforms and earlier versions use.

mod address_limits;
mod command;
mod limits;
mod public_url;
mod report_url;
mod store_url;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use protocol::Limits;
use secrecy::SecretString;

use self::address_limits::AddressLimitArgs;
use self::command::{redacted, with_variables};
use self::limits::LimitArgs;
pub use self::public_url::PublicUrl;
pub use self::report_url::ReportUrl;
pub use self::store_url::StoreUrl;

/// Variable with the address at which cargo-leptos expects the server.
const LEPTOS_ADDRESS: &str = "LEPTOS_SITE_ADDR";

/// Flasky Chat: rooms to talk in right now, gone when everybody has left.
///
/// Without a command it serves.
#[derive(Parser)]
#[command(name = "flasky", version)]
pub struct Config {
    /// Address or host name to listen on
    #[arg(long, env = "FLASKY_HOST", default_value_t = leptos_address().ip().to_string())]
    pub host: String,
    /// Port to listen on
    #[arg(long, env = "FLASKY_PORT", default_value_t = leptos_address().port())]
    pub port: u16,
    /// The address people use, such as `https://chat.example`, without a path. Several nodes need it
    #[arg(long, env = "FLASKY_PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,
    /// Address to which people report a room, `mailto:` or `https:`. `/privacy` shows it
    #[arg(long, env = "FLASKY_REPORT")]
    pub report: Option<ReportUrl>,
    /// Where rooms live: `sqlite://` and a path, or `nats://` and addresses. Without it `sqlite://flasky.db` in the
    /// working directory
    #[arg(long, env = "FLASKY_STORE", hide_env_values = true, global = true)]
    store: Option<StoreUrl>,
    /// What some platforms call the store; `--store` goes before it
    #[arg(long, env = "FLASKY_DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<StoreUrl>,
    /// Signs cookies, at least 32 characters. Without it, a key is drawn once and kept in the store
    #[arg(long, env = "FLASKY_SECRET", hide_env_values = true, value_parser = secret)]
    pub secret: Option<SecretString>,
    /// Address of a second listener, for Prometheus, such as `127.0.0.1:9464`. Without it there is none
    #[arg(long, env = "FLASKY_METRICS")]
    pub metrics: Option<SocketAddr>,
    /// Milliseconds an idle HTTP connection is kept open; longer than the proxy's pool keeps it, 1000 to 3600000
    #[arg(long, env = "FLASKY_KEEP_ALIVE_MS", default_value_t = 130_000, value_parser = clap::value_parser!(u64).range(1_000..=3_600_000))]
    pub keep_alive_ms: u64,
    /// What is logged to standard error, as lines for people on a terminal and as JSON elsewhere: a level, or
    /// `part=level,…`
    #[arg(long, env = "FLASKY_LOG", default_value = "info")]
    pub log: String,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    address_limits: AddressLimitArgs,
    /// Command to run instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Commands other than serving. Both work while a server uses the store.
#[derive(Subcommand)]
pub enum Command {
    /// Writes a copy of the store, whole and at one moment
    Backup {
        /// The file to make
        to: PathBuf,
    },
    /// Looks through the whole store for damage
    Check,
}

/// Returns the address at which cargo-leptos expects the server, else 127.0.0.1:3000. HOST and PORT override it.
fn leptos_address() -> SocketAddr {
    let address = std::env::var(LEPTOS_ADDRESS).ok().and_then(|address| address.parse().ok());
    address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)))
}

impl Config {
    /// Reads the command line and the environment. If they are invalid, prints the error, without the values of
    /// secrets, and ends the process.
    #[must_use]
    pub fn read() -> Self {
        let mut command = with_variables(Self::command());
        let read = command.try_get_matches_from_mut(std::env::args_os());
        let config = read.and_then(|matches| Self::from_arg_matches(&matches)).and_then(Self::checked);
        config.unwrap_or_else(|error| redacted(error.format(&mut command), &command).exit())
    }

    /// Refuses settings that do not work together.
    fn checked(self) -> Result<Self, clap::Error> {
        if self.command.is_none() && self.public_url.is_none() && self.store().is_shared() {
            return Err(clap::Error::raw(
                ErrorKind::MissingRequiredArgument,
                "several nodes need PUBLIC_URL, the address people use: without it the name of a session's cookie would \
                 depend on the node that was asked\n",
            ));
        }
        Ok(self)
    }

    /// Returns the host and port to bind. The host is an address, or a name that is resolved at binding.
    #[must_use]
    pub fn address(&self) -> String {
        match self.host.parse::<Ipv6Addr>() {
            Ok(host) => SocketAddr::from((host, self.port)).to_string(),
            Err(_) => format!("{}:{}", self.host, self.port),
        }
    }

    /// Returns the URL of the store.
    #[must_use]
    pub fn store(&self) -> StoreUrl {
        let said = self.store.as_ref().or(self.database_url.as_ref());
        said.cloned().unwrap_or_default()
    }

    /// Returns the limits to enforce.
    #[must_use]
    pub fn limits(&self) -> Limits {
        (&self.limits).into()
    }

    /// Returns the limits per network address and in all.
    #[must_use]
    pub fn address_limits(&self) -> crate::address_limits::Settings {
        (&self.address_limits).into()
    }

    /// Returns warnings about unsafe settings of a server that others can reach. `listens` is the bound address.
    #[must_use]
    pub fn warnings(&self, listens: IpAddr) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        let beyond = !listens.is_loopback();
        match &self.public_url {
            None if beyond => warnings.push(
                "listening beyond this machine without PUBLIC_URL: set it to the https address people use, or cookies \
                 and messages cross the network readable",
            ),
            Some(url) if !url.is_https() => warnings.push(
                "PUBLIC_URL is not https: cookies and messages cross the network readable, and browsers will not \
                 install the app or show notifications",
            ),
            _ => {}
        }
        if self.secret.is_none() && (beyond || self.public_url.is_some()) {
            warnings.push(
                "SECRET is not set: cookies are signed with a random key that is kept in the store, so where the store \
                 does not outlive a deploy, everybody is signed out by it",
            );
        }
        if self.metrics.is_some_and(|address| !address.ip().is_loopback()) {
            warnings.push("METRICS is not a loopback address: whoever reaches it reads how busy this server is");
        }
        warnings
    }
}

/// Parses the value of `--secret`.
fn secret(text: &str) -> Result<SecretString, &'static str> {
    if text.len() < 32 { Err("a secret has at least 32 characters") } else { Ok(text.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_secret_is_refused_and_a_long_one_redacted() {
        assert!(secret("short").is_err());
        let secret = secret("0123456789abcdef0123456789abcdef").unwrap();
        assert!(!format!("{secret:?}").contains("0123"));
    }

    #[test]
    fn private_server_has_no_warning_and_each_risk_has_one() {
        const SECRET: &str = "--secret=0123456789abcdef0123456789abcdef";
        let warnings = |host: &str, flags: &[&str]| {
            Config::parse_from(["flasky"].iter().chain(flags)).warnings(host.parse().unwrap())
        };
        assert_eq!(warnings("127.0.0.1", &[]).len(), 0);
        let public = ["--public-url=https://chat.example", "--metrics=127.0.0.1:9464", SECRET];
        assert_eq!(warnings("0.0.0.0", &public).len(), 0);
        for (host, flags, word) in [
            ("0.0.0.0", [SECRET].as_slice(), "PUBLIC_URL"),
            ("127.0.0.1", &["--public-url=http://chat.example", SECRET], "https"),
            ("127.0.0.1", &["--public-url=https://chat.example"], "SECRET"),
            ("127.0.0.1", &["--metrics=0.0.0.0:9464"], "METRICS"),
        ] {
            let warnings = warnings(host, flags);
            assert!(warnings.len() == 1 && warnings[0].contains(word), "{host} {flags:?}: {warnings:?}");
        }
    }

    #[test]
    fn shared_store_requires_a_public_url() {
        const NATS: &str = "--store=nats://127.0.0.1";
        let checked = |flags: &[&str]| Config::parse_from(["flasky"].iter().chain(flags)).checked();
        let error = checked(&[NATS]).err().expect("a refusal").to_string();
        assert!(error.contains("PUBLIC_URL"), "{error}");
        for flags in
            [&[NATS, "--public-url=http://chat.example"][..], &["--store=sqlite://x.db"], &[], &["check", NATS]]
        {
            assert!(checked(flags).is_ok(), "{flags:?}");
        }
    }

    #[test]
    fn host_may_be_a_name_or_an_address() {
        let address = |host: &str| Config::parse_from(["flasky", "--port=3000", &format!("--host={host}")]).address();
        for (host, bound) in [
            ("localhost", "localhost:3000"),
            ("127.0.0.1", "127.0.0.1:3000"),
            ("::1", "[::1]:3000"),
            ("[::1]", "[::1]:3000"),
        ] {
            assert_eq!(address(host), bound);
        }
    }

    /// The systemd unit, the image and the Procfile set only settings that exist, to values that can be read.
    #[test]
    fn settings_of_unit_image_and_procfile_are_valid() {
        let settings = |text: &str, before: &str| {
            let said = text.lines().filter_map(|line| line.strip_prefix(before)?.split_once('='));
            let flags = said.map(|(name, value)| {
                let name = name.strip_prefix("FLASKY_").unwrap_or(name);
                format!("--{}={value}", name.to_lowercase().replace('_', "-"))
            });
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
            assert_eq!(config.host, host, "{words}");
        }
        assert!(unit.contains("--store=") && unit.contains("--metrics="), "{unit}");
    }

    /// Builds the table of the README from the flags, and compares.
    #[test]
    fn readme_lists_every_setting() {
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
