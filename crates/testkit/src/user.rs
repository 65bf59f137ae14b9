//! One simulated user at one page: the real client on a real socket, and a record of what the screen shows.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use client::{Action, Client, DraftEvent, DraftState, Input, Outbox, Status};
use protocol::{ClientFrame, Event, EventId, EventKind, Seq, ServerFrame};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::clock::{now_ms, unix_ms};
use super::dice::Dice;
use super::ear::{self, Ear};
use super::excuse::Excuse;
use super::history::{Fact, History, Said};
use super::http::{self, Seat};
use super::ids::mint;
use super::socket::{self, Socket};
use super::view::View;
use super::witness::Witness;

/// Number of latest messages among which a user chooses one to change.
const REACH: usize = 8;
/// Names that users take. The third has a Cyrillic letter.
const NAMES: &[&str] = &["Ana", "ana", "\u{410}na", "Bo"];

/// Action of a user.
#[derive(Clone, Debug)]
pub enum Act {
    Send(String),
    /// Edits one of the user's last messages to this text.
    Edit(String),
    /// Deletes one of the user's last messages.
    Delete,
    /// Adds an emoji to one of the user's last messages, or removes it.
    React,
    /// Tries to edit somebody else's message to this text.
    Meddle(String),
    /// Takes another name, one of few, so that there are equal ones and ones that look alike.
    Rename,
    /// Names the room, or tries to.
    NameRoom,
    /// Types something.
    Type,
    /// Transmits the next frame twice if it is an append.
    Duplicate,
    /// Loads the page again and keeps the outbox.
    Reload,
    Network(bool),
    TryNow,
    Leave,
}

/// A page that runs as a task. [`Person::finish`] returns its history.
pub struct Person {
    acts: mpsc::UnboundedSender<Act>,
    /// Number of acts requested.
    asked: AtomicU64,
    pub view: watch::Receiver<View>,
    running: JoinHandle<History>,
}

impl Person {
    /// Opens the page of a seat. `door` is the address that its sockets connect to; `excuse` tells when they may end.
    pub fn open(who: String, seat: Seat, door: SocketAddr, seed: u64, excuse: &Excuse) -> Self {
        Self::open_with(who, seat, door, seed, Client::new(seed, None, Outbox::default()), excuse)
    }

    /// Opens a page with this client, which may have the outbox of an earlier page.
    pub fn open_with(who: String, seat: Seat, door: SocketAddr, seed: u64, client: Client, excuse: &Excuse) -> Self {
        let (acts, todo) = mpsc::unbounded_channel();
        let (shows, view) = watch::channel(View::default());
        let page = Page {
            who,
            seat,
            door,
            excuse: excuse.clone(),
            begun: 0,
            ear: Ear::default(),
            witness: Witness::of(client.outbox()),
            client,
            socket: None,
            leaving: None,
            wake: None,
            duplicates: false,
            dice: Dice::new(seed),
            shows,
        };
        Self { acts, asked: AtomicU64::new(0), view, running: tokio::spawn(page.run(todo)) }
    }

    pub fn act(&self, act: Act) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.acts.send(act).expect("a page that runs");
    }

    /// True if every requested act is done, and the page has ended or is connected, has nothing unsent and shows the
    /// log up to `head`. The checker decides whether a page had a reason to end.
    pub fn rests_at(&self, head: Seq) -> bool {
        let view = self.view();
        let rests = view.live && view.unsent == 0 && view.head == head;
        view.acts == self.asked.load(Ordering::Relaxed) && (view.ended || rests)
    }

    pub fn view(&self) -> View {
        *self.view.borrow()
    }

    /// Waits until the page's view satisfies `shows`. False if it does not within `time`.
    pub async fn until(&mut self, time: Duration, shows: impl Fn(&View) -> bool) -> bool {
        matches!(tokio::time::timeout(time, self.view.wait_for(shows)).await, Ok(Ok(_)))
    }

    /// Closes the page.
    pub async fn finish(self) -> History {
        drop(self.acts);
        self.running.await.expect("a page does not panic")
    }
}

struct Page {
    who: String,
    seat: Seat,
    door: SocketAddr,
    excuse: Excuse,
    /// Count of the excuse when the newest socket was opened.
    begun: u64,
    ear: Ear,
    client: Client,
    socket: Option<Socket>,
    /// Leave request by form that is not answered yet.
    leaving: Option<Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>>,
    wake: Option<u64>,
    duplicates: bool,
    dice: Dice,
    witness: Witness,
    shows: watch::Sender<View>,
}

