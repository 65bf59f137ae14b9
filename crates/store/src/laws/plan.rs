//! Random plans of joins, leaves, names, messages, edits, deletions, reactions, host actions and duplicates, compared with
//! a small model.

use proptest::prelude::*;
use protocol::{EventId, EventKind, LeaveReason, Limits, MemberId, RoomChange, RoomCode, RoomId, Seq, ShownName};

use super::Fixture;
use super::support::{
    changed, code, code_renewed, deleted, edited, ended, handed_over, id, joined_as, left, locked, member, message,
    new_room, reacted, removed, renamed, room_named, unbroken,
};
use crate::{Appended, Delivery, NewEvent, ReadFrom, Settings, Store, StoreError};

const MEMBERS: u64 = 4;
const CAPACITY: u32 = 3;
const KEPT: usize = 12;
/// Names that members choose. The last one may be the second number of the first.
const NAMES: [&str; 3] = ["Ana", "Bo", "Ana 2"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Join(u64, usize),
    Leave(u64),
    Rename(u64, usize),
    NameRoom(u64),
    Lock(u64, bool),
    HostOnly(u64, bool),
    Capacity(u64, u32),
    /// A member removes another one.
    Remove(u64, u64),
    HandOver(u64, u64),
    RenewCode(u64),
    End(u64),
    Say(u64),
    Edit(About),
    Delete(About),
    React(About),
    /// Appends the draft of this index again, whether it was stored or refused.
    Repeat(usize),
    /// Closes the store, opens it again and subscribes again.
    Reopen,
}

/// Author and target of an edit, a deletion or a reaction.
#[derive(Clone, Copy, Debug)]
enum About {
    /// This member, targeting the draft that many drafts ago, of whatever kind.
    Anything(u64, usize),
    /// The author of the message that many messages ago, targeting it.
    OwnMessage(usize),
}

fn about() -> impl Strategy<Value = About> {
    prop_oneof![
        1 => (1..=MEMBERS, 1..12usize).prop_map(|(n, ago)| About::Anything(n, ago)),
        2 => (1..5usize).prop_map(About::OwnMessage),
    ]
}

impl About {
    /// Author and target. The target is an unknown id if there were not that many drafts.
    fn find(self, drafts: &[NewEvent]) -> (u64, EventId) {
        let (by, found) = match self {
            Self::Anything(n, ago) => (Some(n), drafts.iter().nth_back(ago - 1)),
            Self::OwnMessage(ago) => {
                let messages = drafts.iter().filter(|draft| matches!(draft.kind, EventKind::Message { .. }));
                (None, messages.rev().nth(ago - 1))
            }
        };
        (by.or(found.map(number)).unwrap_or(1), found.map_or_else(id, |draft| draft.id))
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..=MEMBERS, 0..NAMES.len()).prop_map(|(n, name)| Step::Join(n, name)),
        2 => (1..=MEMBERS, 0..NAMES.len()).prop_map(|(n, name)| Step::Rename(n, name)),
        1 => (1..=MEMBERS).prop_map(Step::NameRoom),
        1 => (1..=MEMBERS, any::<bool>()).prop_map(|(n, on)| Step::Lock(n, on)),
        1 => (1..=MEMBERS, any::<bool>()).prop_map(|(n, on)| Step::HostOnly(n, on)),
        1 => (1..=MEMBERS, 2..4u32).prop_map(|(n, seats)| Step::Capacity(n, seats)),
        1 => (1..=MEMBERS, 1..=MEMBERS).prop_map(|(n, other)| Step::Remove(n, other)),
        1 => (1..=MEMBERS, 1..=MEMBERS).prop_map(|(n, other)| Step::HandOver(n, other)),
        1 => (1..=MEMBERS).prop_map(Step::RenewCode),
        1 => (1..=MEMBERS).prop_map(Step::End),
        2 => (1..=MEMBERS).prop_map(Step::Leave),
        8 => (1..=MEMBERS).prop_map(Step::Say),
        6 => about().prop_map(Step::Edit),
        2 => about().prop_map(Step::Delete),
        2 => about().prop_map(Step::React),
        3 => (0..60usize).prop_map(Step::Repeat),
        1 => Just(Step::Reopen),
    ]
}

