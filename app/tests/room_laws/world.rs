//! A client, a server that keeps its promises and no others, and a network between them that does not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use app::client::{Action, Client, DraftState, Input, Outbox, Row, RowState, Status};
use app::protocol::{
    ClientFrame, Code, Delivered, Event, EventId, EventKind, Names, Position, Proposal, Seq, ServerFrame,
};
use proptest::prelude::*;

use super::log::{Log, ME, MEMBERS, body, epoch, id, joined, left, names};

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The person sends.
    Send,
    /// Another member speaks, comes or goes.
    Other(u8),
    /// The socket opens, or the server reads one frame.
    Up,
    /// The client reads one frame.
    Down,
    /// The connection breaks with this code; what is under way in either direction is lost.
    Cut(u16),
    /// Time goes by.
    Wait(u64),
    /// Retention keeps only these many events.
    Trim(usize),
    /// The next append is refused: for now, or for good.
    Refuse(bool),
    /// The person presses Retry on whatever is refused.
    Retry,
    /// The server loses one delivery to this socket.
    Lose,
    /// An older page comes.
    Older,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        3 => (0..6u8).prop_map(Step::Other),
        10 => Just(Step::Up),
        10 => Just(Step::Down),
        3 => prop::sample::select(vec![1001u16, 1006, 4001, 4005]).prop_map(Step::Cut),
        5 => (0u64..20_000).prop_map(Step::Wait),
        1 => (0usize..6).prop_map(Step::Trim),
        1 => any::<bool>().prop_map(Step::Refuse),
        1 => Just(Step::Retry),
        1 => Just(Step::Lose),
        1 => Just(Step::Older),
    ]
}

/// The socket between the two.
#[derive(Default)]
struct Wire {
    dial: u32,
    open: bool,
    welcomed: bool,
    up: VecDeque<ClientFrame>,
    down: VecDeque<ServerFrame>,
}

pub(crate) struct World {
    now: u64,
    next: u32,
    client: Client,
    log: Log,
    /// Events before this one are trimmed.
    start: usize,
    wire: Option<Wire>,
    refuse: Option<bool>,
    /// What the person sent, in order.
    pub(crate) sent: Vec<EventId>,
    /// How often an id was and may be transmitted on a dial.
    transmitted: BTreeMap<(u32, EventId), u32>,
    allowed: BTreeMap<(u32, EventId), u32>,
    position: Option<Position>,
}

pub(crate) fn keys_are_unique(rows: &[Row]) -> Result<(), TestCaseError> {
    let keys: BTreeSet<EventId> = rows.iter().map(Row::key).collect();
    prop_assert_eq!(keys.len(), rows.len(), "one id in two rows");
    Ok(())
}

impl World {
    pub(crate) fn new(entropy: u64) -> Self {
        let log = Log::of([joined(0, ME)]);
        let mut world = Self {
            now: 1_000,
            next: 1,
            client: Client::new(entropy, Some(log.snapshot(1, 10)), Outbox::default()),
            log,
            start: 0,
            wire: None,
            refuse: None,
            sent: Vec::new(),
            transmitted: BTreeMap::new(),
            allowed: BTreeMap::new(),
            position: None,
        };
        world.input(Input::Start).unwrap();
        world
    }

    pub(crate) fn run(&mut self, steps: &[Step]) {
        for step in steps {
            self.live(*step).unwrap();
        }
    }

