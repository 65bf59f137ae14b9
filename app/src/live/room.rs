//! The room as signals. Only what changed is written, so only what changed is drawn.

use std::sync::Arc;

use client::{Client, Input, MessageRow, NameIndex, Outbox, Returned};
use futures_channel::mpsc::{Sender, channel};
use leptos::ev;
use leptos::prelude::*;
use leptos::reactive::spawn_local_scoped_with_cancellation;
use protocol::body::BodyError;
use protocol::{Code, DisplayName, Emoji, EventId, Member, MemberId, MessageBody, Position, RoomCode, Snapshot};

use super::effect::effect;
use super::keeper::Aim;
use super::log::Log;
use super::{browser, driver};
use crate::api::{self, OlderPage};
use crate::markup::{Known, Marked, names_of};

pub use client::{Ending, Status};

/// Inputs that may wait for the driver. It takes each within a turn of the event loop.
const INPUTS: usize = 64;
/// The client is told that the reader is writing at most this often, in milliseconds: a turn of the driver at every key
/// would keep the key's own frame waiting. Well under what the others are told by:
/// [`SAID_MS`](client::presence::SAID_MS).
const TYPING_TOLD_MS: u64 = 1_000;

/// One room on one page, as the context provides it. A handle: every copy is the same room.
#[derive(Clone, Copy)]
pub struct Room {
    /// The room's code.
    pub code: RoomCode,
    /// Who the reader is in it.
    pub me: MemberId,
    /// How many it holds.
    pub capacity: u32,
    /// What was said.
    pub log: Log,
    /// Who is here.
    pub members: RwSignal<Vec<Member>>,
    /// Their names, as messages mention them.
    pub names: RwSignal<Arc<NameIndex>>,
    /// Who of the others is writing.
    pub typing: RwSignal<Vec<DisplayName>>,
    /// How many messages of others came since the page was last hidden.
    pub unread: RwSignal<usize>,
    /// True while the room takes nobody in.
    pub locked: RwSignal<bool>,
    /// Said for some seconds after a loss of the connection.
    pub returned: RwSignal<Option<Returned>>,
    /// How the connection is.
    pub status: RwSignal<Status>,
    /// Where the page before what is shown ends, when there is one.
    pub older: RwSignal<Option<Position>>,
    /// What is not sent yet.
    pub unsent: RwSignal<Vec<MessageBody>>,
    /// A refused message on its way back into the composer.
    pub taken: RwSignal<Option<String>>,
    /// True from the reader's press of "leave" on.
    pub leaving: RwSignal<bool>,
    /// True once times are written by the reader's clock; the server knows UTC only.
    pub local: RwSignal<bool>,
    /// Today by the reader's clock, in days since 1970-01-01; `None` as long as times are in UTC.
    pub today: RwSignal<Option<i64>>,
    /// Monotonic milliseconds, kept current while something on the page counts them.
    pub now: RwSignal<u64>,
    /// What the server has read of its messages.
    pub known: Known,
    pub(super) cells: StoredValue<Cells>,
}

/// What is never drawn.
#[derive(Default)]
pub(super) struct Cells {
    /// The client, until the driver takes it.
    client: Option<Client>,
    /// The way to the driver, once it runs.
    inputs: Option<Sender<Input>>,
    /// The text in the composer.
    pub(super) draft: String,
    /// True while the tab does not keep that text yet.
    pub(super) draft_waits: bool,
    /// What the composer is for, where it is no new message.
    pub(super) aim: Option<Aim>,
    /// True while the tab does not keep that yet.
    pub(super) aim_waits: bool,
    /// When the reader last typed, in monotonic milliseconds.
    key: Option<u64>,
    /// When the client was last told that the reader is writing.
    typing_told: Option<u64>,
    /// The end of the older page that is on its way.
    older_asked: Option<Position>,
}

impl Room {
    /// The room of a page just served. `page` is any id drawn for this page alone: server and browser must begin with
    /// the same state, so the client's randomness comes from it.
    #[must_use]
    pub fn new(snapshot: Snapshot, markup: Vec<Marked>, page: EventId) -> Self {
        let known = Known::default();
        known.learn(&snapshot.events, markup);
        let (code, me, capacity, locked) =
            (snapshot.room.code, snapshot.member, snapshot.room.capacity, snapshot.room.locked);
        let client = Client::new(page.0.as_u64_pair().1, Some(snapshot), Outbox::default());
        let room = Self {
            code,
            me,
            capacity,
            log: Log::new(),
            members: RwSignal::default(),
            names: RwSignal::default(),
            typing: RwSignal::default(),
            unread: RwSignal::default(),
            locked: RwSignal::new(locked),
            returned: RwSignal::default(),
            status: RwSignal::new(client.status()),
            older: RwSignal::default(),
            unsent: RwSignal::default(),
            taken: RwSignal::default(),
            leaving: RwSignal::default(),
            local: RwSignal::default(),
            today: RwSignal::default(),
            now: RwSignal::default(),
            known,
            cells: StoredValue::new(Cells::default()),
        };
        room.draw(&client);
        room.cells.write_value().client = Some(client);
        room
    }

