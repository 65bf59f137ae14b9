//! Records what changed on a screen after every step.

use std::collections::{HashMap, HashSet};

use client::{Client, DraftEvent, DraftState, Outbox, Row, RowKey, RowState, Status};
use protocol::{ErrorCode, Event, EventId, EventKind, MemberId, Seq};

use super::clock::now_ms;
use super::history::{Ack, End, Fact, History, Said, Seated};
use super::view::View;

/// Number of events up to which rows are checked after every step; larger screens are checked now and then.
const SMALL: usize = 64;
const NOW_AND_THEN: u64 = 64;

#[derive(Default)]
pub struct Witness {
    pub facts: Vec<Fact>,
    acks: Vec<Ack>,
    pub view: View,
    last: Option<(Seq, EventId)>,
    drafts: HashMap<EventId, DraftState>,
    /// Events that the server refused for good.
    denied: HashMap<EventId, ErrorCode>,
    doubled: HashSet<RowKey>,
    looks: u64,
    /// Time at which the user sent each event that is not echoed yet, in monotonic milliseconds.
    sent_at: HashMap<EventId, u64>,
    /// Time when the last welcomed socket ended, in monotonic milliseconds.
    away_since: Option<u64>,
}

impl Witness {
    pub fn of(outbox: &Outbox) -> Self {
        let mut witness = Self::default();
        for draft in outbox.drafts() {
            witness.facts.push(Fact::Sent { id: draft.id, said: Said::from(&draft.event) });
            witness.drafts.insert(draft.id, draft.state);
        }
        witness
    }

    /// Records that the user sends an event.
    pub fn sends(&mut self, id: EventId, said: Said) {
        self.view.sent += 1;
        self.view.changes += u64::from(said.target().is_some());
        self.facts.push(Fact::Sent { id, said });
        self.drafts.insert(id, DraftState::Waiting);
        self.sent_at.insert(id, now_ms());
    }

    /// Records that the server refuses an event for good.
    pub fn denies(&mut self, id: EventId, error: ErrorCode) {
        self.denied.insert(id, error);
    }

    /// Records whether there is a welcomed socket now.
    pub fn lives(&mut self, live: bool) {
        if self.view.live && !live {
            self.away_since = Some(now_ms());
        } else if live && let Some(since) = self.away_since.take() {
            self.view.longest_away = self.view.longest_away.max(now_ms() - since);
        }
        self.view.live = live;
    }

    pub fn look(&mut self, client: &Client) {
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
        let is_known = |event: &Event| Some((event.seq, event.id)) == self.last;
        let mut fresh: Vec<_> = events.rev().take_while(|event| !is_known(event)).collect();
        fresh.reverse();
        for event in fresh {
            let body = says(event);
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
            let sent_at = self.sent_at.remove(&id);
            match self.denied.remove(&id) {
                // A refused deletion or reaction has no typed text, so the outbox does not keep it.
                Some(error) => self.refuse(id, error),
                None => {
                    self.view.acked += 1;
                    if let Some(sent) = sent_at {
                        let acked = now_ms();
                        self.acks.push(Ack { sent, acked });
                        self.view.longest_ack = self.view.longest_ack.max(acked - sent);
                    }
                    self.facts.push(Fact::Acked { id });
                }
            }
        }
        for (id, state) in present {
            let before = self.drafts.insert(id, state);
            if let DraftState::Refused(error) = state
                && before != Some(state)
            {
                self.refuse(id, error);
            }
        }
    }

    fn refuse(&mut self, id: EventId, error: ErrorCode) {
        self.view.refused += 1;
        self.facts.push(Fact::Refused { id, error });
    }

    /// Records the keys that more than one row has.
    fn look_at_rows(&mut self, client: &Client) {
        let mut keys = HashSet::new();
        for row in client.rows() {
            if !keys.insert(row.key()) && self.doubled.insert(row.key()) {
                let key = match row.key() {
                    RowKey::Event(id) => id.to_string(),
                    key => format!("{key:?}"),
                };
                self.facts.push(Fact::Doubled { key });
            }
        }
    }

    pub fn begin_anew(&mut self) {
        self.last = None;
        self.facts.push(Fact::Reset);
    }

    pub fn refused(&self) -> Vec<EventId> {
        let is_refused = |state: &DraftState| matches!(state, DraftState::Refused(_));
        self.drafts.iter().filter(|(_, state)| is_refused(state)).map(|(id, _)| *id).collect()
    }

    /// Records the drafts that the user discarded, and those that would have changed them. After a step that only
    /// discards, or takes another name: nothing is acknowledged in it.
    pub fn discarded(&mut self, client: &Client) {
        let present: HashSet<_> = client.outbox().drafts().map(|draft| draft.id).collect();
        let gone: Vec<_> = self.drafts.keys().filter(|id| !present.contains(id)).copied().collect();
        for id in gone {
            self.drafts.remove(&id);
            self.denied.remove(&id);
            self.facts.push(Fact::Discarded { id });
        }
    }

    pub fn finish(mut self, who: String, member: MemberId, client: &Client) -> History {
        self.look_at_rows(client);
        // A draft of a change or a name has no row of its own, and without a room no draft has one.
        let is_message = |draft: &client::Draft| matches!(draft.event, DraftEvent::Message { .. });
        let is_shown = |draft: &client::Draft| client.room().is_some() && is_message(draft);
        let mut unsent: Vec<_> = client.rows().iter().filter_map(unsent).collect();
        unsent.extend(client.outbox().drafts().filter(|draft| !is_shown(draft)).map(|draft| draft.id));
        let end = match client.status() {
            Status::Live => {
                let room = client.room().map(|room| room.info().clone());
                End::Live { roster: roster(client), room, shows: shows(client) }
            }
            Status::Ended(ending) => End::Ended(ending),
            Status::Connecting | Status::Reconnecting { .. } => End::Away,
        };
        History { who, member, facts: self.facts, acks: self.acks, unsent, left: false, end }
    }
}

fn roster(client: &Client) -> Vec<Seated> {
    client.members().iter().map(|seated| (seated.member, seated.name.to_string())).collect()
}

/// Messages on the screen, with their text.
fn shows(client: &Client) -> Vec<(EventId, Option<String>)> {
    let events = client.room().into_iter().flat_map(|room| room.timeline().events());
    events
        .filter(|event| matches!(event.kind, EventKind::Message { .. }))
        .map(|event| (event.id, says(event)))
        .collect()
}

/// Text of a message.
fn says(event: &Event) -> Option<String> {
    match &event.kind {
        EventKind::Message { body, .. } => body.as_ref().map(|body| body.as_str().to_owned()),
        _ => None,
    }
}

fn unsent(row: &Row) -> Option<EventId> {
    match row {
        Row::Message(row) if matches!(row.state, RowState::Pending { .. } | RowState::Refused(_)) => Some(row.id),
        _ => None,
    }
}
