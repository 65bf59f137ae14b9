//! Tests the server with a log that is not read, or on a full disk, while members join, write and vanish.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use protocol::Code;
use testkit::checker;
use testkit::dice::Dice;
use testkit::excuse::Excuse;
use testkit::fault::Kind;
use testkit::raw_client::RawClient;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use testkit::http::{self, Seat};
use testkit::node::{Program, free_address};
use testkit::truth::{self, Truth};
use testkit::user::{Act, Person};

mod figures;

use figures::{Figures, row};

/// Maximum time in which delayed work must be done after its cause has ended.
const REST: Duration = Duration::from_secs(60);
/// Maximum time for a shutdown. The server's own limit is nine seconds.
const STOP: Duration = Duration::from_secs(12);
/// Grace period.
const GRACE: Duration = Duration::from_secs(3);
/// Maximum number of events of a room: more than are appended.
const KEEPS: usize = 100_000;
/// Size of the disk that is filled, in MiB.
const DISK: usize = 64;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds of load for each of the scenarios. In fewer than 45, the log lines fit into the queue for a stalled
    /// reader, so that none is dropped, which counts as a fault.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    #[arg(long, default_value_t = 20)]
    rooms: usize,
    #[arg(long, default_value_t = 10)]
    members: usize,
    /// Messages per second of all members together.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// Directory of a small disk to fill. By default one is created in a separate mount namespace (`unshare -rm`).
    #[arg(long)]
    disk: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    ReadLog,
    ClosedLog,
    AbandonedLog,
    StalledLog,
    LogOnFullDisk,
    BothOnFullDisk,
}

impl Scenario {
    const ALL: [Self; 6] = [
        Self::ReadLog,
        Self::ClosedLog,
        Self::AbandonedLog,
        Self::StalledLog,
        Self::LogOnFullDisk,
        Self::BothOnFullDisk,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ReadLog => "log in a file",
            Self::ClosedLog => "stderr closed",
            Self::AbandonedLog => "log reader gone",
            Self::StalledLog => "log reader stalled",
            Self::LogOnFullDisk => "log on a full disk",
            Self::BothOnFullDisk => "store and log on it",
        }
    }
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let Some(disk) = &arguments.disk else { return on_small_disk(&server, arguments) };
    println!(
        "{} people in {} rooms, {} messages a second, {} s each; the disk is full during the second third",
        arguments.rooms * arguments.members,
        arguments.rooms,
        arguments.rate,
        arguments.seconds
    );
    println!("{:20}{}", "", row(Figures::default().columns().iter().map(|(name, _)| (*name, *name))));
    let mut good = true;
    for scenario in Scenario::ALL {
        let figures = measure(&server, arguments, scenario, disk).await;
        let columns = figures.columns();
        println!("{:20}{}", scenario.name(), row(columns.iter().map(|(name, value)| (*name, value.as_str()))));
        for fault in figures.faults.iter().take(10) {
            println!("    {fault}");
        }
        good &= figures.is_good(scenario);
    }
    good
}

/// Runs this program again in a mount namespace of its own, with a small disk in memory.
fn on_small_disk(server: &Path, arguments: &Arguments) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let (disk, mount) = (directory.path(), format!("mount -t tmpfs -o size={DISK}m none \"$0\" && exec \"$@\""));
    let mut again = Command::new("unshare");
    again.args(["-rm", "sh", "-c", &mount]).arg(disk).arg(std::env::current_exe().unwrap()).arg("--server").arg(server);
    let numbers = [
        ("--seconds", arguments.seconds.to_string()),
        ("--rooms", arguments.rooms.to_string()),
        ("--members", arguments.members.to_string()),
        ("--rate", arguments.rate.to_string()),
    ];
    again.arg("log-and-disk").args(numbers.iter().flat_map(|(name, value)| [*name, value])).arg("--disk").arg(disk);
    again.status().expect("unshare, of util-linux; or name a small disk with --disk").success()
}