impl Step {
    /// Draft to append after these drafts; `None` if the step appends nothing.
    fn draft(self, drafts: &[NewEvent]) -> Option<NewEvent> {
        Some(match self {
            Self::Join(n, name) => joined_as(n, NAMES[name]),
            Self::Rename(n, name) => renamed(n, NAMES[name]),
            Self::NameRoom(n) => room_named(n, &format!("Room {}", drafts.len())),
            Self::Lock(n, on) => locked(n, on),
            Self::HostOnly(n, on) => changed(n, RoomChange { host_only: Some(on), ..RoomChange::default() }),
            Self::Capacity(n, seats) => changed(n, RoomChange { capacity: Some(seats), ..RoomChange::default() }),
            Self::Remove(n, other) => removed(n, other),
            Self::HandOver(n, other) => handed_over(n, other),
            Self::RenewCode(n) => code_renewed(n, code()),
            Self::End(n) => ended(n),
            Self::Leave(n) => left(n, LeaveReason::Choice),
            Self::Say(n) => message(n, &format!("{}", drafts.len())),
            Self::Edit(about) => {
                let (n, target) = about.find(drafts);
                edited(n, target, &format!("{}", drafts.len()))
            }
            Self::Delete(about) => {
                let (n, target) = about.find(drafts);
                deleted(n, target)
            }
            Self::React(about) => {
                let (n, target) = about.find(drafts);
                reacted(n, target, true)
            }
            Self::Repeat(n) => drafts.get(n)?.clone(),
            Self::Reopen => return None,
        })
    }
}

/// Expected state of a room.
#[derive(Default)]
struct Model {
    /// Every event since the room was created, with its sequence number.
    log: Vec<(NewEvent, Seq)>,
    /// Members and their names, in the order in which they joined.
    seats: Vec<(u64, ShownName)>,
    host: Option<u64>,
    name: String,
    capacity: usize,
    is_locked: bool,
    is_host_only: bool,
    removed: Vec<u64>,
    /// Codes that the room has and had, newest last.
    codes: Vec<RoomCode>,
}

/// Expected outcome of an append.
#[derive(Debug, PartialEq)]
enum Fate {
    Stored,
    Duplicate(Seq),
    Trimmed(Seq),
    Conflict,
    Full,
    NoTarget,
    NotAuthor,
    NotHost,
    HostOnly,
    Locked,
    Removed,
    Ends,
}

impl Model {
    fn new(code: RoomCode) -> Self {
        Self { capacity: CAPACITY as usize, codes: vec![code], ..Self::default() }
    }

    fn fate(&self, draft: &NewEvent) -> Fate {
        if let Some(at) = self.log.iter().position(|(known, _)| known.id == draft.id) {
            let seq = self.log[at].1;
            return if self.keeps(at) { Fate::Duplicate(seq) } else { Fate::Trimmed(seq) };
        }
        let is_inside = |n| self.name_of(n).is_some();
        let (by, is_host) = (number(draft), self.host == Some(number(draft)));
        match draft.kind {
            EventKind::Joined { .. } if is_inside(by) => Fate::Conflict,
            EventKind::Joined { .. } if self.removed.contains(&by) => Fate::Removed,
            EventKind::Joined { .. } if self.is_locked => Fate::Locked,
            EventKind::Joined { .. } if self.seats.len() >= self.capacity => Fate::Full,
            EventKind::Joined { .. } => Fate::Stored,
            EventKind::Left { member, .. } | EventKind::Host { member } if !is_inside(number_of(member)) => {
                Fate::Conflict
            }
            EventKind::Left { why: LeaveReason::Removed, .. } if !is_host => Fate::NotHost,
            EventKind::Left { why: LeaveReason::Removed, member } if number_of(member) == by => Fate::Conflict,
            _ if !is_inside(by) => Fate::Conflict,
            EventKind::Left { .. } if self.seats.len() == 1 => Fate::Ends,
            EventKind::Settings(_) | EventKind::Code { .. } | EventKind::Host { .. } | EventKind::Ended if !is_host => {
                Fate::NotHost
            }
            EventKind::Host { member } if number_of(member) == by => Fate::Conflict,
            EventKind::Settings(RoomChange { capacity: Some(seats), .. }) if self.seats.len() > seats as usize => {
                Fate::Full
            }
            EventKind::Ended => Fate::Ends,
            EventKind::Message { .. } | EventKind::Edited { .. } if self.is_host_only && !is_host => Fate::HostOnly,
            _ => match draft.kind.target().map(|target| self.author(target)) {
                Some(None) => Fate::NoTarget,
                Some(Some(author)) if author != number(draft) && !matches!(draft.kind, EventKind::Reacted { .. }) => {
                    Fate::NotAuthor
                }
                _ => Fate::Stored,
            },
        }
    }

    fn name_of(&self, n: u64) -> Option<&ShownName> {
        self.seats.iter().find(|(seated, _)| *seated == n).map(|(_, name)| name)
    }

