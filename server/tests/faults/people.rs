//! Clients that write a lot, and record the outcome of each message.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::{EventId, MemberId, RoomCode};
use testkit::dice::Dice;
use testkit::excuse::Excuse;
use testkit::http;
use testkit::ids::mint;
use tokio::task::JoinSet;

use crate::PATIENCE;
use testkit::history::{End, Fact, History, Said as Words};
use testkit::raw_client::{RawClient, Said};

/// Number of characters in a message, four bytes each: about 16 KB.
const LONG: usize = 3_900;
/// Number of messages that exceed a socket's buffer (Linux: at most 4 MiB by default) and a room's replay buffer
/// together.
pub(crate) const FLOOD: usize = 288;
const WRITERS: usize = 4;

/// A member who writes long messages, one after the other.
pub(crate) struct Writer {
    client: RawClient,
    name: String,
    member: MemberId,
    facts: Vec<Fact>,
    dice: Dice,
}

impl Writer {
    pub(crate) async fn enter(server: SocketAddr, name: String, code: RoomCode) -> Self {
        let seat = http::enter(server, &name, Some(code), 0).await.unwrap();
        let client = RawClient::connect(server, &seat, None).await;
        let dice = Dice::new(u64::from(client.port()));
        Self { client, name, member: seat.member, facts: Vec::new(), dice }
    }

    async fn send(&mut self) -> EventId {
        let id = mint(&mut self.dice);
        let body = format!("{} {:016x}{}", self.name, self.dice.draw(), "🧪".repeat(LONG));
        self.facts.push(Fact::Sent { id, said: Words::Message(body.clone()) });
        self.client.append(id, body).await;
        id
    }

    /// Writes `count` messages, each after the echo of the one before.
    pub(crate) async fn write(&mut self, count: usize) {
        for _ in 0..count {
            let id = self.send().await;
            let echo = id.to_string();
            let echoed =
                async { while !self.client.next_text().await.expect("a connection that holds").contains(&echo) {} };
            tokio::time::timeout(PATIENCE, echoed).await.expect("an echo in time");
            self.facts.push(Fact::Acked { id });
        }
    }

    /// Writes until the connection ends. Returns the history, what came last and the end itself, and the id that had no
    /// echo by then.
    pub(crate) async fn write_on(mut self, acked: Arc<AtomicUsize>) -> (History, [Said; 2], EventId) {
        let mut pending = self.send().await;
        let mut last = Said::Broken;
        loop {
            let said = self.client.listen().await;
            match &said {
                Said::Text(text) if text.contains(&pending.to_string()) => {
                    self.facts.push(Fact::Acked { id: pending });
                    acked.fetch_add(1, Ordering::Relaxed);
                    pending = self.send().await;
                }
                Said::Text(_) => {}
                Said::Close(_) | Said::Broken => {
                    let history = History { unsent: vec![pending], ..self.history() };
                    return (history, [last, said], pending);
                }
            }
            last = said;
        }
    }

    pub(crate) fn history(self) -> History {
        let Self { name: who, member, facts, .. } = self;
        History { who, member, facts, acks: Vec::new(), unsent: Vec::new(), left: false, end: End::Away }
    }
}

/// Several writers at the same time.
pub(crate) struct Crowd(Vec<Writer>);

impl Crowd {
    pub(crate) async fn enter(server: SocketAddr, code: RoomCode) -> Self {
        let mut writers = Vec::new();
        for n in 0..WRITERS {
            writers.push(Writer::enter(server, format!("W{n}"), code).await);
        }
        Self(writers)
    }

    /// Writes [`FLOOD`] messages, divided among the writers.
    pub(crate) async fn flood(&mut self) {
        let mut writing = JoinSet::new();
        for mut writer in self.0.drain(..) {
            writing.spawn(async move {
                writer.write(FLOOD / WRITERS).await;
                writer
            });
        }
        self.0 = writing.join_all().await;
    }

    pub(crate) fn histories(self) -> Vec<History> {
        self.0.into_iter().map(Writer::history).collect()
    }
}

/// Opens the page of a new member on a network that works, so that no connection may end, and waits until it is live.
pub(crate) async fn person(
    server: SocketAddr,
    name: &str,
    code: Option<RoomCode>,
) -> (testkit::user::Person, http::Seat) {
    let seat = http::enter(server, name, code, 50).await.unwrap();
    let seed = u64::from(name.as_bytes()[0]);
    let mut person = testkit::user::Person::open(name.to_owned(), seat.clone(), server, seed, &Excuse::default());
    assert!(person.until(PATIENCE, |view| view.live).await, "{name} is not connected");
    (person, seat)
}

/// Reads to the end of the connection. Returns what came last and the end itself.
pub(crate) async fn read_on(mut client: RawClient) -> [Said; 2] {
    let mut last = Said::Broken;
    loop {
        let said = client.listen().await;
        if !matches!(said, Said::Text(_)) {
            return [last, said];
        }
        last = said;
    }
}

/// True if the connection ended with `bye` and a Close, both of this code.
pub(crate) fn is_bye([bye, close]: &[Said; 2], code: u16) -> bool {
    let begins = format!(r#"{{"type":"bye","code":{code},"#);
    matches!(bye, Said::Text(text) if text.starts_with(&begins)) && *close == Said::Close(Some(code))
}

/// Waits for `what`, at most `time`.
pub(crate) async fn within<T>(time: Duration, what: impl Future<Output = T>) -> T {
    tokio::time::timeout(time, what).await.expect("it did not happen in time")
}
