//! A room's log, and what the plainest possible reading makes of it.

use app::protocol::{
    Epoch, Event, EventId, EventKind, LeaveReason, Limits, Member, MemberId, MessageBody, Names, Position, RoomCode,
    RoomInfo, Seq, Snapshot, Welcome,
};
use proptest::prelude::*;
use uuid::Uuid;

pub(crate) const ME: u8 = 0;
pub(crate) const MEMBERS: u8 = 5;

#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) events: Vec<Event>,
}

/// An event's number, author and kind; place and time are given by the log.
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
    Member { member: member(nth), name: format!("M{nth}").parse().unwrap() }
}

pub(crate) fn names() -> Names {
    (0..MEMBERS).map(|nth| (member(nth), named(nth).name)).collect()
}

pub(crate) fn said(nth: u32) -> Entry {
    (nth, ME, EventKind::Message { body: body(&format!("text {nth}")) })
}

pub(crate) fn joined(nth: u32, who: u8) -> Entry {
    (nth, who, EventKind::Joined { member: member(who), name: named(who).name })
}

pub(crate) fn left(nth: u32, who: u8) -> Entry {
    (nth, who, EventKind::Left { member: member(who), why: LeaveReason::Choice })
}

/// A log of any events with gaps between their places and in time.
pub(crate) fn log(size: std::ops::Range<usize>) -> impl Strategy<Value = Log> {
    let kind = (0u8..MEMBERS, 0u8..8, 1u64..4, prop_oneof![3 => 0u64..1_000, 1 => 200_000u64..400_000]);
    prop::collection::vec(kind, size).prop_map(|specs| {
        let mut log = Log { events: Vec::new() };
        for (nth, (who, kind, gap, pause)) in specs.into_iter().enumerate() {
            let nth = nth as u32;
            let entry = match kind {
                0 | 1 => joined(nth, who),
                2 | 3 => left(nth, who),
                4 => (nth, who, EventKind::Unknown),
                _ => (nth, who, EventKind::Message { body: body("text") }),
            };
            log.push(entry, gap, pause);
        }
        log
    })
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
                    roster.push(Member { member: *member, name: name.clone() });
                }
                EventKind::Left { member, .. } => roster.retain(|seated| seated.member != *member),
                _ => {}
            }
        }
        roster
    }

    pub(crate) fn info(&self) -> RoomInfo {
        RoomInfo { code: RoomCode::from_entropy([1; 5]), capacity: 50 }
    }

    pub(crate) fn snapshot(&self, head: usize, window: usize) -> Snapshot {
        Snapshot {
            member: member(ME),
            position: self.position(head),
            room: self.info(),
            members: self.roster(head),
            events: self.events[head.saturating_sub(window)..head].to_vec(),
            names: names(),
            oldest: if head == 0 { Seq(0) } else { self.events[0].seq },
        }
    }

    pub(crate) fn welcome(&self, head: usize, recovered: bool) -> Welcome {
        Welcome {
            member: member(ME),
            position: self.position(head),
            recovered,
            room: self.info(),
            members: self.roster(head),
            oldest: if head == 0 { Seq(0) } else { self.events[0].seq },
            limits: Limits::default(),
            build: "test".into(),
        }
    }

    /// The last events before this place.
    pub(crate) fn before(&self, seq: Seq, limit: usize) -> Vec<Event> {
        let end = self.events.iter().take_while(|event| event.seq < seq).count();
        self.events[end.saturating_sub(limit)..end].to_vec()
    }

    /// Whether these are consecutive events of this log.
    pub(crate) fn has_run<'a>(&self, run: impl Iterator<Item = &'a Event>) -> bool {
        let run: Vec<Seq> = run.map(|event| event.seq).collect();
        let seqs: Vec<Seq> = self.events.iter().map(|event| event.seq).collect();
        run.is_empty() || seqs.windows(run.len()).any(|window| window == run)
    }
}
