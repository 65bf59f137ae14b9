//! A cluster with two nodes, and what can happen to them.

use std::net::SocketAddr;
use std::sync::Arc;

use protocol::{Limits, RoomCode};
use server::backend::{self, Backend};

use crate::cluster::Cluster;
use crate::proof::node::Program;
use crate::proof::proxy::{Cut, Proxy};

pub(crate) const NODES: usize = 2;
/// How many events a room keeps: more than anybody says here.
pub(crate) const EVENTS: usize = 50_000;

/// What was done to the cluster.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Toll {
    pub(crate) servers_killed: u32,
    pub(crate) servers_paused: u32,
    pub(crate) nodes_killed: u32,
}

pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) nodes: Vec<Program>,
    /// One for those who come to each node.
    doors: Vec<Proxy>,
    /// A node of the test's own: what it reads is the truth.
    pub(crate) observer: Arc<dyn Backend>,
    pub(crate) toll: Toll,
}

impl Stage {
    pub(crate) async fn set(settings: &[(&'static str, String)]) -> Self {
        let cluster = Cluster::start().await;
        let observer = backend::open(&cluster.url(), &Limits::default()).await.unwrap();
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

    /// The server that leads the stream of this room.
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

    /// The server is there again, and knows everything.
    pub(crate) async fn restore_server(&mut self, server: usize) {
        self.cluster.servers[server].start_again();
        self.heal().await;
    }

    pub(crate) async fn heal(&self) {
        self.cluster.heal(&["0", "1", "2", "3", "leases"].map(|stream| format!("flasky_{stream}"))).await;
    }

    /// Who came to this node comes to the other one from now on.
    pub(crate) fn kill_node(&mut self, node: usize) {
        self.nodes[node].kill();
        self.toll.nodes_killed += 1;
        self.doors[node].point_to(self.nodes[1 - node].address);
        self.doors[node].cut(Cut::Reset);
    }

    /// And now to this one again.
    pub(crate) async fn restore_node(&mut self, node: usize) {
        self.nodes[node].start().await;
        self.doors[node].point_to(self.nodes[node].address);
        self.doors[node].cut(Cut::Close);
    }
}
