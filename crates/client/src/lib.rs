//! Sans-I/O client: time and entropy arrive as inputs, and what to do leaves as actions.
//!
//! A driver owns one socket and one timer. It passes each thing that happens as an [`Input`] to [`Client::step`], and
//! performs the returned [`Action`]s in order; then it draws [`Client::rows`], [`Client::members`] and
//! [`Client::status`]. `now` is always monotonic milliseconds.

pub mod backoff;
pub mod connection;
pub mod input;
pub mod mentions;
pub mod outbox;
pub mod pace;
pub mod room;
pub mod timeline;
pub mod typing;

pub use connection::{Connection, Ending, Phase};
pub use input::{Action, Input};
pub use mentions::{Mention, NameIndex};
pub use outbox::{Draft, DraftEvent, DraftState, Outbox, Wait};
pub use pace::DrawPacer;
pub use room::{Applied, RoomState};
pub use timeline::Timeline;
pub use timeline::row::{
    DayRow, MessageRow, Quote, QuotePlace, Reaction, RosterRow, Row, RowKey, RowState, SeatChange, SeatChangeKind,
    UnreadRow,
};

use protocol::{
    ClientFrame, Delivered, Event, EventId, EventKind, Member, MemberId, Names, Position, Rejection, ServerFrame,
    ShownName, Snapshot, VERSION,
};
use typing::Typing;

/// Maximum length of a connection loss that is not reported to the reader, in milliseconds.
pub const SHORT_LOSS_MS: u64 = 1_000;
/// Time for which [`Client::reconnected`] returns a value after a reconnect, in milliseconds.
pub const RECONNECTED_MS: u64 = 5_000;

/// State of the connection, as it is shown to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// First attempt, and nothing has failed yet.
    Connecting,
    /// Connected and welcomed.
    Live,
    /// The connection was lost, or the first attempt failed.
    Reconnecting {
        /// Time of the loss, in monotonic milliseconds.
        since: u64,
        /// Time of the next attempt; `None` while one is under way or there is no network.
        next_try: Option<u64>,
        /// True if the browser reports no network.
        offline: bool,
        /// Number of attempts that failed since, while there was a network.
        failed: u32,
    },
    /// Ended for good.
    Ended(Ending),
}

/// Notice of a reconnect after a loss longer than [`SHORT_LOSS_MS`], once the missed events have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnected {
    /// Number of messages of others that came during the loss, as far as the client has them.
    pub missed: usize,
    /// Time at which the replay ended, in monotonic milliseconds.
    pub at: u64,
}

/// One member's view of one room: the connection, the outbox, and the room.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Connection,
    outbox: Outbox,
    room: Option<RoomState>,
    /// Build of the server, as its last welcome says.
    server_build: Option<String>,
    typing: Typing,
    /// Reader's offset from UTC, in minutes.
    zone: i32,
    visible: bool,
    /// Position at which the connection was lost, from the welcome until the replay is over.
    lost_position: Option<Position>,
    reconnected: Option<Reconnected>,
    /// Earliest pending wake-up that the driver was asked for.
    wake: Option<u64>,
}

impl Client {
    /// Creates a client that has not started. `entropy` must differ between pages; `outbox` holds the drafts that an
    /// earlier page did not send during the same stay in the room.
    #[must_use]
    pub fn new(entropy: u64, snapshot: Option<Snapshot>, outbox: Outbox) -> Self {
        let room = snapshot.map(RoomState::from_snapshot);
        let mut client = Self {
            connection: Connection::new(entropy, room.is_some()),
            outbox,
            room,
            server_build: None,
            typing: Typing::default(),
            zone: 0,
            visible: true,
            lost_position: None,
            reconnected: None,
            wake: None,
        };
        client.confirm_from_timeline();
        client
    }

    /// Adds the unsent drafts of another page of the same stay, except those that are already in this outbox or in the
    /// log.
    pub fn merge(&mut self, outbox: Outbox) {
        self.outbox.merge(outbox);
        self.confirm_from_timeline();
    }

    /// Discards all unsent drafts.
    pub fn discard_unsent(&mut self) {
        self.outbox = Outbox::default();
    }

