//! The client's decisions, without I/O: time and entropy arrive as inputs, and what to do leaves as actions.
//!
//! A driver owns one socket and one timer. It gives every happening to [`Client::step`] and does what comes back, in
//! order; then it draws [`Client::rows`], [`Client::members`] and [`Client::status`]. `now` is always monotonic
//! milliseconds.

use crate::protocol::{
    ClientFrame, Event, EventId, Fault, Member, MessageBody, Names, Position, ServerFrame, Snapshot, VERSION,
};

pub mod backoff;
pub mod connection;
pub mod outbox;
pub mod room;
pub mod timeline;

pub use connection::{Connection, Ending, Phase};
pub use outbox::{Draft, DraftState, Outbox};
pub use room::{Applied, RoomState};
pub use timeline::{LineRow, MessageRow, Row, RowState, SeatChange, SeatChangeKind, Timeline};

/// What happens to a client. Sockets are known by the number that [`Action::Dial`] gave them; what a driver reports of
/// an older one is ignored, so it need not be careful.
#[derive(Clone, Debug)]
pub enum Input {
    /// Begin. Before it, only `Offline` and `Visible` make sense.
    Start,
    /// The socket is open.
    Opened(u32),
    /// A frame came.
    Frame(u32, ServerFrame),
    /// Something came that is no frame.
    Garbled(u32),
    /// The socket is closed with this code, or could not be opened (1006).
    Closed(u32, u16),
    /// The timer of [`Action::Wake`] ran out. Any number too many do no harm.
    Tick,
    /// The browser has a network.
    Online,
    /// The browser has none.
    Offline,
    /// The page is, or is no longer, on the screen; also `pageshow`.
    Visible(bool),
    /// The person pressed "try now".
    TryNow,
    /// The person leaves the room.
    Leave,
    /// The person sends a message. From here on it is on the screen, whatever happens.
    Send {
        /// The id of its event, minted for it.
        id: EventId,
        /// What it says.
        body: MessageBody,
        /// The wall clock, in UTC milliseconds, for display.
        at: u64,
    },
    /// The person wants a refused message sent again.
    Retry(EventId),
    /// The person wants a refused message back into the composer; [`Action::Compose`] brings it.
    Edit(EventId),
    /// The person does not want a refused message any more.
    Discard(EventId),
    /// The answer to an older page, asked for with [`Client::older`].
    Older {
        /// What was asked.
        before: Position,
        /// The events directly before it, oldest first.
        events: Vec<Event>,
        /// Names of those they mention.
        names: Names,
    },
}

/// What a client asks its driver to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a socket and call it by this number. There is no other one then.
    Dial(u32),
    /// Close this socket.
    HangUp(u32),
    /// Send this on the open socket.
    Transmit(ClientFrame),
    /// Give [`Input::Tick`] at this time. One timer is enough: a new time replaces the old one.
    Wake(u64),
    /// Put this text into the composer.
    Compose(MessageBody),
}

/// What to tell a person about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// For the first time, and nothing went wrong yet.
    Connecting,
    /// All is well.
    Live,
    /// There is no connection where there should be one.
    Reconnecting {
        /// Since when, in monotonic milliseconds.
        since: u64,
        /// When the next attempt begins; `None` while one is under way or there is no network.
        next_try: Option<u64>,
        /// Whether it is for want of a network.
        offline: bool,
    },
    /// Over, for ever.
    Ended(Ending),
}

/// One member's view of one room: the connection, what is on its way, and the room.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Connection,
    outbox: Outbox,
    room: Option<RoomState>,
    /// The earliest time a driver was asked to wake at and has not.
    wake: Option<u64>,
}

impl Client {
    /// A client that has not started. `entropy` must differ between pages; `outbox` is what an earlier page of this
    /// stay could not send.
    #[must_use]
    pub fn new(entropy: u64, snapshot: Option<Snapshot>, outbox: Outbox) -> Self {
        let room = snapshot.map(RoomState::from_snapshot);
        let mut client = Self { connection: Connection::new(entropy, room.is_some()), outbox, room, wake: None };
        client.settle_timeline();
        client
    }

    /// Takes this for what is not sent: what an earlier page of this stay kept, or nothing, to give it up.
    pub fn restore(&mut self, outbox: Outbox) {
        self.outbox = outbox;
        self.settle_timeline();
    }

    /// Takes one input and says what to do, in order.
    #[must_use]
    pub fn step(&mut self, now: u64, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        if matches!(input, Input::Tick) {
            self.wake = None;
        }
        match input {
            Input::Start => self.connect(now, connection::Input::Start, &mut actions),
            Input::Opened(dial) => self.connect(now, connection::Input::Opened(dial), &mut actions),
            Input::Frame(dial, frame) if self.connection.hears(dial) => self.receive(now, dial, frame, &mut actions),
            Input::Frame(..) => {}
            Input::Garbled(dial) => self.connect(now, connection::Input::Garbled(dial), &mut actions),
            Input::Closed(dial, code) => {
                self.connect(now, connection::Input::Closed { dial, code }, &mut actions);
            }
            Input::Tick => self.connect(now, connection::Input::Tick, &mut actions),
            Input::Online => self.connect(now, connection::Input::Online, &mut actions),
            Input::Offline => self.connect(now, connection::Input::Offline, &mut actions),
            Input::Visible(visible) => self.connect(now, connection::Input::Visible(visible), &mut actions),
            Input::TryNow => self.connect(now, connection::Input::TryNow, &mut actions),
            Input::Leave => self.connect(now, connection::Input::Leave, &mut actions),
            Input::Send { id, body, at } => self.outbox.push(now, id, body, at),
            Input::Retry(id) => self.outbox.retry(id),
            Input::Edit(id) => actions.extend(self.outbox.take(id).map(|draft| Action::Compose(draft.body))),
            Input::Discard(id) => drop(self.outbox.take(id)),
            Input::Older { before, events, names } => {
                if let Some(room) = &mut self.room {
                    room.prepend(before, events, &names);
                    self.settle_timeline();
                }
            }
        }
        self.flush(now, &mut actions);
        self.wake(&mut actions);
        actions
    }

