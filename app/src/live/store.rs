//! The room as signals. Only what changed is written, so only what changed is drawn.

use std::collections::HashMap;
use std::sync::Arc;

use client::{Client, Input, MessageRow, NameIndex, Outbox, Returned, Row, RowKey, RowState};
use futures_channel::mpsc::{Sender, channel};
use protocol::body::BodyError;
use protocol::{Code, DisplayName, Emoji, EventId, Member, MemberId, MessageBody, Position, RoomCode, Snapshot};
use wasm_bindgen_futures::spawn_local;

use super::keeper::Aim;
use super::signal::Signal;
use super::{ask, browser, driver, keeper, watch};

mod kept;

pub use client::{Ending, Status};

/// Inputs that may wait for the driver. It takes each within a turn of the event loop.
const INPUTS: usize = 64;
/// The client is told that the reader is writing at most this often, in milliseconds: a turn of the driver at every key
/// would keep the key's own frame waiting. Well under what the others are told by:
/// [`SAID_MS`](client::presence::SAID_MS).
const TYPING_TOLD_MS: u64 = 1_000;

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
    pub rows: Signal<Vec<Arc<Row>>>,
    /// Who is here.
    pub members: Signal<Vec<Member>>,
    /// Their names, as messages mention them.
    pub names: Signal<Arc<NameIndex>>,
    /// Who of the others is writing.
    pub typing: Signal<Vec<Arc<DisplayName>>>,
    /// How many messages of others came since the page was last hidden.
    pub unread: Signal<usize>,
    /// Whether the room takes nobody in at present.
    pub locked: Signal<bool>,
    /// Said for some seconds after a loss of the connection.
    pub returned: Signal<Option<Returned>>,
    /// How the connection is.
    pub status: Signal<Status>,
    /// Where the page before what is shown ends, when there is one.
    pub older: Signal<Option<Position>>,
    /// What is not sent yet.
    pub unsent: Signal<Vec<MessageBody>>,
    /// A refused message on its way back into the composer.
    pub taken: Signal<Option<String>>,
    /// Whether the reader has pressed "leave" on this page, and so knows what becomes of it.
    pub leaving: Signal<bool>,
    /// Whether times are shown by the reader's own clock; the server knows UTC only.
    pub local: Signal<bool>,
    /// Monotonic milliseconds, kept current while something on the page counts them.
    pub now: Signal<u64>,
    /// The text in the composer.
    draft: Signal<String>,
    /// Whether the tab does not keep that text yet.
    draft_waits: Signal<bool>,
    /// What the composer is for, where it is no new message.
    aim: Signal<Option<Aim>>,
    /// Whether the tab does not keep that yet.
    aim_waits: Signal<bool>,
    /// When the reader last typed, in monotonic milliseconds.
    key: Signal<Option<u64>>,
    /// When the client was last told that the reader is writing.
    typing_told: Signal<Option<u64>>,
    /// The end of the older page that is on its way.
    older_asked: Signal<Option<Position>>,
    /// The client, until the driver takes it.
    client: Signal<Option<Client>>,
    /// The way to the driver, once it runs.
    inputs: Signal<Option<Sender<Input>>>,
}

impl RoomStore {
    /// The room of a page just served. `page` is any id drawn for this page alone: server and browser must begin with
    /// the same state, so the client's randomness comes from it.
    #[must_use]
    pub fn new(snapshot: Snapshot, page: EventId) -> Self {
        let (code, me, capacity, locked) =
            (snapshot.room.code, snapshot.member, snapshot.room.capacity, snapshot.room.locked);
        let client = Client::new(page.0.as_u64_pair().1, Some(snapshot), Outbox::default());
        let store = Self {
            code,
            me,
            capacity,
            rows: Signal::default(),
            members: Signal::default(),
            names: Signal::default(),
            typing: Signal::default(),
            unread: Signal::default(),
            locked: Signal::new(locked),
            returned: Signal::default(),
            status: Signal::new(client.status()),
            older: Signal::default(),
            unsent: Signal::default(),
            taken: Signal::default(),
            leaving: Signal::default(),
            local: Signal::default(),
            now: Signal::default(),
            draft: Signal::default(),
            draft_waits: Signal::default(),
            aim: Signal::default(),
            aim_waits: Signal::default(),
            key: Signal::default(),
            typing_told: Signal::default(),
            older_asked: Signal::default(),
            client: Signal::new(None),
            inputs: Signal::new(None),
        };
        store.draw(&client);
        store.client.set(Some(client));
        store
    }

