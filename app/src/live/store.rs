//! The room as signals. Only what changed is written, so only what changed is drawn.

use std::collections::HashMap;

use futures_channel::mpsc::{Sender, channel};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{browser, driver, keeper};
use crate::api;
use crate::client::{Client, Input, Outbox, Row, RowState};
use crate::protocol::body::BodyError;
use crate::protocol::{Code, EventId, Member, MemberId, MessageBody, Position, RoomCode, Snapshot};

pub use crate::client::{Ending, Status};

/// Inputs that may wait for the driver. It takes each within a turn of the event loop.
const INPUTS: usize = 64;

/// One room on one page. A handle: every copy is the same room.
#[derive(Clone, Copy)]
pub struct RoomStore {
    /// The room's code.
    pub code: RoomCode,
    /// Who the reader is in it.
    pub me: MemberId,
    /// How many it holds.
    pub capacity: u32,
    /// What the log shows.
    pub rows: RwSignal<Vec<RowSignal>>,
    /// Who is here.
    pub members: RwSignal<Vec<Member>>,
    /// How the connection is.
    pub status: RwSignal<Status>,
    /// Where the page before what is shown ends, when there is one.
    pub older: RwSignal<Option<Position>>,
    /// What is not sent yet.
    pub unsent: RwSignal<Vec<MessageBody>>,
    /// A refused message on its way back into the composer.
    pub taken: RwSignal<Option<String>>,
    /// Whether the reader has pressed "leave" on this page, and so knows what becomes of it.
    pub leaving: RwSignal<bool>,
    /// Monotonic milliseconds, kept current while something on the page counts them.
    pub now: RwSignal<u64>,
    /// The client, until the driver takes it.
    client: StoredValue<Option<Client>>,
    /// The way to the driver, once it runs.
    inputs: StoredValue<Option<Sender<Input>>>,
}

/// One row whose content may change while its key stays.
#[derive(Clone)]
pub struct RowSignal {
    /// The event's id.
    pub key: EventId,
    /// What to draw.
    pub row: ArcRwSignal<Row>,
}

impl RoomStore {
    /// The room of a page just served. `page` is any id drawn for this page alone: server and browser must begin with
    /// the same state, so the client's randomness comes from it.
    #[must_use]
    pub fn new(snapshot: Snapshot, page: EventId) -> Self {
        let (code, me, capacity) = (snapshot.room.code, snapshot.member, snapshot.room.capacity);
        let client = Client::new(page.0.as_u64_pair().1, Some(snapshot), Outbox::default());
        let store = Self {
            code,
            me,
            capacity,
            rows: RwSignal::default(),
            members: RwSignal::default(),
            status: RwSignal::new(client.status()),
            older: RwSignal::default(),
            unsent: RwSignal::default(),
            taken: RwSignal::default(),
            leaving: RwSignal::default(),
            now: RwSignal::default(),
            client: StoredValue::new(None),
            inputs: StoredValue::new(None),
        };
        store.draw(&client);
        store.client.set_value(Some(client));
        store
    }

    /// Goes live, in the browser.
    pub fn start(self) {
        Effect::new(move |_| {
            let Some(client) = self.client.try_update_value(Option::take).flatten() else { return };
            let (inputs, driven) = channel(INPUTS);
            self.inputs.set_value(Some(inputs));
            self.listen();
            self.guard_unsent();
            spawn_local(driver::run(self, client, driven));
        });
        Effect::new(move |_| {
            if self.leaving.get() && self.status.get() == Status::Ended(Ending::Left) {
                browser::go("/");
            }
        });
        Effect::new(move |_| browser::mark_document("data-live", self.status.get() == Status::Live));
    }

    fn listen(self) {
        self.tell_of(ev::online, |_| Input::Online);
        self.tell_of(ev::offline, |_| Input::Offline);
        self.tell_of(ev::visibilitychange, |_| Input::Visible(browser::is_visible()));
        self.tell_of(ev::pageshow, |_| Input::Visible(browser::is_visible()));
        if !browser::is_online() {
            self.tell(Input::Offline);
        }
    }

    /// Asks before the page goes away with something unsent, unless it goes because the reader leaves.
    fn guard_unsent(self) {
        let handle = window_event_listener(ev::beforeunload, move |event| {
            if !self.leaving.get_untracked() && self.unsent.with_untracked(|unsent| !unsent.is_empty()) {
                event.prevent_default();
            }
        });
        on_cleanup(move || handle.remove());
    }

