//! Nothing that was said is left when everybody has gone: random plans are run on three servers by a node that is
//! dropped, finished by another one, and every byte of every file of the servers is searched, while rooms live and
//! afterwards. What is on the disks cannot be decrypted any more, because the keys are in no file.
//!
//! `make vanish` tries more seeds than `make test`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::time::Duration;

use protocol::Limits;
use store::laws::vanish::{Needles, Plan};
use store::seal::{Keyring, Secret};
use store::{Lease, Store as _};
use store_nats::NatsStore;
use testkit::cluster::Cluster;
use testkit::nats::room_messages;
use tokio::time::timeout;

/// Environment variable with the number of seeds to try.
const SEEDS: &str = "VANISH_SEEDS";

async fn open(url: &str, seed: u64) -> NatsStore {
    let limits = Limits { events: [5, 40, 1_000][seed as usize % 3], arrival_ms: 1, grace_ms: 1, ..Limits::default() };
    NatsStore::open(url.strip_prefix("nats://").unwrap(), &limits).await.unwrap()
}

fn find(cluster: &Cluster, needles: &Needles) -> Vec<String> {
    cluster.servers.iter().flat_map(|server| needles.find_in(server.directory())).collect()
}

/// Contents of the events among these messages, decrypted with the secrets among them.
fn readable(messages: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut texts = Vec::new();
    for (subject, secret) in messages.iter().filter(|(subject, _)| subject.contains(".secret.")) {
        let room = uuid::Uuid::parse_str(subject.rsplit('.').next().unwrap()).unwrap();
        let key = Keyring::new(&Secret::from_bytes(secret[..].try_into().unwrap()));
        let part = format!(".{}.event.", room.simple());
        for (subject, sealed) in messages.iter().filter(|(subject, _)| subject.contains(&part)) {
            let slot: u128 = subject.rsplit('.').next().unwrap().parse().unwrap_or_default();
            let place = [&[1], &room.as_bytes()[..], &slot.to_be_bytes()].concat();
            texts.extend(key.open(&place, sealed).unwrap_or_default());
        }
    }
    texts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_when_everybody_has_gone() {
    let seeds = std::env::var(SEEDS).map_or(2, |seeds| seeds.parse().unwrap());
    let mut cluster = Cluster::start().await;
    let url = format!("{}/flasky", cluster.url());
    let one = format!("nats://{}/flasky", cluster.servers[0].address());
    let mut all = Needles::default();
    for seed in 0..seeds {
        let plan = Plan::new(seed);
        let mut needles = Needles::default();
        plan.add_to(&mut needles);
        let store = open(&url, seed).await;
        drop(timeout(Duration::from_millis(1_000 + seed * 7_919 % 4_000), plan.run(&store)).await);
        // Ids of members are in the subjects of leases.
        for code in plan.codes() {
            let Ok(room) = store.find(code).await else { continue };
            for seated in &room.members {
                let lease = Lease { room: room.id, member: seated.member, id: uuid::Uuid::from_u128(1) };
                store.acquire_lease(lease, Duration::from_secs(60)).await.unwrap();
            }
        }
        drop(store);

        let messages = room_messages(&one).await;
        let secrets = || messages.iter().filter(|(subject, _)| subject.contains(".secret."));
        secrets().for_each(|(subject, secret)| needles.bytes(secret, &format!("the secret {subject}")));
        assert!(secrets().count() > 0, "seed {seed}: no room lives");
        assert_eq!(find(&cluster, &needles), [""; 0], "seed {seed}: readable while the rooms live");
        // The events are in these files, and readable for who has kept the keys.
        assert!(!needles.find(&readable(&messages)).is_empty(), "seed {seed}: this proves nothing");
        let (_, event) = messages.iter().rfind(|(subject, _)| subject.contains(".event.")).unwrap();
        let mut sealed = Needles::default();
        sealed.bytes(event, "an event");
        assert!(find(&cluster, &sealed).len() >= 2, "seed {seed}: an event is in the files of most servers");

        if seed % 2 == 1 {
            // A server that lost what is in memory gets it from the others.
            let server = &mut cluster.servers[seed as usize / 2 % 3];
            server.kill();
            server.start_again();
            // Otherwise an election may fail what the plan does.
            cluster.heal(&["0", "1", "2", "3", "leases", "secrets"].map(|stream| format!("flasky_{stream}"))).await;
        }
        let store = open(&url, seed).await;
        plan.finish(&store, &mut needles).await;
        assert_eq!(find(&cluster, &needles), [""; 0], "seed {seed}");
        assert_eq!(room_messages(&one).await, [], "seed {seed}");
        plan.add_to(&mut all);
        secrets().for_each(|(subject, secret)| all.bytes(secret, &format!("the secret {subject}")));
    }
    // What the servers write when they end is no more than that.
    for server in &mut cluster.servers {
        server.kill();
    }
    assert_eq!(find(&cluster, &all), [""; 0]);
}

/// The search finds what it would have to find if the program did not do what it promises.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_leaks_are_found() {
    let cluster = Cluster::start().await;
    let url = format!("{}/flasky", cluster.url());
    let one = format!("nats://{}/flasky", cluster.servers[0].address());
    let (plan, mut needles) = (Plan::new(0), Needles::default());
    let store = open(&url, 0).await;
    plan.run(&store).await;
    let messages = room_messages(&one).await;
    let (_, secret) = messages.iter().find(|(subject, _)| subject.contains(".secret.")).unwrap();
    plan.add_to(&mut needles);
    plan.finish(&store, &mut needles).await;
    assert_eq!(find(&cluster, &needles), [""; 0]);
    let jetstream = cluster.jetstream().await;
    // A name is stored in clear, and deleted again.
    let planted = jetstream.publish("flasky.0.planted", plan.name(1).to_owned().into()).await.unwrap().await.unwrap();
    let stream = jetstream.get_stream("flasky_0").await.unwrap();
    stream.delete_message(planted.sequence).await.unwrap();
    assert!(!find(&cluster, &needles).is_empty(), "also where it has been deleted again");
    // A secret is stored in a stream on disk.
    let mut needles = Needles::default();
    needles.bytes(secret, "the secret");
    assert_eq!(find(&cluster, &needles), [""; 0]);
    jetstream.publish("flasky.1.planted", secret.clone().into()).await.unwrap().await.unwrap();
    assert!(!find(&cluster, &needles).is_empty());
}
