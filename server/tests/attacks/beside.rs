//! Rooms beside an attack: pairs of members who talk.

use std::time::{Duration, Instant};

use protocol::{EventKind, RoomCode};
use testkit::browser::{Person, Socket, body};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::{BOUND, Target};

/// Number of rooms: enough messages in a few seconds for a p99.
const ROOMS: usize = 10;
/// Time between two messages of a room, of different members: a bit less than each may send at the default rate.
const TURN: Duration = Duration::from_millis(110);
/// Messages of all rooms a second, at most.
pub(crate) const MESSAGES: f64 = ROOMS as f64 / TURN.as_secs_f64();
/// Time for which the rooms talk before an attack.
const QUIET: Duration = Duration::from_millis(1_500);

/// The rooms, with two members each.
pub(crate) struct Beside(Vec<Pair>);

impl Beside {
    pub(crate) async fn enter(server: &Target) -> Self {
        let mut rooms = Vec::new();
        for _ in 0..ROOMS {
            rooms.push(Pair::enter(server).await);
        }
        Self(rooms)
    }

    /// Number of open sockets.
    pub(crate) fn sockets(&self) -> u64 {
        2 * self.0.len() as u64
    }

    /// Code of one of the rooms.
    pub(crate) fn code(&self) -> RoomCode {
        self.0[0].code
    }

    /// Talks, begins the attack, and goes on until it has ended. Prints how long messages took, and fails unless all
    /// arrived, in order and in time.
    pub(crate) async fn during<T>(&mut self, what: &str, attack: impl Future<Output = T>) -> T {
        let ((), without) = self.talk(sleep(QUIET)).await;
        let (output, with) = self.talk(attack).await;
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let [quiet, attacked] =
            [&without, &with].map(|times| milliseconds(times[(times.len() * 99).div_ceil(100) - 1]));
        let (count, slowest) = (with.len(), with[with.len() - 1]);
        println!(
            "{what}: p99 of a message beside it {quiet:.1} ms without, {attacked:.1} ms with, \
             {:.1} ms at most of {count}",
            milliseconds(slowest)
        );
        assert!(slowest < BOUND, "{what}: a message took {slowest:?}");
        output
    }

    /// Talks until `other` is done. Returns its output and how long each message took, in ascending order.
    async fn talk<T>(&mut self, other: impl Future<Output = T>) -> (T, Vec<Duration>) {
        let (end, mut talking) = (CancellationToken::new(), JoinSet::new());
        for pair in self.0.drain(..) {
            talking.spawn(pair.talk(end.clone()));
        }
        let output = other.await;
        end.cancel();
        let mut times = Vec::new();
        for (pair, took) in talking.join_all().await {
            self.0.push(pair);
            times.extend(took);
        }
        times.sort_unstable();
        (output, times)
    }
}

/// Two members of a room, who speak in turn.
struct Pair {
    code: RoomCode,
    people: [Person; 2],
    sockets: [Socket; 2],
    /// Number of messages that both have said, and that each has received.
    said: usize,
    received: [usize; 2],
}

impl Pair {
    async fn enter(server: &Target) -> Self {
        let ana = Person::create(server, "Ana").await;
        let ben = Person::join(server, ana.code, "Ben").await;
        let sockets = [ana.connect().await, ben.connect().await];
        Self { code: ana.code, people: [ana, ben], sockets, said: 0, received: [0; 2] }
    }

    /// Talks until the end. Returns how long each message took from one to the other.
    async fn talk(mut self, end: CancellationToken) -> (Self, Vec<Duration>) {
        let (mut turns, mut times) = (interval(TURN), Vec::new());
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !end.is_cancelled() {
            turns.tick().await;
            let speaker = self.said % 2;
            let begun = Instant::now();
            self.sockets[speaker].say(&self.said.to_string()).await;
            self.said += 1;
            self.receive(1 - speaker).await;
            times.push(begun.elapsed());
        }
        self.receive(0).await;
        self.receive(1).await;
        (self, times)
    }

    /// Reads everything that was said. Fails unless it comes in order.
    async fn receive(&mut self, listener: usize) {
        while self.received[listener] < self.said {
            let event = self.sockets[listener].event().await;
            let is_said_here = self.people.iter().any(|person| person.me == event.by);
            if is_said_here && matches!(event.kind, EventKind::Message { .. }) {
                assert_eq!(body(&event), self.received[listener].to_string());
                self.received[listener] += 1;
            }
        }
    }
}
