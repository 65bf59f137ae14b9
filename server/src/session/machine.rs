//! State machine of one connection, without I/O: inputs and the time go in, actions come out.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use protocol::body::BodyError;
use protocol::emoji::EmojiError;
use protocol::name::NameError;
use protocol::room_name::RoomNameError;
use protocol::{
    ClientFrame, CloseCode, Delivered, DisplayName, ErrorCode, EventId, EventKind, LeaveReason, Limits, MAX_SLOW_MS,
    MessageBody, Names, Position, Proposal, ProposedChange, Rejection, RoomChange, Seq, ServerFrame, VERSION, codec,
};
use store::Appended;

/// Maximum time for a new connection to send `hello`: a page opens its socket while its program is being fetched.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval of keep-alives from a quiet server: a WebSocket ping for the transport, and an empty `events` frame for the
/// page, which cannot see pings.
pub const HEARTBEAT: Duration = Duration::from_secs(25);
/// Maximum silence after a ping; then the connection is closed as dead.
pub const PONG_TIMEOUT: Duration = Duration::from_secs(10);

/// Input of the machine.
#[derive(Debug)]
pub enum Input<'a> {
    /// A text message arrived.
    Text(&'a str),
    /// A binary message arrived.
    Binary,
    /// A ping or pong arrived.
    Control,
    /// `Open` succeeded, and the welcome is written.
    Opened,
    /// A frame was written.
    Sent,
    /// The outcome of an append is known.
    Appended {
        /// Id of the event.
        id: EventId,
        /// The outcome.
        outcome: Result<Appended, Rejection>,
        /// Cursor of this connection at that time.
        cursor: Seq,
    },
    /// The outcome of a leave is known.
    LeaveDone,
    /// The room ended.
    RoomEnded,
    /// The member's seat was freed.
    SeatFreed {
        /// Reason.
        why: LeaveReason,
    },
    /// The server shuts down.
    Shutdown,
    /// The time of [`Machine::wake`] has come.
    Tick,
}

/// Action for the session to perform.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Find the room, take the connection's lease, write the welcome and the events after this position.
    Open(Option<Position>),
    /// Append this event.
    Append {
        /// Id of the event.
        id: EventId,
        /// The change.
        change: Change,
    },
    /// Free the member's seat.
    Leave,
    /// Publish that the member is writing, or has stopped.
    Typing(bool),
    /// Write this frame.
    Send(ServerFrame),
    /// Write a WebSocket ping.
    Ping,
    /// Send `bye` with this code and end the connection.
    Close(CloseCode),
}

/// Valid content of an append.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// This event.
    Event(EventKind),
    /// The author's name: the event is completed by who knows the author.
    Name(DisplayName),
    /// Another code of the room, which is still to be drawn.
    Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    AwaitingHello,
    Opening,
    Live,
    Closed,
}

/// State machine of one connection.
#[derive(Debug)]
pub struct Machine {
    phase: Phase,
    frame_limit: usize,
    /// Numbers of seats that a host may choose.
    capacities: RangeInclusive<u32>,
    began: Instant,
    last_received: Instant,
    last_sent: Instant,
    pinged_at: Option<Instant>,
    /// False while an append or leave is in progress: the session reads nothing then, so silence is not the peer's.
    reads: bool,
}

impl Machine {
    /// Creates the machine of a connection that was accepted now.
    #[must_use]
    pub fn new(now: Instant, limits: &Limits) -> Self {
        let (phase, frame_limit) = (Phase::AwaitingHello, limits.frame);
        let capacities = limits.capacity_min..=limits.capacity_max;
        Self {
            phase,
            frame_limit,
            capacities,
            began: now,
            last_received: now,
            last_sent: now,
            pinged_at: None,
            reads: true,
        }
    }

    /// Returns the time at which `Tick` is due.
    #[must_use]
    pub fn wake(&self) -> Instant {
        match (self.phase, self.pinged_at) {
            (Phase::AwaitingHello, _) => self.began + HELLO_TIMEOUT,
            (_, Some(pinged)) => (pinged + PONG_TIMEOUT).min(self.last_sent + HEARTBEAT),
            (_, None) if !self.reads => self.last_sent + HEARTBEAT,
            (_, None) => self.last_sent.min(self.last_received) + HEARTBEAT,
        }
    }

