//! The room as signals. Only what changed is written, so only what changed is drawn.

use std::collections::BTreeSet;
use std::sync::Arc;

use client::{Client, DraftEvent, Input, MessageRow, NameIndex, Outbox, Reconnected, RoomState};
use futures_channel::mpsc::Sender;
use leptos::prelude::*;
use protocol::body::BodyError;
use protocol::name::NameError;
use protocol::room_name::RoomNameError;
use protocol::{
    DisplayName, Emoji, ErrorCode, EventId, Member, MemberId, MessageBody, Position, RoomCode, RoomId, RoomInfo,
    RoomName, Snapshot,
};

use super::log::Log;
use super::question::Question;
use super::signal::set_if_new;
use super::tab_storage::ComposeTarget;
use super::{browser, ignored};
use crate::chunk;
use crate::markup::{MessageMarkup, ServerMarkup, names_of};

pub use client::{Ending, Status};

/// Minimum time between two typing inputs to the client, in milliseconds: a turn of the driver at every key
/// would keep the key's own frame waiting. Well below the interval of the signals to others:
/// [`TYPING_INTERVAL_MS`](client::typing::TYPING_INTERVAL_MS).
const TYPING_INPUT_INTERVAL_MS: u64 = 1_000;

/// One room on one page, as the context provides it. A handle: every copy is the same room.
#[derive(Clone, Copy)]
pub struct Room {
    /// The room's id.
    pub id: RoomId,
    /// The room's code.
    pub code: RoomCode,
    /// The reader's member id.
    pub me: MemberId,
    /// The log.
    pub log: Log,
    /// Members of the room.
    pub members: RwSignal<Vec<Member>>,
    /// Their names, as messages mention them.
    pub names: RwSignal<Arc<NameIndex>>,
    /// Names of the others who are writing.
    pub typing: RwSignal<Vec<Member>>,
    /// Number of messages of others since the page was last hidden.
    pub unread: RwSignal<usize>,
    /// The room's name; empty where it has none.
    pub name: RwSignal<RoomName>,
    /// The room's host, who may name it.
    pub host: RwSignal<Option<MemberId>>,
    /// Members whom the reader ignores.
    pub ignored: RwSignal<BTreeSet<MemberId>>,
    /// True while the room takes nobody in.
    pub locked: RwSignal<bool>,
    /// Settings of the host, beside the name and the lock.
    pub rules: RwSignal<Rules>,
    /// Notice of a reconnect, for some seconds.
    pub reconnected: RwSignal<Option<Reconnected>>,
    /// State of the connection.
    pub status: RwSignal<Status>,
    /// Cursor for the next older page, if there is one.
    pub older: RwSignal<Option<Position>>,
    /// Unsent texts.
    pub unsent: RwSignal<Vec<MessageBody>>,
    /// Text of a refused message that goes back into the composer.
    pub restored_text: RwSignal<Option<String>>,
    /// True while another name that the reader chose is not in the log.
    pub own_name_waits: RwSignal<bool>,
    /// True while a name that the reader gave the room is not in the log.
    pub room_name_waits: RwSignal<bool>,
    /// Refusal of a name that the reader gave.
    pub refused_name: RwSignal<Option<ErrorCode>>,
    /// True once the server has become another build than the one this page comes from.
    pub outdated: RwSignal<bool>,
    /// True from the reader's press of "leave" on.
    pub leaving: RwSignal<bool>,
    /// Question before something is given up.
    pub question: RwSignal<Option<Question>>,
    /// Reader's offset from UTC, in minutes; `None` as long as times are in UTC, which is all the server knows.
    pub utc_offset: RwSignal<Option<i32>>,
    /// Today by the reader's clock, in days since 1970-01-01; `None` as long as times are in UTC.
    pub today: RwSignal<Option<i64>>,
    /// Monotonic milliseconds, kept current while something on the page counts them.
    pub now: RwSignal<u64>,
    /// Markup of its messages that the server has parsed.
    pub server_markup: ServerMarkup,
    pub(super) cells: StoredValue<Cells>,
}

/// Settings of the host, beside the room's name and its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Code that leads to the room now. The page was loaded under [`Room::code`].
    pub code: RoomCode,
    /// Number of seats.
    pub capacity: u32,
    /// Minimum time between two messages of a member other than the host, in milliseconds; 0 for none.
    pub slow_ms: u32,
    /// True while only the host may write.
    pub host_only: bool,
}

