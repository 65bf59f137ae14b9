//! Rooms full of people, and a server that is killed under them again and again.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use app::protocol::{RoomCode, Seq};

use super::checker::{self, Count, Fault};
use super::client::{Act, Person, View};
use super::dice::Dice;
use super::node::Program;
use super::{history, http};

/// How long everybody may take to come to rest after the last kill.
const REST: Duration = Duration::from_secs(60);
/// A person with this many messages on their way writes no more for now.
const PATIENCE: usize = 20;

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Soak {
    pub(crate) server: PathBuf,
    /// Ends after these many kills, or this time.
    pub(crate) kills: usize,
    pub(crate) time: Duration,
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    /// Messages per second of one member.
    pub(crate) rate: f64,
    pub(crate) seed: u64,
}

/// What it came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) seconds: f64,
    pub(crate) kills: usize,
    /// Kills while at least one message was on its way.
    pub(crate) kills_in_flight: usize,
    pub(crate) total: View,
    /// Messages that are in the logs, and those that people do not know of yet.
    pub(crate) stored: usize,
    pub(crate) count: Count,
    pub(crate) faults: Vec<Fault>,
    /// People who had not come to rest in time.
    pub(crate) stuck: usize,
    /// New connections that no kill explains: a hole in what is delivered live is mended by one, so this is where it
    /// shows.
    pub(crate) unexplained: u64,
    /// From the start of the program until it takes connections, at worst.
    pub(crate) start_ms: u128,
}

impl Figures {
    pub(crate) fn is_good(&self) -> bool {
        self.count == Count::default() && self.stuck == 0 && self.unexplained == 0
    }

    pub(crate) fn line(&self) -> String {
        let View { sent, acked, refused, resumes, resets, dials, .. } = self.total;
        format!(
            "{:5.0} s  kills {} ({} with messages on their way)  sends {sent}  acks {acked}  refused {refused}  \
             dials {dials}  resumes {resumes}  resets {resets}",
            self.seconds, self.kills, self.kills_in_flight
        )
    }

    pub(crate) fn table(&self) -> String {
        let View { sent, acked, refused, resumes, resets, .. } = self.total;
        let Count { lost, doubled, out_of_order } = self.count;
        let rows = [
            ("seconds", self.seconds.round().to_string()),
            ("kills", self.kills.to_string()),
            ("  with messages on their way", self.kills_in_flight.to_string()),
            ("slowest start, ms", self.start_ms.to_string()),
            ("sends", sent.to_string()),
            ("acks", acked.to_string()),
            ("events in the logs", self.stored.to_string()),
            ("resumes", resumes.to_string()),
            ("resets", resets.to_string()),
            ("refused", refused.to_string()),
            ("not at rest", self.stuck.to_string()),
            ("connections without a reason", self.unexplained.to_string()),
            ("lost", lost.to_string()),
            ("doubled", doubled.to_string()),
            ("out of order", out_of_order.to_string()),
        ];
        rows.iter().map(|(name, value)| format!("{name:<30} {value:>10}\n")).collect()
    }
}

struct Room {
    code: RoomCode,
    people: Vec<Person>,
}

/// Runs until the kills or the time are used up. `tell` hears figures every ten seconds.
pub(crate) async fn run(soak: &Soak, tell: impl Fn(&Figures)) -> Figures {
    let directory = tempfile::tempdir().unwrap();
    let environment =
        [("GRACE_MS", "600000"), ("ARRIVAL_MS", "600000"), ("APPENDS_PER_SECOND", "1000"), ("APPEND_BURST", "1000")];
    let environment = environment.map(|(name, value)| (name, value.to_owned())).into();
    let mut program = Program::new(soak.server.clone(), directory.path().join("flasky.db"), environment);
    let mut figures = Figures { start_ms: program.start().await.as_millis(), ..Figures::default() };
    let rooms = fill(soak, &program).await;
    let begun = Instant::now();
    let mut dice = Dice::new(soak.seed);
    let mut told = Instant::now();
    let mut due = begun;
    while figures.kills < soak.kills && begun.elapsed() < soak.time {
        let wait = Duration::from_millis(dice.between(50, 1_500));
        type_for(wait, &rooms, soak.rate, &mut due, &mut dice).await;
        let total = total(&rooms);
        program.kill();
        figures.kills += 1;
        figures.kills_in_flight += usize::from(total.unsent > 0);
        tokio::time::sleep(Duration::from_millis(dice.between(0, 200))).await;
        figures.start_ms = figures.start_ms.max(program.start().await.as_millis());
        come_back(&rooms, &mut dice).await;
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            figures.total = total;
            figures.seconds = begun.elapsed().as_secs_f64();
            tell(&figures);
        }
    }
    figures.stuck = rest(&rooms, &program).await;
    figures.seconds = begun.elapsed().as_secs_f64();
    figures.total = total(&rooms);
    let views = rooms.iter().flat_map(|room| &room.people).map(Person::view);
    figures.unexplained = views.map(|view| (view.resumes + view.resets).saturating_sub(figures.kills as u64)).sum();
    program.kill();
    judge(rooms, &program, &mut figures).await;
    figures
}