    /// What to tell about the connection.
    #[must_use]
    pub fn status(&self) -> Status {
        match (self.connection.phase(), self.connection.lost()) {
            (Phase::Ended(ending), _) => Status::Ended(ending),
            (Phase::Live, _) => Status::Live,
            (_, None) => Status::Connecting,
            (Phase::Backoff { until }, Some(since)) => {
                Status::Reconnecting { since, next_try: Some(until), offline: false }
            }
            (phase, Some(since)) => Status::Reconnecting { since, next_try: None, offline: phase == Phase::Offline },
        }
    }

    /// The room; `None` until it is known.
    #[must_use]
    pub fn room(&self) -> Option<&RoomState> {
        self.room.as_ref()
    }

    /// What a page draws. No key is there twice.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.room.as_ref().map(|room| room.rows(self.outbox.drafts())).unwrap_or_default()
    }

    /// Who has a seat, in the order they took it.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        self.room.as_ref().map_or(&[], RoomState::members)
    }

    /// Where the next older page ends; `None` when there is none to ask for.
    #[must_use]
    pub fn older(&self) -> Option<Position> {
        self.room.as_ref().and_then(RoomState::older)
    }

    /// What is not in the log yet, to be kept over a reload.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whether closing the page now would lose something that was sent.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn connect(&mut self, now: u64, input: connection::Input, actions: &mut Vec<Action>) {
        for action in self.connection.step(now, input) {
            actions.push(match action {
                connection::Action::Dial(dial) => Action::Dial(dial),
                connection::Action::HangUp(dial) => Action::HangUp(dial),
                connection::Action::Transmit(frame) => Action::Transmit(frame),
                connection::Action::Greet => {
                    let position = self.room.as_ref().and_then(RoomState::position);
                    Action::Transmit(ClientFrame::Hello { v: VERSION, position })
                }
            });
        }
    }

    fn receive(&mut self, now: u64, dial: u32, frame: ServerFrame, actions: &mut Vec<Action>) {
        self.connect(now, connection::Input::Heard(dial), actions);
        match (self.connection.phase(), frame) {
            (Phase::Greeting, ServerFrame::Welcome(welcome)) => {
                match &mut self.room {
                    Some(room) => room.welcome(&welcome),
                    None => self.room = Some(RoomState::from_welcome(&welcome)),
                }
                self.connect(now, connection::Input::Welcomed(dial), actions);
            }
            (Phase::Live, ServerFrame::Events { events, names, more }) => {
                let Some(room) = &mut self.room else { return };
                room.learn(&names);
                for delivered in events {
                    let id = delivered.id();
                    if room.apply(delivered) == Applied::Hole {
                        self.connect(now, connection::Input::HoleFound(dial), actions);
                        return;
                    }
                    self.outbox.settle(id);
                }
                if !more {
                    room.replayed();
                }
            }
            (Phase::Live, ServerFrame::Rejected { id, code, retry_ms }) => {
                self.outbox.refuse(now, id, Fault { code, retry_ms });
            }
            (_, ServerFrame::Bye { code, retry_ms, .. }) => {
                self.connect(now, connection::Input::Bye { dial, code, retry_ms }, actions);
            }
            // Pongs were heard above. The rest is out of place, or of a later version.
            _ => {}
        }
    }

    /// Sends what may be sent. Not during a replay: it may hold the echo of what would be sent again.
    fn flush(&mut self, now: u64, actions: &mut Vec<Action>) {
        if self.is_sending() {
            actions.extend(self.outbox.send(now, self.connection.dial()).map(Action::Transmit));
        }
    }

    fn is_sending(&self) -> bool {
        self.connection.phase() == Phase::Live && self.room.as_ref().is_some_and(RoomState::is_caught_up)
    }

    fn wake(&mut self, actions: &mut Vec<Action>) {
        let retry = self.outbox.due().filter(|_| self.is_sending());
        let Some(due) = self.connection.due().into_iter().chain(retry).min() else { return };
        // A time that moved further away needs no new timer: the old one's tick asks again.
        if self.wake.is_none_or(|wake| due < wake) {
            self.wake = Some(due);
            actions.push(Action::Wake(due));
        }
    }

    /// A draft kept over a reload, or lost from sight, may be in the log that just came.
    fn settle_timeline(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        for event in self.room.iter().flat_map(|room| room.timeline().events()) {
            self.outbox.settle(event.id);
        }
    }
}
