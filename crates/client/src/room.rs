//! State of a room, folded from its log. The same code draws the first page in the server and the live one.

use std::collections::BTreeSet;

use protocol::{
    Delivered, Epoch, Event, EventId, EventKind, Member, MemberId, Names, Position, RoomInfo, Seq, ShownName, Snapshot,
    Welcome,
};

use super::outbox::Draft;
use super::timeline::row::Row;
use super::timeline::{Reader, Timeline};

/// Result of applying a delivered item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was added.
    Added,
    /// It was there before.
    Known,
    /// An event before it is missing. Nothing was changed; a new hello brings both.
    Gap,
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
    names: Names,
    epoch: Epoch,
    /// The last event applied; `None` until the first after continuity was lost.
    seq: Option<Seq>,
    /// Head at which `members` was read: events up to it must not change the roster again.
    roster_at: Seq,
    /// True once the replay of this connection is over.
    caught_up: bool,
    /// First event of the log, as far as is known; `Seq(0)` when the log has none.
    oldest: Seq,
    /// Last position that the reader has seen while the page was on the screen.
    read_marker: Option<Position>,
    timeline: Timeline,
}

impl RoomState {
    /// Builds the room of a page that was just served.
    #[must_use]
    pub fn from_snapshot(snapshot: Snapshot) -> Self {
        let Snapshot { member, position, room, members, events, names, quoted, oldest } = snapshot;
        let mut state = Self {
            info: room,
            me: member,
            members: Vec::new(),
            names: Names::new(),
            epoch: position.epoch,
            seq: Some(position.seq),
            roster_at: position.seq,
            caught_up: false,
            oldest,
            read_marker: None,
            timeline: Timeline::default(),
        };
        state.add_names(&names);
        state.set_members(members);
        for event in events {
            state.learn_name(&event);
            state.push(event);
        }
        for message in quoted {
            state.timeline.insert_quoted(message.id, Some(message));
        }
        state
    }

    /// Builds the room of a client that has no state yet.
    #[must_use]
    pub fn from_welcome(welcome: &Welcome) -> Self {
        let mut state = Self {
            info: welcome.room.clone(),
            me: welcome.member,
            members: Vec::new(),
            names: Names::new(),
            epoch: welcome.position.epoch,
            seq: None,
            roster_at: Seq::default(),
            caught_up: false,
            oldest: welcome.oldest,
            read_marker: None,
            timeline: Timeline::default(),
        };
        state.welcome(welcome);
        state
    }

    /// Applies a welcome: takes the room and its roster and, where continuity is lost, drops timeline and position.
    pub fn welcome(&mut self, welcome: &Welcome) {
        let continues = welcome.recovered && welcome.position.epoch == self.epoch && self.seq.is_some();
        if !continues {
            self.timeline.clear();
            self.seq = None;
            // Who left meanwhile may have had another name before, and older pages do not replace a name.
            self.names.clear();
        }
        if self.me != welcome.member {
            self.me = welcome.member;
            self.timeline.rename(Reader { me: self.me, names: &self.names });
        }
        self.info = welcome.room.clone();
        self.epoch = welcome.position.epoch;
        self.oldest = welcome.oldest;
        self.roster_at = welcome.position.seq;
        self.set_members(welcome.members.clone());
        // `Seq(0)` is the head of an empty log: there is nothing to replay.
        self.caught_up = self.seq.unwrap_or_default() >= self.roster_at;
    }

    /// Adds the names that came with events.
    pub fn add_names(&mut self, names: &Names) {
        // The roster is read together with the log's head; names that come with a page may be older.
        let is_seated = |member| self.members.iter().any(|seated| seated.member == member);
        let left: Vec<_> = names.iter().filter(|(member, _)| !is_seated(**member)).collect();
        self.update_names(left, true);
    }