    /// Handles an input, and returns the actions to perform.
    pub fn step(&mut self, now: Instant, input: Input<'_>) -> Vec<Action> {
        if self.phase == Phase::Closed {
            return Vec::new();
        }
        match input {
            Input::Text(text) => self.text(now, text),
            Input::Binary => self.close(CloseCode::BadFrame),
            Input::Control => self.on_received(now),
            Input::Opened => {
                self.phase = Phase::Live;
                self.on_sent(now)
            }
            Input::Sent => self.on_sent(now),
            Input::Appended { id, outcome, cursor } => {
                self.reads = true;
                answer(id, outcome, cursor).into_iter().map(Action::Send).collect()
            }
            Input::LeaveDone => {
                self.reads = true;
                Vec::new()
            }
            Input::RoomEnded => self.close(CloseCode::RoomEnded),
            Input::SeatFreed { why } => self.close(match why {
                LeaveReason::Choice => CloseCode::Left,
                LeaveReason::Vanished => CloseCode::NoSeat,
                LeaveReason::Removed => CloseCode::Removed,
            }),
            Input::Shutdown => self.close(CloseCode::Restarting),
            Input::Tick => self.tick(now),
        }
    }

    fn text(&mut self, now: Instant, text: &str) -> Vec<Action> {
        self.on_received(now);
        if text.len() > self.frame_limit {
            return self.close(CloseCode::TooLarge);
        }
        let Ok(frame) = codec::decode::<ClientFrame>(text) else { return self.close(CloseCode::BadFrame) };
        match (self.phase, frame) {
            (Phase::AwaitingHello, ClientFrame::Hello { v: VERSION, position }) => {
                self.phase = Phase::Opening;
                vec![Action::Open(position)]
            }
            (Phase::AwaitingHello, ClientFrame::Hello { .. }) => self.close(CloseCode::Version),
            (Phase::Live, ClientFrame::Append { id, event }) => {
                let action = propose(id, event, &self.capacities);
                self.reads = !matches!(action, Action::Append { .. });
                vec![action]
            }
            (Phase::Live, ClientFrame::Signal { typing }) => vec![Action::Typing(typing)],
            (Phase::Live, ClientFrame::Unknown) => Vec::new(),
            (Phase::Live, ClientFrame::Leave) => {
                self.reads = false;
                vec![Action::Leave]
            }
            (Phase::Live, ClientFrame::Ping { n }) => vec![Action::Send(ServerFrame::Pong { n })],
            // A second hello, or anything before the first.
            _ => self.close(CloseCode::BadFrame),
        }
    }

    fn tick(&mut self, now: Instant) -> Vec<Action> {
        if self.phase == Phase::AwaitingHello {
            return if now >= self.began + HELLO_TIMEOUT { self.close(CloseCode::BadFrame) } else { Vec::new() };
        }
        if self.pinged_at.is_some_and(|pinged| now >= pinged + PONG_TIMEOUT) {
            return self.close(CloseCode::NoPong);
        }
        let mut actions = Vec::new();
        if self.reads && self.pinged_at.is_none() && now >= self.last_received.min(self.last_sent) + HEARTBEAT {
            self.pinged_at = Some(now);
            actions.push(Action::Ping);
        }
        if now >= self.last_sent + HEARTBEAT {
            self.last_sent = now;
            actions.push(Action::Send(ServerFrame::Events { events: Vec::new(), names: Names::new(), more: false }));
        }
        actions
    }

    fn on_received(&mut self, now: Instant) -> Vec<Action> {
        self.last_received = now;
        self.pinged_at = None;
        Vec::new()
    }

    fn on_sent(&mut self, now: Instant) -> Vec<Action> {
        self.last_sent = self.last_sent.max(now);
        Vec::new()
    }

    fn close(&mut self, code: CloseCode) -> Vec<Action> {
        self.phase = Phase::Closed;
        vec![Action::Close(code)]
    }
}

/// Validates an event that a client asks to append. An invalid one is rejected; the connection stays open.
fn propose(id: EventId, event: Proposal, capacities: &RangeInclusive<u32>) -> Action {
    let refuse = |error| Action::Send(ServerFrame::Rejected { id, error, retry_ms: None });
    if !id.is_v7() {
        return refuse(ErrorCode::NotAllowed);
    }
    match parse(event, capacities) {
        Ok(change) => Action::Append { id, change },
        Err(error) => refuse(error),
    }
}

