//! The hub on a real store: no event is lost between attaching, detaching and reading the log.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Delivered, Event, LeaveReason, Limits, Position, RoomId, Seq, ServerFrame, codec};
use server::hub::{AttachError, Attachment, Hub, NextBatch, Notification, Sent, Sink, TextFrame};
use store::laws::support::{fresh, joined, lease, left, message, nowhere, room_of, stored, typing, unbroken};
use store::{NewRoom, ReadFrom, Room, Store};
use store_sqlite::SqliteStore;
use testkit::clock::within;
use testkit::faulty::{FaultyStore, StoreFault};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

/// Maximum number of connections of a member.
const MOST: usize = 8;

struct World {
    store: Arc<dyn Store>,
    hub: Hub,
    tasks: TaskTracker,
    _directory: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        Self::over(|store| store).await
    }

    /// A world on a store that begins with this fault.
    async fn troubled(fault: StoreFault) -> (Self, Arc<FaultyStore>) {
        let mut troubled = None;
        let world = Self::over(|store| troubled.insert(FaultyStore::with(store, fault)).clone()).await;
        (world, troubled.unwrap())
    }

    async fn over(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits { events: 100_000, timeline: 1 << 30, tabs: MOST, ..Limits::default() };
        let sqlite = SqliteStore::open(&directory.path().join("flasky.db"), &limits).await.unwrap();
        let store = wrap(Arc::new(sqlite));
        let tasks = TaskTracker::new();
        Self {
            hub: Hub::new(Arc::clone(&store), tasks.clone(), &limits, Arc::default()),
            store,
            tasks,
            _directory: directory,
        }
    }

    /// Attaches a new connection of this member.
    async fn attach(&self, room: RoomId, n: u64) -> Result<Attachment, AttachError> {
        self.hub.attach(lease(room, n, fresh().into()), None).await
    }

    async fn say(&self, room: RoomId, body: &str) -> Event {
        stored(self.store.append(room, message(1, body)).await)
    }

    /// Waits until no feed runs.
    async fn wait_until_no_feed_runs(&self) {
        self.tasks.close();
        tokio::time::timeout(Duration::from_secs(5), self.tasks.wait()).await.unwrap();
        self.tasks.reopen();
        assert_eq!((self.hub.rooms(), self.hub.members()), (0, 0));
    }
}

/// Events of a frame.
fn events(frame: &TextFrame) -> Vec<Event> {
    let text = std::str::from_utf8(frame.text()).unwrap();
    let events = match codec::decode(text).unwrap() {
        ServerFrame::Events { events, .. } => events,
        ServerFrame::Signal { .. } => Vec::new(),
        other => panic!("{other:?}"),
    };
    let event = |delivered| match delivered {
        Delivered::Event(event) => event,
        Delivered::Trimmed { .. } => panic!(),
    };
    events.into_iter().map(event).collect()
}

/// A minimal session: a cursor, and the events it has sent.
struct Session {
    attachment: Attachment,
    store: Arc<dyn Store>,
    room: RoomId,
    cursor: Seq,
    events: Vec<Event>,
    /// Number of reads from the log because the cursor was older than the replay buffer.
    evicted: usize,
    ended: bool,
}

impl Session {
    async fn new(world: &World, room: RoomId, n: u64, cursor: Seq) -> Self {
        let attachment = world.attach(room, n).await.unwrap();
        Self { attachment, store: Arc::clone(&world.store), room, cursor, events: Vec::new(), evicted: 0, ended: false }
    }

