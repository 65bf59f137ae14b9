//! Measures the memory that is left when many rooms have come and gone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use testkit::dice::Dice;
use testkit::http;
use testkit::ids::mint;
use testkit::kernel::resident;
use testkit::raw_client::RawClient;
use tokio::time::{Instant, interval, sleep};

use crate::memory::fit;
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

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, default_value_t = 100_000)]
    rooms: usize,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let store = TestStore::start(0).await;
    let node = store.node(&server, GRACE).await;
    come_and_go(node.address, WARM_UP).await;
    sleep(REST).await;
    let before = resident(node.pid()) / 1024.0;
    let begun = Instant::now();
    let mut samples = Vec::new();
    let sampling = async {
        let mut ticks = interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            samples.push(resident(node.pid()) / 1024.0);
        }
    };
    tokio::select! { () = come_and_go(node.address, arguments.rooms) => {} () = sampling => {} }
    let seconds = begun.elapsed().as_secs_f64();
    sleep(REST).await;
    let after = resident(node.pid()) / 1024.0;
    let (mean, slope) = fit(&samples[samples.len() / 2..]);
    println!(
        "{} rooms in {seconds:.0} s: {before:.1} MiB before, {after:.1} MiB {} s after; in the second half of the time \
         {mean:.1} MiB, which grew by {:.1} MiB an hour",
        arguments.rooms,
        REST.as_secs(),
        slope * 3_600.0
    );
    after - before < LIMIT
}

/// Lets as many rooms come and go, each with one member, a connection and a message.
async fn come_and_go(server: SocketAddr, rooms: usize) {
    let room = async |number: usize| {
        let seat = http::enter(server, "Ana", None, 50).await.unwrap();
        let mut client = RawClient::connect(server, &seat, None).await;
        let id = mint(&mut Dice::new(number as u64));
        client.append(id, format!("message {number}")).await;
        while !client.next_text().await.expect("a connection that holds").contains(&id.to_string()) {}
        http::leave_room(server, seat).await.unwrap();
    };
    stream::iter(0..rooms).for_each_concurrent(AT_ONCE, room).await;
}
