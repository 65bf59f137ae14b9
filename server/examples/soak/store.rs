//! Stores for the measurements, and the processor time of their processes.

use std::path::Path;
use std::time::Duration;

use testkit::cluster::Cluster;
use testkit::nats::Server;
use testkit::node::Program;

pub(crate) enum TestStore {
    Sqlite(tempfile::TempDir),
    One(Server),
    Three(Cluster),
}

impl TestStore {
    /// Starts a store with this number of NATS servers, one or three; 0 for SQLite.
    pub(crate) async fn start(servers: usize) -> Self {
        match servers {
            0 => Self::Sqlite(tempfile::tempdir().unwrap()),
            1 => Self::One(Server::start()),
            _ => Self::Three(Cluster::start().await),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::One(_) => "one NATS server",
            Self::Three(_) => "three NATS servers, three replicas",
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(directory) => format!("sqlite://{}", directory.path().join("flasky.db").display()),
            Self::One(server) => format!("nats://{}", server.address()),
            Self::Three(cluster) => cluster.url(),
        }
    }

    /// Returns the ids of the store's own processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        match self {
            Self::Sqlite(_) => Vec::new(),
            Self::One(server) => vec![server.pid()],
            Self::Three(cluster) => cluster.servers.iter().map(Server::pid).collect(),
        }
    }

    /// Starts a node on this store with this grace period.
    pub(crate) async fn node(&self, server: &Path, grace: Duration) -> Program {
        let environment = [
            ("STORE", self.url()),
            ("APPENDS_PER_SECOND", "1000000".to_owned()),
            ("APPEND_BURST", "1000000".to_owned()),
            ("ARRIVAL_MS", "600000".to_owned()),
            ("GRACE_MS", grace.as_millis().to_string()),
        ];
        let mut program = Program::new(server.to_owned(), Default::default(), environment.into());
        program.start().await;
        program
    }
}