impl Page {
    async fn run(mut self, mut todo: mpsc::UnboundedReceiver<Act>) -> History {
        self.step(Input::Start);
        loop {
            let wake = self.wake;
            let input = tokio::select! {
                act = todo.recv() => match act {
                    Some(act) => self.act(act).await,
                    None => break,
                },
                input = socket::next(&mut self.socket) => input,
                left = settled(&mut self.leaving) => {
                    self.leaving = None;
                    if left.is_ok() { Input::LeaveConfirmed } else { Input::Tick }
                }
                () = sleep_until(wake) => {
                    self.wake = None;
                    Input::Tick
                }
            };
            self.step(input);
        }
        self.witness.finish(self.who, self.seat.member, &self.client)
    }

    async fn act(&mut self, act: Act) -> Input {
        self.witness.view.acts += 1;
        match act {
            Act::Reload => {
                self.reload().await;
                Input::Start
            }
            Act::Send(body) => {
                let (id, at) = (self.sends(Said::Message(body.clone())), unix_ms());
                Input::Send { id, body: body.parse().expect("a body"), reply_to: None, at }
            }
            Act::Edit(body) => self.own().map_or(Input::Tick, |target| self.change(target, body)),
            Act::Meddle(body) => self.others().map_or(Input::Tick, |target| self.change(target, body)),
            Act::Delete => self.own().map_or(Input::Tick, |target| {
                let (id, at) = (self.sends(Said::Deleted { target }), unix_ms());
                Input::DeleteMessage { id, target, at }
            }),
            Act::React => self.own().map_or(Input::Tick, |target| {
                let (id, at) = (self.sends(Said::Reacted { target }), unix_ms());
                Input::React { id, target, emoji: "👍".parse().expect("an emoji"), on: !self.dice.one_in(3), at }
            }),
            Act::Rename => {
                let name = self.any_of(NAMES);
                let (id, at) = (self.sends(Said::Named(name.to_owned())), unix_ms());
                Input::Rename { id, name: name.parse().expect("a name"), at }
            }
            Act::NameRoom => {
                let name = self.any_of(NAMES);
                let (id, at) = (self.sends(Said::RoomNamed(name.to_owned())), unix_ms());
                Input::NameRoom { id, name: name.parse().expect("a name of a room"), at }
            }
            Act::Duplicate => {
                self.duplicates = true;
                Input::Tick
            }
            Act::Type => Input::Typing,
            Act::Network(true) => Input::Online,
            Act::Network(false) => Input::Offline,
            Act::Leave => Input::Leave,
            Act::TryNow => Input::TryNow,
        }
    }