    pub(crate) fn live(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Send => {
                let id = self.mint();
                self.sent.push(id);
                let at = 1_000_000 + self.now;
                self.input(Input::Send { id, body: body("mine"), at })?;
            }
            Step::Other(what) => self.other(what),
            Step::Up => self.up()?,
            Step::Down => {
                let Some(wire) = &mut self.wire else { return Ok(()) };
                let dial = wire.dial;
                if let Some(frame) = wire.down.pop_front() {
                    if let ServerFrame::Rejected { id, .. } = &frame {
                        *self.allowed.entry((dial, *id)).or_insert(1) += 1;
                    }
                    self.input(Input::Frame(dial, frame))?;
                }
            }
            Step::Cut(code) => {
                if let Some(wire) = self.wire.take() {
                    self.input(Input::Closed(wire.dial, code))?;
                }
            }
            Step::Wait(ms) => {
                self.now += ms;
                self.input(Input::Tick)?;
            }
            Step::Trim(keep) => self.start = self.start.max(self.log.len().saturating_sub(keep.max(1))),
            Step::Refuse(for_now) => self.refuse = Some(for_now),
            Step::Retry => self.retry()?,
            Step::Lose => {
                // Only what the log still holds can be lost by a server: deliveries, not answers.
                if let Some(wire) = &mut self.wire
                    && matches!(wire.down.back(), Some(ServerFrame::Events { .. }))
                {
                    wire.down.pop_back();
                }
            }
            Step::Older => self.older()?,
        }
        self.check()
    }

    /// All goes well from now on: everything sent must arrive, and every row must be what the log says.
    pub(crate) fn rest(&mut self) -> Result<(), TestCaseError> {
        self.refuse = None;
        for _ in 0..40 * (self.sent.len() + 10) {
            let is_quiet = self.wire.as_ref().is_some_and(|wire| wire.welcomed && wire.down.is_empty());
            if is_quiet && !self.client.has_unsent() {
                break;
            }
            self.live(Step::Retry)?;
            self.live(Step::Wait(1_000))?;
            for _ in 0..4 {
                self.live(Step::Up)?;
                self.live(Step::Down)?;
            }
            // A hole shows itself with the next event.
            if self.wire.as_ref().is_some_and(|wire| wire.welcomed && wire.down.is_empty()) && self.client.has_unsent()
            {
                self.other(0);
            }
        }
        self.other(0);
        // Enough for the longest wait, a new hello and its replay.
        for _ in 0..80 {
            self.live(Step::Wait(1_000))?;
            self.live(Step::Up)?;
            self.live(Step::Down)?;
        }
        prop_assert_eq!(self.client.status(), Status::Live);
        prop_assert!(!self.client.has_unsent(), "unsent at rest: {:?}", self.client.outbox());
        prop_assert_eq!(self.own_in_log(), self.sent.clone(), "lost, doubled or out of order");
        self.start = 0;
        while self.client.older().is_some() {
            self.live(Step::Older)?;
        }
        let room = self.client.room().unwrap();
        prop_assert_eq!(room.position(), Some(self.log.position(self.log.len())));
        prop_assert_eq!(room.members(), self.log.roster(self.log.len()));
        let shown: Vec<EventId> = room.timeline().events().map(|event| event.id).collect();
        let truth: Vec<EventId> = self.log.events.iter().map(|event| event.id).collect();
        prop_assert!(!shown.is_empty() && truth.ends_with(&shown), "the screen is not the log");
        Ok(())
    }

    pub(crate) fn own_in_log(&self) -> Vec<EventId> {
        let sent: BTreeSet<EventId> = self.sent.iter().copied().collect();
        self.log.events.iter().map(|event| event.id).filter(|id| sent.contains(id)).collect()
    }

    pub(crate) fn appended_on_this_dial(&self) -> Vec<EventId> {
        let dial = self.wire.as_ref().map_or(0, |wire| wire.dial);
        let of_dial = self.transmitted.iter().filter(|((on, _), _)| *on == dial);
        of_dial.flat_map(|((_, id), times)| std::iter::repeat_n(*id, *times as usize)).collect()
    }

    fn mint(&mut self) -> EventId {
        self.next += 1;
        id(self.next)
    }

    fn input(&mut self, input: Input) -> Result<(), TestCaseError> {
        for action in self.client.step(self.now, input) {
            match action {
                Action::Dial(dial) => {
                    prop_assert!(self.wire.is_none(), "two sockets");
                    self.wire = Some(Wire { dial, ..Wire::default() });
                }
                Action::HangUp(dial) => {
                    let wire = self.wire.take();
                    prop_assert_eq!(wire.map(|wire| wire.dial), Some(dial));
                }
                Action::Transmit(frame) => {
                    let Some(wire) = &mut self.wire else { return Err(TestCaseError::fail("nobody listens")) };
                    prop_assert!(wire.open, "said before the socket was open");
                    if let ClientFrame::Append { id, .. } = &frame {
                        let key = (wire.dial, *id);
                        let times = self.transmitted.entry(key).or_default();
                        *times += 1;
                        let allowed = *self.allowed.entry(key).or_insert(1);
                        prop_assert!(*times <= allowed, "sent {} times on one connection", times);
                    }
                    wire.up.push_back(frame);
                }
                Action::Wake(at) => prop_assert!(at + 1 >= self.now, "waking in the past"),
                Action::Compose(_) => {}
            }
        }
        Ok(())
    }

    fn retry(&mut self) -> Result<(), TestCaseError> {
        let refused: Vec<EventId> = self
            .client
            .outbox()
            .drafts()
            .filter(|draft| matches!(draft.state, DraftState::Refused(_)))
            .map(|draft| draft.id)
            .collect();
        for id in refused {
            self.input(Input::Retry(id))?;
        }
        Ok(())
    }

    fn older(&mut self) -> Result<(), TestCaseError> {
        let Some(before) = self.client.older() else { return Ok(()) };
        let first = self.log.events[self.start].seq;
        let page = self.log.before(before.seq, 5);
        let events = page.into_iter().filter(|event| event.seq >= first).collect();
        self.input(Input::Older { before, events, names: names() })
    }

    fn other(&mut self, what: u8) {
        let nth = self.next + 1;
        self.next = nth;
        let who = 1 + what % (MEMBERS - 1);
        let entry = match what {
            4 => joined(nth, who),
            5 => left(nth, who),
            _ => (nth, who, EventKind::Message { body: body("theirs") }),
        };
        self.commit(entry);
    }

    fn commit(&mut self, entry: super::log::Entry) {
        let event = self.log.push(entry, 3, 1_000);
        if let Some(wire) = self.wire.as_mut().filter(|wire| wire.welcomed) {
            wire.down.push_back(events(vec![Delivered::Event(event)], false));
        }
    }

    /// The server's side.
    fn up(&mut self) -> Result<(), TestCaseError> {
        let Some(wire) = &mut self.wire else { return Ok(()) };
        if !wire.open {
            wire.open = true;
            let dial = wire.dial;
            return self.input(Input::Opened(dial));
        }
        match wire.up.pop_front() {
            Some(ClientFrame::Hello { position, .. }) => {
                prop_assert!(!wire.welcomed, "a second hello");
                self.hello(position);
            }
            Some(ClientFrame::Append { id, event: Proposal::Message { .. } }) => {
                prop_assert!(wire.welcomed, "an append before hello");
                self.append(id);
            }
            _ => {}
        }
        Ok(())
    }

    fn hello(&mut self, position: Option<Position>) {
        let head = self.log.len();
        let first = &self.log.events[self.start];
        let continues = position.filter(|position| position.epoch == epoch() && position.seq >= first.prev);
        let mut welcome = self.log.welcome(head, continues.is_some());
        welcome.oldest = first.seq;
        let after = match continues {
            Some(position) => self.log.events.iter().take_while(|event| event.seq <= position.seq).count(),
            None => self.start.max(head.saturating_sub(4)),
        };
        let mut replay: Vec<Event> = self.log.events[after..].to_vec();
        if let (None, Some(first)) = (continues, replay.first_mut()) {
            first.prev = Seq(0);
        }
        let Some(wire) = &mut self.wire else { return };
        wire.welcomed = true;
        wire.down.push_back(ServerFrame::Welcome(Box::new(welcome)));
        let chunks = replay.chunks(2).count();
        for (nth, chunk) in replay.chunks(2).enumerate() {
            let delivered = chunk.iter().cloned().map(Delivered::Event).collect();
            wire.down.push_back(events(delivered, nth + 1 < chunks));
        }
    }

    fn append(&mut self, id: EventId) {
        let stored = self.log.events.iter().position(|event| event.id == id);
        let answer = match (stored, self.refuse.take()) {
            (Some(place), _) if place < self.start => {
                let seq = self.log.events[place].seq;
                events(vec![Delivered::Trimmed { id, seq }], false)
            }
            (Some(place), _) => events(vec![Delivered::Event(self.log.events[place].clone())], false),
            (None, Some(true)) => ServerFrame::Rejected { id, code: Code::Storage, retry_ms: None },
            (None, Some(false)) => ServerFrame::Rejected { id, code: Code::NotAllowed, retry_ms: None },
            (None, None) => {
                let nth = (id.0.as_u128() >> 80) as u32;
                return self.commit((nth, ME, EventKind::Message { body: body("mine") }));
            }
        };
        if let Some(wire) = &mut self.wire {
            wire.down.push_back(answer);
        }
    }

    /// What holds at every moment.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let rows = self.client.rows();
        keys_are_unique(&rows)?;
        let states: BTreeMap<EventId, RowState> = rows
            .iter()
            .filter_map(|row| if let Row::Message(row) = row { Some((row.id, row.state)) } else { None })
            .collect();
        for id in &self.sent {
            let committed = self.log.events.iter().any(|event| event.id == *id);
            match states.get(id) {
                Some(RowState::Sent) => prop_assert!(committed, "shown as sent and is not"),
                Some(_) => {}
                None => prop_assert!(committed, "sent, and silently lost"),
            }
        }
        let room = self.client.room().unwrap();
        prop_assert!(self.log.has_run(room.timeline().events()), "a gap or a double on the screen");
        if let (Some(before), Some(now)) = (self.position, room.position()) {
            prop_assert!(now.seq >= before.seq || !room.is_caught_up(), "the position went back");
        }
        self.position = room.position();
        Ok(())
    }
}

fn events(events: Vec<Delivered>, more: bool) -> ServerFrame {
    ServerFrame::Events { events, names: Names::new(), more }
}
