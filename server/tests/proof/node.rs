//! Servers to be stopped: one inside this process, and the real program.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use server::{backend, config::Config};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a server may take to be there, or to be gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a runtime of its own, so that it can be dropped in the middle of its work.
pub(crate) struct Inside {
    pub(crate) address: SocketAddr,
    runtime: Runtime,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Inside {
    /// `flags` are the program's.
    pub(crate) async fn start(store: &Path, flags: &[String]) -> Self {
        let url = format!("sqlite://{}", store.display());
        let mut line = vec!["server".to_owned(), "--host=127.0.0.1".to_owned(), format!("--store={url}")];
        line.extend_from_slice(flags);
        let config = Config::try_parse_from(line).expect("flags");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shutdown = CancellationToken::new();
        let (ready, address) = oneshot::channel();
        let until = shutdown.clone();
        let serving = runtime.spawn(async move {
            let begun = Instant::now();
            let backend = loop {
                // The one before may still be letting go of the file.
                match backend::open(&config.store, &config.limits()).await {
                    Ok(backend) => break backend,
                    Err(error) if begun.elapsed() > PATIENCE => panic!("the store does not open: {error:?}"),
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            };
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let _ = ready.send(listener.local_addr().unwrap());
            server::serve(&config, backend, listener, until).await.unwrap();
        });
        let address = tokio::time::timeout(PATIENCE, address).await.expect("a server in time").expect("a server");
        Self { address, runtime, shutdown, serving }
    }

    /// As SIGTERM does it.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.serving).await.expect("a stop in time").expect("a stop in order");
        self.runtime.shutdown_background();
    }

    /// Drops every task where it stands. What the store was doing is finished or not, as it happens.
    pub(crate) fn crash(self) {
        self.runtime.shutdown_background();
    }
}

/// The program, to be killed.
pub(crate) struct Program {
    binary: PathBuf,
    pub(crate) store: PathBuf,
    pub(crate) address: SocketAddr,
    environment: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl Program {
    /// Not started yet.
    pub(crate) fn new(binary: PathBuf, store: PathBuf, environment: Vec<(&'static str, String)>) -> Self {
        Self { binary, store, address: free_address(), environment, child: None }
    }

    /// Starts it and waits until it takes connections.
    pub(crate) async fn start(&mut self) -> Duration {
        let begun = Instant::now();
        let child = Command::new(&self.binary)
            .env("STORE", format!("sqlite://{}", self.store.display()))
            .env("HOST", "127.0.0.1")
            .env("PORT", self.address.port().to_string())
            .env("RUST_LOG", "error")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.binary.display()));
        let child = self.child.insert(child);
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended by itself: {status}");
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not listen");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        begun.elapsed()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a server to kill");
            child.wait().expect("a killed server");
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Below the range that the system gives to outgoing connections: a client that dials a dead server must not be given
/// its port, and be connected to itself.
fn free_address() -> SocketAddr {
    let from = 20_000 + (std::process::id() % 5_000) as u16;
    (from..from + 5_000)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .find(|address| StdListener::bind(address).is_ok())
        .expect("a free port")
}
