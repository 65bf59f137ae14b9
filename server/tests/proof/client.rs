//! One person at one page: the real client machine on a real socket, and a witness of what the screen shows.

use std::collections::{HashMap, HashSet};
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use app::client::{Action, Client, DraftState, Input, Outbox, Row, RowState, Status};
use app::protocol::{ClientFrame, EventId, EventKind, SUBPROTOCOL, Seq, ServerFrame, codec};
use futures_util::stream::SplitStream;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::dice::Dice;
use super::history::{Fact, History};
use super::http::{self, Seat};

/// What a socket reports that could not be opened, or broke.
const BROKEN: u16 = 1006;
/// Screens up to this size are looked at after every step; larger ones now and then.
const SMALL: usize = 200;
const NOW_AND_THEN: u64 = 64;

/// What a person does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(String),
    /// Everything that is transmitted next is transmitted twice.
    Duplicate,
    /// Loads the page again; what is in the outbox comes along.
    Reload,
    Network(bool),
    TryNow,
    Leave,
}

/// What can be asked of a page while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) live: bool,
    pub(crate) ended: bool,
    pub(crate) unsent: usize,
    pub(crate) head: Seq,
    pub(crate) sent: u64,
    pub(crate) acked: u64,
    pub(crate) refused: u64,
    /// Connections that went on where the one before ended, and those that could not.
    pub(crate) resumes: u64,
    pub(crate) resets: u64,
    pub(crate) dials: u64,
}

impl View {
    /// Nothing is on its way, and everything up to here is shown.
    pub(crate) fn rests_at(&self, head: Seq) -> bool {
        self.ended || (self.live && self.unsent == 0 && self.head == head)
    }
}

/// A page that runs by itself. [`Person::finish`] gives its history.
pub(crate) struct Person {
    acts: mpsc::UnboundedSender<Act>,
    pub(crate) view: watch::Receiver<View>,
    running: JoinHandle<History>,
}

impl Person {
    /// Opens the page of a seat. `door` is where its sockets go.
    pub(crate) fn open(who: String, seat: Seat, door: SocketAddr, seed: u64) -> Self {
        Self::open_with(who, seat, door, seed, Client::new(seed, None, Outbox::default()))
    }

    /// Opens a page that begins as this client: with an outbox, perhaps, that an earlier one left.
    pub(crate) fn open_with(who: String, seat: Seat, door: SocketAddr, seed: u64, client: Client) -> Self {
        let (acts, todo) = mpsc::unbounded_channel();
        let (shows, view) = watch::channel(View::default());
        let page = Page {
            seat,
            door,
            witness: Witness::of(client.outbox()),
            client,
            socket: None,
            wake: None,
            duplicates: false,
            dice: Dice::new(seed),
            shows,
        };
        let running = tokio::spawn(async move {
            let mut history = page.run(todo).await;
            history.who = who;
            history
        });
        Self { acts, view, running }
    }

    pub(crate) fn act(&self, act: Act) {
        // A page that has ended does nothing more, as it would for a person.
        let _ = self.acts.send(act);
    }

    pub(crate) fn view(&self) -> View {
        *self.view.borrow()
    }

    /// Waits until the page shows this, or the time is over.
    pub(crate) async fn until(&mut self, time: Duration, shows: impl Fn(&View) -> bool) -> bool {
        matches!(tokio::time::timeout(time, self.view.wait_for(shows)).await, Ok(Ok(_)))
    }

    /// Closes the page.
    pub(crate) async fn finish(self) -> History {
        drop(self.acts);
        self.running.await.expect("a page does not panic")
    }
}

/// Monotonic milliseconds.
pub(crate) fn now_ms() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_millis() as u64
}

/// UTC milliseconds.
pub(crate) fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Mints an id as the page does.
pub(crate) fn mint(dice: &mut Dice) -> EventId {
    let mut entropy = [0; 10];
    entropy[..8].copy_from_slice(&dice.draw().to_be_bytes());
    entropy[8..].copy_from_slice(&dice.draw().to_be_bytes()[..2]);
    EventId::mint(unix_ms(), entropy)
}