    /// The name with the first number under which nobody else is shown, and the first hue that nobody else has.
    fn shown(&self, n: u64, name: &ShownName) -> ShownName {
        let others = || self.seats.iter().filter(|(seated, _)| *seated != n).map(|(_, name)| name);
        let numbered = |number| ShownName { number, ..name.clone() };
        let number = (1..).find(|number| others().all(|other| other.text() != numbered(*number).text())).unwrap();
        let hue = (0..).find(|hue| others().all(|other| other.hue != *hue)).unwrap();
        ShownName { hue: self.name_of(n).map_or(hue, |own| own.hue), ..numbered(number) }
    }

    /// Kind of the event that an accepted draft becomes.
    fn decided(&self, draft: &NewEvent) -> EventKind {
        let n = number(draft);
        match draft.kind.clone() {
            EventKind::Joined { member, name } => EventKind::Joined { member, name: self.shown(n, &name) },
            EventKind::Renamed { member, name, .. } => {
                let was = self.name_of(n).unwrap().clone();
                EventKind::Renamed { member, name: self.shown(n, &name), was }
            }
            kind => kind,
        }
    }

    fn keeps(&self, at: usize) -> bool {
        at + KEPT >= self.log.len()
    }

    /// Author of a message that can still be read; `None` if it was trimmed or deleted, or is no message.
    fn author(&self, target: EventId) -> Option<u64> {
        let at = self.log.iter().position(|(draft, _)| draft.id == target)?;
        let says = matches!(self.current_kind(at), EventKind::Message { body: Some(_), .. });
        (self.keeps(at) && says).then(|| number(&self.log[at].0))
    }

    /// Kind of an event as a read returns it now, with later edits and deletions applied.
    fn current_kind(&self, at: usize) -> EventKind {
        let draft = &self.log[at].0;
        let takes_back = |target: EventId| {
            self.log[at + 1..].iter().map(|(later, _)| &later.kind).rfind(|kind| {
                matches!(kind, EventKind::Edited { .. } | EventKind::Deleted { .. }) && kind.target() == Some(target)
            })
        };
        match &draft.kind {
            EventKind::Message { body, .. } => {
                let (body, edited) = match takes_back(draft.id) {
                    None => (body.clone(), false),
                    Some(EventKind::Edited { body, .. }) => (body.clone(), true),
                    Some(_) => (None, false),
                };
                EventKind::Message { body, reply_to: None, edited }
            }
            EventKind::Edited { target, body } => {
                let body = body.clone().filter(|_| takes_back(*target).is_none());
                EventKind::Edited { target: *target, body }
            }
            kind => kind.clone(),
        }
    }

    fn store(&mut self, draft: NewEvent, seq: Seq) {
        let n = number(&draft);
        match &draft.kind {
            EventKind::Joined { name, .. } => {
                self.seats.push((n, name.clone()));
                self.host = self.host.or(Some(n));
            }
            EventKind::Left { member, why } => {
                self.seats.retain(|(seated, _)| *seated != number_of(*member));
                if *why == LeaveReason::Removed {
                    self.removed.push(number_of(*member));
                }
            }
            EventKind::Renamed { name, .. } => {
                self.seats.iter_mut().filter(|(seated, _)| *seated == n).for_each(|seat| seat.1 = name.clone());
            }
            EventKind::Settings(RoomChange { name, locked, capacity, host_only, .. }) => {
                self.name = name.as_ref().map_or(self.name.clone(), ToString::to_string);
                self.is_locked = locked.unwrap_or(self.is_locked);
                self.is_host_only = host_only.unwrap_or(self.is_host_only);
                self.capacity = capacity.map_or(self.capacity, |seats| seats as usize);
            }
            EventKind::Code { code } => self.codes.push(*code),
            EventKind::Host { member } => self.host = Some(number_of(*member)),
            _ => {}
        }
        self.log.push((draft, seq));
    }

    /// Asserts that an append had this fate, where that is not to be stored.
    fn assert_not_stored(&self, step: &Step, draft: &NewEvent, got: Result<Appended, StoreError>, fate: &Fate) {
        match (got, fate) {
            (Ok(Appended::Duplicate(event)), Fate::Duplicate(seq)) => {
                let at = self.log.iter().position(|(first, _)| first.id == draft.id).unwrap();
                assert_eq!((event.id, event.seq, event.kind), (draft.id, *seq, self.current_kind(at)));
            }
            (Ok(Appended::DuplicateTrimmed(got)), Fate::Trimmed(seq)) => assert_eq!(got, *seq),
            (Err(StoreError::Conflict), Fate::Conflict)
            | (Err(StoreError::Full), Fate::Full)
            | (Err(StoreError::NoTarget), Fate::NoTarget)
            | (Err(StoreError::NotAuthor), Fate::NotAuthor)
            | (Err(StoreError::NotHost), Fate::NotHost)
            | (Err(StoreError::HostOnly), Fate::HostOnly)
            | (Err(StoreError::Locked), Fate::Locked)
            | (Err(StoreError::Removed), Fate::Removed) => {}
            // A store may have no place for this code.
            (Err(StoreError::CodeTaken), Fate::Stored) if matches!(draft.kind, EventKind::Code { .. }) => {}
            (got, expected) => panic!("{step:?}: {expected:?}, got {got:?}"),
        }
    }

