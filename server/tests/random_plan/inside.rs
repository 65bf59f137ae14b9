//! A server inside this process.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser as _;
use server::{config::Config, stores};
use store::Store;
use testkit::faulty::{FaultyStore, StoreFault};
use testkit::node::{PUBLIC_URL, generous_flags};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Time limit of a server's start, and of its end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a runtime of its own, so that it can be dropped in the middle of its work.
pub(crate) struct Inside {
    pub(crate) address: SocketAddr,
    runtime: Runtime,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Inside {
    /// Starts a server. `flags` are the program's.
    pub(crate) async fn start(store: &Path, flags: &[String]) -> Self {
        Self::start_with(store, flags, None).await
    }

    /// Starts a server whose store has this fault.
    pub(crate) async fn start_with(store: &Path, flags: &[String], fault: Option<StoreFault>) -> Self {
        let url = format!("sqlite://{}", store.display());
        let fixed = ["server", "--host=127.0.0.1"];
        let mut line: Vec<_> = fixed
            .map(str::to_owned)
            .into_iter()
            .chain([format!("--store={url}"), format!("--public-url={PUBLIC_URL}")])
            .chain(generous_flags())
            .collect();
        line.extend_from_slice(flags);
        let config = Config::try_parse_from(line).expect("flags");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shutdown = CancellationToken::new();
        let (ready, address) = oneshot::channel();
        let until = shutdown.clone();
        let serving = runtime.spawn(async move {
            let begun = Instant::now();
            let store = loop {
                // The server before this one may still hold the file's lock.
                match stores::open(config.store().as_str(), &config.limits()).await {
                    Ok(store) => break store,
                    Err(error) if begun.elapsed() > PATIENCE => panic!("the store does not open: {error:?}"),
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            };
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let _ = ready.send(listener.local_addr().unwrap());
            server::serve(&config, faulty(store, fault), listener, until).await.unwrap();
        });
        let address = tokio::time::timeout(PATIENCE, address).await.expect("a server in time").expect("a server");
        Self { address, runtime, shutdown, serving }
    }

    /// Stops the server in order, as SIGTERM does.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.serving).await.expect("a stop in time").expect("a stop in order");
        self.runtime.shutdown_background();
    }

    /// Drops every task at once. The store may or may not finish what it was doing.
    pub(crate) fn crash(self) {
        self.runtime.shutdown_background();
    }
}

fn faulty(store: Arc<dyn Store>, fault: Option<StoreFault>) -> Arc<dyn Store> {
    match fault {
        Some(fault) => FaultyStore::with(store, fault),
        None => store,
    }
}
