//! Three NATS servers and two nodes, of which some are killed and paused under people who write, and nothing is lost,
//! doubled or out of order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/nats.rs"]
mod nats_server;
#[path = "proof/kit.rs"]
mod proof;
#[path = "conformance/support.rs"]
#[allow(dead_code, reason = "shared with the conformance suite")]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::protocol::{Code, Limits, Seq};
use server::backend::{self, Backend, From};

use cluster::Cluster;
use proof::checker;
use proof::client::{Act, Person, View};
use proof::dice::Dice;
use proof::excuse::Excuse;
use proof::fault::Fault;
use proof::http::{self, Seat};
use proof::light::Light;
use proof::node::Program;
use proof::proxy::{Cut, Proxy};
use proof::store::Truth;
use support::{edited, message, room_of, stored};

/// People of one room, half of them at each node.
const PEOPLE: usize = 6;
/// More than anybody says here.
const EVENTS: usize = 50_000;
/// How long everybody may take to come to rest once nothing fails any more.
const REST: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_loses_servers_and_nodes_and_nothing_else() {
    let mut stage = Stage::set().await;
    stage.talk(40).await;
    stage.rest("at first").await;

    for room in 0..2 {
        let leader = stage.leader(room).await;
        stage
            .while_failing("the leader is killed", async |stage| {
                stage.cluster.servers[leader].kill();
                stage.talk(40).await;
            })
            .await;
        stage.cluster.servers[leader].start_again();
        stage.heal().await;
    }
    for node in 0..2 {
        stage
            .while_failing("a node is killed", async |stage| {
                stage.kill_node(node).await;
                stage.talk(40).await;
            })
            .await;
        stage.start_node(node).await;
        stage.talk(20).await;
        stage.rest("with both nodes").await;
    }
    let leader = stage.leader(0).await;
    stage
        .while_failing("a node and the leader are killed", async |stage| {
            stage.kill_node(0).await;
            stage.cluster.servers[leader].kill();
            stage.talk(40).await;
        })
        .await;
    stage.cluster.servers[leader].start_again();
    stage.heal().await;
    stage.start_node(0).await;

    stage.while_failing("two servers are paused", Stage::lose_the_quorum).await;
    stage.heal().await;
    stage.talk(40).await;
    stage.rest("in the end").await;

    let (total, faults) = stage.judge().await;
    println!("{total:?}");
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!((total.refused, total.sent), (0, total.acked));
    assert!(total.acked > 300 && total.resumes > 0 && total.resets == 0, "{total:?}");
}

/// Replicas lag; nobody sees it.
#[tokio::test]
async fn what_one_server_acknowledged_is_read_at_every_server() {
    let cluster = Cluster::start().await;
    // The first makes the streams; every node knows one server only.
    let mut nodes = Vec::new();
    for server in &cluster.servers {
        nodes.push(backend::open(&format!("nats://{}", server.address()), &Limits::default()).await.unwrap());
    }
    let code = room_of(&*nodes[0], 50, &[1]).await;
    let mut said = Vec::new();
    for n in 0..150 {
        let writer = &nodes[n % 3];
        // Every third is a change of the one before.
        let draft = match said.last() {
            Some(target) if n % 3 == 2 => edited(1, *target, &format!("{n} changed")),
            _ => message(1, &format!("{n} first")),
        };
        let event = stored(writer.append(code, draft).await);
        for reader in &nodes {
            let page = reader.read(code, From::Latest, 3).await.unwrap();
            assert_eq!(page.events.last(), Some(&event), "it is not read at once");
            let old = said.last().and_then(|id| page.events.iter().find(|one| one.id == *id));
            if n % 3 == 2 {
                assert!(format!("{old:?}").contains("edited: true"), "old words are read: {old:?}");
            }
        }
        said.push(event.id);
    }
}