struct Page {
    seat: Seat,
    door: SocketAddr,
    client: Client,
    socket: Option<Socket>,
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
                    Some(Act::Reload) => {
                        self.reload().await;
                        Input::Start
                    }
                    Some(act) => self.input(act),
                    None => break,
                },
                input = next(&mut self.socket) => input,
                () = sleep_until(wake) => {
                    self.wake = None;
                    Input::Tick
                }
            };
            self.step(input);
        }
        let live = self.client.status() == Status::Live;
        self.witness.finish(&self.client, live)
    }

    fn input(&mut self, act: Act) -> Input {
        match act {
            Act::Send(body) => {
                let id = mint(&mut self.dice);
                self.witness.facts.push(Fact::Sent { id, body: body.clone() });
                self.witness.view.sent += 1;
                self.witness.drafts.insert(id, DraftState::Waiting);
                Input::Send { id, body: body.parse().expect("a body"), at: unix_ms() }
            }
            Act::Duplicate => {
                self.duplicates = true;
                Input::Tick
            }
            Act::Network(true) => Input::Online,
            Act::Network(false) => Input::Offline,
            Act::Leave => Input::Leave,
            Act::TryNow | Act::Reload => Input::TryNow,
        }
    }

    /// As the browser does it: the page is gone, the outbox is read back from where it was kept.
    async fn reload(&mut self) {
        if self.witness.view.ended {
            return;
        }
        let kept = serde_json::to_string(self.client.outbox()).expect("an outbox is kept as JSON");
        self.socket = None;
        self.wake = None;
        // A page that does not load is loaded again.
        let mut page = http::snapshot(self.door, &self.seat).await;
        for _ in 0..100 {
            if page.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            page = http::snapshot(self.door, &self.seat).await;
        }
        let outbox = serde_json::from_str(&kept).expect("an outbox reads back");
        self.client = Client::new(self.dice.draw(), page.unwrap_or_default(), outbox);
        self.witness.begin_anew();
        self.witness.look(&self.client);
    }

    fn step(&mut self, input: Input) {
        if let Input::Frame(_, ServerFrame::Welcome(welcome)) = &input {
            let view = &mut self.witness.view;
            match welcome.recovered {
                true => view.resumes += 1,
                false => view.resets += u64::from(view.head > Seq(0)),
            }
        }
        let actions = self.client.step(now_ms(), input);
        self.perform(actions);
        self.witness.look(&self.client);
        for id in self.witness.refused() {
            let actions = self.client.step(now_ms(), Input::Discard(id));
            self.perform(actions);
            self.witness.discarded(id);
        }
        self.witness.view.live = self.client.status() == Status::Live;
        self.witness.view.ended = matches!(self.client.status(), Status::Ended(_));
        self.witness.view.unsent = self.client.outbox().drafts().len();
        let view = self.witness.view;
        self.shows.send_if_modified(|shown| std::mem::replace(shown, view) != view);
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Dial(dial) => {
                    self.witness.view.dials += 1;
                    self.socket = Some(Socket::dial(dial, self.door, &self.seat));
                }
                Action::HangUp(dial) => self.socket = self.socket.take().filter(|socket| socket.dial != dial),
                Action::Transmit(frame) => {
                    let twice = std::mem::take(&mut self.duplicates) && matches!(frame, ClientFrame::Append { .. });
                    if let Some(socket) = &self.socket {
                        for _ in 0..=u8::from(twice) {
                            socket.transmit(&frame);
                        }
                    }
                }
                Action::Wake(at) => self.wake = Some(at),
                Action::Compose(_) => {}
            }
        }
    }
}

async fn sleep_until(wake: Option<u64>) {
    match wake {
        Some(wake) => tokio::time::sleep(Duration::from_millis(wake.saturating_sub(now_ms()))).await,
        None => pending().await,
    }
}

/// Looks at the screen after every step and writes down what changed.
#[derive(Default)]
struct Witness {
    facts: Vec<Fact>,
    view: View,
    last: Option<(Seq, EventId)>,
    drafts: HashMap<EventId, DraftState>,
    doubled: HashSet<EventId>,
    looks: u64,
}

impl Witness {
    fn of(outbox: &Outbox) -> Self {
        let mut witness = Self::default();
        for draft in outbox.drafts() {
            witness.facts.push(Fact::Sent { id: draft.id, body: draft.body.as_str().to_owned() });
            witness.drafts.insert(draft.id, draft.state);
        }
        witness
    }

    fn look(&mut self, client: &Client) {
        self.look_at_log(client);
        self.look_at_drafts(client);
        self.looks += 1;
        let small = client.room().is_some_and(|room| room.timeline().events().len() <= SMALL);
        if small || self.looks.is_multiple_of(NOW_AND_THEN) {
            self.look_at_rows(client);
        }
    }

    fn look_at_log(&mut self, client: &Client) {
        let Some(room) = client.room() else { return };
        let events = room.timeline().events();
        if events.len() == 0 && self.last.is_some() {
            self.begin_anew();
        }
        let is_known = |event: &app::protocol::Event| Some((event.seq, event.id)) == self.last;
        let mut fresh: Vec<_> = events.rev().take_while(|event| !is_known(event)).collect();
        fresh.reverse();
        for event in fresh {
            let body = match &event.kind {
                EventKind::Message { body } => Some(body.as_str().to_owned()),
                _ => None,
            };
            self.last = Some((event.seq, event.id));
            self.view.head = event.seq;
            self.facts.push(Fact::Shown { seq: event.seq, id: event.id, body });
        }
    }

    fn look_at_drafts(&mut self, client: &Client) {
        let present: HashMap<_, _> = client.outbox().drafts().map(|draft| (draft.id, draft.state)).collect();
        let gone: Vec<_> = self.drafts.keys().filter(|id| !present.contains_key(id)).copied().collect();
        for id in gone {
            self.drafts.remove(&id);
            self.view.acked += 1;
            self.facts.push(Fact::Acked { id });
        }
        for (id, state) in present {
            let before = self.drafts.insert(id, state);
            if let DraftState::Refused(code) = state
                && before != Some(state)
            {
                self.view.refused += 1;
                self.facts.push(Fact::Refused { id, code });
            }
        }
    }

