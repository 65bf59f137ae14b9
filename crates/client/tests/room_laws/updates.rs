//! Updates of rows: what is kept and what is built again.

use client::{Action, Client, Input, Outbox, Row, Status};
use proptest::prelude::*;
use protocol::{Delivered, ErrorCode, Event, EventId, EventKind, Names, ServerFrame};

use crate::changes::input;
use crate::log::{Entry, Log, ME, Spec, id, log, said, spec};

/// Something that changes rows.
#[derive(Clone, Debug)]
enum Change {
    /// The next events arrive, with a pause between the last one's time and theirs.
    Live(Vec<(Spec, u64)>),
    /// The page before the first event arrives.
    Older(usize),
    /// The first quoted message that is not here arrives, or is gone.
    Quoted(bool),
    /// The reader sends, edits, deletes or reacts.
    Draft(Spec),
    /// The first draft is refused, for good if true.
    Refuse(bool),
    /// The first draft is in the log.
    Confirm,
    Zone(i32),
    Visible(bool),
    /// The connection is lost, and the log continues or not.
    Reconnect(bool),
}

fn change() -> impl Strategy<Value = Change> {
    let pause = prop_oneof![4 => 0u64..1_000, 1 => 200_000u64..400_000, 1 => 0u64..100_000_000];
    prop_oneof![
        8 => prop::collection::vec((spec(), pause), 1..5).prop_map(Change::Live),
        2 => (1usize..30).prop_map(Change::Older),
        1 => any::<bool>().prop_map(Change::Quoted),
        4 => spec().prop_map(Change::Draft),
        1 => any::<bool>().prop_map(Change::Refuse),
        2 => Just(Change::Confirm),
        1 => prop::sample::select(vec![0, 120, -300]).prop_map(Change::Zone),
        1 => any::<bool>().prop_map(Change::Visible),
        1 => any::<bool>().prop_map(Change::Reconnect),
    ]
}

/// A client with its connection, and the log behind it.
struct Page {
    client: Client,
    log: Log,
    /// What the drafts will be in the log.
    drafts: Vec<Entry>,
    next: u32,
    now: u64,
    connection_id: u32,
}

impl Page {
    fn new(log: Log, window: usize) -> Self {
        let client = Client::new(1, Some(log.snapshot(log.len(), window)), Outbox::default());
        let mut page = Self { client, log, drafts: Vec::new(), next: 10_000, now: 0, connection_id: 0 };
        page.input(Input::Start);
        page.welcome(true);
        page
    }

    fn input(&mut self, input: Input) {
        self.now += 1_000;
        for action in self.client.step(self.now, input) {
            if let Action::Connect(connection_id) = action {
                self.connection_id = connection_id;
            }
        }
    }

    fn frame(&mut self, frame: ServerFrame) {
        self.input(Input::Frame(self.connection_id, frame));
    }

    fn welcome(&mut self, recovered: bool) {
        self.input(Input::Opened(self.connection_id));
        self.frame(ServerFrame::Welcome(Box::new(self.log.welcome(self.log.len(), recovered))));
        assert_eq!(self.client.status(), Status::Live);
    }

    fn events(&mut self, events: Vec<Event>) {
        let events = events.into_iter().map(Delivered::Event).collect();
        self.frame(ServerFrame::Events { events, names: Names::new(), more: false });
    }

    /// A message that a reply here answers and that is not here.
    fn quoted(&self) -> Option<EventId> {
        let timeline = self.client.room()?.timeline();
        let is_here = |id| timeline.events().any(|event| event.id == id);
        timeline.events().find_map(|event| match event.kind {
            EventKind::Message { reply_to: Some(target), .. } if !is_here(target) => Some(target),
            _ => None,
        })
    }

    fn change(&mut self, change: Change) {
        self.next += 1;
        let first_draft = self.client.outbox().drafts().next().map(|draft| draft.id);
        match change {
            Change::Live(specs) => {
                let mut events = Vec::new();
                for (spec, pause) in specs {
                    self.next += 1;
                    let entry = self.log.entry(self.next, spec);
                    events.push(self.log.push(entry, 1, pause));
                }
                self.events(events);
            }
            Change::Older(size) => {
                let Some(before) = self.client.older_cursor() else { return };
                let events = self.log.before(before.seq, size, self.log.len());
                self.input(Input::OlderPage { before, events, names: self.log.names(self.log.len()) });
            }
            Change::Quoted(is_there) => {
                let Some(id) = self.quoted() else { return };
                let all = self.log.read(0..self.log.len(), self.log.len());
                let message = all.into_iter().find(|event| event.id == id).filter(|_| is_there);
                self.input(Input::Quoted { id, message, names: Names::new() });
            }
            Change::Draft(spec) => {
                let entry = match self.log.entry(self.next, Spec { who: ME, ..spec }) {
                    (nth, ME, kind) if matches!(kind, EventKind::Message { .. }) || kind.target().is_some() => {
                        (nth, ME, kind)
                    }
                    _ => said(self.next),
                };
                let event = self.log.clone().push(entry.clone(), 1, 0);
                self.drafts.push(entry);
                self.input(input(&event));
            }
            Change::Refuse(for_good) => {
                let Some(id) = first_draft else { return };
                let error = if for_good { ErrorCode::NoTarget } else { ErrorCode::Rate };
                self.frame(ServerFrame::Rejected { id, error, retry_ms: None });
            }
            Change::Confirm => {
                let is_first = |entry: &&Entry| first_draft.is_some_and(|first| first == id(entry.0));
                let Some(entry) = self.drafts.iter().find(is_first).cloned() else { return };
                let event = self.log.push(entry, 1, 10);
                self.events(vec![event]);
            }
            Change::Zone(minutes) => self.input(Input::UtcOffset(minutes)),
            Change::Visible(visible) => self.input(Input::Visible(visible)),
            Change::Reconnect(recovered) => {
                self.input(Input::Closed(self.connection_id, 1006));
                self.input(Input::TryNow);
                self.welcome(recovered);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn updated_rows_are_those_that_building_all_gives(
        log in log(1..200), window in 1usize..200, changes in prop::collection::vec(change(), 1..60),
    ) {
        let mut page = Page::new(log, window);
        let mut rows: Vec<Row> = Vec::new();
        for change in changes {
            page.change(change.clone());
            let update = page.client.update_rows();
            rows.truncate(update.kept);
            rows.extend(update.rows);
            prop_assert_eq!(&rows, &page.client.rows(), "after {:?}", change);
        }
    }
}

/// The rows that a message at the end builds again are few, and as many in a long log as in a short one.
#[test]
fn message_at_the_end_keeps_all_rows_but_the_last_ones() {
    for length in [200, 1_900] {
        let mut page = Page::new(Log::of((0..length).map(said)), length as usize);
        let _ = page.client.update_rows();
        for nth in length..length + 60 {
            let event = page.log.push(said(nth), 1, 10);
            page.events(vec![event]);
            let update = page.client.update_rows();
            assert!(update.rows.len() <= 50, "{} rows", update.rows.len());
            assert_eq!(update.kept + update.rows.len(), page.client.rows().len());
        }
    }
}
