//! Reads the settings, opens the store, serves.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use server::config::{Command, Config, StoreUrl};
use server::telemetry::{log, panics};
use server::{Listeners, stores};
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Returns memory to the system within ten seconds of a peak. Measured eight seconds after rendering 20 large pages
/// that no client read: glibc still held 284 of 299 MiB, mimalloc 274 of 396, jemalloc 44 of 533; idle, it holds 18.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let began = Instant::now();
    panics::set_hook(log::fatal);
    let config = Config::read();
    match run(&config, began).await {
        Ok(()) => {
            log::finish();
            ExitCode::SUCCESS
        }
        Err(error) => {
            log::fatal(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(config: &Config, began: Instant) -> anyhow::Result<()> {
    log::start(&config.log).with_context(|| format!("cannot read --log, FLASKY_LOG or RUST_LOG, {:?}", config.log))?;
    match &config.command {
        None => serve(config, began).await,
        Some(Command::Backup { to }) => backup(&config.store(), to),
        Some(Command::Check) => check(&config.store()),
    }
}

async fn serve(config: &Config, began: Instant) -> anyhow::Result<()> {
    // Registered before the port or the log shows that the process runs: a SIGTERM may follow at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let store_url = config.store();
    let store = stores::open(store_url.as_str(), &config.limits())
        .await
        .with_context(|| format!("cannot use the store {store_url}"))?;
    let site = listen(&config.address()).await?;
    let metrics = match config.metrics {
        Some(address) => Some(listen(&address.to_string()).await?),
        None => None,
    };
    let url = format!("http://{}", site.local_addr()?);
    for warning in config.warnings(site.local_addr()?.ip()) {
        tracing::warn!("{warning}");
    }
    let metrics_at = metrics.as_ref().map(TcpListener::local_addr).transpose()?.map(tracing::field::display);
    let (version, after_ms) = (env!("CARGO_PKG_VERSION"), began.elapsed().as_millis() as u64);
    tracing::info!(url, metrics = metrics_at, store = %store_url, version, after_ms, "listening");
    let limits = config.address_limits();
    let (idle, worst) = limits.memory();
    let (sockets, rooms, idle_mib, worst_mib) = (limits.sockets, limits.rooms, idle >> 20, worst >> 20);
    tracing::info!(sockets, rooms, idle_mib, worst_mib, "limits");
    if std::io::stdout().is_terminal() {
        print_line(&format!("Flasky Chat is at {url}"));
    }
    let shutdown = CancellationToken::new();
    let serving = server::serve(config, store, Listeners { site, metrics }, shutdown.clone());
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        served = &mut serving => return served.context("the server ended"),
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    shutdown.cancel();
    serving.await.context("the server could not stop in order")
}

/// Connections that wait to be accepted. With the usual 128 the kernel drops some of a crowd that comes at once, as after a
/// restart: the client takes its connection for open and hears nothing, for ever where it says nothing itself.
const BACKLOG: u32 = 4096;

async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Binds one address of a host and port, an IPv4 address if the name has one. On some systems `localhost` resolves to
/// ::1 first, while people and cargo-leptos connect to 127.0.0.1.
async fn bind(address: &str) -> std::io::Result<TcpListener> {
    let mut failed = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in ipv4_first(lookup_host(address).await?) {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn listen_on(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As `TcpListener::bind` does: a server that restarts need not wait for the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn ipv4_first(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses
}

fn backup(store: &StoreUrl, to: &Path) -> anyhow::Result<()> {
    stores::backup(store.as_str(), to).with_context(|| format!("cannot copy the store {store} to {}", to.display()))?;
    print_line(&format!("{} holds the store as it was a moment ago", to.display()));
    Ok(())
}

fn check(store: &StoreUrl) -> anyhow::Result<()> {
    let found = stores::check(store.as_str()).with_context(|| format!("cannot check the store {store}"))?;
    for fault in &found.faults {
        print_line(fault);
    }
    anyhow::ensure!(found.faults.is_empty(), "the store is damaged: {} faults", found.faults.len());
    print_line(&format!("sound: {} rooms, {} events", found.rooms, found.events));
    Ok(())
}

/// Writes a line to standard output, and ignores failure: the exit code reports the result too.
fn print_line(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_address_of_a_name_is_bound_first() {
        let sorted = |addresses: &[&str]| {
            let sorted = ipv4_first(addresses.iter().map(|address| address.parse().unwrap()));
            sorted.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(sorted(&["[::1]:3000", "127.0.0.1:3000"]), ["127.0.0.1:3000", "[::1]:3000"]);
        assert_eq!(sorted(&["10.0.0.2:1", "[2001:db8::1]:1", "10.0.0.1:1"])[..2], ["10.0.0.2:1", "10.0.0.1:1"]);
        assert_eq!(sorted(&["[::1]:3000"]), ["[::1]:3000"]);
    }
}