async fn fill(soak: &Soak, program: &Program) -> Vec<Room> {
    let mut rooms = Vec::new();
    for room in 0..soak.rooms {
        let mut code = None;
        let mut people = Vec::new();
        for member in 0..soak.members {
            let name = format!("R{room}M{member}");
            let seat = http::enter(program.address, &name, code, 100).await.unwrap();
            code = Some(seat.code);
            let seed = soak.seed ^ ((room * 1_000 + member + 1) as u64) << 20;
            people.push(Person::open(name, seat, program.address, seed));
        }
        rooms.push(Room { code: code.expect("members"), people });
    }
    rooms
}

/// Everybody writes for a while. `due` is when the next message is.
async fn type_for(time: Duration, rooms: &[Room], rate: f64, due: &mut Instant, dice: &mut Dice) {
    let end = Instant::now() + time;
    let people = rooms.iter().map(|room| room.people.len()).sum::<usize>();
    let mean = 1e6 / (rate * people as f64);
    *due = (*due).max(Instant::now());
    while *due < end {
        tokio::time::sleep(due.saturating_duration_since(Instant::now())).await;
        let room = &rooms[dice.between(0, rooms.len() as u64 - 1) as usize];
        let person = &room.people[dice.between(0, room.people.len() as u64 - 1) as usize];
        if person.view().unsent < PATIENCE {
            // Now and then somebody's network sends the same thing twice.
            if dice.one_in(20) {
                person.act(Act::Duplicate);
            }
            person.act(Act::Send(format!("message {:016x}", dice.draw())));
        }
        *due += Duration::from_micros(dice.between(0, 2 * mean as u64));
    }
    tokio::time::sleep(end.saturating_duration_since(Instant::now())).await;
}

/// Some people's browsers notice at once that the network is there again; the others wait as long as they wait.
async fn come_back(rooms: &[Room], dice: &mut Dice) {
    for person in rooms.iter().flat_map(|room| &room.people) {
        if !dice.one_in(4) {
            person.act(Act::Network(true));
        }
    }
    tokio::time::sleep(Duration::from_millis(dice.between(0, 100))).await;
}

fn total(rooms: &[Room]) -> View {
    let mut total = View::default();
    for view in rooms.iter().flat_map(|room| &room.people).map(Person::view) {
        total.sent += view.sent;
        total.acked += view.acked;
        total.refused += view.refused;
        total.resumes += view.resumes;
        total.resets += view.resets;
        total.dials += view.dials;
        total.unsent += view.unsent;
    }
    total
}

/// How many people are not at rest after all that time.
async fn rest(rooms: &[Room], program: &Program) -> usize {
    let begun = Instant::now();
    for person in rooms.iter().flat_map(|room| &room.people) {
        person.act(Act::TryNow);
    }
    loop {
        let restless = |room: &Room| {
            let head = history::head(&program.store, room.code).unwrap_or(Seq(0));
            room.people.iter().filter(|person| !person.view().rests_at(head)).count()
        };
        let waiting = rooms.iter().map(restless).sum();
        if waiting == 0 || begun.elapsed() > REST {
            return waiting;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn judge(rooms: Vec<Room>, program: &Program, figures: &mut Figures) {
    for room in rooms {
        let mut histories = Vec::new();
        for person in room.people {
            let ended = person.view().ended;
            let mut history = person.finish().await;
            // The server is dead by now. Before, whoever was at rest was connected.
            history.live = figures.stuck == 0 && !ended;
            histories.push(history);
        }
        let log = history::log(&program.store, room.code).unwrap();
        figures.stored += log.len();
        figures.faults.extend(checker::check(&log, &histories));
    }
    figures.count = Count::of(&figures.faults);
}
