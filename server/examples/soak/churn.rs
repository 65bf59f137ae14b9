//! Measures the memory that is left when many rooms have come and gone, or its growth while they do for long.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use testkit::dice::Dice;
use testkit::http;
use testkit::ids::mint;
use testkit::kernel::resident;
use testkit::node::Program;
use testkit::raw_client::RawClient;
use tokio::time::{Instant, interval, sleep};

use crate::memory::{LEFT_OUT, fit};
use crate::store::TestStore;

/// Rooms that come and go before the first look: what is allocated once is there then.
const WARM_UP: usize = 2_000;
/// Number of rooms at a time.
const AT_ONCE: usize = 32;
const GRACE: Duration = Duration::from_secs(600);
/// Time after which memory that is free is given back.
const REST: Duration = Duration::from_secs(20);
/// Maximum growth in MiB.
const LIMIT: f64 = 10.0;
/// Maximum growth in MiB an hour.
const HOURLY_LIMIT: f64 = 1.0;
/// Length of the means that the fit is made of, in seconds: each covers several times the ten seconds after which the
/// allocator gives free memory back.
const MINUTE: usize = 60;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, default_value_t = 100_000)]
    rooms: usize,
    /// Minutes for which rooms come and go, instead of their number; at least five.
    #[arg(long, conflicts_with = "rooms")]
    minutes: Option<f64>,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let store = TestStore::start(0).await;
    let node = store.node(&server, GRACE).await;
    match arguments.minutes {
        None => compare(&node, arguments.rooms).await,
        Some(minutes) => watch(&node, Duration::from_secs_f64(minutes * 60.0)).await,
    }
}

/// Compares the memory before many rooms have come and gone with that after it.
async fn compare(node: &Program, rooms: usize) -> bool {
    come_and_go(node.address, 0..WARM_UP).await;
    sleep(REST).await;
    let before = resident(node.pid()) / 1024.0;
    let begun = Instant::now();
    let samples = sample(node, 0..rooms).await;
    let seconds = begun.elapsed().as_secs_f64();
    sleep(REST).await;
    let after = resident(node.pid()) / 1024.0;
    let (mean, slope) = fit(&samples[samples.len() / 2..]);
    println!(
        "{rooms} rooms in {seconds:.0} s: {before:.1} MiB before, {after:.1} MiB {} s after; in the second half of the time \
         {mean:.1} MiB, which grew by {:.1} MiB an hour",
        REST.as_secs(),
        slope * 3_600.0
    );
    after - before < LIMIT
}

/// Fits the memory while rooms come and go for this time. Free memory that the allocator still holds goes up and down by
/// more than the limit in minutes, so the growth fails only if it is above the limit with its uncertainty subtracted.
async fn watch(node: &Program, time: Duration) -> bool {
    let until = Instant::now() + time;
    let mut rooms = 0;
    let samples = sample(node, (0..).take_while(|_| Instant::now() < until).inspect(|_| rooms += 1)).await;
    let minutes: Vec<f64> = samples.chunks_exact(MINUTE).map(|samples| fit(samples).0).collect();
    for (minute, mean) in minutes.iter().enumerate() {
        println!("minute {:3}: {mean:.2} MiB", minute + 1);
    }
    let fitted = &minutes[(minutes.len() as f64 * LEFT_OUT) as usize..];
    let (mean, slope) = fit(fitted);
    let [growth, uncertainty] = [slope, 2.0 * standard_error(fitted)].map(|per_minute| per_minute * 60.0);
    println!(
        "{rooms} rooms; over the last {} minutes a mean of {mean:.1} MiB, which grew by {growth:.1} ± {uncertainty:.1} MiB \
         an hour (limit {HOURLY_LIMIT})",
        fitted.len()
    );
    growth - uncertainty <= HOURLY_LIMIT
}

/// Returns the standard error of the slope that is fitted to these samples.
fn standard_error(samples: &[f64]) -> f64 {
    let (mean, slope) = fit(samples);
    let n = samples.len() as f64;
    let (mut residuals, mut spread) = (0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let from_middle = i as f64 - (n - 1.0) / 2.0;
        residuals += (sample - mean - slope * from_middle).powi(2);
        spread += from_middle.powi(2);
    }
    (residuals / (n - 2.0) / spread).sqrt()
}

/// Samples the resident memory every second, in MiB, while these rooms come and go.
async fn sample(node: &Program, rooms: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut samples = Vec::new();
    let sampling = async {
        let mut ticks = interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            samples.push(resident(node.pid()) / 1024.0);
        }
    };
    tokio::select! { () = come_and_go(node.address, rooms) => {} () = sampling => {} }
    samples
}

/// Lets rooms come and go, each with one member, a connection and a message.
async fn come_and_go(server: SocketAddr, rooms: impl Iterator<Item = usize>) {
    let room = async |number: usize| {
        let seat = http::enter(server, "Ana", None, 50).await.unwrap();
        let mut client = RawClient::connect(server, &seat, None).await;
        let id = mint(&mut Dice::new(number as u64));
        client.append(id, format!("message {number}")).await;
        while !client.next_text().await.expect("a connection that holds").contains(&id.to_string()) {}
        http::leave_room(server, seat).await.unwrap();
    };
    stream::iter(rooms).for_each_concurrent(AT_ONCE, room).await;
}