    /// Goes live, in the browser.
    pub fn start(self) {
        watch(move || {
            let Some(client) = self.client.update(Option::take) else { return };
            let (inputs, driven) = channel(INPUTS);
            self.inputs.set(Some(inputs));
            self.listen();
            self.guard_unsent();
            spawn_local(driver::run(self, client, driven));
        });
        watch(move || {
            if self.leaving.get() && self.status.get() == Status::Ended(Ending::Left) {
                browser::go("/");
            }
        });
        watch(move || self.local.set(true));
        watch(move || browser::mark_document("data-live", self.status.get() == Status::Live));
    }

    fn listen(self) {
        self.tell_of("online", |_| Input::Online);
        self.tell_of("offline", |_| Input::Offline);
        self.tell_of("visibilitychange", |_| Input::Visible(browser::is_visible()));
        self.tell_of("pageshow", move |event| {
            if browser::is_awake_again(event) && self.is_over() {
                // Back on the page that was left: now it says so.
                self.leaving.set(false);
            }
            Input::Visible(browser::is_visible())
        });
        browser::hear_page("pagehide", move |_| {
            self.write_draft();
            if self.is_over() {
                keeper::forget(self.code);
            }
        });
        if !browser::is_online() {
            self.tell(Input::Offline);
        }
        // Opened in the background: what comes is unread from the first message on.
        if !browser::is_visible() {
            self.tell(Input::Visible(false));
        }
    }

    /// Asks before the page goes away with something unsent, unless it goes because the reader leaves.
    fn guard_unsent(self) {
        browser::hear_page("beforeunload", move |event| {
            // The composer's text comes back with the page, as long as there is a room to come back to.
            let unsent = if self.is_over() { self.unsent_words().len() } else { self.unsent.with_untracked(Vec::len) };
            if unsent > 0 && !self.leaving.get_untracked() {
                event.prevent_default();
            }
        });
    }

    /// Whether the stay is over: the page only shows what came of it.
    fn is_over(self) -> bool {
        matches!(self.status.get_untracked(), Status::Ended(ending) if ending.is_over())
    }

    /// Everything that was written here and is not sent, the composer's text last.
    #[must_use]
    pub fn unsent_words(self) -> Vec<String> {
        let waiting = self.unsent.get_untracked();
        let waiting = waiting.iter().map(|body| body.as_str().to_owned());
        let typed = [self.draft.get_untracked(), self.changed_words().unwrap_or_default()];
        waiting.chain(typed.into_iter().filter(|text| !text.trim().is_empty())).collect()
    }

    fn tell_of(self, event: &str, input: impl Fn(&web_sys::Event) -> Input + 'static) {
        browser::hear_page(event, move |event| {
            self.tell(input(event));
        });
    }

    /// Gives the client an input; whether it got there.
    pub(super) fn tell(self, input: Input) -> bool {
        self.inputs.update(|inputs| inputs.as_mut().is_some_and(|inputs| inputs.try_send(input).is_ok()))
    }

    /// Sends what was typed. When this is `Ok`, it is in the outbox and on the screen.
    ///
    /// # Errors
    /// When it is no message; nothing happened then.
    pub fn send(self, typed: &str, reply_to: Option<EventId>) -> Result<(), Code> {
        let body: MessageBody = typed.parse().map_err(BodyError::code)?;
        self.ask(|id, at| Input::Send { id, body, reply_to, at })
    }

    /// Changes an own message to what was typed. When this is `Ok`, it is in the outbox and on the screen.
    ///
    /// # Errors
    /// When it is no message; nothing happened then.
    pub fn change(self, target: EventId, typed: &str) -> Result<(), Code> {
        let body: MessageBody = typed.parse().map_err(BodyError::code)?;
        self.ask(|id, at| Input::Change { id, target, body, at })
    }

    /// Takes an own message back.
    pub fn remove(self, target: EventId) {
        // Refused only while nothing runs here yet: the message is still there then, and so is the button.
        let _ = self.ask(|id, at| Input::Remove { id, target, at });
    }

