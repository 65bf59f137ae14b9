//! Benchmarks of the parts that a message goes through: codec, frame, replay buffer and the embedded store.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use protocol::{ClientFrame, DisplayName, Event, EventKind, Limits, MemberId, Names, Proposal, RoomId, Seq, codec};
use server::clock::unix_ms;
use server::entropy;
use server::hub::{EncodedEvent, ReplayBuffer, events_frame};
use store::{NewEvent, NewRoom, ReadFrom, Store as _};
use store_sqlite::SqliteStore;
use tokio::runtime;

/// The server's allocator.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Events in a frame of several.
const SEVERAL: usize = 10;
/// Appends that share a commit.
const CONCURRENT: usize = 200;
/// Events of a page.
const PAGE: usize = 100;
/// Messages that a room keeps.
const KEPT: usize = 1_000;

criterion_group! {
    name = parts;
    config = Criterion::default().measurement_time(Duration::from_secs(4)).warm_up_time(Duration::from_secs(1));
    targets = codec_of_frames, replay_buffer, sqlite
}
criterion_main!(parts);

/// Text of 100 characters.
fn text() -> String {
    format!("{:0100}", 7)
}

fn message() -> EventKind {
    EventKind::message(text().parse().unwrap())
}

fn event(seq: u64) -> Event {
    Event {
        seq: Seq(seq),
        prev: Seq(seq - 1),
        id: entropy::event_id(),
        at: unix_ms(),
        by: MemberId(entropy::uuid()),
        kind: message(),
    }
}

fn codec_of_frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    let said = event(1);
    group.bench_function("encode an event", |bencher| bencher.iter(|| codec::encode(&said)));
    let event_of_client = Proposal::Message { body: text(), reply_to: None };
    let append = codec::encode(&ClientFrame::Append { id: entropy::event_id(), event: event_of_client });
    group.bench_function("decode an append", |bencher| bencher.iter(|| codec::decode::<ClientFrame>(&append).unwrap()));
    let events: Vec<EncodedEvent> = (1..=SEVERAL as u64).map(|seq| event(seq).into()).collect();
    for events in [&events[..1], &events] {
        let name = format!("frame of {}", events.len());
        group.bench_function(name, |bencher| bencher.iter(|| events_frame(events, &Names::new(), false)));
    }
}

fn replay_buffer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay buffer");
    let (mut buffer, mut seq, now) = (ReplayBuffer::default(), 0, Instant::now());
    let mut next = || {
        seq += 1;
        EncodedEvent::from(event(seq))
    };
    for _ in 0..KEPT {
        buffer.push(next(), now);
    }
    group.bench_function("push into a full one", |bencher| {
        bencher.iter_batched(&mut next, |event| buffer.push(event, now), BatchSize::SmallInput);
    });
    for behind in [1, SEVERAL] {
        let cursor = Seq(seq - behind as u64);
        group.bench_function(format!("next batch, {behind} behind"), |bencher| {
            bencher.iter(|| buffer.next_batch(cursor));
        });
    }
}

fn sqlite(criterion: &mut Criterion) {
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flasky.db");
    let store = runtime.block_on(SqliteStore::open(&path, &Limits::default())).unwrap();
    let rooms = runtime.block_on(join_all((0..CONCURRENT).map(|_| room(&store))));
    let one = rooms[0];
    for _ in 0..KEPT {
        runtime.block_on(append(&store, one, message()));
    }

    let mut group = criterion.benchmark_group("SQLite");
    group.bench_function(format!("read {PAGE} events"), |bencher| {
        bencher.to_async(&runtime).iter(|| async { store.read(one.0, ReadFrom::Latest, PAGE).await.unwrap() });
    });
    group.bench_function("append a message alone", |bencher| {
        bencher.to_async(&runtime).iter(|| append(&store, one, message()));
    });
    group.throughput(Throughput::Elements(CONCURRENT as u64));
    group.bench_function(format!("append {CONCURRENT} messages at once"), |bencher| {
        bencher.to_async(&runtime).iter(|| join_all(rooms.iter().map(|room| append(&store, *room, message()))));
    });
    group.finish();
    runtime.block_on(store.close());
}

/// Creates a room with one member.
async fn room(store: &SqliteStore) -> (RoomId, MemberId) {
    let new = NewRoom { code: entropy::room_code(), epoch: entropy::epoch(), capacity: 2, name: Default::default() };
    let (room, member) = (store.create_room(new).await.unwrap(), MemberId(entropy::uuid()));
    let name: DisplayName = "Ana".parse().unwrap();
    append(store, (room, member), EventKind::Joined { member, name: name.into() }).await;
    (room, member)
}

async fn append(store: &SqliteStore, (room, by): (RoomId, MemberId), kind: EventKind) {
    let draft = NewEvent { id: entropy::event_id(), at: unix_ms(), by, kind, keys: Default::default() };
    store.append(room, draft).await.unwrap();
}
