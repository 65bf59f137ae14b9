//! Users who join and leave a room, or create rooms and end them, while servers and nodes fail.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use protocol::{ErrorCode, EventKind, LeaveReason, MemberId, RoomCode};
use store::{Delivery, StoreError, Subscription};
use testkit::checker;
use testkit::excuse::Excuse;
use testkit::raw_client::RawClient;
use testkit::truth::Truth;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::stage::{EVENTS, NODES, Stage};
use testkit::http::{self, Entry, Seat};
use testkit::user::{Act, Person};

/// Seats of the room. One user stays, three only look at its page, and more users than seats are left come and go.
const CAPACITY: u32 = 8;
const COMERS: usize = 9;
const MAKERS: usize = 3;
/// Grace period: shorter than the election of a new leader may take, during which no seat may expire.
const GRACE: Duration = Duration::from_secs(6);
/// Arrival time: longer than any request takes of a user who has no connection.
const ARRIVAL: Duration = Duration::from_secs(20);
/// Time limit of every wait. A seat may be freed a second or two after its lease ran out, and several grace periods
/// later where the store kept failing under a node, as it does earlier in this test. The test prints how late; its law
/// is that no seat is freed early.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_are_taken_and_freed_once_during_failures() {
    let ms = |time: Duration| time.as_millis().to_string();
    let mut stage = Stage::set(&[("GRACE_MS", ms(GRACE)), ("ARRIVAL_MS", ms(ARRIVAL))]).await;
    // One user stays, so that the room does not end.
    let seat = http::enter(stage.door(0), "Stays", None, CAPACITY).await.unwrap();
    let stays = Person::open("Stays".to_owned(), seat.clone(), stage.door(0), 1, &Excuse::always());
    let mut lookers = Vec::new();
    for name in ["Only there", "There too", "At both"] {
        let looker = http::enter(stage.door(0), name, Some(seat.code), 0).await.unwrap();
        http::snapshot(stage.door(0), &looker).await.unwrap().expect("a page");
        lookers.push(looker);
    }
    let crowd = Crowd::gather(&stage, seat.code, stays).await;

    crowd.all_go_on("at first").await;
    let leader = stage.kill_leader(seat.code).await;
    crowd.all_go_on("without the leader").await;
    stage.restore_server(leader).await;
    for node in 0..NODES {
        stage.kill_node(node);
        crowd.all_go_on("without a node").await;
        stage.restore_node(node).await;
        crowd.all_go_on("with it").await;
    }
    stage.kill_node(0);
    let leader = stage.kill_leader(seat.code).await;
    crowd.all_go_on("without a node and the leader").await;
    stage.restore_server(leader).await;
    stage.restore_node(0).await;
    crowd.all_go_on("with both").await;
    let Done { stays_of, made, stays } = crowd.disperse().await;

    check_log(&stage, seat.code, &stays_of).await;
    for code in &made {
        assert!(matches!(stage.observer.resolve(*code).await, Err(StoreError::NotFound)), "a room did not end");
    }
    check_dead_node(&mut stage, &seat, lookers).await;
    check_remaining_page(&stage, &seat, stays).await;
    http::leave_room(stage.door(0), seat).await.unwrap();
    wait_until_streams_are_empty(&stage).await;
    let seats: usize = stays_of.values().sum();
    println!("{:?}: {seats} seats taken and freed, {} rooms made and ended", stage.toll, made.len());
    stage.observer.close().await;
}

/// One user who stays, users who come and go, and users who create and end rooms, until `over` is set.
struct Crowd {
    stays: Person,
    comers: JoinSet<(MemberId, usize)>,
    makers: JoinSet<Vec<RoomCode>>,
    /// Number of finished rounds of each user who comes and goes or creates rooms.
    done: Vec<Arc<AtomicUsize>>,
    over: Arc<AtomicBool>,
}

struct Done {
    /// Number of times each member had a seat in the room.
    stays_of: HashMap<MemberId, usize>,
    /// Rooms that were created and have ended.
    made: Vec<RoomCode>,
    stays: Person,
}

impl Crowd {
    async fn gather(stage: &Stage, code: RoomCode, stays: Person) -> Self {
        let (mut comers, mut makers) = (JoinSet::new(), JoinSet::new());
        let (mut all, over) = (Vec::new(), Arc::new(AtomicBool::new(false)));
        for n in 0..COMERS + MAKERS {
            let done = Arc::new(AtomicUsize::new(0));
            all.push(Arc::clone(&done));
            let caller = Caller::new(format!("P{n}"), [stage.door(n), stage.door(n + 1)]).await;
            let over = Arc::clone(&over);
            if n < COMERS {
                comers.spawn(caller.come_and_go(code, done, over));
            } else {
                makers.spawn(caller.make_and_end(done, over));
            }
        }
        Self { stays, comers, makers, done: all, over }
    }

