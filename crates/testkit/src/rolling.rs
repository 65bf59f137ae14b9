//! Rolling restart: the nodes of a cluster are restarted one after the other while members write, as in a deployment.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::Seq;
use store::Store;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::checker;
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::excuse::Excuse;
use crate::fault::{Fault, Kind};
use crate::http::{self, Seat};
use crate::node::Program;
use crate::proxy::Proxy;
use crate::truth::Truth;
use crate::user::{Act, Person};
use crate::view::View;

const NODES: usize = 2;
/// Maximum number of events per room, more than any run appends.
const EVENTS: usize = 50_000;
/// Interval at which the balancer asks the nodes whether they are ready.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// Time between a node's end and its next start. Its members connect to the other node meanwhile.
const DOWN: Duration = Duration::from_secs(2);
/// Maximum time of a node's shutdown.
const STOP: Duration = Duration::from_secs(10);
/// Maximum time of everything else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Parameters of a run.
#[derive(Clone, Debug)]
pub struct Rolling {
    pub server: PathBuf,
    pub rooms: usize,
    /// Members of each room, half of them at each node.
    pub members: usize,
    /// Events that all members together send per second.
    pub rate: f64,
    /// Time for which members write before, between and after the restarts.
    pub pause: Duration,
    pub seed: u64,
}

/// Results of a run.
#[derive(Debug, Default)]
pub struct Figures {
    pub total: View,
    /// Number of events in all logs.
    pub stored: usize,
    pub faults: Vec<Fault>,
    /// Number of rooms that differ between the nodes in the end.
    pub unequal: usize,
    /// Times of each restart: from SIGTERM to the node's end, and from its start until it is ready.
    pub restarts: Vec<(Duration, Duration)>,
    /// Longest time of each member from a socket's end to the next welcome, in milliseconds, sorted.
    pub away: Vec<u64>,
    /// Longest time of each member from "send" to the echo before the restarts, in milliseconds, sorted.
    pub ack_before: Vec<u64>,
    /// The same over the whole run.
    pub ack: Vec<u64>,
}

struct Room {
    /// Seat of its first member.
    seat: Seat,
    people: Vec<Person>,
}

struct Stage {
    nodes: Vec<Program>,
    rooms: Vec<Room>,
    /// A connection of the test to the store, whose reads are the reference.
    observer: Arc<dyn Store>,
    restarting: Excuse,
    /// Directs the proxies to ready nodes until it is dropped.
    _balancer: JoinSet<()>,
    _cluster: Cluster,
}

/// Restarts every node once. `open` opens the store of a URL, to compare the nodes with.
pub async fn run(rolling: &Rolling, open: impl AsyncFnOnce(String) -> Arc<dyn Store>) -> Figures {
    let mut stage = Stage::set(rolling, open).await;
    let mut figures = Figures::default();
    let Stage { nodes, rooms, restarting, .. } = &mut stage;
    tokio::select! {
        () = send_messages(rooms, rolling) => {}
        () = restart_all(nodes, rooms, restarting, rolling.pause, &mut figures) => {}
    }
    stage.check_histories(&mut figures).await;
    figures
}

impl Stage {
    async fn set(rolling: &Rolling, open: impl AsyncFnOnce(String) -> Arc<dyn Store>) -> Self {
        let cluster = Cluster::start().await;
        let observer = open(cluster.url()).await;
        let environment = [
            ("STORE", cluster.url()),
            ("EVENTS", EVENTS.to_string()),
            ("APPENDS_PER_SECOND", "1000".to_owned()),
            ("APPEND_BURST", "1000".to_owned()),
        ];
        let (mut nodes, mut doors) = (Vec::new(), Vec::new());
        for _ in 0..NODES {
            let mut node = Program::new(rolling.server.clone(), PathBuf::new(), environment.clone().into());
            node.start().await;
            doors.push(Proxy::start(node.address).await.unwrap());
            nodes.push(node);
        }
        let (mut rooms, restarting) = (Vec::new(), Excuse::default());
        for room in 0..rolling.rooms {
            let mut first: Option<Seat> = None;
            let mut people = Vec::new();
            for member in 0..rolling.members {
                let (name, door) = (format!("R{room}M{member}"), doors[member % NODES].address);
                let seat = http::enter(door, &name, first.as_ref().map(|seat| seat.code), 1_000).await.unwrap();
                first.get_or_insert(seat.clone());
                let seed = rolling.seed ^ ((room * 1_000 + member + 1) as u64) << 20;
                people.push(Person::open(name, seat, door, seed, &restarting));
            }
            rooms.push(Room { seat: first.expect("members"), people });
        }
        let mut balancer = JoinSet::new();
        balancer.spawn(balance(nodes.iter().map(|node| node.address).collect(), doors));
        until("everybody is connected", || rooms.iter().flat_map(|room| &room.people).all(is_live)).await;
        Self { nodes, rooms, observer, restarting, _balancer: balancer, _cluster: cluster }
    }