    /// The rows are what a person sees: no key twice, every draft there.
    fn look_at_rows(&mut self, client: &Client) {
        let mut keys = HashSet::new();
        for row in client.rows() {
            if !keys.insert(row.key()) && self.doubled.insert(row.key()) {
                self.facts.push(Fact::Doubled { id: row.key() });
            }
        }
    }

    fn begin_anew(&mut self) {
        self.last = None;
        self.facts.push(Fact::Reset);
    }

    fn refused(&self) -> Vec<EventId> {
        let is_refused = |state: &DraftState| matches!(state, DraftState::Refused(_));
        self.drafts.iter().filter(|(_, state)| is_refused(state)).map(|(id, _)| *id).collect()
    }

    fn discarded(&mut self, id: EventId) {
        self.drafts.remove(&id);
        self.facts.push(Fact::Discarded { id });
    }

    fn finish(mut self, client: &Client, live: bool) -> History {
        self.look_at_rows(client);
        let unsent = match client.room() {
            // Without a room there is no screen to show them on, and the outbox is what is kept.
            None => client.outbox().drafts().map(|draft| draft.id).collect(),
            Some(_) => client.rows().iter().filter_map(unsent).collect(),
        };
        History { who: String::new(), facts: self.facts, unsent, live }
    }
}

fn unsent(row: &Row) -> Option<EventId> {
    match row {
        Row::Message(row) if row.state != RowState::Sent => Some(row.id),
        _ => None,
    }
}

type Web = WebSocketStream<TcpStream>;

/// One socket, known by the number of its dial. Dropping it closes it.
struct Socket {
    dial: u32,
    wire: Wire,
    outgoing: mpsc::UnboundedSender<Message>,
    to_write: Option<mpsc::UnboundedReceiver<Message>>,
    writer: Option<JoinHandle<()>>,
}

enum Wire {
    Opening(Pin<Box<dyn Future<Output = Option<Web>> + Send>>),
    Open(SplitStream<Web>),
    Closed,
}

impl Socket {
    fn dial(dial: u32, door: SocketAddr, seat: &Seat) -> Self {
        let (outgoing, to_write) = mpsc::unbounded_channel();
        let wire = Wire::Opening(Box::pin(connect(door, seat.clone())));
        Self { dial, wire, outgoing, to_write: Some(to_write), writer: None }
    }

    /// Never waits, as in a browser.
    fn transmit(&self, frame: &ClientFrame) {
        let _ = self.outgoing.send(Message::text(codec::encode(frame)));
    }

    /// What happens next. After the close nothing does.
    async fn next(&mut self) -> Input {
        let dial = self.dial;
        let code = match &mut self.wire {
            Wire::Closed => pending().await,
            Wire::Opening(opening) => match opening.await {
                Some(web) => {
                    self.open(web);
                    return Input::Opened(dial);
                }
                None => BROKEN,
            },
            Wire::Open(stream) => loop {
                match stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return codec::decode(&text).map_or(Input::Garbled(dial), |frame| Input::Frame(dial, frame));
                    }
                    Some(Ok(Message::Binary(_))) => return Input::Garbled(dial),
                    Some(Ok(Message::Close(close))) => break close.map_or(1005, |close| close.code.into()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break BROKEN,
                }
            },
        };
        self.wire = Wire::Closed;
        Input::Closed(dial, code)
    }

    fn open(&mut self, web: Web) {
        let (mut sink, stream) = web.split();
        self.wire = Wire::Open(stream);
        self.writer = self.to_write.take().map(|mut to_write| {
            tokio::spawn(async move {
                while let Some(message) = to_write.recv().await {
                    if sink.send(message).await.is_err() {
                        return;
                    }
                }
            })
        });
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(writer) = &self.writer {
            writer.abort();
        }
    }
}

async fn next(socket: &mut Option<Socket>) -> Input {
    match socket {
        Some(socket) => socket.next().await,
        None => pending().await,
    }
}

async fn connect(door: SocketAddr, seat: Seat) -> Option<Web> {
    let stream = TcpStream::connect(door).await.ok()?;
    stream.set_nodelay(true).ok()?;
    upgrade(stream, door, &seat).await
}

/// The WebSocket of a seat, over a connection that is there.
pub(crate) async fn upgrade(stream: TcpStream, door: SocketAddr, seat: &Seat) -> Option<Web> {
    let mut request = format!("ws://{door}/ws/{}", seat.code).into_client_request().ok()?;
    request.headers_mut().insert("cookie", seat.cookie.parse().ok()?);
    request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().ok()?);
    let (web, _) = tokio_tungstenite::client_async(request, stream).await.ok()?;
    Some(web)
}
