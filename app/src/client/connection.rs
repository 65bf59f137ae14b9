//! When to dial, when to give up a socket, when to stop.

use crate::protocol::{ClientFrame, CloseCode, fault::comes_back};

use super::backoff::{Backoff, CAP_MS};

/// A visible page that hears nothing for this long has a dead socket, in milliseconds. The server is never silent for
/// longer than 25 s.
pub const SILENCE_MS: u64 = 40_000;
/// A socket that is not open and welcomed after this long is given up, in milliseconds.
pub const DIAL_MS: u64 = 10_000;
/// An answer to a ping that is asked for when the page wakes up must come within this, in milliseconds.
pub const PROBE_MS: u64 = 5_000;
/// A connection that held this long was a good one, in milliseconds: only then are earlier failures forgotten. A
/// server that welcomes and drops, again and again, must not be dialed without pause.
const GOOD_MS: u64 = 5_000;

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not started.
    Idle,
    /// A socket is opening.
    Dialing,
    /// The socket is open, hello was said, welcome has not come.
    Greeting,
    /// Welcomed.
    Live,
    /// Waiting to dial again.
    Backoff {
        /// When.
        until: u64,
    },
    /// The browser says that there is no network; nothing is dialed until it says otherwise.
    Offline,
    /// Over, for ever.
    Ended(Ending),
}

/// Why a page stops talking to its room.
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
    /// The server speaks another version: the page must be reloaded.
    Version,
    /// The member has too many tabs in this room.
    TooManyTabs,
    /// One side did not understand the other. Only a reload can help.
    Protocol,
}

/// What happens to a connection. Sockets are known by the number of their dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Begin.
    Start,
    /// The socket is open.
    Opened(u32),
    /// Any frame came.
    Heard(u32),
    /// The frame that came is `welcome`.
    Welcomed(u32),
    /// The frame that came is `bye`: its code counts, whatever the socket reports afterwards.
    Bye {
        /// Which socket.
        dial: u32,
        /// The close code.
        code: u16,
        /// When to come back, in milliseconds.
        retry_ms: Option<u64>,
    },
    /// What came is no frame of this protocol.
    Garbled(u32),
    /// The socket is closed, or could not be opened (1006).
    Closed {
        /// Which socket.
        dial: u32,
        /// The close code.
        code: u16,
    },
    /// A frame shows that events are missing; only a new hello brings them.
    HoleFound(u32),
    /// Time went by.
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
    /// The person wants to leave. Said to the server as soon as it can be, on as many connections as it takes.
    Leave,
}

/// What a connection asks for, to be done in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a socket and call it by this number.
    Dial(u32),
    /// Close this socket. Nothing it still reports will count.
    HangUp(u32),
    /// Say hello on the open socket, with the position the client has.
    Greet,
    /// Say this on the open socket.
    Transmit(ClientFrame),
}

/// At most one socket, dialed again for as long as it makes sense.
///
/// - A new dial is asked for only after the socket before it was closed or hung up.
/// - What is reported of any other than the newest dial is ignored.
/// - Close codes that do not come back end it for ever, and so does nothing else.
/// - Nothing is dialed while offline. No wait is longer than [`CAP_MS`].
#[derive(Clone, Debug)]
pub struct Connection {
    phase: Phase,
    /// The number of the newest dial; 0 before the first.
    dial: u32,
    online: bool,
    visible: bool,
    leaving: bool,
    /// Whether this page ever saw its room: then "no such room" means that it has ended.
    knows_room: bool,
    backoff: Backoff,
    /// When the socket counts as dead, unless something is heard of it.
    deadline: u64,
    live_since: u64,
    /// When the last connection was lost, until there is a new one.
    lost: Option<u64>,
}