    /// Takes one input and returns the actions to do, in order.
    #[must_use]
    pub fn step(&mut self, now: u64, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        if matches!(input, Input::Tick) {
            self.wake = None;
        }
        match input {
            Input::Start => self.step_connection(now, connection::Input::Start, &mut actions),
            Input::Opened(connection_id) => {
                self.step_connection(now, connection::Input::Opened(connection_id), &mut actions)
            }
            Input::Frame(connection_id, frame) if self.connection.is_current(connection_id) => {
                self.receive(now, connection_id, frame, &mut actions)
            }
            Input::Frame(..) => {}
            Input::InvalidFrame(connection_id) => {
                self.step_connection(now, connection::Input::InvalidFrame(connection_id), &mut actions)
            }
            Input::Closed(connection_id, code) => {
                self.step_connection(now, connection::Input::Closed { connection_id, code }, &mut actions);
            }
            Input::Tick => self.step_connection(now, connection::Input::Tick, &mut actions),
            Input::Online => self.step_connection(now, connection::Input::Online, &mut actions),
            Input::Offline => self.step_connection(now, connection::Input::Offline, &mut actions),
            Input::Visible(visible) => {
                self.set_visible(visible);
                self.step_connection(now, connection::Input::Visible(visible), &mut actions);
            }
            Input::TryNow => self.step_connection(now, connection::Input::TryNow, &mut actions),
            Input::Leave => self.step_connection(now, connection::Input::Leave, &mut actions),
            Input::LeaveConfirmed => self.step_connection(now, connection::Input::LeaveConfirmed, &mut actions),
            Input::Send { id, body, reply_to, at } => {
                self.outbox.push(now, id, DraftEvent::Message { body, reply_to }, at);
                self.room.iter_mut().for_each(RoomState::clear_read_marker);
            }
            Input::EditMessage { id, target, body, at } => {
                self.outbox.push(now, id, DraftEvent::Edit { target, body }, at)
            }
            Input::DeleteMessage { id, target, at } => self.outbox.push(now, id, DraftEvent::Deletion { target }, at),
            Input::React { id, target, emoji, on, at } => {
                self.outbox.push(now, id, DraftEvent::Reaction { target, emoji, on }, at);
            }
            Input::Rename { id, name, at } => self.push_name(now, id, DraftEvent::Name { name }, at),
            Input::NameRoom { id, name, at } => self.push_name(now, id, DraftEvent::RoomName { name }, at),
            Input::Typing => self.send_typing(now, &mut actions),
            Input::UtcOffset(minutes) => self.zone = minutes,
            Input::Ignore { member, on } => self.room.iter_mut().for_each(|room| room.ignore(member, on)),
            Input::Retry(id) => self.outbox.retry(id),
            Input::Recompose(id) => actions.extend(self.outbox.take(id).map(Action::Compose)),
            Input::Discard(id) => drop(self.outbox.take(id)),
            Input::OlderPage { before, events, names } => self.prepend(before, events, &names),
            Input::Quoted { id, message, names } => {
                self.room.iter_mut().for_each(|room| room.insert_quoted(id, message.clone(), &names));
            }
        }
        self.expire(now);
        self.flush(now, &mut actions);
        self.schedule_wake(&mut actions);
        actions
    }

    /// Current state of the connection.
    #[must_use]
    pub fn status(&self) -> Status {
        let failed = self.connection.failed_attempts();
        match (self.connection.phase(), self.connection.lost_since()) {
            (Phase::Ended(ending), _) => Status::Ended(ending),
            (Phase::Live, _) => Status::Live,
            (_, None) => Status::Connecting,
            (Phase::Backoff { until }, Some(since)) => {
                Status::Reconnecting { since, next_try: Some(until), offline: false, failed }
            }
            (phase, Some(since)) => {
                Status::Reconnecting { since, next_try: None, offline: phase == Phase::Offline, failed }
            }
        }
    }

    /// The room; `None` until it is known.
    #[must_use]
    pub fn room(&self) -> Option<&RoomState> {
        self.room.as_ref()
    }

