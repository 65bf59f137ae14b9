//! A hundred host actions at once, by a host in many tabs, by members who are not the host, and across hand-overs. In the
//! end there is one state on every screen, and the log has nothing of whoever was not the host then.
//!
//! `STORMS=50` makes more of them on each store, `SEED=7` begins with that one. Every third ends the room.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::Ending;
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::error::should_reconnect;
use protocol::{ClientFrame, ErrorCode, EventId, MemberId, Proposal, RoomId, Seq, ServerFrame, VERSION, codec};
use store::{Delivery, Store, StoreError, Subscription};
use testkit::checker;
use testkit::clock::unix_ms;
use testkit::dice::Dice;
use testkit::excuse::Excuse;
use testkit::history::{End, History};
use testkit::http::{self, Seat};
use testkit::socket::{self, Web};
use testkit::truth::Truth;
use testkit::user::{Act, Person};
use testkit::{event_id, nats};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::deed::{Deed, Road, refusal};
use crate::replay::Replay;
use crate::stage::Stage;
use crate::support::{Server, TALKATIVE};

/// Actions of one storm.
const ACTIONS: usize = 100;
/// Members who act. The first creates the room, and the first [`HEIRS`] may become hosts.
const ACTORS: usize = 6;
const HEIRS: usize = 3;
/// Members who only have a page, and are removed more often than the others.
const VICTIMS: usize = 6;
/// People who try to get in meanwhile.
const NEWCOMERS: usize = 8;
/// Most renewals of the code in one storm: as many former codes as lead members to the room, so that no tab whose
/// network failed meanwhile has a forgotten one.
const RENEWALS: usize = 8;
/// Time limit of an answer, and for every page to become idle.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time over which the actions are spread while nodes are killed.
const SPREAD: Duration = Duration::from_millis(1_500);
/// Events that a room keeps: more than a storm makes.
const EVENTS: usize = 1_000;

const FLAGS: [&str; 2] = ["--tabs=1000", "--grace-ms=600000"];

