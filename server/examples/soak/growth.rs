//! Measures how the node's processor time for a delivery, an append and a join grows with the number of living rooms, the
//! members of a room and the messages that it keeps.

mod plot;

use std::path::{Path, PathBuf};

use futures_util::stream::{self, StreamExt as _};
use protocol::RoomCode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::http;
use testkit::kernel::cpu_time;
use testkit::node::Program;
use testkit::raw_client::RawClient;

use self::plot::{Panel, Scale, Series};
use crate::compare::{REPEATS, median};
use crate::cost::{AT_ONCE, GRACE, Load, Members, WRITERS, sample};
use crate::start;
use crate::store::TestStore;

/// Living rooms of a node. One member of each is connected, so that server and clients need as many descriptors each.
const ROOMS: [usize; 3] = [10, 1_000, 10_000];
/// Rooms among them in which members write; the others are at rest.
const WRITING: usize = 10;
/// Messages per second in these rooms.
const RATE: f64 = 1_000.0;
/// Maximum cost with the most rooms, as a multiple of that with the fewest.
const LIMIT: f64 = 1.3;

/// Members of each room, and members of all rooms together.
const SIZES: [usize; 4] = [2, 10, 100, 1_000];
const MEMBERS: usize = 1_000;
/// Deliveries per second to these members.
const DELIVERIES: f64 = 10_000.0;

/// Messages that a room keeps which members join.
const KEPT: [usize; 3] = [0, 100, 1_000];
/// Rooms that members join, of which the first are joined before the measurement.
const JOINED: usize = 500;
const WARM_UP: usize = 50;
/// Members who join each of these rooms, one after the other. One who is not connected is there before.
const JOINS: usize = 4;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// File of the plot.
    #[arg(long, default_value = "docs/growth.svg")]
    plot: PathBuf,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();

    println!("Processor time of the node in µs, medians of {REPEATS} in turn.\n");
    let of_load = ["a delivery at the fixed rate", "at most", "an append at the fixed rate", "at most"];
    let by_rooms = measure_in_turn(&ROOMS, async |rooms| measure_rooms(&server, rooms).await).await;
    print_table("living rooms", of_load, &ROOMS, &by_rooms);
    let ratios: [f64; 4] = std::array::from_fn(|column| by_rooms[ROOMS.len() - 1][column] / by_rooms[0][column]);
    println!("\n{} rooms / {} rooms: {ratios:.2?}, limit {LIMIT}\n", ROOMS[ROOMS.len() - 1], ROOMS[0]);
    let by_size = measure_in_turn(&SIZES, async |size| measure_size(&server, size).await).await;
    print_table("members of each room", of_load, &SIZES, &by_size);
    println!();
    let by_kept = measure_in_turn(&KEPT, async |kept| [measure_joins(&server, kept).await]).await;
    print_table("messages that the room keeps", ["a join"], &KEPT, &by_kept);

    let fixed_and_most = ["1 000 messages a second", "at most"];
    let of_all = ["a delivery, 10 000 a second", "a delivery, at most", "an append, the same", "an append, at most"];
    let panels = [
        Panel {
            title: "A delivery, ten rooms of ten write",
            x: "living rooms",
            scale: Scale::LogX,
            series: series(&fixed_and_most, 0, &ROOMS, &by_rooms),
        },
        Panel {
            title: "An append, ten rooms of one write",
            x: "living rooms",
            scale: Scale::LogX,
            series: series(&fixed_and_most, 2, &ROOMS, &by_rooms),
        },
        Panel {
            title: "1 000 members in rooms of 2 to 1 000",
            x: "members of each room",
            scale: Scale::Log,
            series: series(&of_all, 0, &SIZES, &by_size),
        },
        Panel {
            title: "A join",
            x: "messages that the room keeps",
            scale: Scale::Linear,
            series: series(&["a join"], 0, &KEPT, &by_kept),
        },
    ];
    plot::draw(&arguments.plot, &panels).unwrap();
    ratios.iter().all(|ratio| *ratio <= LIMIT)
}