async fn measure(server: &Path, arguments: &Arguments, scenario: Scenario, disk: &Path) -> Figures {
    let elsewhere = tempfile::tempdir().unwrap();
    let on_disk = tempfile::tempdir_in(disk).unwrap();
    let place = if scenario == Scenario::BothOnFullDisk { on_disk.path() } else { elsewhere.path() };
    let (mut program, metrics) = program(server, &place.join("flasky.db"));
    if scenario == Scenario::ClosedLog {
        program = program.through(&["sh", "-c", "exec \"$0\" 2>&-"]);
    }
    let _reader = start(&mut program, scenario, on_disk.path()).await;
    let excuse = Excuse::default();
    let rooms = fill(program.address, arguments, &excuse).await;
    let mut figures = Figures::default();
    let begun = Instant::now();
    let third = Duration::from_secs(arguments.seconds) / 3;
    let visits = visitors(program.address, &rooms, begun + third * 3);
    let probes = probe(program.address, begun + third * 3);
    let messages = send_messages(&rooms, arguments.rate, begun + third * 3);
    let fill_and_free = async {
        if matches!(scenario, Scenario::LogOnFullDisk | Scenario::BothOnFullDisk) {
            sleep_until(begun + third).await;
            let filler = fill_disk(on_disk.path());
            sleep_until(begun + third * 2).await;
            fs::remove_file(filler).unwrap();
        }
    };
    let forms = refused_forms(program.address, begun + third * 3);
    let (visitors, probes, forms, (), ()) = tokio::join!(visits, probes, forms, messages, fill_and_free);
    probes.put(&mut figures);
    (figures.forms, figures.unanswered) = forms;
    figures.entered = visitors.entered;
    figures.turned_away = visitors.turned_away;
    figures.vanished = visitors.vanished.len();
    figures.stuck = wait_until_delivered(&rooms, &program.store, &visitors.vanished).await;
    figures.freed = figures.vanished - seated(&program.store, &visitors.vanished);
    figures.dropped = http::metric(metrics, "flasky_log_lines_dropped_total").await.unwrap().unwrap_or_default();
    excuse.begin();
    let begun = std::time::Instant::now();
    figures.exit = program.terminate(STOP).await.code();
    figures.stop = begun.elapsed();
    check_histories(rooms, &program.store, &mut figures).await;
    figures
}

fn program(server: &Path, store: &Path) -> (Program, SocketAddr) {
    let metrics = free_address();
    let environment = [
        ("RUST_LOG", "debug".to_owned()),
        ("METRICS", metrics.to_string()),
        ("GRACE_MS", GRACE.as_millis().to_string()),
        ("EVENTS", KEEPS.to_string()),
        ("TIMELINE", (1u64 << 30).to_string()),
        ("APPENDS_PER_SECOND", "1000".to_owned()),
        ("APPEND_BURST", "1000".to_owned()),
    ];
    (Program::new(server.to_owned(), store.to_owned(), environment.into()), metrics)
}

/// Starts the program with its log as the scenario requires. The caller must keep the returned pipe open, without
/// reading it, as long as the program runs.
async fn start(program: &mut Program, scenario: Scenario, disk: &Path) -> Option<io::PipeReader> {
    let (reader, writer) = io::pipe().unwrap();
    match scenario {
        Scenario::ClosedLog => {
            program.start().await;
        }
        Scenario::StalledLog => {
            program.start_writing_to(full(writer)).await;
            return Some(reader);
        }
        Scenario::AbandonedLog => {
            program.start_writing_to(writer).await;
            BufReader::new(reader).read_line(&mut String::new()).unwrap();
        }
        Scenario::ReadLog | Scenario::LogOnFullDisk | Scenario::BothOnFullDisk => {
            program.start_writing_to(File::create(disk.join("flasky.log")).unwrap()).await;
        }
    }
    None
}