    /// Applies one item of an `events` frame.
    pub fn apply(&mut self, delivered: Delivered) -> Applied {
        let Delivered::Event(event) = delivered else { return Applied::Known };
        if let Some(seq) = self.seq {
            if event.seq <= seq {
                return Applied::Known;
            }
            if event.prev != seq {
                return Applied::Gap;
            }
        }
        self.seq = Some(event.seq);
        self.caught_up |= event.seq >= self.roster_at;
        self.learn_name(&event);
        if event.seq > self.roster_at {
            self.change_room(&event);
        }
        self.push(event);
        Applied::Added
    }

    /// Notes that the server has no more to replay on this connection.
    pub fn finish_replay(&mut self) {
        self.caught_up = true;
    }

    /// Adds a page of older events, oldest first, that was asked for with [`RoomState::older_cursor`]. Pages of another epoch
    /// are ignored. Repeated and overlapping ones add what is new.
    pub fn prepend(&mut self, before: Position, events: Vec<Event>, names: &Names) {
        if before.epoch != self.epoch {
            return;
        }
        let asked_first = self.timeline.first() == Some(before.seq);
        // The newest name of a page first: a later one does not replace it.
        self.update_names(names.iter().chain(events.iter().rev().filter_map(named)), false);
        let reader = Reader { me: self.me, names: &self.names };
        let added = self.timeline.prepend(before.seq, events, reader);
        if asked_first && added == Some(0) && self.timeline.has_space() {
            // Retention was faster: nothing is left before this window.
            self.oldest = before.seq;
        }
    }

    /// Learns of a message that a reply answers, and of its author's name; `None` if the log does not have it any more.
    pub fn insert_quoted(&mut self, id: EventId, message: Option<Event>, names: &Names) {
        self.update_names(names, false);
        self.timeline.insert_quoted(id, message);
    }

    /// Cursor for the next older page; `None` when there is none, or no space for it.
    #[must_use]
    pub fn older_cursor(&self) -> Option<Position> {
        let first = self.timeline.first().filter(|first| *first > self.oldest)?;
        self.timeline.has_space().then_some(Position { epoch: self.epoch, seq: first })
    }