/// Measures each case in turn, and all of them several times. Returns the median of each figure.
async fn measure_in_turn<const N: usize>(cases: &[usize], measure: impl AsyncFn(usize) -> [f64; N]) -> Vec<[f64; N]> {
    let mut repeats = vec![Vec::new(); cases.len()];
    for _ in 0..REPEATS {
        for (figures, case) in repeats.iter_mut().zip(cases) {
            figures.push(measure(*case).await);
        }
    }
    let column = |figures: &[[f64; N]], n: usize| median(figures.iter().map(|figures| figures[n]).collect());
    repeats.iter().map(|figures| std::array::from_fn(|n| column(figures, n))).collect()
}

/// Returns the cost of a delivery in rooms of ten and of an append in rooms of one, each at the fixed rate and at the
/// most, on a node with as many rooms.
async fn measure_rooms(server: &Path, rooms: usize) -> [f64; 4] {
    let mut figures = [0.0; 4];
    for (n, (members, rate)) in [(10, Some(RATE)), (10, None), (1, Some(RATE)), (1, None)].into_iter().enumerate() {
        let store = TestStore::start(0).await;
        let node = store.node(server, GRACE).await;
        let at_rest = Load { rooms: rooms - WRITING, members: 1, writers: 0, rate: None };
        let _members_at_rest = Members::connect(&node, &at_rest).await;
        let load = Load { rooms: WRITING, members, writers: members, rate };
        let sample = sample(&node, &[], &load).await;
        figures[n] = sample.node_cpu / if members == 1 { sample.appends } else { sample.deliveries } * 1e6;
    }
    figures
}

/// Returns the cost of a delivery and of an append with its deliveries, each at the fixed rate and at the most, in rooms
/// of this number of members.
async fn measure_size(server: &Path, members: usize) -> [f64; 4] {
    let mut figures = [0.0; 4];
    for (n, rate) in [Some(DELIVERIES / members as f64), None].into_iter().enumerate() {
        let store = TestStore::start(0).await;
        let node = store.node(server, GRACE).await;
        let load = Load { rooms: MEMBERS / members, members, writers: members.min(WRITERS), rate };
        let sample = sample(&node, &[], &load).await;
        figures[n] = sample.node_cpu / sample.deliveries * 1e6;
        figures[n + 2] = sample.node_cpu / sample.appends * 1e6;
    }
    figures
}

/// Returns the cost of a join to a room that keeps as many messages: the form, the socket, the welcome and the first page.
async fn measure_joins(server: &Path, messages: usize) -> f64 {
    let store = TestStore::start(0).await;
    let codes = start::fill(&store.url(), JOINED, 1, messages).await;
    let node = store.node(server, GRACE).await;
    let (first, codes) = codes.split_at(WARM_UP);
    let _first = join(&node, first).await;
    let before = cpu_time(&[node.pid()]);
    let clients = join(&node, codes).await;
    (cpu_time(&[node.pid()]) - before).as_secs_f64() / clients.len() as f64 * 1e6
}

/// Lets members join these rooms. Returns their connections.
async fn join(node: &Program, codes: &[RoomCode]) -> Vec<RawClient> {
    let of_room = async |code: RoomCode| {
        let mut clients = Vec::new();
        for member in 0..JOINS {
            let seat = http::enter(node.address, &format!("M{member}"), Some(code), 0).await.unwrap();
            let mut client = RawClient::connect(node.address, &seat, None).await;
            while !client.next_text().await.expect("a first page").contains(r#""type":"events""#) {}
            clients.push(client);
        }
        clients
    };
    let rooms = stream::iter(codes.iter().copied()).map(of_room).buffer_unordered(AT_ONCE);
    rooms.collect::<Vec<_>>().await.into_iter().flatten().collect()
}

fn print_table<const N: usize>(case: &str, figures: [&str; N], cases: &[usize], rows: &[[f64; N]]) {
    println!("| {case} | {} |\n|{}", figures.join(" | "), "---|".repeat(N + 1));
    for (case, row) in cases.iter().zip(rows) {
        println!("| {case} | {} |", row.map(|figure| format!("{figure:.1}")).join(" | "));
    }
}

/// Returns the columns of a table from this one on, as named series.
fn series<const N: usize>(names: &[&'static str], first: usize, cases: &[usize], rows: &[[f64; N]]) -> Vec<Series> {
    let points = |column: usize| cases.iter().zip(rows).map(|(case, row)| (*case as f64, row[column])).collect();
    names.iter().enumerate().map(|(n, name)| Series { name, points: points(first + n) }).collect()
}
