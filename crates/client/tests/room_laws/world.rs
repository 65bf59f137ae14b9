//! A client, a server that gives the protocol's guarantees and no more, and an unreliable network between them.

use std::collections::{BTreeMap, BTreeSet};

use client::{Action, Client, Draft, DraftEvent, Input, Outbox, RoomState, Row, RowKey, RowState, Status};
use proptest::prelude::*;
use protocol::{ClientFrame, EventId, MessageBody, Position, ServerFrame};

use self::server::Wire;
use super::changes::{messages, words};
use super::log::{Log, ME, Spec, body, id, joined, spec};

mod server;

/// One step of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The user sends a message.
    Send,
    /// The user edits, deletes, replies to or reacts to a message on the screen.
    Act(Spec),
    /// Another member does something, or the user does in another tab.
    Other(Spec),
    /// The socket opens, or the server reads one frame.
    Up,
    /// The client reads one frame.
    Down,
    /// The connection breaks with this code; frames in flight in either direction are lost.
    Cut(u16),
    /// This many milliseconds pass.
    Wait(u64),
    /// Retention keeps only these many events.
    Trim(usize),
    /// The next append is refused: for now if true, else for good.
    Refuse(bool),
    /// The user decides on a refused draft.
    Decide(Decision),
    /// The server loses one delivery to this socket.
    Lose,
    /// An older page arrives.
    Older,
}

/// Decision about a refused draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Retry,
    Edit,
    Discard,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let decision = prop::sample::select(vec![Decision::Retry, Decision::Edit, Decision::Discard]);
    prop_oneof![
        3 => Just(Step::Send),
        3 => spec().prop_map(Step::Act),
        4 => spec().prop_map(Step::Other),
        12 => Just(Step::Up),
        12 => Just(Step::Down),
        3 => prop::sample::select(vec![1001u16, 1006, 4001, 4005]).prop_map(Step::Cut),
        5 => (0u64..20_000).prop_map(Step::Wait),
        1 => (0usize..6).prop_map(Step::Trim),
        1 => any::<bool>().prop_map(Step::Refuse),
        1 => decision.prop_map(Step::Decide),
        1 => Just(Step::Lose),
        1 => Just(Step::Older),
    ]
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
    /// Drafts that the user made and has not discarded, in order.
    pub(crate) sent: Vec<EventId>,
    /// Text that was put back into the composer.
    composed: Option<MessageBody>,
    /// Number of times an id was transmitted on a connection, and (`allowed`) may be.
    transmitted: BTreeMap<(u32, EventId), u32>,
    allowed: BTreeMap<(u32, EventId), u32>,
    position: Option<Position>,
}

