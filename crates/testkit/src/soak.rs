//! A soak test: rooms of simulated users, and a server that is killed or stopped again and again.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use protocol::Seq;

use super::checker;
use super::dice::Dice;
use super::excuse::Excuse;
use super::fault::{Fault, Kind};
use super::http::{self, Seat};
use super::node::Program;
use super::truth::{self, Truth};
use super::user::{Act, Person};
use super::view::View;

/// Time limit for all pages to become idle after the last kill.
const REST: Duration = Duration::from_secs(60);
/// Time limit for the server to stop after SIGTERM.
const STOP: Duration = Duration::from_secs(10);
/// Number of unsent events at which a user pauses.
const PATIENCE: usize = 20;

/// Settings of a soak test.
#[derive(Clone, Debug)]
pub struct Soak {
    pub server: PathBuf,
    /// Stops the server in order, as a deploy does, instead of killing it.
    pub gently: bool,
    /// The test ends after this many kills, or after `time`.
    pub kills: usize,
    pub time: Duration,
    pub rooms: usize,
    pub members: usize,
    /// Messages per second of one member.
    pub rate: f64,
    pub seed: u64,
}

/// Results of a soak test.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub seconds: f64,
    pub kills: usize,
    /// Kills that ended a connection on which an append was transmitted and not echoed yet.
    pub kills_in_flight: usize,
    pub total: View,
    /// Number of events in the logs, also of those that no user has seen yet.
    pub stored: usize,
    pub faults: Vec<Fault>,
    /// Number of pages that were not idle in time.
    pub stuck: usize,
    /// Longest time from the program's start until it accepted connections.
    pub start_ms: u128,
}

impl Figures {
    /// True if no fault was found, every page became idle, nothing was refused, and every sent event was acknowledged.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty() && self.stuck == 0 && self.total.refused == 0 && self.total.sent == self.total.acked
    }

    pub fn line(&self) -> String {
        let View { sent, acked, refused, resumes, resets, dials, .. } = self.total;
        format!(
            "{:5.0} s  kills {} ({} with messages on their way)  sends {sent}  acks {acked}  refused {refused}  \
             dials {dials}  resumes {resumes}  resets {resets}",
            self.seconds, self.kills, self.kills_in_flight
        )
    }

    pub fn table(&self) -> String {
        let View { sent, changes, acked, refused, resumes, resets, .. } = self.total;
        let faults = |kind| self.faults.iter().filter(|fault| fault.kind == kind).count().to_string();
        let rows = [
            ("seconds", self.seconds.round().to_string()),
            ("kills", self.kills.to_string()),
            ("  with messages on their way", self.kills_in_flight.to_string()),
            ("slowest start, ms", self.start_ms.to_string()),
            ("sends", sent.to_string()),
            ("  that change or react", changes.to_string()),
            ("acks", acked.to_string()),
            ("events in the logs", self.stored.to_string()),
            ("resumes", resumes.to_string()),
            ("resets", resets.to_string()),
            ("  that were needless", faults(Kind::NeedlessReset)),
            ("refused", refused.to_string()),
            ("not at rest", self.stuck.to_string()),
            ("connections without a reason", faults(Kind::Dropped)),
            ("pages thrown out", faults(Kind::ThrownOut)),
            ("wrong rosters", faults(Kind::Roster)),
            ("holes", faults(Kind::Hole)),
            ("lost", faults(Kind::Lost)),
            ("doubled", faults(Kind::Doubled)),
            ("invented", faults(Kind::Invented)),
            ("out of order", faults(Kind::OutOfOrder)),
            ("old words", faults(Kind::Words)),
            ("faults in all", self.faults.len().to_string()),
        ];
        rows.iter().map(|(name, value)| format!("{name:<30} {value:>10}\n")).collect()
    }
}

struct Room {
    /// Seat of the first user; the visitor uses it too.
    seat: Seat,
    people: Vec<Person>,
}

