//! Runs a plan.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use protocol::{ErrorCode, RoomCode, Seq};
use testkit::checker;
use testkit::excuse::Excuse;
use testkit::fault::Fault;
use testkit::faulty::StoreFault;
use testkit::history::History;
use testkit::proxy::Proxy;

use testkit::http::{self, Seat};
use testkit::user::{Act, Person};
use testkit::view::View;

use crate::inside::Inside;
use testkit::plan::{Change, Deed, Plan, Step};
use testkit::truth::{self, Truth};

/// Time limit for all pages to become idle once the faults are over.
const REST: Duration = Duration::from_secs(30);
/// Maximum number of tabs of one user.
const TABS: usize = 3;

/// Outcome of a plan.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) faults: Vec<Fault>,
    /// Views of pages that were not idle in time.
    pub(crate) stuck: Vec<String>,
    pub(crate) total: View,
    pub(crate) stored: usize,
}

impl Outcome {
    pub(crate) fn is_good(&self) -> bool {
        self.faults.is_empty() && self.stuck.is_empty()
    }
}

/// Evidence from a plan, before it is checked.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub(crate) truth: Truth,
    pub(crate) histories: Vec<History>,
    stuck: Vec<String>,
    total: View,
}

/// Runs the plan on a store of its own and checks the evidence.
pub(crate) async fn run(plan: &Plan, fault: Option<StoreFault>) -> Outcome {
    let Evidence { truth, histories, stuck, total } = perform(plan, fault).await;
    Outcome { faults: checker::check(&truth, &histories), stuck, total, stored: truth.log.len() }
}

/// Runs the plan on a store of its own.
pub(crate) async fn perform(plan: &Plan, fault: Option<StoreFault>) -> Evidence {
    let mut stage = Stage::set(plan, fault).await;
    for step in &plan.steps {
        stage.take(step).await;
    }
    stage.end(plan).await
}

struct Stage {
    flags: Vec<String>,
    fault: Option<StoreFault>,
    directory: tempfile::TempDir,
    server: Option<Inside>,
    seed: u64,
    /// Counter that makes names, texts and seeds unique.
    count: u64,
    /// User who is always there, on a network that works, so that the room does not end.
    keeper: Place,
    people: Vec<Place>,
    /// Pages of users who have left, or are about to.
    departed: Vec<Person>,
    /// True once the room has another code.
    renewed: bool,
    /// True once only the host could write.
    host_only: bool,
    /// Restarts: the only reason for a connection to end on a network that works.
    restarts: Excuse,
}

/// One user: a network, a seat, and with it pages.
struct Place {
    proxy: Proxy,
    seat: Option<Seat>,
    pages: Vec<Person>,
    turn: usize,
}

impl Place {
    async fn new(server: &Inside) -> Self {
        Self { proxy: Proxy::start(server.address).await.unwrap(), seat: None, pages: Vec::new(), turn: 0 }
    }

    /// Lets the user's pages act in turn.
    fn act(&mut self, act: Act) {
        self.turn += 1;
        if let Some(page) = self.pages.get(self.turn % self.pages.len().max(1)) {
            page.act(act);
        }
    }
}

impl Stage {
    async fn set(plan: &Plan, fault: Option<StoreFault>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let flags = [
            format!("--events={}", plan.events),
            format!("--appends-per-second={}", plan.rate),
            format!("--append-burst={}", plan.rate * 2),
            "--grace-ms=600000".to_owned(),
            "--arrival-ms=600000".to_owned(),
        ];
        let server = Inside::start_with(&directory.path().join("flasky.db"), &flags, fault).await;
        let keeper = Place::new(&server).await;
        let mut people = Vec::new();
        for _ in 0..plan.people {
            people.push(Place::new(&server).await);
        }
        let (flags, server) = (flags.into(), Some(server));
        let mut stage = Self {
            flags,
            fault,
            directory,
            server,
            seed: plan.seed,
            count: 0,
            keeper,
            people,
            departed: Vec::new(),
            renewed: false,
            host_only: false,
            restarts: Excuse::default(),
        };
        let seat = http::enter(stage.address(), "Keeper", None, 50).await.unwrap();
        let door = stage.keeper.proxy.address;
        let page = Person::open("keeper".to_owned(), seat.clone(), door, stage.seed, &stage.restarts);
        stage.keeper.seat = Some(seat);
        stage.keeper.pages.push(page);
        stage
    }

