//! Measures the server's memory while a constant set of members writes at a constant rate.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use testkit::dice::Dice;
use testkit::http;
use testkit::ids::mint;
use testkit::kernel::resident;
use testkit::node::Program;
use testkit::raw_client::RawClient;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// Time for which the maximum append rate is measured, and time to warm up before it.
const SEARCH: Duration = Duration::from_secs(15);
const WARM_UP: Duration = Duration::from_secs(5);
/// Fraction of the samples that the fit omits at the beginning.
pub(crate) const LEFT_OUT: f64 = 0.2;
/// Maximum growth over the time of the fit, in percent of the mean.
const LIMIT: f64 = 2.0;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    #[arg(long, default_value_t = 40)]
    rooms: usize,
    #[arg(long, default_value_t = 5)]
    members: usize,
    /// Appends per second to hold; by default half of the maximum.
    #[arg(long)]
    rate: Option<f64>,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("APPENDS_PER_SECOND", "1000000"), ("APPEND_BURST", "1000000"), ("GRACE_MS", "600000")];
    let environment = environment.map(|(name, value)| (name, value.to_owned())).into();
    let mut program = Program::new(server, directory.path().join("flasky.db"), environment);
    program.start().await;
    let pause = watch::Sender::new(Duration::ZERO);
    let echoes = Arc::new(AtomicU64::new(0));
    // Dropped before the program, so that nobody is connected when it is killed.
    let mut writers = JoinSet::new();
    for room in 0..arguments.rooms {
        let mut code = None;
        for member in 0..arguments.members {
            let seat = http::enter(program.address, &format!("R{room}M{member}"), code, 100).await.unwrap();
            code = Some(seat.code);
            let client = RawClient::connect(program.address, &seat, None).await;
            let seed = writers.len() as u64;
            writers.spawn(write(client, pause.subscribe(), echoes.clone(), seed));
        }
    }
    let rate = match arguments.rate {
        Some(rate) => rate,
        None => {
            sleep(WARM_UP).await;
            let most = measure(&echoes, SEARCH).await;
            println!("{} rooms of {}: at most {most:.0} appends per second", arguments.rooms, arguments.members);
            most / 2.0
        }
    };
    pause.send_replace(Duration::from_secs_f64(writers.len() as f64 / rate));
    sleep(Duration::from_secs(2)).await;
    let before = echoes.load(Ordering::Relaxed);
    let samples = sample(program.pid(), Duration::from_secs_f64(arguments.minutes * 60.0)).await;
    let held = (echoes.load(Ordering::Relaxed) - before) as f64 / samples.len() as f64;
    report(&samples, rate, held)
}

/// Sends messages, each after the echo of the previous one and the pause.
async fn write(mut client: RawClient, mut pause: watch::Receiver<Duration>, echoes: Arc<AtomicU64>, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut waits_for: Option<String> = None;
    let mut due = Instant::now();
    loop {
        tokio::select! {
            text = client.next_text() => {
                let text = text.expect("a connection that holds");
                if waits_for.as_ref().is_some_and(|id| text.contains(id)) {
                    waits_for = None;
                    echoes.fetch_add(1, Ordering::Relaxed);
                    let pause = *pause.borrow_and_update();
                    due = if pause.is_zero() { Instant::now() } else { due.max(Instant::now() - pause) + pause };
                }
            }
            () = sleep_until(due), if waits_for.is_none() => {
                let id = mint(&mut dice);
                waits_for = Some(id.to_string());
                client.append(id, format!("message {:048x}", dice.draw())).await;
            }
            Ok(()) = pause.changed() => {
                // Spreads the writers over the pause.
                let pause = *pause.borrow();
                due = Instant::now() + pause.mul_f64(dice.between(0, 1_000) as f64 / 1_000.0);
            }
        }
    }
}

async fn measure(echoes: &AtomicU64, time: Duration) -> f64 {
    let before = echoes.load(Ordering::Relaxed);
    sleep(time).await;
    (echoes.load(Ordering::Relaxed) - before) as f64 / time.as_secs_f64()
}

/// Samples the resident memory of the process every second, in KiB.
async fn sample(pid: u32, time: Duration) -> Vec<f64> {
    let mut samples = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < time {
        sleep_until(begun + Duration::from_secs(samples.len() as u64 + 1)).await;
        samples.push(resident(pid));
        if samples.len().is_multiple_of(30) {
            println!("{:5} s  {:.1} MiB", samples.len(), samples.last().unwrap() / 1024.0);
        }
    }
    samples
}

fn report(samples: &[f64], rate: f64, held: f64) -> bool {
    let fitted = &samples[(samples.len() as f64 * LEFT_OUT) as usize..];
    let (mean, slope) = fit(fitted);
    let rise = slope * fitted.len() as f64 / mean * 100.0;
    println!(
        "asked for {rate:.0} appends per second, {held:.0} held; over the last {} s: mean {:.1} MiB, \
         slope {slope:.3} KiB/s, which is {rise:.2} % of the mean over that time (limit {LIMIT} %)",
        fitted.len(),
        mean / 1024.0
    );
    rise < LIMIT
}

/// Fits a line by least squares. Returns the mean, and the slope per sample.
pub(crate) fn fit(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let middle = (n - 1.0) / 2.0;
    let (mut up, mut down) = (0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let from_middle = i as f64 - middle;
        up += from_middle * (sample - mean);
        down += from_middle * from_middle;
    }
    (mean, up / down)
}