    /// Goes live, in the browser, for as long as the page is there.
    pub fn start(self) {
        effect(move || {
            let Some(client) = self.cells.try_write_value().and_then(|mut cells| cells.client.take()) else { return };
            let (inputs, driven) = channel(INPUTS);
            self.cells.write_value().inputs = Some(inputs);
            self.local.set(true);
            self.today.set(Some(browser::today()));
            self.listen();
            self.guard_unsent();
            on_cleanup(move || {
                self.close();
                browser::mark_document("data-live", false);
            });
            spawn_local_scoped_with_cancellation(driver::run(self, client, driven));
        });
        effect(move || browser::mark_document("data-live", self.status.get() == Status::Live));
    }

    fn listen(self) {
        browser::hear(ev::online, move |_| {
            self.tell(Input::Online);
        });
        browser::hear(ev::offline, move |_| {
            self.tell(Input::Offline);
        });
        browser::hear(ev::visibilitychange, move |_| {
            self.tell(Input::Visible(browser::is_visible()));
        });
        browser::hear(ev::pageshow, move |event| {
            if event.persisted() && self.is_over() {
                // Back on the page that was left: now it says so.
                self.leaving.set(false);
            }
            self.tell(Input::Visible(browser::is_visible()));
        });
        // Whoever has this page unloaded was asked.
        browser::hear(ev::pagehide, move |_| if self.is_over() { self.forget() } else { self.close() });
        if !browser::is_online() {
            self.tell(Input::Offline);
        }
        // Opened in the background: what comes is unread from the first message on.
        if !browser::is_visible() {
            self.tell(Input::Visible(false));
        }
    }

    /// True once the stay is over: the page only shows what came of it.
    pub(super) fn is_over(self) -> bool {
        matches!(self.status.get_untracked(), Status::Ended(ending) if ending.is_over())
    }

    /// Gives the client an input; true when it got there.
    pub(super) fn tell(self, input: Input) -> bool {
        let Some(mut cells) = self.cells.try_write_value() else { return false };
        cells.inputs.as_mut().is_some_and(|inputs| inputs.try_send(input).is_ok())
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

    /// Puts an emoji on a message, or takes the reader's own away.
    pub fn toggle_reaction(self, target: EventId, emoji: &str) {
        if let (Some(message), Ok(emoji)) = (self.message(target), emoji.parse()) {
            let has_own = message.reactions.iter().any(|reaction| reaction.own && reaction.emoji == emoji);
            self.react(target, emoji, !has_own);
        }
    }

    /// Notes that the reader typed something; others may be told.
    pub fn typing_now(self) {
        let now = browser::now_ms();
        let Some(mut cells) = self.cells.try_write_value() else { return };
        if cells.typing_told.is_none_or(|told| now >= told + TYPING_TOLD_MS) {
            cells.typing_told = Some(now);
            drop(cells);
            self.tell(Input::Typing);
        }
    }

    /// Notes that the reader pressed a key, whose frame goes before what others said.
    pub fn note_key(self) {
        if let Some(mut cells) = self.cells.try_write_value() {
            cells.key = Some(browser::now_ms());
        }
    }

    pub(super) fn last_key(self) -> Option<u64> {
        self.cells.try_read_value()?.key
    }

    fn ask(self, input: impl FnOnce(EventId, u64) -> Input) -> Result<(), Code> {
        let at = browser::unix_ms();
        let id = EventId::mint(at, browser::entropy());
        if self.tell(input(id, at)) { Ok(()) } else { Err(Code::Storage) }
    }

    /// A message that is on the page, as it is now.
    #[must_use]
    pub fn message(self, id: EventId) -> Option<MessageRow> {
        self.log.message(id)
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
        let Some(Some(before)) = self.older.try_get_untracked() else { return };
        let asked = self.cells.try_update_value(|cells| cells.older_asked.replace(before) == Some(before));
        if asked != Some(false) {
            return;
        }
        leptos::task::spawn_local(async move {
            if let Ok(Some(OlderPage { events, names, markup })) = api::older_page(self.code, before.seq).await {
                self.known.learn(&events, markup);
                self.tell(Input::Older { before, events, names });
            }
            // What did not come, or did not get into the log, is asked for again when the reader comes near again.
            if let Some(mut cells) = self.cells.try_write_value() {
                cells.older_asked = None;
            }
        });
    }

    /// True while something on the page counts time, beside what is on its way.
    pub(super) fn counts_time(self) -> bool {
        matches!(self.status.get_untracked(), Status::Reconnecting { .. })
    }

    /// Writes what changed since the last time.
    pub(super) fn draw(self, client: &Client) {
        set_if_new(self.status, client.status());
        set_if_new(self.older, client.older());
        set_if_new(self.typing, client.typing());
        set_if_new(self.unread, client.unread());
        set_if_new(self.returned, client.returned());
        set_if_new(self.locked, client.room().is_some_and(|room| room.info().locked));
        set_if_new(self.unsent, client.outbox().drafts().filter_map(|draft| draft.event.words().cloned()).collect());
        if *self.members.read_untracked() != *client.members() {
            self.names.set(Arc::new(names_of(client.members(), self.me)));
            self.members.set(client.members().to_vec());
        }
        self.log.draw(client.rows());
    }
}

/// Writes a value that is another one than before, so that an equal one draws nothing. Does nothing once the page is
/// gone.
pub fn set_if_new<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_read_untracked().is_some_and(|held| *held != value) {
        signal.set(value);
    }
}