fn parse(event: Proposal, capacities: &RangeInclusive<u32>) -> Result<Change, ErrorCode> {
    let body = |body: String| body.parse::<MessageBody>().map_err(BodyError::code);
    Ok(Change::Event(match event {
        Proposal::Message { body: text, reply_to } => {
            EventKind::Message { body: Some(body(text)?), reply_to, edited: false }
        }
        Proposal::Edited { target, body: text } => EventKind::Edited { target, body: Some(body(text)?) },
        Proposal::Deleted { target } => EventKind::Deleted { target },
        Proposal::Reacted { target, emoji, on } => {
            EventKind::Reacted { target, emoji: emoji.parse().map_err(EmojiError::code)?, on }
        }
        Proposal::Renamed { name } => return Ok(Change::Name(name.parse().map_err(NameError::code)?)),
        Proposal::Settings(change) => EventKind::Settings(room_change(change, capacities)?),
        Proposal::Code => return Ok(Change::Code),
        Proposal::Host { member } => EventKind::Host { member },
        Proposal::Remove { member } => EventKind::Left { member, why: LeaveReason::Removed },
        Proposal::Ended => EventKind::Ended,
        Proposal::NotAllowed => return Err(ErrorCode::NotAllowed),
        Proposal::Unsupported => return Err(ErrorCode::Unsupported),
        Proposal::BadText => return Err(ErrorCode::BadText),
    }))
}

fn room_change(change: ProposedChange, capacities: &RangeInclusive<u32>) -> Result<RoomChange, ErrorCode> {
    let ProposedChange { name, locked, capacity, slow_ms, host_only } = change;
    if capacity.is_some_and(|seats| !capacities.contains(&seats)) {
        return Err(ErrorCode::CapacityBad);
    }
    if slow_ms.is_some_and(|ms| ms > MAX_SLOW_MS) {
        return Err(ErrorCode::NotAllowed);
    }
    let name = name.map(|name| name.parse()).transpose().map_err(RoomNameError::code)?;
    Ok(RoomChange { name, locked, capacity, slow_ms, host_only })
}