    fn store(&self) -> PathBuf {
        self.directory.path().join("flasky.db")
    }

    fn address(&self) -> std::net::SocketAddr {
        self.server.as_ref().expect("a server").address
    }

    fn fresh(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Connect { who } => self.connect(who).await,
            Step::Send { who, count } => {
                for _ in 0..count {
                    let body = format!("{who}: message {}", self.fresh());
                    self.people[who].act(Act::Send(body));
                }
            }
            Step::Change { who, what } => {
                let body = format!("P{who}: change {}", self.fresh());
                self.people[who].act(match what {
                    Change::Edit => Act::Edit(body),
                    Change::Delete => Act::Delete,
                    Change::React => Act::React,
                    Change::Meddle => Act::Meddle(body),
                    Change::Rename => Act::Rename,
                    Change::NameRoom => Act::NameRoom,
                });
            }
            Step::Manage { who, what } => self.manage(who, what).await,
            Step::Chatter { count } => {
                for _ in 0..count {
                    let body = format!("keeper: message {}", self.fresh());
                    self.keeper.act(Act::Send(body));
                }
            }
            Step::Cut { who, how } => self.people[who].proxy.cut(how),
            Step::CutAfter { who, way, bytes } => self.people[who].proxy.cut_after(way, bytes),
            Step::Stall { who, ms } => self.people[who].proxy.stall(Duration::from_millis(ms)),
            Step::Slow { who, bytes_per_second } => self.people[who].proxy.slow(bytes_per_second),
            Step::Heal { who } => self.people[who].proxy.heal(),
            Step::Duplicate { who } => self.people[who].act(Act::Duplicate),
            Step::Reload { who } => self.people[who].act(Act::Reload),
            Step::Offline { who, ms } => {
                self.people[who].act(Act::Network(false));
                tokio::time::sleep(Duration::from_millis(ms)).await;
                self.people[who].turn -= 1;
                self.people[who].act(Act::Network(true));
            }
            Step::Leave { who } => {
                self.people[who].act(Act::Leave);
                self.depart(who);
            }
            Step::Restart { crash } => self.restart(crash).await,
            Step::Wait { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
    }

    /// Asks for it by form, on a network that works.
    async fn manage(&mut self, who: Option<usize>, what: Deed) {
        let keeper = self.keeper.seat.clone().expect("a keeper");
        let room = http::snapshot(self.address(), &keeper).await.unwrap().expect("a room").room;
        let seats = || self.people.iter().filter_map(|place| place.seat.as_ref()).chain([&keeper]);
        let by = match who {
            Some(who) => self.people[who].seat.as_ref(),
            None => seats().find(|seat| Some(seat.member) == room.host),
        };
        let Some(by) = by.cloned() else { return };
        let member = |who: usize| self.people[who].seat.as_ref().map(|seat| seat.member);
        let (action, about, value) = match what {
            Deed::Lock => ("lock", None, "on".to_owned()),
            Deed::Unlock => ("lock", None, "off".to_owned()),
            Deed::Capacity(seats) => ("capacity", None, seats.to_string()),
            Deed::Slow(ms) => ("slow", None, ms.to_string()),
            Deed::HostOnly(on) => ("host_only", None, if on { "on" } else { "off" }.to_owned()),
            Deed::HandOver(whom) => ("hand_over", whom.map_or(Some(keeper.member), member), String::new()),
            Deed::Remove(whom) => ("remove", member(whom), String::new()),
            Deed::RenewCode => ("renew_code", None, String::new()),
        };
        let refused = http::manage_room(self.address(), &by, action, about, &value).await.unwrap();
        self.host_only |= what == Deed::HostOnly(true) && refused.is_none();
        match what {
            Deed::Remove(whom) if refused.is_none() => self.depart(whom),
            Deed::RenewCode if refused.is_none() => {
                let room = http::snapshot(self.address(), &keeper).await.unwrap().expect("a room").room;
                self.renewed = true;
                for seat in self.people.iter_mut().chain([&mut self.keeper]).filter_map(|place| place.seat.as_mut()) {
                    seat.code = room.code;
                }
            }
            _ => {}
        }
    }

    fn depart(&mut self, who: usize) {
        self.people[who].seat = None;
        self.departed.append(&mut self.people[who].pages);
    }

    async fn connect(&mut self, who: usize) {
        let n = self.fresh();
        let code = self.keeper.seat.as_ref().map(|seat| seat.code);
        let seat = match self.people[who].seat.clone() {
            Some(_) if self.people[who].pages.len() == TABS => return,
            Some(seat) => seat,
            None => match http::enter(self.address(), &format!("P{who}-{n}"), code, 0).await {
                Ok(seat) => seat,
                // The host has seen to that.
                Err(error) if ["locked", "full"].iter().any(|why| error.to_string().contains(why)) => return,
                Err(error) => panic!("{error}"),
            },
        };
        let place = &mut self.people[who];
        let (name, door, seed) = (format!("P{who}-{n}"), place.proxy.address, self.seed ^ (n << 32));
        let page = Person::open(name, seat.clone(), door, seed, &Excuse::always());
        place.seat = Some(seat);
        place.pages.push(page);
    }

    async fn restart(&mut self, crash: bool) {
        let server = self.server.take().expect("a server");
        self.restarts.begin();
        if crash {
            server.crash();
        } else {
            server.stop().await;
        }
        let server = Inside::start_with(&self.store(), &self.flags, self.fault).await;
        for place in self.people.iter().chain([&self.keeper]) {
            place.proxy.point_to(server.address);
        }
        self.server = Some(server);
        self.restarts.over();
    }

    /// Ends all network faults, waits until every page is idle, and collects the evidence.
    async fn end(mut self, plan: &Plan) -> Evidence {
        for place in self.people.iter().chain([&self.keeper]) {
            place.proxy.heal();
        }
        let seat = self.keeper.seat.clone().expect("a keeper");
        let code = seat.code;
        let mut stuck = self.rest(code).await;
        // A visitor's page reads everything anew.
        let door = self.keeper.proxy.address;
        self.keeper.pages.push(Person::open("visitor".to_owned(), seat, door, self.seed, &self.restarts));
        stuck.extend(self.rest(code).await);
        let places = self.people.iter_mut().chain([&mut self.keeper]);
        let mut pages: Vec<_> = places.flat_map(|place| place.pages.drain(..)).map(|page| (page, false)).collect();
        pages.extend(self.departed.drain(..).map(|page| (page, true)));
        let (mut histories, mut total) = (Vec::new(), View::default());
        for (page, left) in pages {
            total += page.view();
            histories.push(History { left, ..page.finish().await });
        }
        self.server.take().expect("a server").stop().await;
        let mut truth = Truth::read(&self.store(), code).unwrap();
        truth.keeps = plan.events;
        truth.renewed = self.renewed;
        truth.host_only = self.host_only;
        truth.defers.extend(plan.is_limited().then_some(ErrorCode::Rate));
        Evidence { truth, histories, stuck, total }
    }

    /// Waits until every page is idle. Returns the views of those that are not within [`REST`].
    async fn rest(&self, code: RoomCode) -> Vec<String> {
        let begun = Instant::now();
        let staying: Vec<_> = self.people.iter().chain([&self.keeper]).flat_map(|place| &place.pages).collect();
        for page in staying.iter().copied().chain(&self.departed) {
            page.act(Act::Network(true));
            page.act(Act::TryNow);
        }
        loop {
            let head = truth::head(&self.store(), code).unwrap_or(Seq(0));
            let restless = |page: &&&Person| !page.rests_at(head);
            let mut waiting: Vec<_> = staying.iter().filter(restless).map(|page| page.view()).collect();
            waiting.extend(self.departed.iter().map(Person::view).filter(|view| !view.ended));
            if waiting.is_empty() {
                return Vec::new();
            }
            if begun.elapsed() > REST {
                return waiting.iter().map(|view| format!("at {head:?}: {view:?}")).collect();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
