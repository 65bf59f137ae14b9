//! A room's log, and a naive fold of it as the model.

use std::collections::BTreeSet;
use std::ops::Range;

use proptest::prelude::*;
use protocol::{
    Epoch, Event, EventId, EventKind, LeaveReason, Limits, Member, MemberId, MessageBody, Names, Position, RoomChange,
    RoomCode, RoomId, RoomInfo, Seq, ShownName, Snapshot, Welcome,
};
use uuid::Uuid;

pub(crate) const ME: u8 = 0;
pub(crate) const MEMBERS: u8 = 5;

#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) events: Vec<Event>,
}

/// An event's number, author and kind; its sequence number and time are given by the log.
pub(crate) type Entry = (u32, u8, EventKind);

pub(crate) fn member(nth: u8) -> MemberId {
    MemberId(Uuid::from_u128(0xabc0 + u128::from(nth)))
}

pub(crate) fn id(nth: u32) -> EventId {
    EventId::mint(u64::from(nth), [1; 10])
}

pub(crate) fn body(text: &str) -> MessageBody {
    text.parse().unwrap()
}

pub(crate) fn epoch() -> Epoch {
    Epoch(77)
}

pub(crate) fn named(nth: u8) -> Member {
    Member { member: member(nth), name: shown(&format!("M{nth}")), away: false }
}

pub(crate) fn shown(name: &str) -> ShownName {
    name.parse::<protocol::DisplayName>().unwrap().into()
}

pub(crate) fn renamed(nth: u32, who: u8, was: &str) -> Entry {
    (nth, who, EventKind::Renamed { member: member(who), name: shown(&format!("R{nth}")), was: shown(was) })
}

pub(crate) fn said(nth: u32) -> Entry {
    (nth, ME, EventKind::message(body(&format!("text {nth}"))))
}

pub(crate) fn joined(nth: u32, who: u8) -> Entry {
    (nth, who, EventKind::Joined { member: member(who), name: named(who).name })
}

pub(crate) fn left(nth: u32, who: u8) -> Entry {
    (nth, who, EventKind::Left { member: member(who), why: LeaveReason::Choice })
}

pub(crate) fn said_by(nth: u32, who: u8) -> Entry {
    (nth, who, EventKind::message(body(&format!("text {nth}"))))
}

pub(crate) fn edited(nth: u32, who: u8, target: u32) -> Entry {
    (nth, who, EventKind::Edited { target: id(target), body: Some(body(&format!("text {nth}"))) })
}

pub(crate) fn deleted(nth: u32, who: u8, target: u32) -> Entry {
    (nth, who, EventKind::Deleted { target: id(target) })
}

pub(crate) fn reacted(nth: u32, who: u8, target: u32, emoji: &str, on: bool) -> Entry {
    (nth, who, EventKind::Reacted { target: id(target), emoji: emoji.parse().unwrap(), on })
}

/// Choices from which [`Log::entry`] makes an event that a server would accept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    pub(crate) who: u8,
    pub(crate) kind: u8,
    pub(crate) which: prop::sample::Index,
    pub(crate) emoji: usize,
    pub(crate) on: bool,
}

pub(crate) fn spec() -> impl Strategy<Value = Spec> {
    (0..MEMBERS, 0u8..24, any::<prop::sample::Index>(), 0..EMOJI.len(), prop::bool::weighted(0.7))
        .prop_map(|(who, kind, which, emoji, on)| Spec { who, kind, which, emoji, on })
}

/// A log of random events with gaps between their sequence numbers and times. No text occurs twice.
pub(crate) fn log(size: Range<usize>) -> impl Strategy<Value = Log> {
    let pause = prop_oneof![6 => 0u64..1_000, 2 => 200_000u64..400_000, 1 => 0u64..100_000_000];
    prop::collection::vec((spec(), 1u64..4, pause), size).prop_map(|specs| {
        let mut log = Log { events: Vec::new() };
        for (nth, (spec, gap, pause)) in specs.into_iter().enumerate() {
            let entry = log.entry(nth as u32, spec);
            log.push(entry, gap, pause);
        }
        log
    })
}

const EMOJI: [&str; 3] = ["\u{1f44d}", "\u{2764}\u{fe0f}", "\u{1f602}"];

/// State of a message by a naive fold of the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) body: Option<String>,
    pub(crate) edited: bool,
    /// Each emoji and the members who have reacted with it, in the order they came.
    pub(crate) reactions: Vec<(String, Vec<MemberId>)>,
}

