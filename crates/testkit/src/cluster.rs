//! A cluster of three NATS servers as one store.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream};
use protocol::RoomCode;
use store::seal::{Keyring, Secret};

use crate::nats::Server;

/// Maximum time in which the servers find each other or elect a leader.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Cluster {
    pub servers: Vec<Server>,
}

impl Cluster {
    pub async fn start() -> Self {
        // Ports are reserved together, so that they differ, and released before the servers bind them.
        let reserved: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<_> = reserved.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(reserved);
        let routes = ports.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect::<Vec<_>>().join(", ");
        let servers = (0..3).map(|n| {
            let port = ports[n];
            Server::start_with(format!(
                "server_name: n{n}\ncluster {{ name: proof, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}\n"
            ))
        });
        let cluster = Self { servers: servers.collect() };
        cluster.agree().await;
        cluster
    }

    /// URL of the store with the addresses of all servers.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.servers.iter().map(Server::address).collect();
        format!("nats://{}", hosts.join(","))
    }

    /// Waits until the servers can create a stream with three replicas.
    async fn agree(&self) {
        let begun = Instant::now();
        let jetstream = self.jetstream().await;
        let config = stream::Config { name: "agree".to_owned(), num_replicas: 3, ..Default::default() };
        while let Err(error) = jetstream.create_stream(&config).await {
            assert!(begun.elapsed() < PATIENCE, "the servers do not find each other: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        jetstream.delete_stream("agree").await.unwrap();
    }

    /// Index of the server that leads this stream.
    pub async fn leader(&self, stream: &str) -> usize {
        let begun = Instant::now();
        loop {
            let stream = self.jetstream().await.get_stream(stream).await;
            let leader = stream.ok().and_then(|stream| stream.cached_info().cluster.clone()?.leader);
            if let Some(n) = leader.and_then(|name| name.strip_prefix('n')?.parse().ok()) {
                return n;
            }
            assert!(begun.elapsed() < PATIENCE, "the stream has no leader");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Name of the stream that stores this room.
    pub async fn stream_of(&self, code: RoomCode) -> String {
        let secrets = self.jetstream().await.get_stream("flasky_secrets").await.unwrap();
        let secret = secrets.get_last_raw_message_by_subject("flasky.codes.secret").await.unwrap().payload;
        let key = Keyring::new(&Secret::from_bytes(secret[..].try_into().unwrap()));
        // The last bits of the 16 bytes that are the hash of a code.
        format!("flasky_{}", key.hash(code.to_string().as_bytes())[15] % 4)
    }

    /// Waits until each of these streams has a leader, and every replica is online and current.
    pub async fn heal(&self, streams: &[String]) {
        let begun = Instant::now();
        for name in streams {
            loop {
                let stream = self.jetstream().await.get_stream(name).await;
                let cluster = stream.ok().and_then(|stream| stream.cached_info().cluster.clone());
                if cluster.is_some_and(|cluster| {
                    cluster.leader.is_some()
                        && cluster.replicas.iter().all(|replica| replica.current && !replica.offline)
                }) {
                    break;
                }
                assert!(begun.elapsed() < PATIENCE, "{name} does not come to have three replicas");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    pub async fn jetstream(&self) -> jetstream::Context {
        let hosts: Vec<_> = self.servers.iter().map(Server::address).collect();
        jetstream::new(async_nats::connect(hosts).await.unwrap())
    }
}