    fn any_of<'a>(&mut self, names: &[&'a str]) -> &'a str {
        names[self.dice.between(1, names.len() as u64) as usize - 1]
    }

    fn sends(&mut self, said: Said) -> EventId {
        let id = mint(&mut self.dice);
        self.witness.sends(id, said);
        id
    }

    fn change(&mut self, target: EventId, body: String) -> Input {
        let (id, at) = (self.sends(Said::Edited { target, body: body.clone() }), unix_ms());
        Input::EditMessage { id, target, body: body.parse().expect("a body"), at }
    }

    /// One of the user's last messages, sent or not, without those that are about to be deleted.
    fn own(&mut self) -> Option<EventId> {
        let sent = self.messages(|own| own);
        let drafts: Vec<_> = self.client.outbox().drafts().collect();
        let is_leaving = |id: EventId| {
            drafts.iter().any(|draft| matches!(draft.event, DraftEvent::Deletion { target } if target == id))
        };
        let unsent = drafts.iter().filter(|draft| matches!(draft.event, DraftEvent::Message { .. }));
        let ids = sent.into_iter().chain(unsent.map(|draft| draft.id)).filter(|id| !is_leaving(*id)).collect();
        self.one_of_the_last(ids)
    }

    fn others(&mut self) -> Option<EventId> {
        let ids = self.messages(|own| !own);
        self.one_of_the_last(ids)
    }

    /// Messages on the screen that have a text and whose author passes the filter (true: the user).
    fn messages(&self, by: impl Fn(bool) -> bool) -> Vec<EventId> {
        let events = self.client.room().into_iter().flat_map(|room| room.timeline().events());
        let says = |event: &&Event| matches!(event.kind, EventKind::Message { body: Some(_), .. });
        let me = self.seat.member;
        events.filter(says).filter(|event| by(event.by == me)).map(|event| event.id).collect()
    }

    fn one_of_the_last(&mut self, ids: Vec<EventId>) -> Option<EventId> {
        let reach = ids.len().min(REACH);
        let back = self.dice.between(1, reach.max(1) as u64) as usize;
        ids.get(ids.len().checked_sub(back)?).copied()
    }

    /// Reloads as a browser does: the page is gone, and the outbox is read back from storage.
    async fn reload(&mut self) {
        if self.witness.view.ended {
            return;
        }
        let kept = serde_json::to_string(self.client.outbox()).expect("an outbox is kept as JSON");
        self.socket = None;
        self.wake = None;
        // The server or the network may be down: loading is tried again.
        let mut page = http::snapshot(self.door, &self.seat).await;
        for _ in 0..100 {
            if page.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            page = http::snapshot(self.door, &self.seat).await;
        }
        let outbox = serde_json::from_str(&kept).expect("an outbox reads back");
        let page = page.unwrap_or_default();
        if let Some(page) = &page {
            ear::load(page, &mut self.witness.facts);
        }
        self.client = Client::new(self.dice.draw(), page, outbox);
        self.witness.begin_anew();
        self.witness.look(&self.client);
    }

    fn step(&mut self, input: Input) {
        if let Input::Frame(_, frame) = &input {
            self.ear.hear(frame, &mut self.witness.facts);
            let view = &mut self.witness.view;
            match frame {
                ServerFrame::Welcome(welcome) if welcome.recovered => view.resumes += 1,
                ServerFrame::Welcome(_) => view.resets += u64::from(view.head > Seq(0)),
                ServerFrame::Rejected { error, .. } if error.is_retryable() => view.deferred += 1,
                ServerFrame::Rejected { id, error, .. } => self.witness.denies(*id, *error),
                _ => {}
            }
        }
        let close = self.close(&input);
        let by_hand = matches!(input, Input::Offline);
        let is_name = matches!(input, Input::Rename { .. } | Input::NameRoom { .. });
        let actions = self.client.step(now_ms(), input);
        let given_up = actions.iter().any(|action| matches!(action, Action::Disconnect(_)));
        if (close.is_some() || given_up) && !by_hand {
            self.dropped(close);
        }
        self.perform(actions);
        if is_name {
            // A name that was not sent yet gives way to a newer one, and none is sent that is the present one.
            self.witness.discarded(&self.client);
        }
        self.witness.look(&self.client);
        for id in self.witness.refused() {
            let actions = self.client.step(now_ms(), Input::Discard(id));
            self.perform(actions);
            self.witness.discarded(&self.client);
        }
        // As a page's address does, because a former code may be forgotten.
        self.seat.code = self.client.room().map_or(self.seat.code, |room| room.info().code);
        self.witness.lives(self.client.status() == Status::Live);
        self.witness.view.ended = matches!(self.client.status(), Status::Ended(_));
        self.witness.view.typing = self.client.typing().len();
        self.witness.view.unsent = self.client.outbox().drafts().len();
        let view = self.witness.view;
        self.shows.send_if_modified(|shown| std::mem::replace(shown, view) != view);
    }

    /// Close code, if this input ends the socket.
    fn close(&self, input: &Input) -> Option<u16> {
        match input {
            Input::Frame(_, ServerFrame::Bye { code, .. }) => Some(*code),
            Input::Closed(connection_id, code)
                if self.socket.as_ref().is_some_and(|socket| socket.connection_id == *connection_id) =>
            {
                Some(*code)
            }
            _ => None,
        }
    }

    /// Records that the socket has ended, and not by the user.
    fn dropped(&mut self, close: Option<u16>) {
        let first = self.client.outbox().drafts().next();
        self.witness.view.cut_in_flight += u64::from(first.is_some_and(|draft| draft.state == DraftState::InFlight));
        if !self.excuse.covers(self.begun) {
            self.witness.facts.push(Fact::Dropped { close });
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Connect(connection_id) => {
                    self.witness.view.dials += 1;
                    self.begun = self.excuse.now();
                    self.socket = Some(Socket::connect(connection_id, self.door, &self.seat));
                }
                Action::Disconnect(connection_id) => {
                    self.socket = self.socket.take().filter(|socket| socket.connection_id != connection_id)
                }
                Action::Transmit(frame) => {
                    if let ClientFrame::Hello { position, .. } = frame {
                        self.ear.asks(position);
                    }
                    let twice = std::mem::take(&mut self.duplicates) && matches!(frame, ClientFrame::Append { .. });
                    if let Some(socket) = &self.socket {
                        for _ in 0..=u8::from(twice) {
                            socket.transmit(&frame);
                        }
                    }
                }
                Action::Wake(at) => self.wake = Some(at),
                Action::PostLeave => self.leaving = Some(Box::pin(http::leave_room(self.door, self.seat.clone()))),
                Action::Compose(_) | Action::NameRefused(_) => {}
            }
        }
    }
}

/// Output of the future; pending for ever while there is none.
async fn settled<T>(running: &mut Option<Pin<Box<dyn Future<Output = T> + Send>>>) -> T {
    match running {
        Some(running) => running.await,
        None => pending().await,
    }
}

async fn sleep_until(wake: Option<u64>) {
    match wake {
        Some(wake) => tokio::time::sleep(Duration::from_millis(wake.saturating_sub(now_ms()))).await,
        None => pending().await,
    }
}