    /// Rows of the log, in order. Keys are unique.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.room.as_ref().map(|room| room.rows(self.outbox.drafts(), self.zone)).unwrap_or_default()
    }

    /// Number of messages of others since the page was last hidden. 0 again when the reader sends something.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.room.as_ref().map_or(0, RoomState::unread)
    }

    /// Notice of a reconnect, for [`RECONNECTED_MS`] after the replay is over.
    #[must_use]
    pub fn reconnected(&self) -> Option<Reconnected> {
        self.reconnected
    }

    /// Members who are typing now, in the order in which they began; never the reader.
    #[must_use]
    pub fn typing(&self) -> Vec<Member> {
        let Some(room) = &self.room else { return Vec::new() };
        let is_seen = |member: &MemberId| *member != room.me() && !room.ignored().contains(member);
        let others = self.typing.members().filter(is_seen);
        let named = |member| Some(Member { member, name: room.name(member)?.clone(), away: false });
        others.filter_map(named).collect()
    }

    /// Members of the room, in the order they joined.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        self.room.as_ref().map_or(&[], RoomState::members)
    }

    /// Members of the room and their names, in the order they joined.
    pub fn member_names(&self) -> impl Iterator<Item = (MemberId, ShownName)> {
        self.room.iter().flat_map(RoomState::member_names)
    }

    /// Cursor for the next older page; `None` when there is none to ask for.
    #[must_use]
    pub fn older_cursor(&self) -> Option<Position> {
        self.room.as_ref().and_then(RoomState::older_cursor)
    }

    /// True if the log has nothing older than what is here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.room.as_ref().is_none_or(RoomState::is_whole)
    }

    /// Server's time of the newest event that is known, in UTC milliseconds.
    #[must_use]
    pub fn newest_at(&self) -> u64 {
        self.room.as_ref().and_then(RoomState::newest_at).unwrap_or_default()
    }

    /// Build of the server, once it has welcomed this client.
    #[must_use]
    pub fn server_build(&self) -> Option<&str> {
        self.server_build.as_deref()
    }

    /// Drafts that are not in the log yet, to be stored for a reload of the page.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// True while there are unsent drafts.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn push_name(&mut self, now: u64, id: EventId, event: DraftEvent, at: u64) {
        let is_present = self.room.as_ref().is_some_and(|room| match &event {
            DraftEvent::Name { name } => room.name(room.me()).is_some_and(|own| own.name == *name),
            DraftEvent::RoomName { name } => room.info().name == *name,
            _ => false,
        });
        self.outbox.push_name(now, id, event, at, is_present);
    }

    fn step_connection(&mut self, now: u64, input: connection::Input, actions: &mut Vec<Action>) {
        for action in self.connection.step(now, input) {
            actions.push(match action {
                connection::Action::Connect(connection_id) => Action::Connect(connection_id),
                connection::Action::Disconnect(connection_id) => Action::Disconnect(connection_id),
                connection::Action::Transmit(frame) => Action::Transmit(frame),
                connection::Action::PostLeave => Action::PostLeave,
                connection::Action::SendHello => {
                    let position = self.room.as_ref().and_then(RoomState::position);
                    Action::Transmit(ClientFrame::Hello { v: VERSION, position })
                }
            });
        }
    }

    fn receive(&mut self, now: u64, connection_id: u32, frame: ServerFrame, actions: &mut Vec<Action>) {
        self.step_connection(now, connection::Input::Received(connection_id), actions);
        match (self.connection.phase(), frame) {
            (Phase::AwaitingWelcome, ServerFrame::Welcome(welcome)) => {
                // A loss in the middle of a replay goes on where the one before began.
                if self.connection.lost_since().is_some_and(|since| now.saturating_sub(since) > SHORT_LOSS_MS) {
                    self.lost_position = self.lost_position.or(self.room.as_ref().and_then(RoomState::position));
                }
                self.server_build = Some(welcome.build.clone());
                match &mut self.room {
                    Some(room) => room.welcome(&welcome),
                    None => self.room = Some(RoomState::from_welcome(&welcome)),
                }
                self.step_connection(now, connection::Input::Welcomed(connection_id), actions);
            }
            (Phase::Live, ServerFrame::Events { events, names, more }) => {
                let Some(room) = &mut self.room else { return };
                room.add_names(&names);
                for delivered in events {
                    let id = delivered.id();
                    let silent = stopped_typing(&delivered);
                    let changes_turns = changes_turns(&delivered);
                    if room.apply(delivered) == Applied::Gap {
                        self.step_connection(now, connection::Input::GapFound(connection_id), actions);
                        return;
                    }
                    self.outbox.confirm(id);
                    if changes_turns {
                        self.outbox.forget_turns();
                    }
                    silent.into_iter().for_each(|member| self.typing.remove(member));
                }
                if !more {
                    room.finish_replay();
                }
            }
            (Phase::Live, ServerFrame::Rejected { id, error, retry_ms }) => {
                let refused_name = self.outbox.refuse(now, id, Rejection { error, retry_ms });
                actions.extend(refused_name.map(Action::NameRefused));
            }
            (Phase::Live, ServerFrame::Signal { member, typing, away, .. }) => {
                if let Some(typing) = typing {
                    self.typing.update(now, member, typing);
                }
                if let (Some(away), Some(room)) = (away, &mut self.room) {
                    room.set_away(member, away);
                }
            }
            (_, ServerFrame::Bye { code, retry_ms, .. }) => {
                self.step_connection(now, connection::Input::Bye { connection_id, code, retry_ms }, actions);
            }
            // Pongs were heard above. The rest is out of place, or of a later version.
            _ => {}
        }
    }

    fn prepend(&mut self, before: Position, events: Vec<Event>, names: &Names) {
        if let Some(room) = &mut self.room {
            room.prepend(before, events, names);
            self.confirm_from_timeline();
        }
    }

    /// Notes that the page is, or is no longer, on the screen.
    fn set_visible(&mut self, visible: bool) {
        if let Some(room) = &mut self.room
            && !visible
            && (self.visible || !room.has_read_marker())
        {
            room.mark_read();
        }
        self.visible = visible;
    }

    fn send_typing(&mut self, now: u64, actions: &mut Vec<Action>) {
        if self.connection.phase() == Phase::Live && self.typing.should_send(now) {
            actions.push(Action::Transmit(ClientFrame::Signal { typing: true }));
        }
    }

    /// Removes expired state, and notes that the replay after a loss is over.
    fn expire(&mut self, now: u64) {
        self.typing.expire(now);
        let is_live = self.connection.phase() == Phase::Live;
        self.reconnected = self.reconnected.filter(|reconnected| is_live && now < reconnected.at + RECONNECTED_MS);
        if self.is_sending()
            && let (Some(position), Some(room)) = (self.lost_position.take(), &self.room)
        {
            self.reconnected = Some(Reconnected { missed: room.unread_after(position), at: now });
        }
    }

    /// Sends the next draft, if any. Not during a replay: it may hold the echo of what would be sent again.
    fn flush(&mut self, now: u64, actions: &mut Vec<Action>) {
        if self.is_sending() {
            actions.extend(self.outbox.next_frame(now, self.connection.connection_id()).map(Action::Transmit));
        }
    }

    fn is_sending(&self) -> bool {
        self.connection.phase() == Phase::Live && self.room.as_ref().is_some_and(RoomState::is_caught_up)
    }

    fn schedule_wake(&mut self, actions: &mut Vec<Action>) {
        let retry = self.outbox.due().filter(|_| self.is_sending());
        let reconnected = self.reconnected.map(|reconnected| reconnected.at + RECONNECTED_MS);
        let due = [self.connection.due(), retry, self.typing.due(), reconnected].into_iter().flatten().min();
        let Some(due) = due else { return };
        // A time that moved further away needs no new timer: the old one's tick asks again.
        if self.wake.is_none_or(|wake| due < wake) {
            self.wake = Some(due);
            actions.push(Action::Wake(due));
        }
    }

    /// Removes drafts that are in the timeline: one stored over a reload may be in the log that just came.
    fn confirm_from_timeline(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        for event in self.room.iter().flat_map(|room| room.timeline().events()) {
            self.outbox.confirm(event.id);
        }
    }
}

/// Returns true if a message that waits for its turn may have it now: slow mode or the host is another one.
fn changes_turns(delivered: &Delivered) -> bool {
    let Delivered::Event(event) = delivered else { return false };
    match &event.kind {
        EventKind::Settings(change) => change.slow_ms.is_some(),
        EventKind::Host { .. } => true,
        _ => false,
    }
}

/// Returns the member who has stopped writing with this event: the author of a message, or one who left.
fn stopped_typing(delivered: &Delivered) -> Option<MemberId> {
    let Delivered::Event(event) = delivered else { return None };
    match event.kind {
        EventKind::Message { .. } => Some(event.by),
        EventKind::Left { member, .. } => Some(member),
        _ => None,
    }
}
