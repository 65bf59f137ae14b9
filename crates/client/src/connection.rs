//! State machine of the connection: when to connect, when to give up a socket, when to stop.

use protocol::{ClientFrame, CloseCode, error::should_reconnect};

use super::backoff::{Backoff, CAP_MS};

/// Time without any frame after which a visible page's socket counts as dead, in milliseconds. The server is never
/// silent for longer than 25 s.
pub const SILENCE_TIMEOUT_MS: u64 = 40_000;
/// Time in which a socket must be open and welcomed, in milliseconds.
pub const CONNECT_TIMEOUT_MS: u64 = 10_000;
/// Time in which a ping must be answered that is sent when the page wakes up, in milliseconds.
pub const PING_TIMEOUT_MS: u64 = 5_000;
/// Time after which an unconfirmed leave is sent by form, in milliseconds, and again each time it passes.
/// Some networks let pages through and sockets not.
pub const LEAVE_TIMEOUT_MS: u64 = 5_000;
/// Time from the loss, or the first attempt, until "too many tabs" is final, in milliseconds. Until then the server may
/// count this page's own earlier sockets, of a network that is gone: it misses a dead one within 35 s, by a ping after
/// 25 s of silence and 10 s for the pong.
pub const STALE_SOCKETS_MS: u64 = 40_000;
/// Maximum number of reconnects in a row after close code 4500 and before a welcome. A hello that comes too late
/// over a slow line is refused with it like one that is not understood.
pub const MAX_BAD_FRAME_RETRIES: u32 = 3;
/// Time a connection must hold before earlier failures are forgotten, in milliseconds. A
/// server that welcomes and drops, again and again, must not be connected to without pause.
const STABLE_MS: u64 = 5_000;

/// Phase of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not started.
    Idle,
    /// A socket is opening.
    Connecting,
    /// The socket is open and hello was sent; welcome has not arrived.
    AwaitingWelcome,
    /// Welcome has arrived.
    Live,
    /// Waiting before the next attempt.
    Backoff {
        /// Time of the next attempt, in monotonic milliseconds.
        until: u64,
    },
    /// The browser reports no network; no attempt is made until it reports one.
    Offline,
    /// Ended for good.
    Ended(Ending),
}

/// Reason why a page no longer connects to its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The member left, here or in another tab.
    Left,
    /// The room this page was in has ended.
    RoomEnded,
    /// There is no such room, and this page never saw one.
    NoSuchRoom,
    /// The member has no seat: the name must be asked again.
    NoSeat,
    /// The host has removed the member.
    Removed,
    /// The server speaks another version: the page must be reloaded.
    Version,
    /// The member has too many tabs in this room.
    TooManyTabs,
    /// One side did not understand the other. Only a reload can help.
    Protocol,
}

impl Ending {
    /// True if the member's stay is over with it, so that unsent drafts can never be sent.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Left | Self::RoomEnded | Self::NoSuchRoom | Self::Removed)
    }
}

/// Input of a connection. Sockets are identified by connection ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Begin.
    Start,
    /// The socket is open.
    Opened(u32),
    /// A frame arrived.
    Received(u32),
    /// The frame that arrived is `welcome`.
    Welcomed(u32),
    /// The frame that arrived is `bye`: its code counts, whatever the socket reports afterwards.
    Bye {
        /// Id of the socket.
        connection_id: u32,
        /// The close code.
        code: u16,
        /// Time to wait before reconnecting, in milliseconds.
        retry_ms: Option<u64>,
    },
    /// Data arrived that is no frame of this protocol.
    InvalidFrame(u32),
    /// The socket is closed, or could not be opened (1006).
    Closed {
        /// Id of the socket.
        connection_id: u32,
        /// The close code.
        code: u16,
    },
    /// A frame shows that events are missing; only a new hello brings them.
    GapFound(u32),
    /// The time of [`Connection::due`] has come.
    Tick,
    /// The browser has a network.
    Online,
    /// The browser has none.
    Offline,
    /// The page is, or is no longer, on the screen.
    Visible(bool),
    /// The person does not want to wait. Believed even against the browser's "offline", which is wrong for a server on
    /// the same machine.
    TryNow,
    /// The person wants to leave. The server is told as soon as possible, on as many connections as it takes.
    Leave,
    /// The server has taken the leave of [`Action::PostLeave`].
    LeaveConfirmed,
}