    /// Keeps the composer's text over a reload of this tab.
    pub fn keep_draft(self, text: &str) {
        keeper::keep_draft(self.code, text);
    }

    /// The composer's text of before the reload.
    #[must_use]
    pub fn kept_draft(self) -> Option<String> {
        keeper::kept_draft(self.code)
    }

    fn tell_of<E: ev::EventDescriptor + 'static>(self, event: E, input: impl Fn(E::EventType) -> Input + 'static)
    where
        E::EventType: wasm_bindgen::JsCast,
    {
        let handle = window_event_listener(event, move |event| {
            self.tell(input(event));
        });
        on_cleanup(move || handle.remove());
    }

    /// Gives the client an input; whether it got there.
    pub(super) fn tell(self, input: Input) -> bool {
        self.inputs
            .try_update_value(|inputs| inputs.as_mut().is_some_and(|inputs| inputs.try_send(input).is_ok()))
            .unwrap_or(false)
    }

    /// Sends what was typed. When this is `Ok`, it is in the outbox and on the screen.
    ///
    /// # Errors
    /// When it is no message; nothing happened then.
    pub fn send(self, typed: &str) -> Result<(), Code> {
        let body: MessageBody = typed.parse().map_err(BodyError::code)?;
        let at = browser::unix_ms();
        let id = EventId::mint(at, browser::entropy());
        if self.tell(Input::Send { id, body, at }) { Ok(()) } else { Err(Code::Storage) }
    }

    /// Sends a refused message again.
    pub fn retry(self, id: EventId) {
        self.tell(Input::Retry(id));
    }

    /// Takes a refused message back into the composer.
    pub fn edit(self, id: EventId) {
        self.tell(Input::Edit(id));
    }

    /// Forgets a refused message.
    pub fn discard(self, id: EventId) {
        self.tell(Input::Discard(id));
    }

    /// Leaves the room as soon as there is a connection to say it on, and gives up what is not sent. False when nothing
    /// runs here yet: then the form has to say it.
    pub fn leave(self) -> bool {
        self.leaving.set(true);
        self.tell(Input::Leave)
    }

    /// Does not wait for the next attempt to connect.
    pub fn try_now(self) {
        self.tell(Input::TryNow);
    }

    /// Brings the page of events before those shown.
    pub fn load_older(self) {
        let Some(before) = self.older.get_untracked() else { return };
        spawn_local(async move {
            if let Ok(Some(page)) = api::older_page(self.code, before.seq).await {
                self.tell(Input::Older { before, events: page.events, names: page.names });
            }
        });
    }

    /// Whether something on the page counts time.
    pub(super) fn counts_time(self) -> bool {
        let waits = matches!(self.status.get_untracked(), Status::Reconnecting { .. });
        // Only the last rows can be on their way.
        waits || self.rows.with_untracked(|rows| rows.last().is_some_and(|row| is_pending(&row.row.read_untracked())))
    }

    /// Writes what changed since the last time.
    pub(super) fn draw(self, client: &Client) {
        write(self.status, client.status());
        write(self.older, client.older());
        write(self.unsent, client.outbox().drafts().map(|draft| draft.body.clone()).collect());
        if self.members.with_untracked(|members| members != client.members()) {
            self.members.set(client.members().to_vec());
        }
        self.draw_rows(client.rows());
    }

    fn draw_rows(self, rows: Vec<Row>) {
        let same = self.rows.with_untracked(|shown| {
            shown.len() == rows.len() && shown.iter().zip(&rows).all(|(shown, row)| shown.key == row.key())
        });
        if same {
            self.rows.with_untracked(|shown| shown.iter().zip(rows).for_each(|(shown, row)| renew(&shown.row, row)));
            return;
        }
        let mut known: HashMap<EventId, ArcRwSignal<Row>> =
            self.rows.with_untracked(|shown| shown.iter().map(|shown| (shown.key, shown.row.clone())).collect());
        self.rows.set(
            rows.into_iter()
                .map(|row| {
                    let key = row.key();
                    let row = match known.remove(&key) {
                        Some(signal) => {
                            renew(&signal, row);
                            signal
                        }
                        None => ArcRwSignal::new(row),
                    };
                    RowSignal { key, row }
                })
                .collect(),
        );
    }
}

fn is_pending(row: &Row) -> bool {
    matches!(row, Row::Message(message) if matches!(message.state, RowState::Pending { .. }))
}

fn renew(signal: &ArcRwSignal<Row>, row: Row) {
    if *signal.read_untracked() != row {
        signal.set(row);
    }
}

fn write<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}