    /// Waits until each user has finished two more rounds (the first may have begun before the call), and the user who
    /// stays is connected. Its page is told to try now, because its backoff may be longer than the grace period here.
    async fn all_go_on(&self, when: &str) {
        let (begun, counts) =
            (Instant::now(), || self.done.iter().map(|done| done.load(Ordering::Relaxed)).collect::<Vec<_>>());
        let before = counts();
        while counts().iter().zip(&before).any(|(now, before)| *now < before + 2) || !self.stays.view().live {
            assert!(begun.elapsed() < PATIENCE, "{when}: a user makes no progress: {before:?} {:?}", counts());
            self.stays.act(Act::TryNow);
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn disperse(self) -> Done {
        self.over.store(true, Ordering::Relaxed);
        let stays_of = self.comers.join_all().await.into_iter().collect();
        Done { stays_of, made: self.makers.join_all().await.concat(), stays: self.stays }
    }
}

/// A browser with a cookie. It repeats a request until it has an answer.
#[derive(Clone)]
struct Caller {
    name: String,
    cookie: String,
    /// Address that it uses, and that of another node.
    doors: [SocketAddr; 2],
}

impl Caller {
    async fn new(name: String, doors: [SocketAddr; 2]) -> Self {
        let seat = http::enter(doors[0], &name, None, 2).await.unwrap();
        let cookie = seat.cookie.clone();
        http::leave_room(doors[0], seat).await.unwrap();
        Self { name, cookie, doors }
    }

    /// Joins and leaves until `over`. Returns the member and the number of times it had a seat.
    async fn come_and_go(self, code: RoomCode, done: Arc<AtomicUsize>, over: Arc<AtomicBool>) -> (MemberId, usize) {
        let (mut stays, mut who) = (0, None);
        while !over.load(Ordering::Relaxed) || who.is_none() {
            match self.enter(Some(code)).await {
                Ok((_, member)) => {
                    who = Some(member);
                    self.leave(code, member).await;
                    stays += 1;
                }
                Err(refused) => assert_eq!(refused, ErrorCode::Full, "the room does not end: one user stays"),
            }
            done.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(20)).await;
        }
        (who.unwrap(), stays)
    }

    /// Creates rooms until `over`, and returns them. A guest joins each through the other address, and the room ends
    /// when both leave.
    async fn make_and_end(self, done: Arc<AtomicUsize>, over: Arc<AtomicBool>) -> Vec<RoomCode> {
        let guest = Self { name: "Guest".to_owned(), doors: [self.doors[1], self.doors[0]], ..self.clone() };
        let guest = Self { cookie: Self::new("Guest".to_owned(), guest.doors).await.cookie, ..guest };
        let mut made = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let (code, member) = self.enter(None).await.expect("a room can be made");
            let (_, other) = guest.enter(Some(code)).await.expect("a room that was just made");
            self.leave(code, member).await;
            guest.leave(code, other).await;
            assert_eq!(self.enter(Some(code)).await, Err(ErrorCode::CodeUnknown), "the room has ended at every node");
            made.push(code);
            done.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(20)).await;
        }
        made
    }

    /// Takes a seat in this room, or in a new one. Repeats the request until it is granted or finally refused.
    async fn enter(&self, code: Option<RoomCode>) -> Result<(RoomCode, MemberId), ErrorCode> {
        let begun = Instant::now();
        loop {
            let answer = match code {
                Some(code) => http::join(self.doors[0], &self.cookie, &self.name, code).await,
                None => http::create(self.doors[0], &self.cookie, &self.name).await,
            };
            match answer {
                Ok(Entry { code: Some(code), member: Some(member), .. }) => return Ok((code, member)),
                Ok(Entry { refused: Some(refused), .. }) if !refused.error.is_retryable() => return Err(refused.error),
                Ok(_) | Err(_) => self.wait(begun).await,
            }
        }
    }

    async fn leave(&self, code: RoomCode, member: MemberId) {
        let begun = Instant::now();
        let seat = Seat { code, member, cookie: self.cookie.clone() };
        while http::leave_room(self.doors[0], seat.clone()).await.is_err() {
            self.wait(begun).await;
        }
    }

    async fn wait(&self, begun: Instant) {
        assert!(begun.elapsed() < PATIENCE, "{} has no answer", self.name);
        sleep(Duration::from_millis(50)).await;
    }
}