/// Runs until the kills or the time are used up. Calls `tell` with figures every ten seconds.
pub async fn run(soak: &Soak, tell: impl Fn(&Figures)) -> Figures {
    let directory = tempfile::tempdir().unwrap();
    let environment =
        [("GRACE_MS", "600000"), ("ARRIVAL_MS", "600000"), ("APPENDS_PER_SECOND", "1000"), ("APPEND_BURST", "1000")];
    let environment = environment.map(|(name, value)| (name, value.to_owned())).into();
    let mut program = Program::new(soak.server.clone(), directory.path().join("flasky.db"), environment);
    let mut figures = Figures { start_ms: program.start().await.as_millis(), ..Figures::default() };
    let kills = Excuse::default();
    let mut rooms = fill(soak, &program, &kills).await;
    let begun = Instant::now();
    let mut dice = Dice::new(soak.seed);
    let mut told = Instant::now();
    let mut due = begun;
    while figures.kills < soak.kills && begun.elapsed() < soak.time {
        let wait = Duration::from_millis(dice.between(50, 1_500));
        type_for(wait, &rooms, soak.rate, &mut due, &mut dice).await;
        // Every other kill comes right after all users have sent a message.
        if figures.kills.is_multiple_of(2) {
            everybody_types(&rooms, &mut dice).await;
        }
        let before = total(&rooms).cut_in_flight;
        kills.begin();
        if soak.gently {
            let status = program.terminate(STOP).await;
            assert!(status.success(), "the server ended with {status}");
        } else {
            program.kill();
        }
        figures.kills += 1;
        tokio::time::sleep(Duration::from_millis(dice.between(0, 200))).await;
        figures.start_ms = figures.start_ms.max(program.start().await.as_millis());
        kills.over();
        figures.kills_in_flight += usize::from(total(&rooms).cut_in_flight > before);
        come_back(&rooms, &mut dice).await;
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            figures.total = total(&rooms);
            figures.seconds = begun.elapsed().as_secs_f64();
            tell(&figures);
        }
    }
    figures.stuck = wait_until_delivered(&rooms, &program).await;
    // A visitor's page reads everything anew.
    for room in &mut rooms {
        let visitor = Person::open("visitor".to_owned(), room.seat.clone(), program.address, soak.seed, &kills);
        room.people.push(visitor);
    }
    figures.stuck += wait_until_delivered(&rooms, &program).await;
    figures.seconds = begun.elapsed().as_secs_f64();
    figures.total = total(&rooms);
    check_histories(rooms, program, &mut figures).await;
    figures
}

async fn fill(soak: &Soak, program: &Program, kills: &Excuse) -> Vec<Room> {
    let mut rooms = Vec::new();
    for room in 0..soak.rooms {
        let mut first: Option<Seat> = None;
        let mut people = Vec::new();
        for member in 0..soak.members {
            let name = format!("R{room}M{member}");
            let code = first.as_ref().map(|seat| seat.code);
            let seat = http::enter(program.address, &name, code, 100).await.unwrap();
            first.get_or_insert(seat.clone());
            let seed = soak.seed ^ ((room * 1_000 + member + 1) as u64) << 20;
            people.push(Person::open(name, seat, program.address, seed, kills));
        }
        rooms.push(Room { seat: first.expect("members"), people });
    }
    rooms
}

/// Lets users write for this time. `due` is the time of the next message.
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
            // Now and then a client transmits an append twice.
            if dice.one_in(20) {
                person.act(Act::Duplicate);
            }
            let words = format!("message {:016x}", dice.draw());
            person.act(match dice.between(0, 19) {
                0..=2 => Act::Edit(words),
                3 => Act::Delete,
                4 => Act::React,
                _ => Act::Send(words),
            });
        }
        *due += Duration::from_micros(dice.between(0, 2 * mean as u64));
    }
    tokio::time::sleep(end.saturating_duration_since(Instant::now())).await;
}

/// Sends a message of every user, and waits up to 3 ms.
async fn everybody_types(rooms: &[Room], dice: &mut Dice) {
    for person in rooms.iter().flat_map(|room| &room.people) {
        person.act(Act::Send(format!("message {:016x}", dice.draw())));
    }
    tokio::time::sleep(Duration::from_micros(dice.between(0, 3_000))).await;
}

/// Three in four browsers report at once that the network is back; the others wait for their backoff.
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
    for person in rooms.iter().flat_map(|room| &room.people) {
        total += person.view();
    }
    total
}

/// Waits until every page is idle. Returns the number of those that are not within [`REST`].
async fn wait_until_delivered(rooms: &[Room], program: &Program) -> usize {
    let begun = Instant::now();
    for person in rooms.iter().flat_map(|room| &room.people) {
        person.act(Act::TryNow);
    }
    loop {
        let restless = |room: &Room| {
            let head = truth::head(&program.store, room.seat.code).unwrap_or(Seq(0));
            room.people.iter().filter(|person| !person.rests_at(head)).count()
        };
        let waiting = rooms.iter().map(restless).sum();
        if waiting == 0 || begun.elapsed() > REST {
            return waiting;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Checks all histories. Closes the pages before the server, so that they end in their present state.
async fn check_histories(rooms: Vec<Room>, mut program: Program, figures: &mut Figures) {
    let mut pages = Vec::new();
    for room in rooms {
        let mut histories = Vec::new();
        for person in room.people {
            histories.push(person.finish().await);
        }
        pages.push((room.seat.code, histories));
    }
    program.kill();
    for (code, histories) in pages {
        let truth = Truth::read(&program.store, code).unwrap();
        figures.stored += truth.log.len();
        figures.faults.extend(checker::check(&truth, &histories));
    }
}
