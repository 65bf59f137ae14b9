//! The server of the world, and the socket to it.

use std::collections::VecDeque;

use client::Input;
use proptest::prelude::*;
use protocol::{
    ClientFrame, Delivered, ErrorCode, EventId, EventKind, Names, Position, Proposal, RoomChange, Seq, ServerFrame,
};

use super::World;
use crate::log::{Entry, ME, MEMBERS, Spec, body, epoch, member, said_by, shown};

/// Socket between client and server.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) connection_id: u32,
    pub(super) open: bool,
    pub(super) welcomed: bool,
    pub(super) up: VecDeque<ClientFrame>,
    pub(super) down: VecDeque<ServerFrame>,
}

impl World {
    pub(super) fn older(&mut self) -> Result<(), TestCaseError> {
        let Some(before) = self.client.older_cursor() else { return Ok(()) };
        let first = self.log.events[self.start].seq;
        let page = self.log.before(before.seq, 5, self.log.len());
        let events = page.into_iter().filter(|event| event.seq >= first).collect();
        let names = self.log.names(self.log.len());
        self.input(Input::OlderPage { before, events, names })
    }

    pub(super) fn other(&mut self, spec: Spec) {
        let nth = self.next + 1;
        self.next = nth;
        let entry = self.log.entry(nth, Spec { who: 1 + spec.who % (MEMBERS - 1), ..spec });
        self.commit(entry);
    }

    /// Stores a message of another member.
    pub(super) fn say(&mut self) {
        let nth = self.next + 1;
        self.next = nth;
        self.commit(said_by(nth, 1));
    }

    fn commit(&mut self, entry: Entry) {
        let event = self.log.push(entry, 3, 1_000);
        if let Some(wire) = self.wire.as_mut().filter(|wire| wire.welcomed) {
            wire.down.push_back(events(vec![Delivered::Event(event)]));
        }
    }

    /// Opens the socket, or lets the server read one frame.
    pub(super) fn up(&mut self) -> Result<(), TestCaseError> {
        let Some(wire) = &mut self.wire else { return Ok(()) };
        if !wire.open {
            wire.open = true;
            let connection_id = wire.connection_id;
            return self.input(Input::Opened(connection_id));
        }
        match wire.up.pop_front() {
            Some(ClientFrame::Hello { position, .. }) => {
                prop_assert!(!wire.welcomed, "a second hello");
                self.hello(position);
            }
            Some(ClientFrame::Append { id, event }) => {
                prop_assert!(wire.welcomed, "an append before hello");
                self.append(id, event);
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
        let mut replay = self.log.read(after..head, head);
        if let (None, Some(first)) = (continues, replay.first_mut()) {
            first.prev = Seq(0);
        }
        let Some(wire) = &mut self.wire else { return };
        wire.welcomed = true;
        wire.down.push_back(ServerFrame::Welcome(Box::new(welcome)));
        let (chunks, names) = (replay.chunks(2).count(), self.log.names(head));
        for (nth, chunk) in replay.chunks(2).enumerate() {
            let delivered = chunk.iter().cloned().map(Delivered::Event).collect();
            let (names, more) = (names.clone(), nth + 1 < chunks);
            wire.down.push_back(ServerFrame::Events { events: delivered, names, more });
        }
    }

    fn append(&mut self, id: EventId, event: Proposal) {
        let stored = self.log.events.iter().position(|event| event.id == id);
        let answer = match (stored, self.refuse.take()) {
            (Some(place), _) if place < self.start => {
                let seq = self.log.events[place].seq;
                events(vec![Delivered::Trimmed { id, seq }])
            }
            (Some(place), _) => {
                let stored = self.log.read(place..place + 1, self.log.len());
                events(stored.into_iter().map(Delivered::Event).collect())
            }
            (None, Some(true)) => ServerFrame::Rejected { id, error: ErrorCode::Storage, retry_ms: None },
            (None, Some(false)) => ServerFrame::Rejected { id, error: ErrorCode::NotAllowed, retry_ms: None },
            (None, None) => match self.judge(event) {
                Ok(kind) => {
                    let nth = (id.0.as_u128() >> 80) as u32;
                    return self.commit((nth, ME, kind));
                }
                Err(error) => ServerFrame::Rejected { id, error, retry_ms: None },
            },
        };
        if let Some(wire) = &mut self.wire {
            wire.down.push_back(answer);
        }
    }

    /// Event to store for the user's proposal, or the error with which it is refused.
    fn judge(&self, event: Proposal) -> Result<EventKind, ErrorCode> {
        let standing = self.log.standing();
        let kept = |target| self.log.events[self.start..].iter().any(|event| event.id == target);
        let author = |target| {
            let found = standing.iter().find(|(standing, _)| *standing == target && kept(target));
            found.map(|(_, author)| *author).ok_or(ErrorCode::NoTarget)
        };
        let own = |target| if author(target)? == ME { Ok(target) } else { Err(ErrorCode::NotAuthor) };
        Ok(match event {
            Proposal::Message { body: text, reply_to } => {
                EventKind::Message { body: Some(body(&text)), reply_to, edited: false }
            }
            Proposal::Edited { target, body: text } => {
                EventKind::Edited { target: own(target)?, body: Some(body(&text)) }
            }
            Proposal::Deleted { target } => EventKind::Deleted { target: own(target)? },
            Proposal::Reacted { target, emoji, on } => {
                author(target)?;
                EventKind::Reacted { target, emoji: emoji.parse().unwrap(), on }
            }
            Proposal::Renamed { name } => {
                let was = self.log.names(self.log.len())[&member(ME)].clone();
                EventKind::Renamed { member: member(ME), name: shown(&name), was }
            }
            Proposal::Settings(change) => {
                let name = change.name.map(|name| name.parse().unwrap());
                EventKind::Settings(RoomChange { name, ..RoomChange::default() })
            }
            Proposal::Code
            | Proposal::Host { .. }
            | Proposal::Remove { .. }
            | Proposal::Ended
            | Proposal::NotAllowed
            | Proposal::Unsupported
            | Proposal::BadText => return Err(ErrorCode::NotAllowed),
        })
    }
}

fn events(events: Vec<Delivered>) -> ServerFrame {
    ServerFrame::Events { events, names: Names::new(), more: false }
}