/// Asserts that the log never has more members inside than seats, and that every stay begins and ends once.
async fn check_log(stage: &Stage, code: RoomCode, stays_of: &HashMap<MemberId, usize>) {
    let (mut inside, mut stays) = (HashSet::new(), HashMap::<_, usize>::new());
    for entry in Truth::ask(&*stage.observer, code, EVENTS).await.log {
        match entry.kind {
            Some(EventKind::Joined { member, .. }) => assert!(inside.insert(member), "joined twice at {:?}", entry.seq),
            Some(EventKind::Left { member, why }) => {
                assert!(inside.remove(&member), "left twice at {:?}", entry.seq);
                assert_eq!(why, LeaveReason::Choice, "put out at {:?}", entry.seq);
                *stays.entry(member).or_default() += 1;
            }
            Some(EventKind::Host { member }) => assert!(inside.contains(&member), "host outside at {:?}", entry.seq),
            other => panic!("unexpected event: {other:?}"),
        }
        assert!(inside.len() <= CAPACITY as usize, "{} people at {:?}", inside.len(), entry.seq);
    }
    assert_eq!(&stays, stays_of, "stays in the log, and as users were answered");
    assert_eq!(inside.len(), 4, "inside are the user who stays and the three who look");
}

/// Kills a node for good: members who were connected only there leave after their lease has run out.
async fn check_dead_node(stage: &mut Stage, stays: &Seat, lookers: Vec<Seat>) {
    let mut people = Vec::new();
    for seat in lookers {
        people.push((RawClient::connect(stage.nodes[1].address, &seat, None).await, seat));
    }
    let at_both = people[2].1.clone();
    let _other_tab = RawClient::connect(stage.nodes[0].address, &at_both, None).await;
    let Subscription { mut deliveries, .. } =
        stage.observer.subscribe(stage.observer.resolve(stays.code).await.unwrap()).await.unwrap();
    stage.kill_node(1);
    let mut ends = HashMap::new();
    for (_, seat) in &people[..2] {
        ends.insert(seat.member, lease_end(stage, seat).await);
    }
    let mut latest = 0;
    while !ends.is_empty() {
        let delivery = timeout(PATIENCE, deliveries.recv()).await.expect("nobody leaves");
        let Some(Delivery::Event(event)) = delivery else { continue };
        let EventKind::Left { member, why: LeaveReason::Vanished } = event.kind else { panic!("{event:?}") };
        let end = ends.remove(&member).expect("one who was only there, once");
        let late = event.at.checked_sub(end).expect("no seat is freed before its lease runs out");
        latest = latest.max(late);
    }
    println!("who was only at the node that died left {latest} ms after their lease had run out, at the latest");
    let inside = stage.observer.find(stays.code).await.unwrap().members;
    let inside: Vec<_> = inside.into_iter().map(|member| member.member).collect();
    assert_eq!(inside, [stays.member, at_both.member]);
    http::leave_room(stage.nodes[0].address, at_both).await.unwrap();
}

/// Time at which the seat's last lease runs out, in UTC milliseconds.
async fn lease_end(stage: &Stage, seat: &Seat) -> u64 {
    let leases = stage.cluster.jetstream().await.get_stream("flasky_leases").await.unwrap();
    let room = stage.observer.resolve(seat.code).await.unwrap();
    let own = format!("flasky.lease.{}.{}.*", room.0.simple(), seat.member.0.simple());
    let subjects: Vec<_> = leases.info_with_subjects(own).await.unwrap().try_collect().await.unwrap();
    let mut end = 0;
    for (subject, _) in subjects {
        let lease = leases.get_last_raw_message_by_subject(&subject).await.unwrap();
        // A released lease has an empty payload.
        let lease = serde_json::from_slice::<serde_json::Value>(&lease.payload).unwrap_or_default();
        end = end.max(lease["until"].as_u64().unwrap_or(0));
    }
    end
}

/// Asserts that the page of the user who stayed missed no event and shows the right roster.
async fn check_remaining_page(stage: &Stage, seat: &Seat, mut stays: Person) {
    let head = stage.observer.find(seat.code).await.unwrap().position.seq;
    assert!(stays.until(PATIENCE, |view| view.live && view.head == head).await, "{:?}", stays.view());
    let truth = Truth::ask(&*stage.observer, seat.code, EVENTS).await;
    assert_eq!(checker::check(&truth, &[stays.finish().await]), []);
}

/// Waits until the streams hold nothing of any room, also of rooms whose creator never received the answer.
async fn wait_until_streams_are_empty(stage: &Stage) {
    let begun = Instant::now();
    loop {
        let (jetstream, mut left) = (stage.cluster.jetstream().await, Vec::new());
        for name in ["0", "1", "2", "3", "leases", "secrets"] {
            let stream = jetstream.get_stream(format!("flasky_{name}")).await.unwrap();
            let subjects: Vec<_> = stream.info_with_subjects(">").await.unwrap().try_collect().await.unwrap();
            left.extend(subjects.into_iter().map(|(subject, _)| subject));
        }
        let ends = [".keys", ".format", ".identity"];
        let own = |subject: &str| {
            ends.iter().any(|end| subject.ends_with(end)) || subject.contains(".codes.") || is_heartbeat(subject)
        };
        left.retain(|subject| !own(subject));
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "left behind: {left:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

fn is_heartbeat(subject: &str) -> bool {
    subject.starts_with("flasky.beat.")
}