    /// The member who has to become the host now, if any.
    fn next_host(&self) -> Option<u64> {
        let (first, _) = self.seats.first()?;
        self.name_of(self.host?).is_none().then_some(*first)
    }
}

fn number(draft: &NewEvent) -> u64 {
    number_of(draft.by)
}

fn number_of(member: MemberId) -> u64 {
    (member.0.as_u128() >> 64) as u64
}

pub fn any_plan_matches_the_model<F: Fixture>() {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in prop::collection::vec(step(), 1..60))| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(&F::new(), &steps));
    });
}

async fn run(fixture: &impl Fixture, steps: &[Step]) {
    let limits = Limits { events: KEPT, ..Limits::default() };
    let mut store = fixture.open_with(&limits).await;
    let first = code();
    let mut room = store.create_room(new_room(first, CAPACITY)).await.unwrap();
    let mut model = Model::new(first);
    let mut heard = store.subscribe(room).await.unwrap();
    let mut drafts: Vec<NewEvent> = Vec::new();

    for step in steps {
        if let Step::Reopen = step {
            store.close().await;
            store = fixture.open_with(&limits).await;
            heard = store.subscribe(room).await.unwrap();
        }
        let Some(draft) = step.draft(&drafts) else { continue };
        drafts.push(draft.clone());
        let fate = model.fate(&draft);
        let got = store.append(room, draft.clone()).await;
        match (got, &fate) {
            (Ok(Appended::Stored(event)), Fate::Stored | Fate::Ends) => {
                let draft = NewEvent { kind: model.decided(&draft), ..draft };
                assert_eq!((event.id, event.by, &event.kind), (draft.id, draft.by, &draft.kind));
                assert_eq!(event.prev, model.log.last().map_or(Seq(0), |(_, seq)| *seq));
                assert_eq!(heard.deliveries.recv().await, Some(Delivery::Event(event.clone().into())));
                model.store(draft, event.seq);
                if let Some(host) = model.next_host() {
                    let Some(Delivery::Event(event)) = heard.deliveries.recv().await else { panic!("no new host") };
                    assert_eq!(event.kind, EventKind::Host { member: member(host) });
                    let (id, seq, kind) = (event.id, event.seq, event.kind.clone());
                    model.store(NewEvent { id, kind, ..message(host, "host") }, seq);
                }
            }
            (got, _) => model.assert_not_stored(step, &draft, got, &fate),
        }
        if fate == Fate::Ends {
            assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
            for code in &model.codes {
                assert!(matches!(store.resolve(*code).await, Err(StoreError::NotFound)), "a code of an ended room");
            }
            model = Model::new(first);
            let ended = room;
            room = store.create_room(new_room(first, CAPACITY)).await.unwrap();
            assert_ne!(room, ended);
            heard = store.subscribe(room).await.unwrap();
        }
        for code in model.codes.iter().rev().take(9) {
            assert_eq!(store.resolve(*code).await.unwrap(), room);
        }
        compare(&*store, room, &model).await;
    }
    assert!(heard.deliveries.is_empty(), "an event was delivered that nobody appended");
}

async fn compare(store: &dyn Store, room: RoomId, model: &Model) {
    let page = store.read(room, ReadFrom::Latest, 1_000).await.unwrap();
    unbroken(&page.events);
    let kept = (model.log.len().saturating_sub(KEPT)..model.log.len()).map(|at| {
        let (draft, seq) = &model.log[at];
        (draft.id, *seq, draft.by, model.current_kind(at))
    });
    assert!(page.events.into_iter().map(|event| (event.id, event.seq, event.by, event.kind)).eq(kept));
    assert_eq!(page.truncated, model.log.len() > KEPT);
    let room = store.room(room).await.unwrap();
    let seated: Vec<_> = room.members.iter().map(|seated| (seated.member, seated.name.clone())).collect();
    assert_eq!(seated, model.seats.iter().map(|(n, name)| (member(*n), name.clone())).collect::<Vec<_>>());
    let Settings { code, name, host, locked, host_only, capacity, .. } = &room.settings;
    assert_eq!((name.as_str(), *host, Some(code)), (&*model.name, model.host.map(member), model.codes.last()));
    assert_eq!((*locked, *host_only, *capacity as usize), (model.is_locked, model.is_host_only, model.capacity));
    assert_eq!(room.position.seq, model.log.last().map_or(Seq(0), |(_, seq)| *seq));
}