/// Fills the pipe, so that the next write blocks.
fn full(mut writer: io::PipeWriter) -> io::PipeWriter {
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[b'\n'; 4_096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    writer
}

/// Fills the disk. Returns the file to be removed.
fn fill_disk(directory: &Path) -> PathBuf {
    let filler = directory.join("filler");
    let mut file = File::create(&filler).unwrap();
    for length in [64 * 1_024, 1] {
        while file.write_all(&vec![0; length]).is_ok() {}
    }
    filler
}

struct Room {
    seat: Seat,
    people: Vec<Person>,
}

async fn fill(server: SocketAddr, arguments: &Arguments, excuse: &Excuse) -> Vec<Room> {
    let mut rooms = Vec::new();
    for room in 0..arguments.rooms {
        let mut people = Vec::new();
        let mut first: Option<Seat> = None;
        for member in 0..arguments.members {
            let name = format!("R{room}M{member}");
            let seat = http::enter(server, &name, first.as_ref().map(|seat| seat.code), 1_000).await.unwrap();
            first.get_or_insert(seat.clone());
            let seed = (room * arguments.members + member + 1) as u64;
            let mut person = Person::open(name, seat, server, seed, excuse);
            assert!(person.until(REST, |view| view.live).await, "a person who gets in");
            people.push(person);
        }
        rooms.push(Room { seat: first.expect("members"), people });
    }
    rooms
}

async fn send_messages(rooms: &[Room], rate: f64, until: Instant) {
    let mut dice = Dice::new(1);
    let mut due = Instant::now();
    while due < until {
        sleep_until(due).await;
        let people = &rooms[dice.between(0, rooms.len() as u64 - 1) as usize].people;
        let person = &people[dice.between(0, people.len() as u64 - 1) as usize];
        person.act(Act::Send(format!("message {:016x}", dice.draw())));
        due += Duration::from_secs_f64(1.0 / rate);
    }
}

#[derive(Default)]
struct Visitors {
    entered: usize,
    turned_away: usize,
    vanished: Vec<Seat>,
}

/// Lets a visitor join twice a second, connect, and vanish.
async fn visitors(server: SocketAddr, rooms: &[Room], until: Instant) -> Visitors {
    let mut visitors = Visitors::default();
    let mut due = Instant::now();
    while due < until {
        sleep_until(due).await;
        due += Duration::from_millis(500);
        let number = visitors.entered + visitors.turned_away;
        let code = rooms[number % rooms.len()].seat.code;
        match http::enter(server, &format!("V{number}"), Some(code), 0).await {
            Ok(seat) => {
                visitors.entered += 1;
                drop(RawClient::connect(server, &seat, None).await);
                visitors.vanished.push(seat);
            }
            Err(_) => visitors.turned_away += 1,
        }
    }
    visitors
}

#[derive(Default)]
struct Probes {
    asked: usize,
    failed: usize,
    slowest: Duration,
}

impl Probes {
    fn put(self, figures: &mut Figures) {
        (figures.probes, figures.failed_probes, figures.slowest_probe) = (self.asked, self.failed, self.slowest);
    }
}

/// Sends forms that are refused, each of which is logged: in a minute more lines than the queue for the log's reader
/// holds. Returns the number of forms, and of those that were not refused as expected.
async fn refused_forms(server: SocketAddr, until: Instant) -> (usize, usize) {
    let (mut forms, mut unanswered) = (0, 0);
    let mut due = Instant::now();
    while due < until {
        sleep_until(due).await;
        due += Duration::from_millis(10);
        forms += 1;
        let answer = http::enter(server, "", None, 0).await;
        unanswered += usize::from(!answer.is_err_and(|error| error.to_string().contains("name_missing")));
    }
    (forms, unanswered)
}

/// Sends health checks twice a second.
async fn probe(server: SocketAddr, until: Instant) -> Probes {
    let mut probes = Probes::default();
    while Instant::now() < until {
        for (path, expected) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
            let begun = Instant::now();
            let answer = timeout(Duration::from_secs(2), http::get(server, path)).await;
            probes.asked += 1;
            probes.failed += usize::from(!matches!(answer, Ok(Ok(body)) if body == expected));
            probes.slowest = probes.slowest.max(begun.elapsed());
        }
        sleep(Duration::from_millis(500)).await;
    }
    probes
}

/// Waits until all members have received everything and no visitor has a seat. Returns the number of members who still
/// miss something.
async fn wait_until_delivered(rooms: &[Room], store: &Path, vanished: &[Seat]) -> usize {
    let begun = Instant::now();
    loop {
        let restless = |room: &Room| {
            let head = truth::head(store, room.seat.code).unwrap_or_default();
            room.people.iter().filter(|person| !person.rests_at(head)).count()
        };
        let waiting = rooms.iter().map(restless).sum();
        if (waiting == 0 && seated(store, vanished) == 0) || begun.elapsed() > REST {
            return waiting;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Returns the number of these seats that are still taken in the store.
fn seated(store: &Path, seats: &[Seat]) -> usize {
    let mut taken = std::collections::HashMap::new();
    let has_seat = |seat: &&Seat| {
        let members = taken.entry(seat.code).or_insert_with(|| Truth::read(store, seat.code).unwrap().seats);
        members.iter().any(|(member, _)| *member == seat.member)
    };
    seats.iter().filter(has_seat).count()
}

async fn check_histories(rooms: Vec<Room>, store: &Path, figures: &mut Figures) {
    for room in rooms {
        let mut histories = Vec::new();
        for person in room.people {
            figures.view += person.view();
            histories.push(person.finish().await);
        }
        let truth = Truth { keeps: KEEPS, defers: vec![Code::Storage], ..Truth::read(store, room.seat.code).unwrap() };
        for fault in checker::check(&truth, &histories) {
            figures.lost += usize::from(fault.kind == Kind::Lost);
            figures.doubled += usize::from(fault.kind == Kind::Doubled);
            figures.faults.push(fault.to_string());
        }
    }
}
