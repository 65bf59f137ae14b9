//! Reads the settings, opens the store, serves.

use anyhow::Context;
use clap::Parser;
use server::{backend, config::Config};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    // Before anything can be seen of this process: who sees it may stop it.
    let mut terminate = signal(SignalKind::terminate())?;
    let config = Config::parse();
    let address = config.address();
    let backend = backend::open(&config.store, &config.limits())
        .await
        .with_context(|| format!("cannot use the store {}", config.store))?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() && config.public_url.is_none() {
        tracing::warn!("listening beyond this machine without PUBLIC_URL: set it to the address people use");
    }
    announce(&format!("Flasky Chat is at http://{address}"));
    let shutdown = CancellationToken::new();
    let serving = server::serve(&config, backend, listener, shutdown.clone());
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        served = &mut serving => return served.context("the server could not start"),
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    shutdown.cancel();
    serving.await.context("the server could not stop in order")
}

#[expect(clippy::print_stdout, reason = "the address is what the person who started the server is waiting for")]
fn announce(line: &str) {
    println!("{line}");
}
