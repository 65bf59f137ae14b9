//! The server, as `main` starts it, on a port of its own.

#![allow(dead_code, reason = "not every test that includes it restarts a server")]

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser as _;
use server::config::Config;
use server::stores;
use server::{Listeners, ServeError};
use store::Store;
use testkit::browser::Site;
use testkit::faulty::FaultyStore;
use testkit::node::generous_flags;
use testkit::within;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Flags for tests that append faster than the default rate limit allows.
pub(crate) const TALKATIVE: [&str; 2] = ["--appends-per-second=100000", "--append-burst=100000"];

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Address of the metrics listener.
    pub(crate) metrics: SocketAddr,
    flags: Vec<String>,
    /// URL of the store.
    url: String,
    /// Directory of the store, if it is this server's own.
    directory: Option<tempfile::TempDir>,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Site for Server {
    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Server {
    /// Starts a server with these flags on a store of its own.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Self::over(with_generous(flags), |store| store).await
    }

    /// Starts a server with these flags, and the default limits per address otherwise.
    pub(crate) async fn limited(flags: &[&str]) -> Self {
        Self::over(flags.iter().map(ToString::to_string).collect(), |store| store).await
    }

    /// Starts a server on a store in which faults can be injected.
    pub(crate) async fn troubled(flags: &[&str]) -> (Self, Arc<FaultyStore>) {
        let mut troubled = None;
        let server = Self::over(with_generous(flags), |store| troubled.insert(FaultyStore::over(store)).clone()).await;
        (server, troubled.unwrap())
    }

    /// Starts a server on the store at this URL.
    pub(crate) async fn at(url: String, flags: &[&str]) -> Self {
        Self::on(url, None, with_generous(flags), |store| store).await
    }

    /// Starts a server on the store at this URL, in which faults can be injected.
    pub(crate) async fn troubled_at(url: String, flags: &[&str]) -> (Self, Arc<FaultyStore>) {
        let (mut troubled, flags) = (None, with_generous(flags));
        let wrap = |store| -> Arc<dyn Store> { troubled.insert(FaultyStore::over(store)).clone() };
        let server = Self::on(url, None, flags, wrap).await;
        (server, troubled.unwrap())
    }

    async fn over(flags: Vec<String>, wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("flasky.db").display());
        Self::on(url, Some(directory), flags, wrap).await
    }

    async fn on(
        url: String,
        directory: Option<tempfile::TempDir>,
        flags: Vec<String>,
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        // Given as flags, so that the environment cannot change them: HOST is the machine's name in some shells.
        let program = ["server", "--host=127.0.0.1", "--port=0"].map(ToOwned::to_owned);
        let config = Config::parse_from(program.iter().chain(&[format!("--store={url}")]).chain(&flags));
        let store = wrap(within(stores::open(config.store().as_str(), &config.limits())).await.unwrap());
        let (site, figures) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (address, metrics) = (site.local_addr().unwrap(), figures.local_addr().unwrap());
        let listeners = Listeners { site, metrics: Some(figures) };
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let serving = tokio::spawn(async move { server::serve(&config, store, listeners, stop).await });
        Self { address, metrics, flags, url, directory, shutdown, serving }
    }

    /// Begins the shutdown, as SIGTERM does.
    pub(crate) fn shut_down(&self) {
        self.shutdown.cancel();
    }

    /// Shuts the server down and waits until it has ended.
    pub(crate) async fn stop(self) {
        self.shut_down();
        within(self.serving).await.unwrap().unwrap();
    }

    /// Shuts the server down and starts another one on the same store, on another port.
    pub(crate) async fn restart(mut self) -> Self {
        let (url, directory, flags) = (self.url.clone(), self.directory.take(), self.flags.clone());
        self.stop().await;
        Self::on(url, directory, flags, |store| store).await
    }
}

/// These flags, and limits per address that bound no test.
fn with_generous(flags: &[&str]) -> Vec<String> {
    generous_flags().chain(flags.iter().map(ToString::to_string)).collect()
}