    /// Puts an emoji on a message, or takes it away.
    pub fn react(self, target: EventId, emoji: Emoji, on: bool) {
        let _ = self.ask(|id, at| Input::React { id, target, emoji, on, at });
    }

    /// The reader typed something; others may be told.
    pub fn typing_now(self) {
        let now = browser::now_ms();
        if self.typing_told.get_untracked().is_none_or(|told| now >= told + TYPING_TOLD_MS) {
            self.typing_told.set(Some(now));
            self.tell(Input::Typing);
        }
    }

    /// The reader pressed a key, whose frame goes before what others said.
    pub fn note_key(self) {
        self.key.set(Some(browser::now_ms()));
    }

    pub(super) fn last_key(self) -> Option<u64> {
        self.key.get_untracked()
    }

    fn ask(self, input: impl FnOnce(EventId, u64) -> Input) -> Result<(), Code> {
        let at = browser::unix_ms();
        let id = EventId::mint(at, browser::entropy());
        if self.tell(input(id, at)) { Ok(()) } else { Err(Code::Storage) }
    }

    /// A message that is on the page, as it is now.
    #[must_use]
    pub fn message(self, id: EventId) -> Option<MessageRow> {
        self.rows.with_untracked(|rows| match &**rows.iter().rev().find(|row| row.key() == RowKey::Event(id))? {
            Row::Message(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// The reader's last message; `None` when it cannot be changed, because it is not in the log yet. What was refused is
    /// none.
    #[must_use]
    pub fn last_own(self) -> Option<MessageRow> {
        self.rows.with_untracked(|rows| {
            let last = rows.iter().rev().find_map(|row| match &**row {
                Row::Message(message) if matches!(message.state, RowState::Refused(_)) => None,
                Row::Message(message) if message.own && message.body.is_some() => Some(message),
                _ => None,
            });
            last.filter(|last| matches!(last.state, RowState::Sent | RowState::Changing { .. })).cloned()
        })
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
        if self.older_asked.get_untracked() == Some(before) {
            return;
        }
        self.older_asked.set(Some(before));
        spawn_local(async move {
            match ask::for_older_page(self.code, before.seq).await {
                Some(page) => drop(self.tell(Input::Older { before, events: page.events, names: page.names })),
                // Asked again when the reader comes near again.
                _ => self.older_asked.set(None),
            }
        });
    }

    /// Whether something on the page counts time, beside what is on its way.
    pub(super) fn counts_time(self) -> bool {
        matches!(self.status.get_untracked(), Status::Reconnecting { .. })
    }

    /// Writes what changed since the last time.
    pub(super) fn draw(self, client: &Client) {
        self.status.set_if_new(client.status());
        self.older.set_if_new(client.older());
        self.typing.set_if_new(client.typing());
        self.unread.set_if_new(client.unread());
        self.returned.set_if_new(client.returned());
        self.locked.set_if_new(client.room().is_some_and(|room| room.info().locked));
        self.unsent.set_if_new(client.outbox().drafts().filter_map(|draft| draft.event.words().cloned()).collect());
        if self.members.with_untracked(|members| members != client.members()) {
            let names = client.members().iter().map(|seated| (seated.name.as_str(), seated.member == self.me));
            self.names.set(Arc::new(NameIndex::new(names)));
            self.members.set(client.members().to_vec());
        }
        self.draw_rows(client.rows());
    }

    /// A row that says what it said before stays the same one, so that it is not drawn again.
    fn draw_rows(self, rows: Vec<Row>) {
        let drawn = self.rows.with_untracked(|shown| {
            if shown.iter().map(|row| &**row).eq(&rows) {
                return None;
            }
            let known: HashMap<RowKey, &Arc<Row>> = shown.iter().map(|row| (row.key(), row)).collect();
            let same =
                |row: &Row| known.get(&row.key()).filter(|known| known.as_ref() == row).map(|known| Arc::clone(known));
            Some(rows.into_iter().map(|row| same(&row).unwrap_or_else(|| Arc::new(row))).collect())
        });
        if let Some(drawn) = drawn {
            self.rows.set(drawn);
        }
    }
}