impl Log {
    pub(crate) fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut log = Self { events: Vec::new() };
        for entry in entries {
            log.push(entry, 2, 10);
        }
        log
    }

    pub(crate) fn push(&mut self, (nth, by, kind): Entry, gap: u64, pause: u64) -> Event {
        let (prev, at) = self.events.last().map_or((Seq(0), 1_000_000), |last| (last.seq, last.at));
        let event = Event { seq: Seq(prev.0 + gap), prev, id: id(nth), at: at + pause, by: member(by), kind };
        self.events.push(event.clone());
        event
    }

    /// An event that a server would accept now.
    pub(crate) fn entry(&self, nth: u32, Spec { who, kind, which, emoji, on }: Spec) -> Entry {
        let text = body(&format!("text {nth}"));
        let standing = self.standing();
        let target = standing.get(which.index(standing.len().max(1)));
        match (kind, target) {
            (0 | 1, _) => joined(nth, who),
            (2 | 3, _) => left(nth, who),
            (4, _) => (nth, who, EventKind::Unknown),
            (20 | 21, _) => renamed(nth, who, &self.names(self.len())[&member(who)].text()),
            (22, _) => (nth, who, EventKind::Host { member: member(who) }),
            (23, _) => (
                nth,
                who,
                EventKind::Settings(RoomChange {
                    name: on.then(|| format!("Room {nth}").parse().unwrap()),
                    locked: (!on).then_some(true),
                    ..RoomChange::default()
                }),
            ),
            (5 | 6, _) => {
                // The target of the reply may be deleted by now, be no message, or not exist.
                let reply_to = Some(self.events.get(which.index(self.len() + 1)).map_or(id(999_999), |event| event.id));
                (nth, who, EventKind::Message { body: Some(text), reply_to, edited: false })
            }
            (7..=9, Some((target, author))) => (nth, *author, EventKind::Edited { target: *target, body: Some(text) }),
            (10, Some((target, author))) => (nth, *author, EventKind::Deleted { target: *target }),
            (11..=14, Some((target, _))) => {
                (nth, who, EventKind::Reacted { target: *target, emoji: EMOJI[emoji].parse().unwrap(), on })
            }
            _ => (nth, who, EventKind::message(text)),
        }
    }

    /// The messages that are not deleted, and their authors.
    pub(crate) fn standing(&self) -> Vec<(EventId, u8)> {
        let gone: BTreeSet<EventId> = self
            .events
            .iter()
            .filter_map(|event| if let EventKind::Deleted { target } = event.kind { Some(target) } else { None })
            .collect();
        let messages = self.events.iter().filter(|event| matches!(event.kind, EventKind::Message { .. }));
        messages
            .filter(|event| !gone.contains(&event.id))
            .map(|event| (event.id, (event.by.0.as_u128() - 0xabc0) as u8))
            .collect()
    }

    /// These events as a server with `head` events returns them: without text that was edited or deleted by then.
    pub(crate) fn read(&self, range: Range<usize>, head: usize) -> Vec<Event> {
        let read = |place: usize| {
            let mut event = self.events[place].clone();
            for later in self.events[..head].iter().skip(place + 1) {
                event.amend(&later.kind);
            }
            event
        };
        range.map(read).collect()
    }

    /// State of a message after this many events.
    pub(crate) fn truth(&self, message: EventId, head: usize) -> Truth {
        let mut truth = Truth { body: None, edited: false, reactions: Vec::new() };
        for event in &self.events[..head] {
            match &event.kind {
                EventKind::Message { body, .. } if event.id == message => truth.body = text(body),
                EventKind::Edited { target, body } if *target == message => {
                    truth.body = text(body);
                    truth.edited = true;
                }
                EventKind::Deleted { target } if *target == message => {
                    return Truth { body: None, edited: false, reactions: Vec::new() };
                }
                EventKind::Reacted { target, emoji, on } if *target == message => {
                    let emoji = emoji.to_string();
                    if truth.reactions.iter().all(|(known, _)| *known != emoji) {
                        truth.reactions.push((emoji.clone(), Vec::new()));
                    }
                    for (_, members) in truth.reactions.iter_mut().filter(|(known, _)| *known == emoji) {
                        let has = members.contains(&event.by);
                        if *on && !has {
                            members.push(event.by);
                        } else if !*on {
                            members.retain(|member| *member != event.by);
                        }
                    }
                    truth.reactions.retain(|(_, members)| !members.is_empty());
                }
                _ => {}
            }
        }
        truth
    }

    /// Texts that were edited or deleted by events up to this sequence number.
    pub(crate) fn outdated(&self, upto: Seq) -> BTreeSet<String> {
        let known = || self.events.iter().filter(|event| event.seq <= upto);
        let mut outdated = BTreeSet::new();
        for later in known() {
            let (EventKind::Edited { target, .. } | EventKind::Deleted { target }) = later.kind else { continue };
            outdated.extend(known().filter(|event| event.seq < later.seq).filter_map(|event| match &event.kind {
                EventKind::Message { body, .. } if event.id == target => text(body),
                EventKind::Edited { target: same, body } if *same == target => text(body),
                _ => None,
            }));
        }
        outdated
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn position(&self, head: usize) -> Position {
        let seq = head.checked_sub(1).map_or(Seq(0), |last| self.events[last].seq);
        Position { epoch: epoch(), seq }
    }

    pub(crate) fn roster(&self, head: usize) -> Vec<Member> {
        let mut roster: Vec<Member> = Vec::new();
        for event in &self.events[..head] {
            match &event.kind {
                EventKind::Joined { member, name } => {
                    roster.retain(|seated| seated.member != *member);
                    roster.push(Member { member: *member, name: name.clone(), away: false });
                }
                EventKind::Left { member, .. } => roster.retain(|seated| seated.member != *member),
                EventKind::Renamed { member, name, .. } => {
                    roster.iter_mut().filter(|seated| seated.member == *member).for_each(|seated| {
                        seated.name = name.clone();
                    });
                }
                _ => {}
            }
        }
        roster
    }

    /// Names of all members after this many events.
    pub(crate) fn names(&self, head: usize) -> Names {
        let mut names: Names = (0..MEMBERS).map(|nth| (member(nth), named(nth).name)).collect();
        for event in &self.events[..head] {
            if let EventKind::Joined { member, name } | EventKind::Renamed { member, name, .. } = &event.kind {
                names.insert(*member, name.clone());
            }
        }
        names
    }

    pub(crate) fn info(&self, head: usize) -> RoomInfo {
        let mut info = RoomInfo {
            id: Some(RoomId(Uuid::from_u128(1))),
            code: RoomCode::from_entropy([1; 5]),
            capacity: 50,
            locked: false,
            name: Default::default(),
            host: None,
            slow_ms: 0,
            host_only: false,
        };
        for event in &self.events[..head] {
            match &event.kind {
                EventKind::Settings(change) => {
                    info.name = change.name.clone().unwrap_or(info.name);
                    info.locked = change.locked.unwrap_or(info.locked);
                }
                EventKind::Host { member } => info.host = Some(*member),
                _ => {}
            }
        }
        info
    }

    pub(crate) fn snapshot(&self, head: usize, window: usize) -> Snapshot {
        Snapshot {
            member: member(ME),
            position: self.position(head),
            room: self.info(head),
            members: self.roster(head),
            events: self.read(head.saturating_sub(window)..head, head),
            names: self.names(head),
            quoted: Vec::new(),
            oldest: if head == 0 { Seq(0) } else { self.events[0].seq },
        }
    }

    pub(crate) fn welcome(&self, head: usize, recovered: bool) -> Welcome {
        Welcome {
            member: member(ME),
            position: self.position(head),
            recovered,
            room: self.info(head),
            members: self.roster(head),
            oldest: if head == 0 { Seq(0) } else { self.events[0].seq },
            limits: Limits::default(),
            build: "test".into(),
        }
    }

    /// The last events before this sequence number, as a server with `head` events returns them.
    pub(crate) fn before(&self, seq: Seq, limit: usize, head: usize) -> Vec<Event> {
        let end = self.place(seq);
        self.read(end.saturating_sub(limit)..end, head)
    }

    /// Number of events before this sequence number.
    pub(crate) fn place(&self, seq: Seq) -> usize {
        self.events.iter().take_while(|event| event.seq < seq).count()
    }

    /// True if these are consecutive events of this log.
    pub(crate) fn has_run<'a>(&self, run: impl Iterator<Item = &'a Event>) -> bool {
        let run: Vec<Seq> = run.map(|event| event.seq).collect();
        let seqs: Vec<Seq> = self.events.iter().map(|event| event.seq).collect();
        run.is_empty() || seqs.windows(run.len()).any(|window| window == run)
    }
}

fn text(body: &Option<MessageBody>) -> Option<String> {
    body.as_ref().map(|body| body.as_str().to_owned())
}