/// Action that a connection asks for, to be done in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a socket with this connection id.
    Connect(u32),
    /// Close this socket. Its later reports are ignored.
    Disconnect(u32),
    /// Send `hello` on the open socket, with the client's position.
    SendHello,
    /// Send this frame on the open socket.
    Transmit(ClientFrame),
    /// Leave by form, beside any socket. Give [`Input::LeaveConfirmed`] if that was done; if not, this comes again.
    PostLeave,
}

/// State machine that keeps at most one socket and reconnects for as long as that makes sense.
///
/// - A new socket is asked for only after the one before it was closed.
/// - Reports of any but the newest socket are ignored.
/// - Final close codes end it for good, and so does nothing else but leaving. Two of them are doubted at
///   first, each within its bound: [`MAX_BAD_FRAME_RETRIES`] and [`STALE_SOCKETS_MS`].
/// - No attempt is made while offline. No wait is longer than [`CAP_MS`].
#[derive(Clone, Debug)]
pub struct Connection {
    phase: Phase,
    /// Id of the newest socket; 0 before the first.
    connection_id: u32,
    online: bool,
    visible: bool,
    /// Time to leave by form, once the person wants to leave.
    leave_by: Option<u64>,
    /// True if this page has seen its room: then "no such room" means that it has ended.
    knows_room: bool,
    backoff: Backoff,
    /// Time at which the socket counts as dead, unless a frame arrives before.
    deadline: u64,
    live_since: u64,
    /// Time at which the last connection was lost, until there is a new one.
    lost_since: Option<u64>,
    /// The same, but also set from the first attempt on.
    lost_or_connecting_since: Option<u64>,
    /// Attempts that failed since the last welcome or on this network.
    failed_attempts: u32,
    /// Number of closes with 4500 since the last welcome.
    bad_frames: u32,
}

impl Connection {
    /// An idle connection of a visible page with a network. `knows_room` when the page already shows the room.
    #[must_use]
    pub fn new(entropy: u64, knows_room: bool) -> Self {
        Self {
            phase: Phase::Idle,
            connection_id: 0,
            online: true,
            visible: true,
            leave_by: None,
            knows_room,
            backoff: Backoff::new(entropy),
            deadline: 0,
            live_since: 0,
            lost_since: None,
            lost_or_connecting_since: None,
            failed_attempts: 0,
            bad_frames: 0,
        }
    }

    /// Current phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Id of the newest socket.
    #[must_use]
    pub fn connection_id(&self) -> u32 {
        self.connection_id
    }

    /// Time since which there is no connection where one was had or tried; `None` while live and during the first
    /// attempt. Nor is it a loss that there are too many tabs, as long as that is doubted.
    #[must_use]
    pub fn lost_since(&self) -> Option<u64> {
        self.lost_since
    }

    /// Number of attempts that failed since the last connection, while there was a network.
    #[must_use]
    pub fn failed_attempts(&self) -> u32 {
        self.failed_attempts
    }

    /// True if this is the current socket. Inputs from any other socket are ignored.
    #[must_use]
    pub fn is_current(&self, connection_id: u32) -> bool {
        connection_id == self.connection_id && self.has_socket()
    }