impl Connection {
    /// An idle connection of a visible page with a network. `knows_room` when the page already shows the room.
    #[must_use]
    pub fn new(entropy: u64, knows_room: bool) -> Self {
        Self {
            phase: Phase::Idle,
            dial: 0,
            online: true,
            visible: true,
            leaving: false,
            knows_room,
            backoff: Backoff::new(entropy),
            deadline: 0,
            live_since: 0,
            lost: None,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The number of the newest dial.
    #[must_use]
    pub fn dial(&self) -> u32 {
        self.dial
    }

    /// Since when there is no connection where one was had or tried; `None` while live and during the first attempt.
    #[must_use]
    pub fn lost(&self) -> Option<u64> {
        self.lost
    }

    /// Whether what this socket reports still counts.
    #[must_use]
    pub fn hears(&self, dial: u32) -> bool {
        dial == self.dial && self.has_socket()
    }

    /// When it wants the next [`Input::Tick`].
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        match self.phase {
            Phase::Backoff { until } => Some(until),
            Phase::Dialing | Phase::Greeting => Some(self.deadline),
            // A hidden page may be frozen: that nothing was heard then says nothing about the socket.
            Phase::Live if self.visible => Some(self.deadline),
            Phase::Idle | Phase::Live | Phase::Offline | Phase::Ended(_) => None,
        }
    }

    /// Takes one input at `now` (monotonic milliseconds) and says what to do.
    #[must_use]
    pub fn step(&mut self, now: u64, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            _ if matches!(self.phase, Phase::Ended(_)) => {}
            Input::Start if self.phase == Phase::Idle => self.dial_now(now, &mut actions),
            Input::Opened(dial) if self.hears(dial) && self.phase == Phase::Dialing => {
                self.phase = Phase::Greeting;
                actions.push(Action::Greet);
            }
            Input::Heard(dial) if self.hears(dial) && self.phase == Phase::Live => self.deadline = now + SILENCE_MS,
            Input::Welcomed(dial) if self.hears(dial) && self.phase == Phase::Greeting => {
                self.welcomed(now, &mut actions);
            }
            Input::Bye { dial, code, retry_ms } if self.hears(dial) => {
                actions.push(Action::HangUp(dial));
                self.closed(now, code, retry_ms);
            }
            Input::Garbled(dial) if self.hears(dial) => {
                actions.push(Action::HangUp(dial));
                self.phase = Phase::Ended(Ending::Protocol);
            }
            Input::Closed { dial, code } if self.hears(dial) => self.closed(now, code, None),
            Input::HoleFound(dial) if self.hears(dial) => self.give_up(now, &mut actions),
            Input::Tick => self.tick(now, &mut actions),
            Input::Online => {
                // Another network: what failed on the old one says nothing about it.
                self.backoff.reset();
                self.online = true;
                self.hurry(now, &mut actions);
            }
            Input::Offline => {
                self.online = false;
                match self.phase {
                    Phase::Backoff { .. } => self.phase = Phase::Offline,
                    _ if self.has_socket() => self.give_up(now, &mut actions),
                    _ => {}
                }
            }
            Input::Visible(visible) => {
                self.visible = visible;
                if visible {
                    self.hurry(now, &mut actions);
                }
            }
            Input::TryNow => {
                self.online = true;
                self.hurry(now, &mut actions);
            }
            Input::Leave => {
                self.leaving = true;
                if self.phase == Phase::Live {
                    actions.push(Action::Transmit(ClientFrame::Leave));
                }
            }
            _ => {}
        }
        actions
    }

    fn has_socket(&self) -> bool {
        matches!(self.phase, Phase::Dialing | Phase::Greeting | Phase::Live)
    }

    /// Only without a socket.
    fn dial_now(&mut self, now: u64, actions: &mut Vec<Action>) {
        if !self.online {
            self.lost.get_or_insert(now);
            self.phase = Phase::Offline;
            return;
        }
        self.dial += 1;
        self.deadline = now + DIAL_MS;
        self.phase = Phase::Dialing;
        actions.push(Action::Dial(self.dial));
    }

    fn welcomed(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.phase = Phase::Live;
        self.knows_room = true;
        self.lost = None;
        self.live_since = now;
        self.deadline = now + SILENCE_MS;
        if self.leaving {
            actions.push(Action::Transmit(ClientFrame::Leave));
        }
    }

    fn tick(&mut self, now: u64, actions: &mut Vec<Action>) {
        if self.due().is_none_or(|due| now < due) {
            return;
        }
        if self.has_socket() {
            self.give_up(now, actions);
        } else {
            self.dial_now(now, actions);
        }
    }

    /// The person is here, or a network is: do not wait, and do not trust a socket that slept.
    fn hurry(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.tick(now, actions);
        match self.phase {
            Phase::Backoff { .. } | Phase::Offline => self.dial_now(now, actions),
            Phase::Live if now + PROBE_MS < self.deadline => {
                self.deadline = now + PROBE_MS;
                actions.push(Action::Transmit(ClientFrame::Ping { n: u64::from(self.dial) }));
            }
            _ => {}
        }
    }

    fn give_up(&mut self, now: u64, actions: &mut Vec<Action>) {
        actions.push(Action::HangUp(self.dial));
        self.lose(now, None, false);
    }

    /// The socket is gone for this reason.
    fn closed(&mut self, now: u64, code: u16, retry_ms: Option<u64>) {
        if comes_back(code) {
            self.lose(now, retry_ms, code == CloseCode::Restarting.number());
        } else {
            self.phase = Phase::Ended(self.ending(code));
        }
    }

    /// The socket is gone: wait and dial again. `spread` where everybody was told the same `retry_ms`.
    fn lose(&mut self, now: u64, retry_ms: Option<u64>, spread: bool) {
        if self.phase == Phase::Live && now.saturating_sub(self.live_since) >= GOOD_MS {
            self.backoff.reset();
        }
        self.lost.get_or_insert(now);
        let wait = self.backoff.fail();
        let wait = match retry_ms {
            Some(retry) if spread => {
                let retry = retry.min(CAP_MS / 2);
                retry + self.backoff.draw(retry)
            }
            Some(retry) => wait.max(retry.min(CAP_MS)),
            None => wait,
        };
        self.phase = if self.online { Phase::Backoff { until: now + wait } } else { Phase::Offline };
    }

    fn ending(&self, code: u16) -> Ending {
        match CloseCode::from_number(code) {
            Some(CloseCode::Left) => Ending::Left,
            Some(CloseCode::NoSeat | CloseCode::NoSuchRoom | CloseCode::RoomEnded) if self.leaving => Ending::Left,
            Some(CloseCode::NoSeat) => Ending::NoSeat,
            Some(CloseCode::RoomEnded) => Ending::RoomEnded,
            Some(CloseCode::NoSuchRoom) if self.knows_room => Ending::RoomEnded,
            Some(CloseCode::NoSuchRoom) => Ending::NoSuchRoom,
            Some(CloseCode::Version) => Ending::Version,
            Some(CloseCode::TooManyTabs) => Ending::TooManyTabs,
            _ => Ending::Protocol,
        }
    }
}