    /// Sends events until it has sent `last`, or the room has ended.
    async fn run_to(&mut self, last: Seq) {
        while self.cursor < last && !self.ended {
            match self.attachment.next_batch(self.cursor) {
                NextBatch::Frame(frame) => {
                    self.events.extend(events(&frame.frame));
                    self.cursor = frame.cursor;
                }
                NextBatch::ReadLog { evicted } => {
                    self.evicted += usize::from(evicted);
                    let mut position = self.attachment.head().unwrap();
                    position.seq = self.cursor;
                    let page = self.store.read(self.room, ReadFrom::After(position), 50).await.unwrap();
                    self.cursor = page.events.last().expect("an event: without one this would loop for ever").seq;
                    self.events.extend(page.events);
                }
                NextBatch::Wait => drop(self.attachment.next_notification().await.unwrap()),
                NextBatch::Ended => self.ended = true,
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lost_subscription_is_renewed_without_skipping_an_event() {
    let (world, _) = World::troubled(StoreFault::Flaky).await;
    let room = room_of(&*world.store, 50, &[1, 2, 3]).await;
    let begun = world.store.room(room).await.unwrap().position.seq;
    let mut sessions = Vec::new();
    for n in 1..=3 {
        sessions.push(Session::new(&world, room, n, begun).await);
    }
    for n in 0..400 {
        let last = world.say(room, &format!("{n}")).await.seq;
        for session in sessions.iter_mut().take(1 + n % 3) {
            session.run_to(last).await;
        }
    }
    let last = world.say(room, "last").await.seq;
    for session in &mut sessions {
        session.run_to(last).await;
        assert_eq!(session.events.len(), 401);
        unbroken(&session.events);
        assert_eq!(session.evicted, 0, "an interrupted feed was taken for a slow session");
    }
    // The room ends. If the subscription is lost before it delivers the end, the feed learns of it when it subscribes
    // again.
    for n in (1..=3).rev() {
        stored(world.store.append(room, left(n, LeaveReason::Choice)).await);
    }
    for session in &mut sessions {
        session.run_to(Seq(u64::MAX)).await;
        assert!(session.ended);
    }
}

/// Answers to a presence request are published concurrently: ten are in flight before the first is done. The next
/// event waits for them, so that with fewer it would never arrive.
#[tokio::test]
async fn presence_request_with_40_connections_is_answered_concurrently() {
    let (world, faults) = World::troubled(StoreFault::CallsPresence(0)).await;
    let members: Vec<_> = (1..=40).collect();
    let room = room_of(&*world.store, 50, &members).await;
    let begun = world.store.room(room).await.unwrap().position.seq;
    let mut sessions = Vec::new();
    for n in members {
        sessions.push(Session::new(&world, room, n, begun).await);
    }
    faults.make(StoreFault::CallsPresence(10));
    world.say(room, "the roll is called after this").await;
    let next = world.say(room, "next").await.seq;
    within(sessions[0].run_to(next)).await;
}

/// Socket that keeps the events that it is sent, and is full now and then.
#[derive(Debug, Default)]
struct KeepingSink {
    events: Mutex<Vec<Event>>,
    calls: AtomicUsize,
}

impl KeepingSink {
    fn keep(&self, frame: &TextFrame) {
        self.events.lock().unwrap().extend(events(frame));
    }
}

impl Sink for KeepingSink {
    fn try_send(&self, frame: &TextFrame, _: std::time::Instant) -> Sent {
        let sent = match self.calls.fetch_add(1, Ordering::Relaxed) % 7 {
            0 => return Sent::Nothing,
            1 => Sent::Begun,
            _ => Sent::All,
        };
        self.keep(frame);
        sent
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_let_the_feed_write_get_each_event_once_and_in_order() {
    const EVENTS: u64 = 3_000;
    let world = Arc::new(World::new().await);
    let room = room_of(&*world.store, 50, &[0, 1, 2, 3]).await;
    let begun = world.store.room(room).await.unwrap().position;
    let last = Seq(begun.seq.0 + EVENTS);
    let mut work = JoinSet::new();
    for n in 0..4 {
        let sink = Arc::new(KeepingSink::default());
        let member = lease(room, n, fresh().into());
        let attachment = world.hub.attach(member, Some(Arc::clone(&sink) as Arc<dyn Sink>)).await.unwrap();
        let store = Arc::clone(&world.store);
        work.spawn(async move {
            let mut cursor = begun.seq;
            while cursor < last {
                match attachment.next_batch(cursor) {
                    NextBatch::Frame(frame) => {
                        sink.keep(&frame.frame);
                        cursor = frame.cursor;
                    }
                    NextBatch::ReadLog { .. } => {
                        let position = Position { seq: cursor, ..begun };
                        let page = store.read(room, ReadFrom::After(position), 50).await.unwrap();
                        cursor = page.events.last().expect("an event: without one this would loop for ever").seq;
                        sink.events.lock().unwrap().extend(page.events);
                    }
                    NextBatch::Wait => {
                        attachment.hand_over(cursor);
                        // As a session does when it reads something of its own; the last event may wake nobody.
                        let own = Duration::from_millis(n * 3 + 1);
                        drop(tokio::time::timeout(own, attachment.next_notification()).await);
                        cursor = attachment.take_back().expect("handed over");
                    }
                    NextBatch::Ended => panic!("the room has ended"),
                }
            }
            let events = sink.events.lock().unwrap().clone();
            (events, sink.calls.load(Ordering::Relaxed))
        });
    }
    for n in 0..EVENTS / 10 {
        let burst = (0..10).map(|m| {
            let world = Arc::clone(&world);
            async move { drop(world.say(room, &format!("{n}-{m}")).await) }
        });
        futures_util::future::join_all(burst).await;
        tokio::task::yield_now().await;
    }
    for (events, calls) in work.join_all().await {
        assert_eq!(events.len() as u64, EVENTS);
        unbroken(&events);
        assert!(calls > 20, "the feed wrote {calls} times");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_detach_and_attach_again_miss_no_event() {
    let world = Arc::new(World::new().await);
    let room = room_of(&*world.store, 50, &[0, 1, 2, 3, 9]).await;
    let begun = world.store.room(room).await.unwrap().position.seq;
    const EVENTS: usize = 3_000;

    let mut work = JoinSet::new();
    let writer = Arc::clone(&world);
    work.spawn(async move {
        for n in 0..EVENTS / 10 {
            let burst = (0..10).map(|m| {
                let writer = Arc::clone(&writer);
                async move { drop(writer.say(room, &format!("{n}-{m}")).await) }
            });
            futures_util::future::join_all(burst).await;
            tokio::task::yield_now().await;
        }
    });
    for n in 0..4 {
        let world = Arc::clone(&world);
        work.spawn(async move {
            let (mut cursor, mut events) = (begun, Vec::new());
            // Detaches after every few events and attaches again at the same cursor. All four do so at any time, so the
            // feed is stopped and started again throughout.
            while events.len() < EVENTS {
                let mut session = Session::new(&world, room, n, cursor).await;
                let next = Seq(cursor.0 + 1 + (events.len() as u64 * 7 + n) % 90);
                session.run_to(next.min(Seq(begun.0 + EVENTS as u64))).await;
                cursor = session.cursor;
                events.append(&mut session.events);
            }
            unbroken(&events);
            assert_eq!(events[0].prev, begun);
            assert_eq!(events.len(), EVENTS);
        });
    }
    // Attaches and detaches at once.
    let hasty = Arc::clone(&world);
    work.spawn(async move {
        for _ in 0..500 {
            drop(hasty.attach(room, 9).await.unwrap());
            tokio::task::yield_now().await;
        }
    });
    tokio::time::timeout(Duration::from_secs(60), work.join_all()).await.unwrap();
    world.wait_until_no_feed_runs().await;
}

#[tokio::test]
async fn sessions_at_the_same_cursor_share_one_encoded_frame() {
    let world = World::new().await;
    let room = room_of(&*world.store, 50, &[1, 2]).await;
    let begun = world.store.room(room).await.unwrap().position.seq;
    let first = world.attach(room, 1).await.unwrap();
    let second = world.attach(room, 2).await.unwrap();
    assert_eq!(first.next_batch(begun), NextBatch::Wait);
    let event = world.say(room, "hello").await;
    wait_for_log(&first).await;
    let (NextBatch::Frame(one), NextBatch::Frame(other)) = (first.next_batch(begun), second.next_batch(begun)) else {
        panic!()
    };
    assert_eq!(one.cursor, event.seq);
    assert_eq!(one.frame.bytes().as_ptr(), other.frame.bytes().as_ptr(), "encoded twice");
    // After a new event the same cursor gets a new frame.
    world.say(room, "again").await;
    wait_for_log(&first).await;
    let NextBatch::Frame(both) = second.next_batch(begun) else { panic!() };
    assert!(both.frame.text().len() > one.frame.text().len());
}

#[tokio::test]
async fn signal_is_not_sent_to_its_member_and_overflow_loses_only_signals() {
    let world = World::new().await;
    let room = room_of(&*world.store, 50, &[1, 2, 3]).await;
    let about = world.attach(room, 1).await.unwrap();
    let one = world.attach(room, 2).await.unwrap();
    let other = world.attach(room, 3).await.unwrap();
    let begun = one.head().unwrap().seq;
    world.store.send_presence(room, typing(1)).await.unwrap();
    let (first, second) = (next_typing(&one).await, next_typing(&other).await);
    assert_eq!(first.bytes().as_ptr(), second.bytes().as_ptr(), "encoded twice");
    let mut heard = 0;
    for n in 0..500 {
        world.store.send_presence(room, typing(1)).await.unwrap();
        if n % 100 == 0 {
            world.say(room, &format!("{n}")).await;
        }
    }
    let last = world.say(room, "last").await.seq;
    // The member receives no typing signal about herself. The session that did not read may have lost signals, and no
    // event.
    while about.head().unwrap().seq < last {
        if let Notification::Signal(text) = about.next_notification().await.unwrap() {
            assert!(!is_typing(text.text()), "{text:?}");
        }
    }
    while let Ok(notification) = tokio::time::timeout(Duration::from_millis(50), other.next_notification()).await {
        heard += usize::from(matches!(notification.unwrap(), Notification::Signal(_)));
    }
    // Those that fit, and those of the last events that came meanwhile.
    assert!((1..250).contains(&heard), "{heard} signals");
    assert_eq!(event_count(other.next_batch(begun)), 6);
}

/// Waits until the log may have advanced.
async fn wait_for_log(session: &Attachment) {
    while session.next_notification().await.unwrap() != Notification::LogAdvanced {}
}

/// Returns the next typing signal. Skips those of members who attach.
async fn next_typing(session: &Attachment) -> TextFrame {
    loop {
        match session.next_notification().await.unwrap() {
            Notification::Signal(text) if is_typing(text.text()) => return text,
            _ => {}
        }
    }
}

fn is_typing(text: &[u8]) -> bool {
    std::str::from_utf8(text).unwrap().contains("typing")
}

fn event_count(next: NextBatch) -> usize {
    let NextBatch::Frame(frame) = next else { panic!("no frame: {next:?}") };
    events(&frame.frame).len()
}

#[tokio::test]
async fn session_older_than_the_replay_buffer_reads_the_log_and_then_goes_live() {
    let world = World::new().await;
    let room = room_of(&*world.store, 50, &[1, 2]).await;
    let begun = world.store.room(room).await.unwrap().position.seq;
    let mut asleep = Session::new(&world, room, 1, begun).await;
    let mut last = begun;
    for n in 0..700 {
        last = world.say(room, &format!("{n}")).await.seq;
    }
    let mut awake = Session::new(&world, room, 2, last).await;
    while asleep.attachment.head().unwrap().seq < last {
        asleep.attachment.next_notification().await.unwrap();
    }
    assert_eq!(asleep.attachment.next_batch(asleep.cursor), NextBatch::ReadLog { evicted: true });
    asleep.run_to(last).await;
    assert!(asleep.evicted > 0);
    assert_eq!(asleep.events.len(), 700);
    unbroken(&asleep.events);
    let live = world.say(room, "live").await.seq;
    asleep.run_to(live).await;
    awake.run_to(live).await;
    assert_eq!(awake.events.len(), 1);
}

#[tokio::test]
async fn room_end_reaches_every_session_and_the_code_can_be_used_again() {
    let world = World::new().await;
    let room = room_of(&*world.store, 50, &[1, 2]).await;
    let Room { settings: store::Settings { code, .. }, position: begun, .. } = world.store.room(room).await.unwrap();
    let mut one = Session::new(&world, room, 1, begun.seq).await;
    let mut two = Session::new(&world, room, 2, begun.seq).await;
    stored(world.store.append(room, left(1, LeaveReason::Choice)).await);
    stored(world.store.append(room, left(2, LeaveReason::Choice)).await);
    one.run_to(Seq(u64::MAX)).await;
    two.run_to(Seq(u64::MAX)).await;
    assert!(one.ended && two.ended);
    assert_eq!(one.events.len(), 3, "the last events were not sent: a leave, the new host, and the last leave");
    assert_eq!(one.attachment.head(), None);
    assert_eq!(world.attach(room, 1).await.err(), Some(AttachError::NoSuchRoom));

    // Sessions of the ended room are still attached to it when a new room takes its code.
    let next = world
        .store
        .create_room(NewRoom { code, epoch: begun.epoch, capacity: 2, name: Default::default() })
        .await
        .unwrap();
    let first = stored(world.store.append(next, joined(1)).await);
    let new = world.attach(next, 1).await.unwrap();
    assert_eq!(new.head().unwrap().seq, first.seq);
    assert_eq!(one.attachment.next_batch(one.cursor), NextBatch::Ended);
    drop((one, two));
    assert_eq!(world.hub.rooms(), 1, "detaching from the old room removed the new room's feed");
    drop(new);
    world.wait_until_no_feed_runs().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_above_the_limit_is_refused() {
    let world = Arc::new(World::new().await);
    let room = room_of(&*world.store, 50, &[1, 2]).await;
    let mut attempts = JoinSet::new();
    for _ in 0..MOST + 3 {
        let world = Arc::clone(&world);
        attempts.spawn(async move { world.attach(room, 1).await });
    }
    let attempts = attempts.join_all().await;
    assert_eq!(attempts.iter().filter(|attempt| attempt.is_ok()).count(), MOST);
    assert!(
        attempts.iter().filter_map(|attempt| attempt.as_ref().err()).all(|e| *e == AttachError::TooManyConnections)
    );
    // The limit is per member and room, and a connection that ends makes room for another one.
    let elsewhere = room_of(&*world.store, 50, &[1]).await;
    drop(world.attach(room, 2).await.unwrap());
    drop(world.attach(elsewhere, 1).await.unwrap());
    let mut attempts: Vec<_> = attempts.into_iter().flatten().collect();
    attempts.pop();
    attempts.push(world.attach(room, 1).await.unwrap());
    assert_eq!(world.attach(room, 1).await.err(), Some(AttachError::TooManyConnections));
    drop(attempts);
    world.wait_until_no_feed_runs().await;
}

#[tokio::test]
async fn failed_attach_leaves_no_feed() {
    let world = World::new().await;
    assert_eq!(world.attach(nowhere(), 1).await.err(), Some(AttachError::NoSuchRoom));
    let room = room_of(&*world.store, 50, &[1]).await;
    assert_eq!(world.attach(room, 2).await.err(), Some(AttachError::NoSeat));
    world.wait_until_no_feed_runs().await;
    world.store.close().await;
    assert_eq!(world.attach(nowhere(), 1).await.err(), Some(AttachError::Unavailable));
    world.wait_until_no_feed_runs().await;
}

/// A presence request comes while somebody without a seat waits for a lease.
#[tokio::test]
async fn connection_without_a_lease_is_not_announced_and_takes_none_when_it_ends() {
    let calls = StoreFault::CallsPresence(0);
    let (world, faults) = World::troubled(calls).await;
    let room = room_of(&*world.store, 50, &[1, 3]).await;
    let begun = world.store.room(room).await.unwrap().position.seq;
    let mut ana = Session::new(&world, room, 1, begun).await;

    faults.make(StoreFault::Hangs);
    let leases = faults.acquired_leases();
    let mut stranger = Box::pin(world.attach(room, 2));
    tokio::select! {
        biased;
        _ = &mut stranger => panic!("the store hangs"),
        () = async { while faults.acquired_leases() == leases { tokio::task::yield_now().await } } => {}
    }
    faults.make(calls);
    // The request follows the first event, and is answered before the second one arrives.
    for body in ["the roll is called after this", "next"] {
        let last = world.say(room, body).await.seq;
        ana.run_to(last).await;
    }
    drop(stranger);
    while world.tasks.len() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(faults.acquired_leases(), leases + 1, "a lease for somebody without a seat");
    assert_no_signal_before_typing(&world, room, &ana.attachment).await;
}

#[tokio::test]
async fn failed_attach_after_a_join_announces_nobody_as_away() {
    let (world, faults) = World::troubled(StoreFault::CallsPresence(0)).await;
    let room = room_of(&*world.store, 50, &[1, 3]).await;
    let ana = world.attach(room, 1).await.unwrap();
    stored(world.store.append(room, joined(2)).await);
    wait_for_log(&ana).await;
    faults.make(StoreFault::Silent);
    assert_eq!(world.attach(room, 2).await.err(), Some(AttachError::Unavailable));
    while world.tasks.len() > 1 {
        tokio::task::yield_now().await;
    }
    faults.heal();
    assert_no_signal_before_typing(&world, room, &ana).await;
}

/// Publishes that member 3 is typing, which must be the next signal.
async fn assert_no_signal_before_typing(world: &World, room: RoomId, session: &Attachment) {
    world.store.send_presence(room, typing(3)).await.unwrap();
    loop {
        if let Notification::Signal(text) = session.next_notification().await.unwrap() {
            return assert!(is_typing(text.text()), "{text:?}");
        }
    }
}

/// A feed that was stopped and has not ended yet must not remove its successor from the hub.
#[tokio::test]
async fn stopped_feed_does_not_remove_its_successor() {
    let world = World::new().await;
    let room = room_of(&*world.store, 50, &[1]).await;
    for _ in 0..20 {
        drop(world.attach(room, 1).await.unwrap());
        let next = world.attach(room, 1).await.unwrap();
        while world.tasks.len() > 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.hub.rooms(), 1);
        drop(next);
    }
    world.wait_until_no_feed_runs().await;
}

/// An `attach` that is cancelled while the feed starts leaves nothing attached.
#[tokio::test]
async fn cancelled_attach_leaves_no_feed() {
    let world = World::new().await;
    let room = room_of(&*world.store, 50, &[1]).await;
    for _ in 0..20 {
        let attach = world.attach(room, 1);
        tokio::select! {
            biased;
            _ = attach => panic!("the feed cannot have started"),
            () = std::future::ready(()) => {}
        }
    }
    world.wait_until_no_feed_runs().await;
}