impl Rules {
    fn of(info: &RoomInfo) -> Self {
        let RoomInfo { code, capacity, slow_ms, host_only, .. } = *info;
        Self { code, capacity, slow_ms, host_only }
    }
}

/// State that is never drawn.
#[derive(Default)]
pub(super) struct Cells {
    /// The client, until the driver takes it.
    pub(super) client: Option<Client>,
    /// Inputs to the driver, once it runs.
    pub(super) inputs: Option<Sender<Input>>,
    /// The text in the composer.
    pub(super) draft: String,
    /// True while that text is not stored yet.
    pub(super) draft_is_dirty: bool,
    /// Message that the composer answers or edits.
    pub(super) compose_target: Option<ComposeTarget>,
    /// Changes of other messages that are half typed.
    pub(super) half_typed: Vec<ComposeTarget>,
    /// True while the tab does not keep these two yet.
    pub(super) compose_target_is_dirty: bool,
    /// True when the document is about to go for one that finds everything in the tab.
    pub(super) is_reloading: bool,
    /// Build of this page's program.
    pub(super) build: Option<String>,
    /// Server's time of the newest event, in UTC milliseconds.
    newest_at: u64,
    /// Position of the newest event on the page.
    position: Option<Position>,
    /// True if the log has nothing older than what is on the page.
    is_whole: bool,
    /// Time of the reader's last key, in monotonic milliseconds.
    last_key: Option<u64>,
    /// Time of the last typing input to the client.
    typing_sent_at: Option<u64>,
    /// Cursor of the older page that is being loaded.
    pub(super) requested_older: Option<Position>,
    /// Messages that replies answer and that were requested.
    pub(super) requested_quotes: Vec<EventId>,
}

impl Room {
    /// The room of a page just served. `page` is any id drawn for this page alone: server and browser must begin with
    /// the same state, so the client's randomness comes from it.
    #[must_use]
    pub fn new(snapshot: Snapshot, markup: Vec<MessageMarkup>, page: EventId) -> Self {
        let server_markup = ServerMarkup::default();
        server_markup.insert(&[&snapshot.events[..], &snapshot.quoted].concat(), markup);
        let RoomInfo { code, locked, host, .. } = snapshot.room;
        let rules = Rules::of(&snapshot.room);
        let name = snapshot.room.name.clone();
        let (id, me) = (snapshot.room_id(), snapshot.member);
        let client = Client::new(page.0.as_u64_pair().1, Some(snapshot), Outbox::default());
        let room = Self {
            id,
            code,
            me,
            log: Log::new(),
            members: RwSignal::default(),
            names: RwSignal::default(),
            typing: RwSignal::default(),
            unread: RwSignal::default(),
            name: RwSignal::new(name),
            host: RwSignal::new(host),
            ignored: RwSignal::default(),
            locked: RwSignal::new(locked),
            rules: RwSignal::new(rules),
            reconnected: RwSignal::default(),
            status: RwSignal::new(client.status()),
            older: RwSignal::default(),
            unsent: RwSignal::default(),
            restored_text: RwSignal::default(),
            own_name_waits: RwSignal::default(),
            room_name_waits: RwSignal::default(),
            refused_name: RwSignal::default(),
            outdated: RwSignal::default(),
            leaving: RwSignal::default(),
            question: RwSignal::default(),
            utc_offset: RwSignal::default(),
            today: RwSignal::default(),
            now: RwSignal::default(),
            server_markup,
            cells: StoredValue::new(Cells::default()),
        };
        room.draw(&client);
        room.cells.write_value().client = Some(client);
        room
    }

    /// The room's name, or its code where it has none. Tracked.
    #[must_use]
    pub fn label(self) -> String {
        self.name.with(|name| if name.is_empty() { self.code.to_string() } else { name.to_string() })
    }

    /// Code by which the page asks for its room: the one of its address may be forgotten while the page is open.
    pub(crate) fn present_code(self) -> RoomCode {
        self.rules.with_untracked(|rules| rules.code)
    }

    /// True once the stay is over: the page only shows what came of it.
    pub(super) fn is_over(self) -> bool {
        matches!(self.status.get_untracked(), Status::Ended(ending) if ending.is_over())
    }