    /// True if the log has nothing older than what is here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.timeline.first().is_none_or(|first| first <= self.oldest)
    }

    /// Server's time of the newest event that is here, in UTC milliseconds.
    #[must_use]
    pub fn newest_at(&self) -> Option<u64> {
        self.timeline.events().next_back().map(|event| event.at)
    }

    /// Position of the last event applied; a new hello carries it.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.seq.map(|seq| Position { epoch: self.epoch, seq })
    }

    /// True once this is the room as it was when the connection was welcomed, or later.
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

    /// Members of the room, in the order they joined.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Name of a present or former member.
    #[must_use]
    pub fn name(&self, member: MemberId) -> Option<&ShownName> {
        self.names.get(&member)
    }

    /// The part of the log that is here.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Members of the room and their names, in the order they joined.
    pub fn member_names(&self) -> impl Iterator<Item = (MemberId, ShownName)> {
        self.members.iter().filter_map(|seated| Some((seated.member, self.names.get(&seated.member)?.clone())))
    }

    /// True while the room is closed to newcomers.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.info.locked
    }

    /// Sets whether a member has no connection at present.
    pub fn set_away(&mut self, member: MemberId, away: bool) {
        if let Some(seated) = self.members.iter_mut().find(|seated| seated.member == member) {
            seated.away = away;
        }
    }

    /// Sets the read marker at the end; messages that come from now on are unread.
    pub fn mark_read(&mut self) {
        self.read_marker = self.position();
    }

    /// True if there is a read marker.
    #[must_use]
    pub fn has_read_marker(&self) -> bool {
        self.read_marker.is_some()
    }

    /// Removes the read marker, so that nothing is unread.
    pub fn clear_read_marker(&mut self) {
        self.read_marker = None;
    }

    /// Ignores a member on this device, or no longer: no rows, counts or signals come of it.
    pub fn ignore(&mut self, member: MemberId, on: bool) {
        self.timeline.ignore(member, on && member != self.me);
    }

    /// Members who are ignored.
    #[must_use]
    pub fn ignored(&self) -> &BTreeSet<MemberId> {
        self.timeline.ignored()
    }

    /// Number of messages of others after the read marker, as far as they are here.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.read_marker.map_or(0, |seen| self.unread_after(seen))
    }

    /// Number of messages of others after this position, as far as they are here. In another epoch, all.
    #[must_use]
    pub fn unread_after(&self, position: Position) -> usize {
        self.timeline.messages_of_others(self.me, self.seq_in_epoch(position)).count()
    }

    /// Rows of a page: the log, then the drafts. `zone` is the reader's offset from UTC, in minutes.
    #[must_use]
    pub fn rows<'a>(&'a self, drafts: impl Iterator<Item = &'a Draft>, zone: i32) -> Vec<Row> {
        let seen = self.read_marker.map(|seen| self.seq_in_epoch(seen));
        self.timeline.rows(Reader { me: self.me, names: &self.names }, drafts, zone, seen)
    }

    /// Sequence number of a position in this epoch; 0 for another epoch.
    fn seq_in_epoch(&self, position: Position) -> Seq {
        if position.epoch == self.epoch { position.seq } else { Seq::default() }
    }

    fn push(&mut self, event: Event) {
        self.timeline.push(event, Reader { me: self.me, names: &self.names });
    }

    fn set_members(&mut self, members: Vec<Member>) {
        self.update_names(members.iter().map(|seated| (&seated.member, &seated.name)), true);
        self.members = members;
    }

    fn learn_name(&mut self, event: &Event) {
        // The roster is read together with the log's head, and its names are newer than those of a replay.
        let newer = |member| event.seq > self.roster_at || !self.members.iter().any(|seated| seated.member == member);
        if let Some((member, name)) = named(event) {
            self.update_names([(member, name)], newer(*member));
        }
    }

    /// Adds names: instead of earlier ones when these are `newer`, otherwise only where there was none.
    fn update_names<'a>(&mut self, names: impl IntoIterator<Item = (&'a MemberId, &'a ShownName)>, newer: bool) {
        let mut changed = false;
        for (member, name) in names {
            let known = self.names.get(member);
            if known.is_none_or(|known| newer && known != name) {
                self.names.insert(*member, name.clone());
                changed = true;
            }
        }
        if changed {
            self.timeline.rename(Reader { me: self.me, names: &self.names });
        }
    }

    fn change_room(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Joined { member, name } => {
                self.members.retain(|seated| seated.member != *member);
                self.members.push(Member { member: *member, name: name.clone(), away: false });
            }
            EventKind::Left { member, .. } => self.members.retain(|seated| seated.member != *member),
            EventKind::Renamed { member, name, .. } => {
                if let Some(seated) = self.members.iter_mut().find(|seated| seated.member == *member) {
                    seated.name = name.clone();
                }
            }
            EventKind::Settings(change) => {
                let info = &mut self.info;
                info.name = change.name.as_ref().unwrap_or(&info.name).clone();
                info.locked = change.locked.unwrap_or(info.locked);
                info.capacity = change.capacity.unwrap_or(info.capacity);
                info.slow_ms = change.slow_ms.unwrap_or(info.slow_ms);
                info.host_only = change.host_only.unwrap_or(info.host_only);
            }
            EventKind::Code { code } => self.info.code = *code,
            EventKind::Host { member } => self.info.host = Some(*member),
            _ => {}
        }
    }
}

/// Name that an event gives to a member.
fn named(event: &Event) -> Option<(&MemberId, &ShownName)> {
    match &event.kind {
        EventKind::Joined { member, name } | EventKind::Renamed { member, name, .. } => Some((member, name)),
        _ => None,
    }
}
