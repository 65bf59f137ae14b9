//! Compares the fan-out with that of a server as short as it can be, `naive`, in one run.

use std::path::PathBuf;

use testkit::node::Program;

use crate::cost::{GRACE, Load, Sample, WRITERS, sample};
use crate::store::TestStore;

/// Number of measurements of each, in turn. The medians are shown.
pub(crate) const REPEATS: usize = 3;

pub(crate) async fn run(server: PathBuf) -> bool {
    let naive = std::env::current_exe().unwrap().with_file_name("naive");
    println!("Deliveries for each second of the server's processor time, medians of {REPEATS} in turn.\n");
    println!("| members of each room | this server | naive | ratio |\n|---|---|---|---|");
    for (rooms, members) in [(500, 2), (100, 10), (10, 100), (1, 1_000)] {
        let load = Load { rooms, members, writers: members.min(WRITERS), rate: None };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..REPEATS {
            let store = TestStore::start(0).await;
            let node = store.node(&server, GRACE).await;
            ours.push(efficiency(&sample(&node, &[], &load).await));
            drop(node);
            let mut node = Program::new(naive.clone(), PathBuf::new(), Vec::new());
            node.start().await;
            theirs.push(efficiency(&sample(&node, &[], &load).await));
        }
        let [ours, theirs] = [ours, theirs].map(median);
        println!("| {members} | {ours:.0} | {theirs:.0} | {:.2} |", ours / theirs);
    }
    true
}

fn efficiency(sample: &Sample) -> f64 {
    sample.deliveries / sample.node_cpu
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