/// Returns the answer that only the sender gets. A stored event needs none: the sender receives it as all sessions do.
/// Nor does a duplicate of an event that this connection has yet to send.
fn answer(id: EventId, outcome: Result<Appended, Rejection>, cursor: Seq) -> Option<ServerFrame> {
    let again = |item| ServerFrame::Events { events: vec![item], names: Names::new(), more: false };
    match outcome {
        Ok(Appended::Stored(_)) => None,
        Ok(Appended::Duplicate(event)) => (event.seq <= cursor).then(|| again(Delivered::Event(event))),
        Ok(Appended::DuplicateTrimmed(seq)) => Some(again(Delivered::Trimmed { id, seq })),
        Err(Rejection { error, retry_ms }) => Some(ServerFrame::Rejected { id, error, retry_ms }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"{"type":"hello","v":1}"#;

    fn machine() -> (Machine, Instant) {
        let now = Instant::now();
        (Machine::new(now, &Limits::default()), now)
    }

    fn live() -> (Machine, Instant) {
        let (mut machine, now) = machine();
        assert_eq!(machine.step(now, Input::Text(HELLO)), [Action::Open(None)]);
        assert_eq!(machine.step(now, Input::Opened), []);
        (machine, now)
    }

    fn append(id: &str, body: &str) -> String {
        format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"message","body":{body:?}}}}}"#)
    }

    #[test]
    fn invalid_frame_closes_the_connection() {
        let id = EventId::mint(1, [7; 10]).to_string();
        let wordy = append(&id, &"x".repeat(70_000));
        let cases: [(bool, &str, CloseCode); 10] = [
            (false, "not json", CloseCode::BadFrame),
            (false, r#"{"type":"ping","n":1}"#, CloseCode::BadFrame),
            (false, r#"{"type":"hello","v":2}"#, CloseCode::Version),
            (true, HELLO, CloseCode::BadFrame),
            (false, r#"{"type":"shout","body":"x"}"#, CloseCode::BadFrame),
            (true, r#"{"body":"x"}"#, CloseCode::BadFrame),
            (true, "[]", CloseCode::BadFrame),
            (true, r#"{"type":"append","id":"x","event":{"kind":"message","body":"x"}}"#, CloseCode::BadFrame),
            (true, r#"{"type":"ping","n":-1}"#, CloseCode::BadFrame),
            (true, &wordy, CloseCode::TooLarge),
        ];
        for (greeted, text, code) in cases {
            let (mut machine, now) = if greeted { live() } else { machine() };
            assert_eq!(machine.step(now, Input::Text(text)), [Action::Close(code)], "{}", &text[..text.len().min(60)]);
            assert_eq!(machine.step(now, Input::Text(HELLO)), [], "nothing follows a close");
        }
    }

    #[test]
    fn invalid_append_is_rejected_and_the_connection_stays_open() {
        let id = EventId::mint(1, [7; 10]);
        let v4 = "9f3c1d1e-6d0a-4b0e-9c1e-2f6d3a4b5c6d";
        let own = format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"left","member":"{v4}"}}}}"#);
        let named = |kind, name: &str| {
            format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"{kind}","name":"{name}"}}}}"#)
        };
        let other = format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"removed","member":"{v4}"}}}}"#);
        for (text, code) in [
            (append(&id.to_string(), "  \n "), ErrorCode::Empty),
            (append(&id.to_string(), &"é".repeat(4_001)), ErrorCode::TooLong),
            (append(&id.to_string(), "a\\ud83db").replace("\\\\u", "\\u"), ErrorCode::BadText),
            (append(v4, "hi"), ErrorCode::NotAllowed),
            (own, ErrorCode::NotAllowed),
            (named("renamed", "\u{200b}"), ErrorCode::NameMissing),
            (named("renamed", &"x".repeat(33)), ErrorCode::NameBad),
            (named("settings", "a\u{202e}b"), ErrorCode::RoomNameBad),
            (other, ErrorCode::Unsupported),
        ] {
            let (mut machine, now) = live();
            let actions = machine.step(now, Input::Text(&text));
            assert!(
                matches!(&actions[..], [Action::Send(ServerFrame::Rejected { error: said, .. })] if *said == code),
                "{code:?}: {actions:?}"
            );
            assert_eq!(machine.phase, Phase::Live);
        }
    }

    #[test]
    fn frame_of_unknown_type_is_ignored() {
        let (mut machine, now) = live();
        assert_eq!(machine.step(now, Input::Text(r#"{"type":"shout","body":"x"}"#)), []);
        assert_eq!(machine.phase, Phase::Live);
    }

    #[test]
    fn silent_connection_is_pinged_and_then_closed() {
        let (mut machine, now) = live();
        let later = machine.wake();
        assert_eq!(later, now + HEARTBEAT);
        let actions = machine.step(later, Input::Tick);
        assert!(matches!(&actions[..], [Action::Ping, Action::Send(ServerFrame::Events { .. })]));
        let answered = later + Duration::from_secs(1);
        assert_eq!(machine.step(answered, Input::Control), []);
        assert_eq!(machine.step(later + PONG_TIMEOUT, Input::Tick), [], "a pong came");
        let next = machine.wake();
        machine.step(next, Input::Tick);
        assert_eq!(machine.step(next + PONG_TIMEOUT, Input::Tick), [Action::Close(CloseCode::NoPong)]);
    }

    #[test]
    fn silence_during_an_append_or_leave_is_not_the_peers() {
        let (mut machine, mut now) = live();
        let id = EventId::mint(1, [7; 10]);
        for (text, done) in [
            (
                append(&id.to_string(), "x"),
                Input::Appended { id, outcome: Err(ErrorCode::Storage.into()), cursor: Seq(0) },
            ),
            (r#"{"type":"leave"}"#.to_owned(), Input::LeaveDone),
        ] {
            assert_eq!(machine.step(now, Input::Text(&text)).len(), 1);
            for _ in 0..5 {
                now = machine.wake();
                let actions = machine.step(now, Input::Tick);
                assert!(matches!(&actions[..], [Action::Send(ServerFrame::Events { .. })]), "{actions:?}");
            }
            machine.step(now, done);
            assert_eq!(machine.step(now, Input::Tick), [Action::Ping], "the peer may have been gone for long");
            machine.step(now + PONG_TIMEOUT, Input::Control);
            now += PONG_TIMEOUT;
            assert!(!machine.step(now, Input::Tick).contains(&Action::Close(CloseCode::NoPong)));
        }
    }

    #[test]
    fn hello_timeout_closes_with_4500() {
        let (mut machine, now) = machine();
        assert_eq!(machine.step(now + HELLO_TIMEOUT - Duration::from_millis(1), Input::Tick), []);
        assert_eq!(machine.step(now + HELLO_TIMEOUT, Input::Tick), [Action::Close(CloseCode::BadFrame)]);
    }

    #[test]
    fn duplicate_append_is_answered_if_its_event_was_already_sent() {
        let (mut machine, now) = live();
        let id = EventId::mint(1, [7; 10]);
        let trimmed = |cursor| Input::Appended { id, outcome: Ok(Appended::DuplicateTrimmed(Seq(3))), cursor };
        assert_eq!(machine.step(now, trimmed(Seq(9))).len(), 1);
        let event = protocol::Event {
            seq: Seq(5),
            prev: Seq(4),
            id,
            at: 1,
            by: protocol::MemberId(id.0),
            kind: protocol::EventKind::Unknown,
        };
        let mut repeat = |cursor| {
            machine.step(now, Input::Appended { id, outcome: Ok(Appended::Duplicate(event.clone())), cursor }).len()
        };
        assert_eq!(repeat(Seq(5)), 1, "already sent: it will not be sent again");
        assert_eq!(repeat(Seq(4)), 0, "not sent yet: its echo is still to come");
    }
}