pub(crate) fn keys_are_unique(rows: &[Row]) -> Result<(), TestCaseError> {
    let keys: BTreeSet<RowKey> = rows.iter().map(Row::key).collect();
    prop_assert_eq!(keys.len(), rows.len(), "one key in two rows");
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
            composed: None,
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
            Step::Send => self.send(None)?,
            Step::Act(spec) => self.act(spec)?,
            Step::Other(spec) => self.other(spec),
            Step::Up => self.up()?,
            Step::Down => {
                let Some(wire) = &mut self.wire else { return Ok(()) };
                let connection_id = wire.connection_id;
                if let Some(frame) = wire.down.pop_front() {
                    let rejected = if let ServerFrame::Rejected { id, .. } = &frame { Some(*id) } else { None };
                    self.input(Input::Frame(connection_id, frame))?;
                    if let Some(id) = rejected {
                        *self.allowed.entry((connection_id, id)).or_insert(1) += 1;
                        self.forget_dropped(id)?;
                    }
                }
            }
            Step::Cut(code) => {
                if let Some(wire) = self.wire.take() {
                    self.input(Input::Closed(wire.connection_id, code))?;
                }
            }
            Step::Wait(ms) => {
                self.now += ms;
                self.input(Input::Tick)?;
            }
            Step::Trim(keep) => self.start = self.start.max(self.log.len().saturating_sub(keep.max(1))),
            Step::Refuse(for_now) => self.refuse = Some(for_now),
            Step::Decide(decision) => self.decide(decision)?,
            Step::Lose => {
                // A server may lose a delivery, which the log still holds, but no other answer.
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

    /// Runs without further faults: everything sent must arrive, and the rows must show what the log says.
    pub(crate) fn rest(&mut self) -> Result<(), TestCaseError> {
        self.refuse = None;
        for _ in 0..40 * (self.sent.len() + 10) {
            let is_quiet = self.wire.as_ref().is_some_and(|wire| wire.welcomed && wire.down.is_empty());
            if is_quiet && !self.client.has_unsent() {
                break;
            }
            self.live(Step::Decide(Decision::Retry))?;
            self.live(Step::Wait(1_000))?;
            for _ in 0..4 {
                self.live(Step::Up)?;
                self.live(Step::Down)?;
            }
            // A change of a trimmed message is refused for ever.
            self.live(Step::Decide(Decision::Discard))?;
            // The client notices a gap only by the next event.
            if self.wire.as_ref().is_some_and(|wire| wire.welcomed && wire.down.is_empty()) && self.client.has_unsent()
            {
                self.say();
            }
        }
        self.say();
        // Enough for the longest wait, a new hello and its replay.
        for _ in 0..80 {
            self.live(Step::Wait(1_000))?;
            self.live(Step::Up)?;
            self.live(Step::Down)?;
            self.live(Step::Decide(Decision::Discard))?;
        }
        prop_assert_eq!(self.client.status(), Status::Live);
        prop_assert!(!self.client.has_unsent(), "unsent at rest: {:?}", self.client.outbox());
        prop_assert_eq!(self.own_in_log(), self.sent.clone(), "lost, doubled or out of order");
        self.start = 0;
        while self.client.older_cursor().is_some() {
            self.live(Step::Older)?;
        }
        let room = self.client.room().unwrap();
        prop_assert_eq!(room.position(), Some(self.log.position(self.log.len())));
        prop_assert_eq!(room.members(), self.log.roster(self.log.len()));
        let shown: Vec<EventId> = room.timeline().events().map(|event| event.id).collect();
        let truth: Vec<EventId> = self.log.events.iter().map(|event| event.id).collect();
        prop_assert!(!shown.is_empty() && truth.ends_with(&shown), "the screen is not the log");
        let fresh = RoomState::from_snapshot(self.log.snapshot(self.log.len(), shown.len()));
        prop_assert_eq!(self.client.rows(), fresh.rows(std::iter::empty(), 0));
        Ok(())
    }

    pub(crate) fn own_in_log(&self) -> Vec<EventId> {
        let sent: BTreeSet<EventId> = self.sent.iter().copied().collect();
        self.log.events.iter().map(|event| event.id).filter(|id| sent.contains(id)).collect()
    }

    pub(crate) fn appended_on_this_dial(&self) -> Vec<EventId> {
        let connection_id = self.wire.as_ref().map_or(0, |wire| wire.connection_id);
        let of_dial = self.transmitted.iter().filter(|((on, _), _)| *on == connection_id);
        of_dial.flat_map(|((_, id), times)| std::iter::repeat_n(*id, *times as usize)).collect()
    }

    fn mint(&mut self) -> EventId {
        self.next += 1;
        id(self.next)
    }

    fn input(&mut self, input: Input) -> Result<(), TestCaseError> {
        for action in self.client.step(self.now, input) {
            match action {
                Action::Connect(connection_id) => {
                    prop_assert!(self.wire.is_none(), "two sockets");
                    self.wire = Some(Wire { connection_id, ..Wire::default() });
                }
                Action::Disconnect(connection_id) => {
                    let wire = self.wire.take();
                    prop_assert_eq!(wire.map(|wire| wire.connection_id), Some(connection_id));
                }
                Action::Transmit(frame) => {
                    let Some(wire) = &mut self.wire else { return Err(TestCaseError::fail("sent without a socket")) };
                    prop_assert!(wire.open, "sent before the socket was open");
                    if let ClientFrame::Append { id, .. } = &frame {
                        let key = (wire.connection_id, *id);
                        let times = self.transmitted.entry(key).or_default();
                        *times += 1;
                        let allowed = *self.allowed.entry(key).or_insert(1);
                        prop_assert!(*times <= allowed, "sent {} times on one connection", times);
                    }
                    wire.up.push_back(frame);
                }
                Action::Wake(at) => prop_assert!(at + 1 >= self.now, "waking in the past"),
                Action::Compose(words) => self.composed = Some(words),
                Action::PostLeave | Action::NameRefused(_) => {}
            }
        }
        Ok(())
    }

    fn send(&mut self, reply_to: Option<EventId>) -> Result<(), TestCaseError> {
        let id = self.mint();
        self.sent.push(id);
        let (body, at) = (self.text(), 1_000_000 + self.now);
        self.input(Input::Send { id, body, reply_to, at })
    }

    /// Replies to, edits, deletes or reacts to a message on the screen, stored or pending.
    fn act(&mut self, Spec { kind, which, on, .. }: Spec) -> Result<(), TestCaseError> {
        let is_message = |id: &EventId| {
            let draft = self.client.outbox().drafts().find(|draft| draft.id == *id);
            draft.is_none_or(|draft| matches!(draft.event, DraftEvent::Message { .. }))
        };
        let mut rows = messages(&self.client.rows());
        rows.retain(|row| row.body.is_some() && !matches!(row.state, RowState::Refused(_)) && is_message(&row.id));
        let Some(row) = rows.get(which.index(rows.len().max(1))) else { return Ok(()) };
        let (target, at) = (row.id, 1_000_000 + self.now);
        if kind % 4 == 0 {
            return self.send(Some(target));
        }
        let id = self.mint();
        self.sent.push(id);
        let input = match kind % 4 {
            1 if row.own => Input::EditMessage { id, target, body: self.text(), at },
            2 if row.own => Input::DeleteMessage { id, target, at },
            _ => Input::React { id, target, emoji: "\u{1f44d}".parse().unwrap(), on, at },
        };
        self.input(input)
    }

    /// A text that was never sent before.
    fn text(&self) -> MessageBody {
        body(&format!("mine {}", self.next))
    }

    /// Forgets a deletion or reaction that the client dropped because it was refused for good.
    fn forget_dropped(&mut self, id: EventId) -> Result<(), TestCaseError> {
        if self.draft(id).is_none() {
            prop_assert!(!self.is_committed(id), "settled by a refusal");
            self.sent.retain(|sent| *sent != id);
        }
        Ok(())
    }

    /// Decides on the first refused draft, if there is one.
    fn decide(&mut self, decision: Decision) -> Result<(), TestCaseError> {
        let drafts: Vec<Draft> = self.client.outbox().drafts().cloned().collect();
        let Some(refused) = drafts.iter().find(|draft| draft.is_refused()) else { return Ok(()) };
        let id = refused.id;
        if decision == Decision::Retry {
            return self.input(Input::Retry(id));
        }
        let with_it: Vec<&Draft> = drafts.iter().filter(|draft| draft.event.target() == Some(id)).collect();
        let last = with_it.iter().filter_map(|draft| draft.event.body()).next_back();
        let typed = last.or(refused.event.body()).cloned();
        self.sent.retain(|sent| *sent != id && with_it.iter().all(|draft| draft.id != *sent));
        self.composed = None;
        self.input(if decision == Decision::Edit { Input::Recompose(id) } else { Input::Discard(id) })?;
        let expected = typed.filter(|_| decision == Decision::Edit);
        prop_assert!(self.composed == expected, "the typed text is not back in the composer");
        Ok(())
    }

    fn draft(&self, id: EventId) -> Option<&Draft> {
        self.client.outbox().drafts().find(|draft| draft.id == id)
    }

    fn is_committed(&self, id: EventId) -> bool {
        self.log.events.iter().any(|event| event.id == id)
    }

    /// Checks the laws that hold after every step.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let rows = self.client.rows();
        keys_are_unique(&rows)?;
        let states: BTreeMap<EventId, RowState> = messages(&rows).into_iter().map(|row| (row.id, row.state)).collect();
        for id in &self.sent {
            let committed = self.is_committed(*id);
            match (states.get(id), self.draft(*id)) {
                (Some(RowState::Sent | RowState::Changing { .. }), _) => {
                    prop_assert!(committed, "shown as sent and not in the log");
                }
                (None, None) => prop_assert!(committed, "a sent draft is silently lost"),
                (row, Some(draft)) => self.assert_draft_is_shown(draft, row.copied(), &rows)?,
                (Some(_), None) => prop_assert!(false, "shown as pending and not in the outbox"),
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

    /// Asserts that the draft's text is shown, unless a later draft edits or deletes it.
    fn assert_draft_is_shown(&self, draft: &Draft, row: Option<RowState>, rows: &[Row]) -> Result<(), TestCaseError> {
        let is_message = matches!(draft.event, DraftEvent::Message { .. });
        if is_message || draft.is_refused() {
            prop_assert!(row.is_some(), "a draft without a row");
        }
        let message = draft.event.target().filter(|_| !draft.is_refused()).unwrap_or(draft.id);
        let later = self.client.outbox().drafts().skip_while(|later| later.id != draft.id).skip(1);
        let changed = later
            .filter(|later| later.event.target() == Some(message))
            .any(|later| !later.is_refused() && !matches!(later.event, DraftEvent::Reaction { .. }));
        if let (Some(typed), false) = (draft.event.body(), changed) {
            prop_assert!(words(rows).iter().any(|shown| shown == typed.as_str()), "a typed text is not shown");
        }
        Ok(())
    }
}
