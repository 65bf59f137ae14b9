//! A cluster with two nodes, and the faults that tests cause in it.

use std::net::SocketAddr;
use std::sync::Arc;

use protocol::{Limits, RoomCode};
use server::stores;
use store::Store;
use testkit::cluster::Cluster;
use testkit::node::Program;

use testkit::proxy::{Cut, Proxy};

pub(crate) const NODES: usize = 2;
/// Number of events that a room keeps: more than any test stores.
pub(crate) const EVENTS: usize = 50_000;

/// Number of faults caused in the cluster, by kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Toll {
    pub(crate) servers_killed: u32,
    pub(crate) servers_paused: u32,
    pub(crate) nodes_killed: u32,
}

pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) nodes: Vec<Program>,
    /// One proxy in front of each node.
    doors: Vec<Proxy>,
    /// The test's own node: its reads are the expected state.
    pub(crate) observer: Arc<dyn Store>,
    pub(crate) toll: Toll,
}

impl Stage {
    pub(crate) async fn set(settings: &[(&'static str, String)]) -> Self {
        let cluster = Cluster::start().await;
        let observer = stores::open(&cluster.url(), &Limits::default()).await.unwrap();
        let mut environment = vec![
            ("STORE", cluster.url()),
            ("EVENTS", EVENTS.to_string()),
            ("TIMELINE", (1 << 30).to_string()),
            ("APPENDS_PER_SECOND", "1000".to_owned()),
            ("APPEND_BURST", "1000".to_owned()),
        ];
        environment.extend_from_slice(settings);
        let (mut nodes, mut doors) = (Vec::new(), Vec::new());
        for _ in 0..NODES {
            let mut node = Program::new(env!("CARGO_BIN_EXE_server").into(), Default::default(), environment.clone());
            node.start().await;
            doors.push(Proxy::start(node.address).await.unwrap());
            nodes.push(node);
        }
        Self { cluster, nodes, doors, observer, toll: Toll::default() }
    }

    pub(crate) fn door(&self, n: usize) -> SocketAddr {
        self.doors[n % NODES].address
    }

    /// Kills the server that leads the stream of this room. Returns its index.
    pub(crate) async fn kill_leader(&mut self, code: RoomCode) -> usize {
        let leader = self.cluster.leader(&self.cluster.stream_of(code).await).await;
        self.cluster.servers[leader].kill();
        self.toll.servers_killed += 1;
        leader
    }

    pub(crate) fn pause_server(&mut self, server: usize) {
        self.cluster.servers[server].pause();
        self.toll.servers_paused += 1;
    }

    /// Starts the server again and waits until every replica of every stream is current.
    pub(crate) async fn restore_server(&mut self, server: usize) {
        self.cluster.servers[server].start_again();
        self.heal().await;
    }

    pub(crate) async fn heal(&self) {
        self.cluster.heal(&["0", "1", "2", "3", "leases", "secrets"].map(|stream| format!("flasky_{stream}"))).await;
    }

    /// Kills the node. Its proxy leads to the other node from now on.
    pub(crate) fn kill_node(&mut self, node: usize) {
        self.nodes[node].kill();
        self.toll.nodes_killed += 1;
        self.doors[node].point_to(self.nodes[1 - node].address);
        self.doors[node].cut(Cut::Reset);
    }

    /// Starts the node again. Its proxy leads to it again.
    pub(crate) async fn restore_node(&mut self, node: usize) {
        self.nodes[node].start().await;
        self.doors[node].point_to(self.nodes[node].address);
        self.doors[node].cut(Cut::Close);
    }
}