    /// Time at which it needs the next [`Input::Tick`].
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.socket_due().into_iter().chain(self.leave_due()).min()
    }

    fn leave_due(&self) -> Option<u64> {
        self.leave_by.filter(|_| self.online && !matches!(self.phase, Phase::Ended(_)))
    }

    fn socket_due(&self) -> Option<u64> {
        match self.phase {
            Phase::Backoff { until } => Some(until),
            Phase::Connecting | Phase::AwaitingWelcome => Some(self.deadline),
            // A hidden page may be frozen: that nothing was heard then says nothing about the socket.
            Phase::Live if self.visible => Some(self.deadline),
            Phase::Idle | Phase::Live | Phase::Offline | Phase::Ended(_) => None,
        }
    }

    /// Takes one input at `now` (monotonic milliseconds) and returns the actions to do.
    #[must_use]
    pub fn step(&mut self, now: u64, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            _ if matches!(self.phase, Phase::Ended(_)) => {}
            Input::Start if self.phase == Phase::Idle => self.connect_now(now, &mut actions),
            Input::Opened(connection_id) if self.is_current(connection_id) && self.phase == Phase::Connecting => {
                self.phase = Phase::AwaitingWelcome;
                actions.push(Action::SendHello);
            }
            Input::Received(connection_id) if self.is_current(connection_id) && self.phase == Phase::Live => {
                self.deadline = now + SILENCE_TIMEOUT_MS
            }
            Input::Welcomed(connection_id)
                if self.is_current(connection_id) && self.phase == Phase::AwaitingWelcome =>
            {
                self.welcomed(now, &mut actions);
            }
            Input::Bye { connection_id, code, retry_ms } if self.is_current(connection_id) => {
                actions.push(Action::Disconnect(connection_id));
                self.closed(now, code, retry_ms);
            }
            Input::InvalidFrame(connection_id) if self.is_current(connection_id) => {
                actions.push(Action::Disconnect(connection_id));
                self.phase = Phase::Ended(Ending::Protocol);
            }
            Input::Closed { connection_id, code } if self.is_current(connection_id) => self.closed(now, code, None),
            Input::GapFound(connection_id) if self.is_current(connection_id) => self.drop_socket(now, &mut actions),
            Input::Tick => self.tick(now, &mut actions),
            Input::Online => self.go_online(now, &mut actions),
            Input::Offline => self.go_offline(now, &mut actions),
            Input::Visible(visible) => {
                self.visible = visible;
                if visible {
                    self.reconnect_or_ping(now, &mut actions);
                }
            }
            Input::TryNow => {
                self.online = true;
                self.reconnect_or_ping(now, &mut actions);
            }
            Input::Leave => {
                self.leave_by.get_or_insert(now + LEAVE_TIMEOUT_MS);
                if self.phase == Phase::Live {
                    actions.push(Action::Transmit(ClientFrame::Leave));
                }
            }
            Input::LeaveConfirmed if self.leave_by.is_some() => {
                if self.has_socket() {
                    actions.push(Action::Disconnect(self.connection_id));
                }
                self.phase = Phase::Ended(Ending::Left);
            }
            _ => {}
        }
        actions
    }

    /// Reconnects on another network: failures on the old one say nothing about it.
    fn go_online(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.backoff.reset();
        self.failed_attempts = 0;
        self.online = true;
        self.leave_by = self.leave_by.map(|_| now + LEAVE_TIMEOUT_MS);
        self.reconnect_or_ping(now, actions);
    }

    fn go_offline(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.online = false;
        match self.phase {
            Phase::Backoff { .. } => self.phase = Phase::Offline,
            _ if self.has_socket() => self.drop_socket(now, actions),
            _ => {}
        }
    }

    fn has_socket(&self) -> bool {
        matches!(self.phase, Phase::Connecting | Phase::AwaitingWelcome | Phase::Live)
    }

    /// Opens a socket, or waits for a network. Called only without a socket.
    fn connect_now(&mut self, now: u64, actions: &mut Vec<Action>) {
        if !self.online {
            self.lost_since.get_or_insert(now);
            self.phase = Phase::Offline;
            return;
        }
        self.connection_id += 1;
        self.lost_or_connecting_since.get_or_insert(now);
        self.deadline = now + CONNECT_TIMEOUT_MS;
        self.phase = Phase::Connecting;
        actions.push(Action::Connect(self.connection_id));
    }

    fn welcomed(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.phase = Phase::Live;
        self.knows_room = true;
        self.lost_since = None;
        self.lost_or_connecting_since = None;
        self.failed_attempts = 0;
        self.bad_frames = 0;
        self.live_since = now;
        self.deadline = now + SILENCE_TIMEOUT_MS;
        if self.leave_by.is_some() {
            actions.push(Action::Transmit(ClientFrame::Leave));
        }
    }

    fn tick(&mut self, now: u64, actions: &mut Vec<Action>) {
        if self.leave_due().is_some_and(|due| due <= now) {
            self.leave_by = Some(now + LEAVE_TIMEOUT_MS);
            actions.push(Action::PostLeave);
        }
        if self.socket_due().is_none_or(|due| now < due) {
            return;
        }
        if self.has_socket() {
            self.drop_socket(now, actions);
        } else {
            self.connect_now(now, actions);
        }
    }

    /// Reconnects at once, or checks a socket that may have slept: the person is here, or a network is.
    fn reconnect_or_ping(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.tick(now, actions);
        match self.phase {
            Phase::Backoff { .. } | Phase::Offline => self.connect_now(now, actions),
            Phase::Live if now + PING_TIMEOUT_MS < self.deadline => {
                self.deadline = now + PING_TIMEOUT_MS;
                actions.push(Action::Transmit(ClientFrame::Ping { n: u64::from(self.connection_id) }));
            }
            _ => {}
        }
    }

    fn drop_socket(&mut self, now: u64, actions: &mut Vec<Action>) {
        actions.push(Action::Disconnect(self.connection_id));
        self.lost_since.get_or_insert(now);
        self.back_off(now, None, false);
    }

    /// Handles a closed socket.
    fn closed(&mut self, now: u64, code: u16, retry_ms: Option<u64>) {
        let reason = CloseCode::from_number(code);
        if !self.may_reconnect(now, code) {
            self.phase = Phase::Ended(self.ending(code));
            return;
        }
        // A page that was never live may have to wait for its own closed sockets, or have opened its socket too long before
        // its program came, once.
        let is_doubted = matches!(reason, Some(CloseCode::TooManyTabs | CloseCode::BadFrame));
        if self.phase == Phase::Live || !is_doubted || self.failed_attempts > 0 {
            self.lost_since.get_or_insert(now);
        }
        self.back_off(now, retry_ms, reason == Some(CloseCode::Restarting));
    }

    fn may_reconnect(&mut self, now: u64, code: u16) -> bool {
        match CloseCode::from_number(code) {
            Some(CloseCode::BadFrame) if self.phase != Phase::Live => {
                self.bad_frames += 1;
                self.bad_frames <= MAX_BAD_FRAME_RETRIES
            }
            Some(CloseCode::TooManyTabs) => now < self.lost_or_connecting_since.unwrap_or(now) + STALE_SOCKETS_MS,
            _ => should_reconnect(code),
        }
    }

    /// Waits before reconnecting. `spread` adds jitter where every client was given the same `retry_ms`.
    fn back_off(&mut self, now: u64, retry_ms: Option<u64>, spread: bool) {
        if self.phase != Phase::Live {
            self.failed_attempts += u32::from(self.online);
        } else if now.saturating_sub(self.live_since) >= STABLE_MS {
            self.backoff.reset();
        }
        self.lost_or_connecting_since.get_or_insert(now);
        let wait = self.backoff.next_delay();
        let wait = match retry_ms {
            Some(retry) if spread => {
                let retry = retry.min(CAP_MS / 2);
                retry + self.backoff.random_up_to(retry)
            }
            Some(retry) => wait.max(retry.min(CAP_MS)),
            None => wait,
        };
        self.phase = if self.online { Phase::Backoff { until: now + wait } } else { Phase::Offline };
    }

    fn ending(&self, code: u16) -> Ending {
        match CloseCode::from_number(code) {
            Some(CloseCode::Left) => Ending::Left,
            Some(CloseCode::NoSeat | CloseCode::NoSuchRoom | CloseCode::RoomEnded | CloseCode::Removed)
                if self.leave_by.is_some() =>
            {
                Ending::Left
            }
            Some(CloseCode::NoSeat) => Ending::NoSeat,
            Some(CloseCode::Removed) => Ending::Removed,
            Some(CloseCode::RoomEnded) => Ending::RoomEnded,
            Some(CloseCode::NoSuchRoom) if self.knows_room => Ending::RoomEnded,
            Some(CloseCode::NoSuchRoom) => Ending::NoSuchRoom,
            Some(CloseCode::Version) => Ending::Version,
            Some(CloseCode::TooManyTabs) => Ending::TooManyTabs,
            _ => Ending::Protocol,
        }
    }
}