    /// True once there is a driver.
    pub(super) fn runs(self) -> bool {
        self.cells.read_value().inputs.is_some()
    }

    /// Queues an input for the client; true if it was queued.
    pub(super) fn dispatch(self, input: Input) -> bool {
        let Some(mut cells) = self.cells.try_write_value() else { return false };
        cells.inputs.as_mut().is_some_and(|inputs| inputs.try_send(input).is_ok())
    }

    /// Sends what was typed. When this is `Ok`, it is in the outbox and on the screen.
    ///
    /// # Errors
    /// If the text is no valid message; nothing happened then.
    pub fn send(self, typed: &str, reply_to: Option<EventId>) -> Result<(), ErrorCode> {
        let body: MessageBody = typed.parse().map_err(BodyError::code)?;
        self.dispatch_new(|id, at| Input::Send { id, body, reply_to, at })
    }

    /// Sends what the reader sent before the program was here, with the id of the page's form: the same message may have
    /// been posted by it.
    ///
    /// # Errors
    /// When it is no message; nothing happened then.
    pub fn send_early(self, id: EventId, typed: &str) -> Result<(), ErrorCode> {
        let body: MessageBody = typed.parse().map_err(BodyError::code)?;
        self.dispatch_new(|_, at| Input::Send { id, body, reply_to: None, at })
    }

    /// Edits an own message. When this is `Ok`, the edit is in the outbox and on the screen.
    ///
    /// # Errors
    /// If the text is no valid message; nothing happened then.
    pub fn edit_message(self, target: EventId, typed: &str) -> Result<(), ErrorCode> {
        let body: MessageBody = typed.parse().map_err(BodyError::code)?;
        self.dispatch_new(|id, at| Input::EditMessage { id, target, body, at })
    }

    /// Deletes an own message.
    pub fn delete_message(self, target: EventId) {
        // Refused only while nothing runs here yet: the message is still there then, and so is the button.
        let _ = self.dispatch_new(|id, at| Input::DeleteMessage { id, target, at });
    }

    /// Adds or removes a reaction.
    pub fn react(self, target: EventId, emoji: Emoji, on: bool) {
        let _ = self.dispatch_new(|id, at| Input::React { id, target, emoji, on, at });
    }

    /// Adds a reaction, or removes the reader's own.
    pub fn toggle_reaction(self, target: EventId, emoji: &str) {
        if let (Some(message), Ok(emoji)) = (self.message(target), emoji.parse()) {
            let has_own = message.reactions.iter().any(|reaction| reaction.own && reaction.emoji == emoji);
            self.react(target, emoji, !has_own);
        }
    }

    /// Renames the reader. Everybody, the reader too, sees it once the server has given the name its number.
    ///
    /// # Errors
    /// If this is no name; nothing happened then.
    pub fn rename(self, typed: &str) -> Result<(), ErrorCode> {
        let name = DisplayName::typed(typed, browser::count_graphemes).map_err(NameError::code)?;
        self.dispatch_new(|id, at| Input::Rename { id, name, at })
    }

    /// Names the room, or takes its name away where nothing was typed. For its host.
    ///
    /// # Errors
    /// If this is no name of a room; nothing happened then.
    pub fn name_room(self, typed: &str) -> Result<(), ErrorCode> {
        let name = RoomName::typed(typed, browser::count_graphemes).map_err(RoomNameError::code)?;
        self.dispatch_new(|id, at| Input::NameRoom { id, name, at })
    }

    /// Notes that the reader typed something; others may be told.
    pub fn note_typing(self) {
        let now = browser::now_ms();
        let Some(mut cells) = self.cells.try_write_value() else { return };
        if cells.typing_sent_at.is_none_or(|at| now >= at + TYPING_INPUT_INTERVAL_MS) {
            cells.typing_sent_at = Some(now);
            drop(cells);
            self.dispatch(Input::Typing);
        }
    }

    /// Notes that the reader pressed a key, whose frame goes before what others said.
    pub fn note_key(self) {
        if let Some(mut cells) = self.cells.try_write_value() {
            cells.last_key = Some(browser::now_ms());
        }
        // The next drawing is due at another time now.
        self.dispatch(Input::Tick);
    }

    pub(super) fn last_key(self) -> Option<u64> {
        self.cells.try_read_value()?.last_key
    }