    /// Waits until every page shows every event, and checks every history against the log. Visitors that connect to
    /// each node now, and replay the log from there, are checked, too.
    async fn check_histories(mut self, figures: &mut Figures) {
        self.wait_until_delivered().await;
        let people = || self.rooms.iter().flat_map(|room| &room.people);
        people().for_each(|person| figures.total += person.view());
        figures.away = sorted(people().map(|person| person.view().longest_away));
        figures.ack = sorted(people().map(|person| person.view().longest_ack));
        for room in &mut self.rooms {
            for node in &self.nodes {
                let seat = room.seat.clone();
                room.people.push(Person::open("visitor".to_owned(), seat, node.address, 1, &self.restarting));
            }
        }
        self.wait_until_delivered().await;
        for room in self.rooms {
            let mut histories = Vec::new();
            for person in room.people {
                histories.push(person.finish().await);
            }
            let visitors = &histories[histories.len() - NODES..];
            figures.unequal += usize::from(visitors.iter().any(|visitor| visitor.end != visitors[0].end));
            let truth = Truth::ask(&*self.observer, room.seat.code, EVENTS).await;
            figures.stored += truth.log.len();
            figures.faults.extend(checker::check(&truth, &histories));
        }
        self.observer.close().await;
    }

    async fn wait_until_delivered(&self) {
        for room in &self.rooms {
            let begun = Instant::now();
            loop {
                let head = self.observer.find(room.seat.code).await.map_or(Seq(u64::MAX), |room| room.position.seq);
                if room.people.iter().all(|person| person.rests_at(head)) {
                    break;
                }
                assert!(begun.elapsed() < PATIENCE, "not at rest at {head:?}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Directs new connections to ready nodes only, as load balancers do. Each proxy prefers a node of its own.
async fn balance(nodes: Vec<SocketAddr>, doors: Vec<Proxy>) {
    loop {
        sleep(CHECK_INTERVAL).await;
        let mut ready = Vec::new();
        for node in &nodes {
            ready.push(http::is_ready(*node).await.unwrap_or(false));
        }
        for (own, door) in doors.iter().enumerate() {
            let mut turns = (0..nodes.len()).map(|n| (own + n) % nodes.len());
            if let Some(node) = turns.find(|node| ready[*node]) {
                door.point_to(nodes[node]);
            }
        }
    }
}

/// Sends the events of random members at the chosen rate. Never returns.
async fn send_messages(rooms: &[Room], rolling: &Rolling) {
    let mut dice = Dice::new(rolling.seed);
    let mut beat = interval(Duration::from_secs_f64(1.0 / rolling.rate));
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        beat.tick().await;
        let room = &rooms[dice.between(0, rooms.len() as u64 - 1) as usize];
        let person = &room.people[dice.between(0, room.people.len() as u64 - 1) as usize];
        let words = format!("message {:016x}", dice.draw());
        person.act(match dice.between(0, 19) {
            0 => Act::Edit(words),
            1 => Act::Delete,
            2 => Act::React,
            _ => Act::Send(words),
        });
    }
}

async fn restart_all(
    nodes: &mut [Program],
    rooms: &[Room],
    restarting: &Excuse,
    pause: Duration,
    figures: &mut Figures,
) {
    let people = || rooms.iter().flat_map(|room| &room.people);
    sleep(pause).await;
    figures.ack_before = sorted(people().map(|person| person.view().longest_ack));
    for node in nodes {
        let begun = Instant::now();
        restarting.begin();
        assert!(node.terminate(STOP).await.success(), "the node did not end in order");
        let drained = begun.elapsed();
        sleep(DOWN).await;
        let started = Instant::now();
        node.start().await;
        while !http::is_ready(node.address).await.unwrap_or(false) {
            assert!(begun.elapsed() < PATIENCE, "the node does not become ready");
            sleep(Duration::from_millis(20)).await;
        }
        figures.restarts.push((drained, started.elapsed()));
        until("everybody is back", || people().all(is_live)).await;
        restarting.over();
        sleep(pause).await;
    }
}

fn is_live(person: &Person) -> bool {
    person.view().live
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn sorted(values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values
}

impl Figures {
    /// True if nothing is wrong, every member was interrupted, and there were more resumes than members: some resumed
    /// at the other node and again at their own.
    pub fn is_good(&self) -> bool {
        let View { sent, acked, refused, resets, resumes, .. } = self.total;
        let went_on = resumes > self.away.len() as u64 && self.away.first().is_some_and(|shortest| *shortest > 0);
        self.faults.is_empty() && self.unequal == 0 && refused == 0 && resets == 0 && sent == acked && went_on
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let View { sent, acked, refused, resumes, resets, cut_in_flight, .. } = self.total;
        let faults = |kind| self.faults.iter().filter(|fault| fault.kind == kind).count();
        for (drained, ready) in &self.restarts {
            writeln!(
                f,
                "a node ended {drained:.0?} after SIGTERM, stayed away for {DOWN:?}, and was ready {ready:.0?} after its start"
            )?;
        }
        writeln!(f, "sent {sent}, acknowledged {acked}, refused {refused}, events in the logs {}", self.stored)?;
        writeln!(
            f,
            "connections continued {resumes}, begun anew {resets}, cut with a message on its way {cut_in_flight}"
        )?;
        writeln!(
            f,
            "lost {}, doubled {}, out of order {}, holes {}, faults in all {}, rooms that differ between nodes {}",
            faults(Kind::Lost),
            faults(Kind::Doubled),
            faults(Kind::OutOfOrder),
            faults(Kind::Hole),
            self.faults.len(),
            self.unequal
        )?;
        writeln!(f, "longest of each of {} members, in ms               p50     p95     max", self.away.len())?;
        let rows = [
            ("from the socket's end to the next welcome", &self.away),
            ("from send to acknowledgement, before", &self.ack_before),
            ("from send to acknowledgement, in all", &self.ack),
        ];
        for (name, values) in rows {
            let at = |part: f64| values[((values.len() - 1) as f64 * part) as usize];
            writeln!(f, "  {name:<44} {:7} {:7} {:7}", at(0.5), at(0.95), at(1.0))?;
        }
        Ok(())
    }
}