fn seeds(usual: u64) -> impl Iterator<Item = u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let first = number("SEED").unwrap_or_else(|| unix_ms() * 1_000);
    first..first + number("STORMS").unwrap_or(usual)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_host_actions_end_in_one_state_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("flasky.db").display());
    calm_storms(url, 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_host_actions_end_in_one_state_on_nats() {
    calm_storms(nats::store_url(), 3).await;
}

async fn calm_storms(url: String, usual: u64) {
    let (server, store) = Server::troubled_at(url, &[&TALKATIVE[..], &FLAGS].concat()).await;
    for seed in seeds(usual) {
        let storm = Storm::gather(vec![server.address], store.clone(), seed).await;
        storm.run(Duration::ZERO, async {}).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_host_actions_end_in_one_state_while_nodes_are_killed() {
    let mut stage = Stage::set(&[("GRACE_MS", "600000".to_owned()), ("TABS", "1000".to_owned())]).await;
    for (node, seed) in seeds(3).enumerate() {
        let node = node % 2;
        let doors = vec![stage.door(0), stage.door(1)];
        let storm = Storm::gather(doors, Arc::clone(&stage.observer), seed).await;
        storm
            .run(SPREAD, async {
                sleep(SPREAD / 5).await;
                stage.kill_node(node);
                sleep(SPREAD / 3).await;
                stage.restore_node(node).await;
            })
            .await;
    }
    println!("{:?}", stage.toll);
    stage.observer.close().await;
}

/// One thing that a member asks for.
#[derive(Clone, Copy, Debug)]
struct Wish {
    actor: usize,
    road: Road,
    deed: Deed,
    door: SocketAddr,
    delay: Duration,
}

/// Answer to a wish.
#[derive(Debug)]
struct Answer {
    by: MemberId,
    deed: Deed,
    /// Id of the event, of a wish by socket.
    id: Option<EventId>,
    /// The answer; `None` if the connection ended before it.
    said: Option<Result<(), ErrorCode>>,
}

/// A room, the pages of its members, and what its log says.
struct Storm {
    doors: Vec<SocketAddr>,
    store: Arc<dyn Store>,
    seed: u64,
    room: RoomId,
    /// Those who act, then those who do not.
    seats: Vec<Seat>,
    pages: Vec<Person>,
    replay: Replay,
    log: Subscription,
}

impl Storm {
    async fn gather(doors: Vec<SocketAddr>, store: Arc<dyn Store>, seed: u64) -> Self {
        println!("seed {seed}");
        let mut seats: Vec<Seat> = Vec::new();
        let mut pages = Vec::new();
        for n in 0..ACTORS + VICTIMS {
            let (name, door) = (format!("P{n}"), doors[n % doors.len()]);
            let code = seats.first().map(|host| host.code);
            let seat = http::enter(door, &name, code, 50).await.unwrap();
            for tab in 0..[3, 2].get(n).copied().unwrap_or(1) {
                let (door, seed) = (doors[(n + tab) % doors.len()], seed ^ ((n * 8 + tab + 1) as u64) << 40);
                pages.push(Person::open(name.clone(), seat.clone(), door, seed, &Excuse::always()));
            }
            seats.push(seat);
        }
        let room = store.find(seats[0].code).await.unwrap();
        let members = room.members.iter().map(|seated| seated.member).collect();
        let (id, replay) = (room.id, Replay::new(room.info(), members));
        let log = store.subscribe(id).await.unwrap();
        assert_eq!(log.head, room.position, "everybody was inside before");
        Self { doors, store, seed, room: id, seats, pages, replay, log }
    }

    /// Lets everybody act at once, over this time, and `fail` meanwhile; then checks what came of it.
    async fn run(mut self, spread: Duration, fail: impl Future<Output = ()>) {
        let begin = Arc::new(Barrier::new(ACTIONS + NEWCOMERS + 1));
        let (mut answers, mut newcomers) = (JoinSet::new(), JoinSet::new());
        for wish in self.wishes(spread) {
            answers.spawn(wish.fulfil(self.seats[wish.actor].clone(), Arc::clone(&begin)));
        }
        for n in 0..NEWCOMERS {
            let (door, code, begin) = (self.doors[n % self.doors.len()], self.seats[0].code, Arc::clone(&begin));
            newcomers.spawn(async move {
                begin.wait().await;
                http::enter(door, &format!("N{n}"), Some(code), 0).await.ok().map(|seat| seat.member)
            });
        }
        begin.wait().await;
        fail.await;
        let answers: Vec<Answer> = answers.join_all().await.into_iter().flatten().collect();
        let newcomers: Vec<MemberId> = newcomers.join_all().await.into_iter().flatten().collect();
        let head = self.rest().await;
        let joined = |member: &MemberId| self.replay.authors.values().any(|by| by == member);
        assert!(newcomers.iter().all(joined), "who got a seat is not in the log");
        self.check_answers(&answers, spread.is_zero());
        let kept = answers.iter().filter(|answer| answer.said == Some(Ok(()))).count();
        println!(
            "{} answers, {kept} of them granted; {} deeds in the log up to {head:?}, {} hosts, {} removed, {} newcomers; {}",
            answers.len(),
            self.replay.deeds,
            self.replay.hosts.len(),
            self.replay.removed.len(),
            newcomers.len(),
            if self.replay.ended { "ended" } else { "goes on" },
        );
        if self.replay.ended { self.check_end().await } else { self.check_room().await }
    }

    /// Actions that everybody will ask for.
    fn wishes(&self, spread: Duration) -> Vec<Wish> {
        let mut dice = Dice::new(self.seed);
        let mut renewals = RENEWALS;
        // If the room is to end, each of those who may be the host then asks for it, one after the other.
        let end = self.seed.is_multiple_of(3).then(|| dice.between(ACTIONS as u64 / 2, ACTIONS as u64 - 1) as usize);
        let ends = |n: usize| n.checked_sub(end?).filter(|heir| *heir < HEIRS);
        let mut wishes = Vec::new();
        for n in 0..ACTIONS {
            let actor = match dice.between(0, 9) {
                0..=4 => 0,
                5..=6 => 1,
                7 => 2,
                _ => dice.between(HEIRS as u64, ACTORS as u64 - 1) as usize,
            };
            let road = if dice.one_in(2) { Road::Form } else { Road::Socket };
            let (actor, deed) = match (ends(n), self.deed(&mut dice, actor)) {
                (Some(heir), _) => (heir, Deed::End),
                (None, Deed::RenewCode) if renewals == 0 => (actor, Deed::Lock(false)),
                (None, deed) => (actor, deed),
            };
            renewals -= usize::from(deed == Deed::RenewCode);
            let door = self.doors[dice.between(0, self.doors.len() as u64 - 1) as usize];
            let delay = Duration::from_millis(dice.between(0, spread.as_millis() as u64));
            wishes.push(Wish { actor, road, deed, door, delay });
        }
        wishes
    }

    fn deed(&self, dice: &mut Dice, actor: usize) -> Deed {
        let any = |dice: &mut Dice, from: usize, to: usize| {
            self.seats[dice.between(from as u64, to as u64 - 1) as usize].member
        };
        match dice.between(0, 29) {
            // Nobody who never is the host ends the room.
            0 if actor >= HEIRS => Deed::End,
            0..=8 => Deed::Lock(dice.one_in(2)),
            9..=11 => Deed::HostOnly(dice.one_in(2)),
            12..=13 => Deed::Slow(dice.between(0, 5_000) as u32),
            14..=16 => Deed::Capacity(dice.between(2, 40) as u32),
            17 => Deed::Name("Chess"),
            18 => Deed::Name(""),
            19..=20 => Deed::Remove(any(dice, HEIRS, ACTORS + VICTIMS)),
            21 => Deed::Remove(any(dice, 0, HEIRS)),
            22 => Deed::RemoveAndLock(any(dice, ACTORS, ACTORS + VICTIMS)),
            23..=25 => Deed::HandOver(any(dice, 0, HEIRS)),
            _ => Deed::RenewCode,
        }
    }

    /// Waits until every page is idle, and replays the log up to then. Returns the log's head.
    async fn rest(&mut self) -> Seq {
        let head = match self.store.room(self.room).await {
            Ok(room) => Some(room.position.seq),
            Err(StoreError::NotFound) => None,
            Err(error) => panic!("{error:?}"),
        };
        let mut seq = self.log.head.seq;
        while head.is_none_or(|head| seq < head) {
            match timeout(PATIENCE, self.log.deliveries.recv()).await.expect("the log in time") {
                Some(Delivery::Event(event)) => {
                    assert_eq!(event.prev, seq, "a hole");
                    seq = event.seq;
                    self.replay.apply(&event);
                }
                Some(Delivery::Ended) => break,
                Some(Delivery::Presence(_) | Delivery::PresenceRequest) => {}
                None => panic!("the subscription was lost"),
            }
        }
        assert_eq!(self.replay.ended, head.is_none());
        let begun = Instant::now();
        self.pages.iter().for_each(|page| page.act(Act::TryNow));
        let rests = |page: &Person| page.view().ended || head.is_some_and(|head| page.rests_at(head));
        while !self.pages.iter().all(rests) {
            let waiting: Vec<_> = self.pages.iter().filter(|page| !rests(page)).map(Person::view).collect();
            assert!(begun.elapsed() < PATIENCE, "not at rest at {head:?}: {waiting:#?}");
            sleep(Duration::from_millis(20)).await;
        }
        seq
    }

    /// Checks each answer against the log. In a calm storm no answer is missing but of who was removed or when the room
    /// ended, and the log has as many deeds as were granted.
    fn check_answers(&self, answers: &[Answer], is_calm: bool) {
        let Replay { hosts, removed, authors, ended, deeds, .. } = &self.replay;
        let (mut granted, mut doubtful) = (0, 0);
        for answer in answers {
            let Answer { by, deed, id, said } = answer;
            let is_stored = id.map(|id| authors.get(&id) == Some(by));
            let is_gone = *ended || removed.contains(by);
            let is_about_a_member = matches!(deed, Deed::Remove(_) | Deed::RemoveAndLock(_) | Deed::HandOver(_));
            match said {
                Some(Ok(())) => {
                    assert!(hosts.contains(by), "granted to who never was the host: {answer:?}");
                    assert!(is_stored.unwrap_or(true), "granted, and not in the log: {answer:?}");
                    granted += if id.is_none() && matches!(deed, Deed::RemoveAndLock(_)) { 2 } else { 1 };
                }
                Some(Err(error)) => {
                    assert!(!is_stored.unwrap_or(false), "refused, and in the log: {answer:?}");
                    let is_explained = match error {
                        ErrorCode::NotAllowed => true,
                        ErrorCode::NoSeat => is_gone || is_about_a_member,
                        ErrorCode::CodeUnknown => is_gone,
                        ErrorCode::CapacityBad => hosts.contains(by) && matches!(deed, Deed::Capacity(_)),
                        ErrorCode::Storage => !is_calm,
                        _ => false,
                    };
                    assert!(is_explained, "{answer:?}");
                    // The room may be locked by it all the same.
                    doubtful += usize::from(id.is_none() && matches!(deed, Deed::RemoveAndLock(_)));
                    doubtful += usize::from(*error == ErrorCode::Storage);
                }
                None => {
                    assert!(is_gone || !is_calm, "no answer: {answer:?}");
                    doubtful += 2;
                }
            }
        }
        assert!(
            (granted..=granted + doubtful).contains(deeds),
            "{granted} granted, {doubtful} in doubt, {deeds} stored"
        );
    }

    /// Checks that every page, and each page that is loaded now, shows the room that the log makes.
    async fn check_room(self) {
        let Replay { info, members, removed, .. } = &self.replay;
        for seat in self.seats.iter().filter(|seat| members.contains(&seat.member)) {
            let seat = Seat { code: info.code, ..seat.clone() };
            for door in &self.doors {
                let page = http::snapshot(*door, &seat).await.unwrap().expect("a member's page");
                assert_eq!(page.room, *info);
                assert_eq!(page.members.iter().map(|seated| seated.member).collect::<Vec<_>>(), *members);
            }
        }
        let truth = Truth::ask(&*self.store, info.code, EVENTS).await;
        let mut histories = Vec::new();
        for page in self.pages {
            let history = page.finish().await;
            let left = removed.contains(&history.member);
            assert_eq!(left, matches!(history.end, End::Ended(_)), "{}: {:?}", history.who, history.end);
            histories.push(History { left, ..history });
        }
        assert_eq!(checker::check(&truth, &histories), []);
    }

    /// Checks that every page says that the room has ended, or its member was removed, and that no code leads to it.
    async fn check_end(self) {
        let codes: HashSet<_> = self.seats.iter().map(|seat| seat.code).chain([self.replay.info.code]).collect();
        for code in codes {
            assert!(matches!(self.store.resolve(code).await, Err(StoreError::NotFound)));
        }
        for page in self.pages {
            let History { who, member, end, .. } = page.finish().await;
            let is_removed = end == End::Ended(Ending::Removed) && self.replay.removed.contains(&member);
            assert!(is_removed || end == End::Ended(Ending::RoomEnded), "{who}: {end:?}");
        }
    }
}

impl Wish {
    /// Asks for it once everybody begins.
    async fn fulfil(self, seat: Seat, begin: Arc<Barrier>) -> Vec<Answer> {
        let Self { road, deed, door, delay, .. } = self;
        let mut web = if road == Road::Socket { greet(door, &seat).await } else { None };
        begin.wait().await;
        sleep(delay).await;
        let answer = |id, said| Answer { by: seat.member, deed, id, said };
        if road == Road::Form {
            let said = ask_by_form(door, &seat, deed).await;
            return vec![answer(None, said)];
        }
        let mut answers = Vec::new();
        for proposal in deed.proposals() {
            let id = event_id();
            let said = append(door, &seat, &mut web, id, proposal).await;
            answers.push(answer(Some(id), said));
            if said != Some(Ok(())) {
                break;
            }
        }
        answers
    }
}

/// Sends the form once. `None` without an answer: what it asked for may have been done.
async fn ask_by_form(door: SocketAddr, seat: &Seat, deed: Deed) -> Option<Result<(), ErrorCode>> {
    let answer =
        http::post_form(door, "/api/manage_room", deed.form(&seat.code.to_string()), Some(&seat.cookie)).await.ok()?;
    let answer = serde_json::from_str(&answer.body).ok()?;
    Some(refusal(&answer).map_or(Ok(()), Err))
}

/// Opens a socket and waits for its welcome. `None` if it is refused or breaks.
async fn greet(door: SocketAddr, seat: &Seat) -> Option<Web> {
    let mut web = socket::connect(door, seat.clone()).await?;
    send(&mut web, &ClientFrame::Hello { v: VERSION, position: None }).await?;
    matches!(next(&mut web).await?, ServerFrame::Welcome(_)).then_some(web)
}

/// Appends an event, over another socket under the same id where one breaks. `None` if the stay or the room ends before
/// the answer.
async fn append(
    door: SocketAddr,
    seat: &Seat,
    web: &mut Option<Web>,
    id: EventId,
    event: Proposal,
) -> Option<Result<(), ErrorCode>> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if web.is_none() {
            *web = greet(door, seat).await;
        }
        let Some(open) = web.as_mut() else {
            if is_over(door, seat).await {
                return None;
            }
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let mut frame = match send(open, &ClientFrame::Append { id, event: event.clone() }).await {
            Some(()) => next(open).await,
            None => None,
        };
        loop {
            match frame {
                Some(ServerFrame::Events { events, .. }) if events.iter().any(|event| event.id() == id) => {
                    return Some(Ok(()));
                }
                Some(ServerFrame::Rejected { error, .. }) if !error.is_retryable() => return Some(Err(error)),
                Some(ServerFrame::Bye { code, .. }) if !should_reconnect(code) => return None,
                Some(ServerFrame::Rejected { .. } | ServerFrame::Bye { .. }) | None => break,
                Some(_) => frame = next(open).await,
            }
        }
        *web = None;
    }
    panic!("no answer");
}

/// True if the server says that there is no room for this seat, or no seat in it.
async fn is_over(door: SocketAddr, seat: &Seat) -> bool {
    matches!(http::snapshot(door, seat).await, Ok(None))
}

async fn send(web: &mut Web, frame: &ClientFrame) -> Option<()> {
    web.send(Message::text(codec::encode(frame))).await.ok()
}

/// Next frame; `None` once the connection is over.
async fn next(web: &mut Web) -> Option<ServerFrame> {
    loop {
        match timeout(PATIENCE, web.next()).await.ok()?? {
            Ok(Message::Text(text)) => return codec::decode(&text).ok(),
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(_) | Err(_) => return None,
        }
    }
}
