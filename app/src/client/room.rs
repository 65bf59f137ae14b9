//! The log folded into what a person sees. The same code draws the first page in the server and the live one.

use std::sync::Arc;

use crate::protocol::{
    Delivered, DisplayName, Epoch, Event, EventKind, Member, MemberId, Names, Position, RoomInfo, Seq, Snapshot,
    Welcome,
};

use super::outbox::Draft;
use super::timeline::{NameBook, Row, Timeline};

/// What became of something delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is part of the room now.
    Added,
    /// It was part of the room, or of the log, before.
    Known,
    /// Something before it is missing. Nothing was changed; a new hello brings both.
    Hole,
}

/// One room as one member sees it.
///
/// - The position never goes back except in [`RoomState::welcome`] without continuity.
/// - An event is applied once, and only directly after the one before it.
/// - Whoever was named once stays named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomState {
    info: RoomInfo,
    me: MemberId,
    members: Vec<Member>,
    names: NameBook,
    epoch: Epoch,
    /// The last event applied; `None` until the first after continuity was lost.
    seq: Option<Seq>,
    /// The head at which `members` was read: events up to it must not change the roster again.
    roster_at: Seq,
    /// Whether the replay of this connection is over.
    caught_up: bool,
    /// The first event of the log, as far as is known; `Seq(0)` when the log has none.
    oldest: Seq,
    timeline: Timeline,
}

impl RoomState {
    /// The room of a page that was just served.
    #[must_use]
    pub fn from_snapshot(snapshot: Snapshot) -> Self {
        let Snapshot { member, position, room, members, events, names, oldest } = snapshot;
        let mut state = Self {
            info: room,
            me: member,
            members: Vec::new(),
            names: NameBook::new(),
            epoch: position.epoch,
            seq: Some(position.seq),
            roster_at: position.seq,
            caught_up: false,
            oldest,
            timeline: Timeline::default(),
        };
        state.learn(&names);
        state.seat(members);
        for event in events {
            state.name_newcomer(&event);
            state.timeline.push(event);
        }
        state
    }

    /// The room of a client that has nothing yet.
    #[must_use]
    pub fn from_welcome(welcome: &Welcome) -> Self {
        let mut state = Self {
            info: welcome.room.clone(),
            me: welcome.member,
            members: Vec::new(),
            names: NameBook::new(),
            epoch: welcome.position.epoch,
            seq: None,
            roster_at: Seq::default(),
            caught_up: false,
            oldest: welcome.oldest,
            timeline: Timeline::default(),
        };
        state.welcome(welcome);
        state
    }

    /// A new connection: takes the room and its roster, and, where continuity is lost, drops timeline and position.
    pub fn welcome(&mut self, welcome: &Welcome) {
        let continues = welcome.recovered && welcome.position.epoch == self.epoch && self.seq.is_some();
        if !continues {
            self.timeline.clear();
            self.seq = None;
        }
        self.me = welcome.member;
        self.info = welcome.room.clone();
        self.epoch = welcome.position.epoch;
        self.oldest = welcome.oldest;
        self.roster_at = welcome.position.seq;
        self.seat(welcome.members.clone());
        // `Seq(0)` is the head of an empty log: there is nothing to replay.
        self.caught_up = self.seq.unwrap_or_default() >= self.roster_at;
    }

    /// Takes the names that came with events.
    pub fn learn(&mut self, names: &Names) {
        for (member, name) in names {
            // The roster is read together with the log's head; names that come with a page may be older.
            if self.members.iter().all(|seated| seated.member != *member) {
                self.names.insert(*member, Arc::new(name.clone()));
            }
        }
    }

    /// Takes one item of an `events` frame.
    pub fn apply(&mut self, delivered: Delivered) -> Applied {
        let Delivered::Event(event) = delivered else { return Applied::Known };
        if let Some(seq) = self.seq {
            if event.seq <= seq {
                return Applied::Known;
            }
            if event.prev != seq {
                return Applied::Hole;
            }
        }
        self.seq = Some(event.seq);
        self.caught_up |= event.seq >= self.roster_at;
        self.name_newcomer(&event);
        if event.seq > self.roster_at {
            self.change_roster(&event);
        }
        self.timeline.push(event);
        Applied::Added
    }

    /// The server has no more to replay on this connection.
    pub fn replayed(&mut self) {
        self.caught_up = true;
    }

    /// Takes a page of older events, oldest first, that was asked for with [`RoomState::older`]. Pages of another time
    /// are ignored. Repeated and overlapping ones add what is new.
    pub fn prepend(&mut self, before: Position, events: Vec<Event>, names: &Names) {
        if before.epoch != self.epoch {
            return;
        }
        let asked_first = self.timeline.first() == Some(before.seq);
        for (member, name) in names {
            self.names.entry(*member).or_insert_with(|| Arc::new(name.clone()));
        }
        for event in &events {
            if let EventKind::Joined { member, name } = &event.kind {
                self.names.entry(*member).or_insert_with(|| Arc::new(name.clone()));
            }
        }
        let added = self.timeline.prepend(before.seq, events);
        if asked_first && added == Some(0) && self.timeline.has_space() {
            // Retention was faster: nothing is left before this window.
            self.oldest = before.seq;
        }
    }

    /// Where the next older page ends; `None` when there is none, or no space for it.
    #[must_use]
    pub fn older(&self) -> Option<Position> {
        let first = self.timeline.first().filter(|first| *first > self.oldest)?;
        self.timeline.has_space().then_some(Position { epoch: self.epoch, seq: first })
    }

    /// What has been seen; a new hello carries it.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.seq.map(|seq| Position { epoch: self.epoch, seq })
    }

    /// Whether this is the room as it was when the connection was welcomed, or later.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    /// The room apart from its log.
    #[must_use]
    pub fn info(&self) -> &RoomInfo {
        &self.info
    }

    /// The reader.
    #[must_use]
    pub fn me(&self) -> MemberId {
        self.me
    }

    /// Who has a seat, in the order they took it.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// What a member is or was called.
    #[must_use]
    pub fn name(&self, member: MemberId) -> Option<&Arc<DisplayName>> {
        self.names.get(&member)
    }

    /// The part of the log that is here.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// What a page draws: the log, then the drafts.
    #[must_use]
    pub fn rows<'a>(&self, drafts: impl Iterator<Item = &'a Draft>) -> Vec<Row> {
        self.timeline.rows(self.me, &self.names, drafts)
    }

    fn seat(&mut self, members: Vec<Member>) {
        for member in &members {
            self.names.insert(member.member, Arc::new(member.name.clone()));
        }
        self.members = members;
    }

    fn name_newcomer(&mut self, event: &Event) {
        if let EventKind::Joined { member, name } = &event.kind
            && (event.seq > self.roster_at || !self.names.contains_key(member))
        {
            self.names.insert(*member, Arc::new(name.clone()));
        }
    }

    fn change_roster(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Joined { member, name } => {
                self.members.retain(|seated| seated.member != *member);
                self.members.push(Member { member: *member, name: name.clone() });
            }
            EventKind::Left { member, .. } => self.members.retain(|seated| seated.member != *member),
            EventKind::Message { .. } | EventKind::Unknown => {}
        }
    }
}
