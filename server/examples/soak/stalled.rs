//! Measures how one client that stops reading affects the other members of its room.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use protocol::RoomCode;
use testkit::dice::Dice;
use testkit::ids::mint;
use testkit::kernel;
use testkit::node::Program;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use testkit::http::{self, Seat};
use testkit::raw_client::{RawClient, TINY};

/// Time until the kernel's buffers for the stalled client are full, and its cursor is older than the replay buffer.
const WARM_UP: Duration = Duration::from_secs(4);
/// Duration of a measurement. It ends before the ten seconds after which the server closes a connection whose buffers
/// are full.
const DURATION: Duration = Duration::from_secs(7);
/// Maximum median of the pairs' ratios.
const LIMIT: f64 = 1.10;
/// Length of each message's padding, which follows its time, in bytes.
const PADDING: usize = 2_000;
/// Number of members who write.
const WRITERS: usize = 5;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, default_value_t = 10)]
    pairs: usize,
    /// Members of the room; the last one stalls.
    #[arg(long, default_value_t = 100)]
    members: usize,
    /// Messages per second of all writers together.
    #[arg(long, default_value_t = 150.0)]
    rate: f64,
}

/// Times of deliveries in microseconds. Readers record them only while `open` is true.
#[derive(Default)]
struct DeliveryTimes {
    open: AtomicBool,
    micros: Mutex<Vec<u32>>,
}

struct Room {
    /// Declared before the program, so that nobody is connected when it is killed.
    _others: JoinSet<()>,
    program: Program,
    last: Seat,
    times: Arc<DeliveryTimes>,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("APPENDS_PER_SECOND", "100000"), ("APPEND_BURST", "100000"), ("GRACE_MS", "600000")];
    let environment = environment.map(|(name, value)| (name, value.to_owned())).into();
    let mut program = Program::new(server, directory.path().join("flasky.db"), environment);
    program.start().await;
    let room = fill(program, arguments).await;
    println!("p99 of deliveries to {} readers, in ms", arguments.members - 1);
    println!("pair   without      with   without   with/without   without/without   held back, KiB");
    let (mut ratios, mut controls) = (Vec::new(), Vec::new());
    for pair in 1..=arguments.pairs {
        let (before, _) = room.measure(false).await;
        let (b, held) = room.measure(true).await;
        let (after, _) = room.measure(false).await;
        // Compared alternately with the run before and the run after, so that a machine that slows down does not bias
        // it.
        let (a, c) = if pair % 2 == 1 { (before, after) } else { (after, before) };
        let (ratio, control) = (b / a, c / a);
        println!("{pair:4} {a:9.3} {b:9.3} {c:9.3} {ratio:14.3} {control:17.3} {:16}", held / 1024);
        ratios.push(ratio);
        controls.push(control);
    }
    let (ratio, control) = (median(ratios), median(controls));
    println!("median ratio with/without {ratio:.3} (limit {LIMIT}); without/without {control:.3}");
    ratio <= LIMIT
}

async fn fill(program: Program, arguments: &Arguments) -> Room {
    let times = Arc::new(DeliveryTimes::default());
    let started = Instant::now();
    let pause = Duration::from_secs_f64(WRITERS as f64 / arguments.rate);
    let mut code: Option<RoomCode> = None;
    let mut last = None;
    let mut others = JoinSet::new();
    for member in 0..arguments.members {
        let seat = http::enter(program.address, &format!("M{member}"), code, 1_000).await.unwrap();
        code = Some(seat.code);
        if member + 1 < arguments.members {
            let client = RawClient::connect(program.address, &seat, None).await;
            let pause = (member < WRITERS).then_some(pause);
            others.spawn(take_part(client, started, pause, times.clone(), member as u64));
        } else {
            last = Some(seat);
        }
    }
    Room { _others: others, program, last: last.expect("members"), times }
}

/// Reads, and writes a message after every `pause` if there is one.
async fn take_part(
    mut client: RawClient,
    started: Instant,
    pause: Option<Duration>,
    times: Arc<DeliveryTimes>,
    seed: u64,
) {
    let mut dice = Dice::new(seed);
    let padding = "x".repeat(PADDING);
    let mut due = Instant::now() + pause.unwrap_or_default().mul_f64(dice.between(0, 100) as f64 / 100.0);
    loop {
        tokio::select! {
            text = client.next_text() => {
                let text = text.expect("a connection that holds");
                if times.open.load(Ordering::Relaxed) {
                    times.note(started.elapsed(), &text);
                }
            }
            () = sleep_until(due), if pause.is_some() => {
                due += pause.unwrap_or_default();
                client.append(mint(&mut dice), format!("t{:016x}{padding}", started.elapsed().as_micros())).await;
            }
        }
    }
}

impl DeliveryTimes {
    fn note(&self, now: Duration, text: &str) {
        const BEFORE: &str = r#""body":"t"#;
        let now = now.as_micros() as u64;
        let mut micros = self.micros.lock().unwrap();
        for (at, _) in text.match_indices(BEFORE) {
            let digits = &text[at + BEFORE.len()..][..16];
            let sent = u64::from_str_radix(digits, 16).expect("a time");
            micros.push(now.saturating_sub(sent) as u32);
        }
    }
}

impl Room {
    /// Returns the 99th percentile of the others' deliveries in milliseconds, and the number of bytes in the server's
    /// kernel that the last member has not received.
    async fn measure(&self, stalls: bool) -> (f64, u64) {
        let server = self.program.address;
        let mut client = RawClient::connect(server, &self.last, Some(TINY)).await;
        let port = client.port();
        // A client that stalls keeps its socket open and reads nothing.
        let reads =
            async { if stalls { std::future::pending().await } else { while client.next_text().await.is_some() {} } };
        let measures = async {
            sleep(WARM_UP).await;
            self.times.micros.lock().unwrap().clear();
            self.times.open.store(true, Ordering::Relaxed);
            sleep(DURATION).await;
            self.times.open.store(false, Ordering::Relaxed);
            kernel::unsent(server.port(), port)
        };
        let held = tokio::select! {
            held = measures => held,
            () = reads => panic!("the last member's connection does not hold"),
        };
        assert!(!stalls || held > 0, "the reader did not stall");
        let mut micros = std::mem::take(&mut *self.times.micros.lock().unwrap());
        micros.sort_unstable();
        (f64::from(micros[micros.len() * 99 / 100]) / 1_000.0, held)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] }
}
