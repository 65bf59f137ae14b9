//! Any plan of appends, repetitions, joins and leaves against a model that fits on a page.

use app::protocol::{Epoch, EventKind, LeaveReason, Limits, Seq};
use proptest::prelude::*;
use server::backend::{Appended, Backend, BackendError, Delivery, Draft, From, NewRoom};

use crate::support::{Store, code, fresh, joined, left, member, message, unbroken};

const MEMBERS: u64 = 4;
const CAPACITY: u32 = 3;
const KEPT: usize = 12;

#[derive(Clone, Copy, Debug)]
enum Step {
    Join(u64),
    Leave(u64),
    Say(u64),
    /// The draft of this step again, whatever became of it.
    Repeat(usize),
    /// Close the store and open it again; subscribe again.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..=MEMBERS).prop_map(Step::Join),
        2 => (1..=MEMBERS).prop_map(Step::Leave),
        8 => (1..=MEMBERS).prop_map(Step::Say),
        3 => (0..60usize).prop_map(Step::Repeat),
        1 => Just(Step::Reopen),
    ]
}

/// What a room must be, without an engine.
#[derive(Default)]
struct Model {
    /// Every event of the room's life: its id and the place it was given.
    log: Vec<(Draft, Seq)>,
    seats: Vec<u64>,
}

/// What must become of a draft.
#[derive(Debug, PartialEq)]
enum Fate {
    Stored,
    Repeat(Seq),
    Trimmed(Seq),
    Conflict,
    Full,
    Ends,
}

impl Model {
    fn fate(&self, draft: &Draft) -> Fate {
        if let Some(at) = self.log.iter().position(|(known, _)| known.id == draft.id) {
            let seq = self.log[at].1;
            return if at + KEPT >= self.log.len() { Fate::Repeat(seq) } else { Fate::Trimmed(seq) };
        }
        let inside = self.seats.contains(&number(draft));
        match draft.kind {
            EventKind::Joined { .. } if inside => Fate::Conflict,
            EventKind::Joined { .. } if self.seats.len() == CAPACITY as usize => Fate::Full,
            EventKind::Left { .. } | EventKind::Message { .. } if !inside => Fate::Conflict,
            EventKind::Left { .. } if self.seats.len() == 1 => Fate::Ends,
            _ => Fate::Stored,
        }
    }

    fn store(&mut self, draft: Draft, seq: Seq) {
        match draft.kind {
            EventKind::Joined { .. } => self.seats.push(number(&draft)),
            EventKind::Left { .. } => self.seats.retain(|seat| *seat != number(&draft)),
            _ => {}
        }
        self.log.push((draft, seq));
    }
}

fn number(draft: &Draft) -> u64 {
    (draft.by.0.as_u128() >> 64) as u64
}

pub(crate) fn any_plan_gives_one_log(store: impl Fn() -> Store) {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in prop::collection::vec(step(), 1..60))| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(&store(), &steps));
    });
}

async fn run(store: &Store, steps: &[Step]) {
    let limits = Limits { events: KEPT, ..Limits::default() };
    let mut backend = store.open_with(&limits).await;
    let code = code();
    let new = || NewRoom { code, epoch: Epoch(fresh()), capacity: CAPACITY };
    backend.create_room(new()).await.unwrap();
    let mut model = Model::default();
    let mut heard = backend.subscribe(code).await.unwrap();
    let mut drafts: Vec<Draft> = Vec::new();

    for step in steps {
        let draft = match step {
            Step::Join(n) => joined(*n),
            Step::Leave(n) => left(*n, LeaveReason::Choice),
            Step::Say(n) => message(*n, &format!("{}", drafts.len())),
            Step::Repeat(n) if *n < drafts.len() => drafts[*n].clone(),
            Step::Repeat(_) => continue,
            Step::Reopen => {
                backend.close().await;
                backend = store.open_with(&limits).await;
                heard = backend.subscribe(code).await.unwrap();
                continue;
            }
        };
        drafts.push(draft.clone());
        let fate = model.fate(&draft);
        match (backend.append(code, draft.clone()).await, &fate) {
            (Ok(Appended::Stored(event)), Fate::Stored | Fate::Ends) => {
                assert_eq!((event.id, event.by, &event.kind), (draft.id, draft.by, &draft.kind));
                assert_eq!(event.prev, model.log.last().map_or(Seq(0), |(_, seq)| *seq));
                assert_eq!(heard.deliveries.recv().await, Some(Delivery::Event(event.clone().into())));
                model.store(draft, event.seq);
            }
            (Ok(Appended::Repeat(event)), Fate::Repeat(seq)) => assert_eq!((event.id, event.seq), (draft.id, *seq)),
            (Ok(Appended::Trimmed(got)), Fate::Trimmed(seq)) => assert_eq!(got, *seq),
            (Err(BackendError::Conflict), Fate::Conflict) | (Err(BackendError::Full), Fate::Full) => {}
            (got, expected) => panic!("{step:?}: {expected:?}, got {got:?}"),
        }
        if fate == Fate::Ends {
            assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
            model = Model::default();
            backend.create_room(new()).await.unwrap();
            heard = backend.subscribe(code).await.unwrap();
        }
        compare(&*backend, code, &model).await;
    }
    assert!(heard.deliveries.is_empty(), "something nobody appended was delivered");
}

async fn compare(backend: &dyn Backend, code: app::protocol::RoomCode, model: &Model) {
    let page = backend.read(code, From::Latest, 1_000).await.unwrap();
    unbroken(&page.events);
    let kept = &model.log[model.log.len().saturating_sub(KEPT)..];
    assert!(page.events.iter().map(|event| (event.id, event.seq)).eq(kept.iter().map(|(draft, seq)| (draft.id, *seq))));
    assert_eq!(page.truncated, model.log.len() > KEPT);
    let room = backend.room(code).await.unwrap();
    let seated: Vec<_> = room.members.iter().map(|seated| seated.member).collect();
    assert_eq!(seated, model.seats.iter().map(|n| member(*n)).collect::<Vec<_>>());
    assert_eq!(room.position.seq, model.log.last().map_or(Seq(0), |(_, seq)| *seq));
}