    fn dispatch_new(self, input: impl FnOnce(EventId, u64) -> Input) -> Result<(), ErrorCode> {
        let at = browser::unix_ms();
        let id = self.mint(at);
        if self.dispatch(input(id, at)) { Ok(()) } else { Err(ErrorCode::Storage) }
    }

    /// An id for something new. Not older than what the log has, however far this machine's clock is behind: the server
    /// would take it for one that it has forgotten.
    fn mint(self, at: u64) -> EventId {
        let newest = self.cells.try_read_value().map_or(0, |cells| cells.newest_at);
        EventId::mint(at.max(newest), browser::entropy())
    }

    /// A message that is on the page, as it is now.
    #[must_use]
    pub fn message(self, id: EventId) -> Option<MessageRow> {
        self.log.message(id)
    }

    /// True if the log has nothing older than what is on the page, which may also have no space for it.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.cells.try_read_value().is_some_and(|cells| cells.is_whole)
    }

    /// Position of the newest event on the page.
    pub(super) fn position(self) -> Option<Position> {
        self.cells.try_read_value()?.position
    }

    /// Ignores a member on this device, or no longer.
    pub fn ignore(self, member: MemberId, on: bool) {
        if self.dispatch(Input::Ignore { member, on }) {
            ignored::set(self.id, member, on);
        }
    }

    /// Sends a refused message again.
    pub fn retry(self, id: EventId) {
        self.dispatch(Input::Retry(id));
    }

    /// Takes a refused message back into the composer.
    pub fn recompose(self, id: EventId) {
        self.dispatch(Input::Recompose(id));
    }

    /// Forgets a refused message.
    pub fn discard(self, id: EventId) {
        self.dispatch(Input::Discard(id));
    }

    /// Leaves the room as soon as there is a connection to say it on, and gives up what is not sent. False when nothing
    /// runs here yet: then the form has to say it.
    pub fn leave(self) -> bool {
        self.leaving.set(true);
        self.dispatch(Input::Leave)
    }

    /// Does not wait for the next attempt to connect.
    pub fn try_now(self) {
        self.dispatch(Input::TryNow);
    }

    /// True while something on the page counts time, beside what is on its way.
    pub(super) fn needs_clock(self) -> bool {
        matches!(self.status.get_untracked(), Status::Reconnecting { .. })
    }

    fn is_another(self, build: &str) -> bool {
        self.cells.try_read_value().is_some_and(|cells| cells.build.as_deref().is_some_and(|own| own != build))
    }

    /// Writes what changed since the last time.
    pub(super) fn draw(self, client: &Client) {
        if let Some(mut cells) = self.cells.try_write_value() {
            cells.newest_at = client.newest_at();
            cells.position = client.room().and_then(RoomState::position);
            cells.is_whole = client.is_whole();
        }
        set_if_new(self.status, client.status());
        set_if_new(self.older, client.older_cursor());
        set_if_new(self.typing, client.typing());
        set_if_new(self.unread, client.unread());
        set_if_new(self.reconnected, client.reconnected());
        if client.server_build().is_some_and(|build| self.is_another(build)) {
            chunk::stop_retrying();
            set_if_new(self.outdated, true);
        }
        if let Some(room) = client.room() {
            set_if_new(self.name, room.info().name.clone());
            set_if_new(self.host, room.info().host);
            set_if_new(self.locked, room.info().locked);
            set_if_new(self.rules, Rules::of(room.info()));
            set_if_new(self.ignored, room.ignored().clone());
        }
        let waits = |is_name: fn(&DraftEvent) -> bool| client.outbox().drafts().any(|draft| is_name(&draft.event));
        set_if_new(self.own_name_waits, waits(|event| matches!(event, DraftEvent::Name { .. })));
        set_if_new(self.room_name_waits, waits(|event| matches!(event, DraftEvent::RoomName { .. })));
        set_if_new(self.unsent, client.outbox().drafts().filter_map(|draft| draft.event.body().cloned()).collect());
        if *self.members.read_untracked() != *client.members() {
            self.names.set(Arc::new(names_of(client.members(), self.me)));
            self.members.set(client.members().to_vec());
        }
        let rows = client.rows();
        self.load_quoted(&rows);
        self.log.draw(rows);
    }
}