/// Of three servers one does nothing: what it does not answer another one is asked.
#[tokio::test]
async fn a_server_that_is_held_up_holds_up_no_reader() {
    let cluster = Cluster::start().await;
    let code = {
        let node = backend::open(&cluster.url(), &Limits::default()).await.unwrap();
        room_of(&*node, 50, &[1]).await
    };
    // The node talks to the room's leader alone, and another server is held up.
    let leader = cluster.leader(&cluster.stream_of(code).await).await;
    let url = format!("nats://{}", cluster.servers[leader].address());
    let node = backend::open(&url, &Limits::default()).await.unwrap();
    let said = stored(node.append(code, message(1, "hello")).await);
    let slow = (leader + 1) % 3;
    cluster.servers[slow].pause();
    for _ in 0..40 {
        let page = node.read(code, From::Latest, 1).await.unwrap();
        assert_eq!(page.events, std::slice::from_ref(&said));
    }
    cluster.servers[slow].resume();
}

/// Nobody who waits for the store keeps the program from ending.
#[tokio::test]
async fn a_stop_has_its_time_although_the_store_is_silent() {
    let server = nats_server::Server::start();
    let environment = [("STORE", format!("nats://{}", server.address())), ("RUST_LOG", "info".to_owned())];
    let mut node = Program::new(env!("CARGO_BIN_EXE_server").into(), Default::default(), environment.into());
    let log = node.start_listened().await;
    let seat = http::enter(node.address, "Ana", None, 50).await.unwrap();
    let mut light = Light::connect(node.address, &seat, None).await;
    server.pause();
    light.append(proof::client::mint(&mut Dice::new(1)), "nobody stores this".to_owned()).await;
    let status = node.terminate(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(0));
    // What it wrote meanwhile names nobody, whoever wrote it.
    let (log, code) = (log.await.unwrap().unwrap(), seat.code.to_string());
    assert!(log.contains("stopped"), "{log}");
    for secret in ["async_nats", "Ana", &code, &code.replace('-', "")] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

struct Room {
    /// Of one of the people.
    seat: Seat,
    people: Vec<Person>,
}

struct Stage {
    cluster: Cluster,
    nodes: Vec<Program>,
    /// One for those who come to each node.
    doors: Vec<Proxy>,
    /// A node of the test's own: what it reads is the truth.
    observer: Arc<dyn Backend>,
    rooms: Vec<Room>,
    dice: Dice,
    failing: Excuse,
}

impl Stage {
    async fn set() -> Self {
        let cluster = Cluster::start().await;
        let observer = backend::open(&cluster.url(), &Limits::default()).await.unwrap();
        let environment = [
            ("STORE", cluster.url()),
            ("EVENTS", EVENTS.to_string()),
            ("GRACE_MS", "600000".to_owned()),
            ("ARRIVAL_MS", "600000".to_owned()),
            ("APPENDS_PER_SECOND", "1000".to_owned()),
            ("APPEND_BURST", "1000".to_owned()),
        ];
        let (mut nodes, mut doors) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let program = env!("CARGO_BIN_EXE_server");
            let mut node = Program::new(program.into(), Default::default(), environment.clone().into());
            node.start().await;
            doors.push(Proxy::start(node.address).await.unwrap());
            nodes.push(node);
        }
        let (seed, failing) = (proof::client::unix_ms(), Excuse::default());
        println!("seed {seed}");
        let mut rooms = Vec::new();
        for room in 0..2 {
            let mut first: Option<Seat> = None;
            let mut people = Vec::new();
            for n in 0..PEOPLE {
                let (name, door) = (format!("R{room}P{n}"), doors[n % 2].address);
                let seat = http::enter(door, &name, first.as_ref().map(|seat| seat.code), 50).await.unwrap();
                first.get_or_insert(seat.clone());
                people.push(Person::open(name, seat, door, seed ^ ((room * 100 + n + 1) as u64) << 20, &failing));
            }
            rooms.push(Room { seat: first.unwrap(), people });
        }
        let dice = Dice::new(seed);
        Self { cluster, nodes, doors, observer, rooms, dice, failing }
    }

    fn people(&self) -> impl Iterator<Item = &Person> {
        self.rooms.iter().flat_map(|room| &room.people)
    }

    fn total(&self) -> View {
        let mut total = View::default();
        self.people().for_each(|person| total += person.view());
        total
    }

    /// So many things are said and changed, by anybody.
    async fn talk(&mut self, count: usize) {
        for _ in 0..count {
            let room = &self.rooms[self.dice.between(0, self.rooms.len() as u64 - 1) as usize];
            let person = &room.people[self.dice.between(0, PEOPLE as u64 - 1) as usize];
            let words = format!("message {:016x}", self.dice.draw());
            person.act(match self.dice.between(0, 9) {
                0 => Act::Edit(words),
                1 => Act::Delete,
                2 => Act::React,
                _ => Act::Send(words),
            });
            tokio::time::sleep(Duration::from_millis(self.dice.between(5, 50))).await;
        }
    }

    /// Something fails, and people write on until all they wrote is there.
    async fn while_failing(&mut self, what: &str, fail: impl AsyncFnOnce(&mut Self)) {
        self.failing.begin();
        fail(self).await;
        self.rest(what).await;
        self.failing.over();
    }

    /// Two of three servers do nothing for a while: nothing is stored, nobody is put out, and nobody is told otherwise.
    async fn lose_the_quorum(&mut self) {
        let paused = [0, 2];
        paused.iter().for_each(|n| self.cluster.servers[*n].pause());
        // What was on its way may have been stored just before.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = self.total();
        for person in self.rooms.iter().flat_map(|room| &room.people) {
            person.act(Act::Send(format!("nobody stores this yet {:016x}", self.dice.draw())));
        }
        self.talk(20).await;
        tokio::time::sleep(Duration::from_secs(14)).await;
        let during = self.total();
        assert_eq!(during.acked, before.acked, "something was acknowledged that two of three have not stored");
        assert!(during.unsent >= 2 * PEOPLE && during.refused == 0, "{during:?}");
        assert!(self.people().all(|person| !person.view().ended), "somebody was put out");
        paused.iter().for_each(|n| self.cluster.servers[*n].resume());
    }

    async fn leader(&self, room: usize) -> usize {
        self.cluster.leader(&self.cluster.stream_of(self.rooms[room].seat.code).await).await
    }

    fn streams(&self) -> Vec<String> {
        ["0", "1", "2", "3", "leases"].map(|stream| format!("flasky_{stream}")).into()
    }

    async fn heal(&self) {
        self.cluster.heal(&self.streams()).await;
    }

    /// Who came to this node comes to the other one from now on.
    async fn kill_node(&mut self, node: usize) {
        self.nodes[node].kill();
        self.doors[node].point_to(self.nodes[1 - node].address);
        self.doors[node].cut(Cut::Reset);
    }

    async fn start_node(&mut self, node: usize) {
        self.failing.begin();
        self.nodes[node].start().await;
        self.doors[node].point_to(self.nodes[node].address);
        self.doors[node].cut(Cut::Close);
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.failing.over();
    }

    /// Waits until everybody shows everything.
    async fn rest(&self, when: &str) {
        let begun = Instant::now();
        loop {
            let mut waiting = Vec::new();
            for room in &self.rooms {
                let head = self.observer.room(room.seat.code).await.map_or(Seq(u64::MAX), |room| room.position.seq);
                waiting.extend(
                    room.people.iter().filter(|person| !person.rests_at(head)).map(|person| (head, person.view())),
                );
            }
            if waiting.is_empty() {
                return println!("{when}: at rest after {:.1} s", begun.elapsed().as_secs_f64());
            }
            assert!(begun.elapsed() < REST, "{when}: not at rest: {waiting:#?}");
            for person in self.people().filter(|person| !person.view().live) {
                person.act(Act::TryNow);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whoever comes now is told everything anew; then every history is held against the log.
    async fn judge(mut self) -> (View, Vec<Fault>) {
        for room in &mut self.rooms {
            let door = self.doors[1].address;
            room.people.push(Person::open("visitor".to_owned(), room.seat.clone(), door, 1, &self.failing));
        }
        self.rest("with visitors").await;
        let (total, mut faults) = (self.total(), Vec::new());
        for room in self.rooms {
            let mut histories = Vec::new();
            for person in room.people {
                histories.push(person.finish().await);
            }
            let mut truth = Truth::ask(&*self.observer, room.seat.code, EVENTS).await;
            // Without a quorum nothing can be stored for now.
            truth.defers.push(Code::Storage);
            println!("{} events in a log", truth.log.len());
            faults.extend(checker::check(&truth, &histories));
        }
        self.observer.close().await;
        (total, faults)
    }
}
