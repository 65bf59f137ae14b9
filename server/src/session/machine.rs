//! One connection's decisions, without I/O: what arrives goes in with the time, what to do comes out.

use std::time::{Duration, Instant};

use protocol::body::BodyError;
use protocol::emoji::EmojiError;
use protocol::{
    ClientFrame, CloseCode, Code, Delivered, EventId, EventKind, Fault, Limits, MessageBody, Names, Position, Proposal,
    Seq, ServerFrame, VERSION, codec,
};

use crate::backend::Appended;

/// Maximum time until a new connection says hello: a page opens its socket while its program is on the way.
pub const GREETING: Duration = Duration::from_secs(10);
/// A quiet server says something this often: a WebSocket ping for the transport, and an empty `events` frame for the
/// page, which cannot see pings.
pub const HEARTBEAT: Duration = Duration::from_secs(25);
/// After a ping, a connection that stays silent this long is dead.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A text message arrived.
    Text(&'a str),
    /// A binary message arrived.
    Binary,
    /// A ping or pong arrived.
    Heard,
    /// `Open` succeeded, and the welcome is written.
    Opened,
    /// Events were written.
    Wrote,
    /// An append was decided.
    Appended {
        /// Which.
        id: EventId,
        /// How.
        outcome: Result<Appended, Fault>,
        /// How far this connection had been told the log by then.
        sent: Seq,
    },
    /// The room ended.
    RoomEnded,
    /// The member's seat is gone.
    SeatFreed {
        /// By the member's own choice.
        by_choice: bool,
    },
    /// The server is about to end.
    Shutdown,
    /// Time passed.
    Tick,
}

/// What to do about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Find the room, take the connection's lease, write welcome and what follows this position.
    Open(Option<Position>),
    /// Append this event.
    Append {
        /// Its id.
        id: EventId,
        /// What happens.
        kind: EventKind,
    },
    /// Free the member's seat.
    Leave,
    /// Tell the others whether the member is writing.
    Typing(bool),
    /// Write this frame.
    Send(ServerFrame),
    /// Write a WebSocket ping.
    Ping,
    /// Say bye with this code and end the connection.
    Close(CloseCode),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Greeting,
    Opening,
    Live,
    Closed,
}

/// Where a connection stands.
#[derive(Debug)]
pub struct Machine {
    phase: Phase,
    frame_limit: usize,
    began: Instant,
    heard: Instant,
    said: Instant,
    pinged: Option<Instant>,
}

impl Machine {
    /// A connection that was accepted now.
    #[must_use]
    pub fn new(now: Instant, limits: &Limits) -> Self {
        Self { phase: Phase::Greeting, frame_limit: limits.frame, began: now, heard: now, said: now, pinged: None }
    }

    /// When `Tick` is due.
    #[must_use]
    pub fn wake(&self) -> Instant {
        match (self.phase, self.pinged) {
            (Phase::Greeting, _) => self.began + GREETING,
            (_, Some(pinged)) => (pinged + PATIENCE).min(self.said + HEARTBEAT),
            (_, None) => self.said.min(self.heard) + HEARTBEAT,
        }
    }

    /// Decides.
    pub fn step(&mut self, now: Instant, input: Input<'_>) -> Vec<Action> {
        if self.phase == Phase::Closed {
            return Vec::new();
        }
        match input {
            Input::Text(text) => self.text(now, text),
            Input::Binary => self.close(CloseCode::BadFrame),
            Input::Heard => self.hear(now),
            Input::Opened => {
                self.phase = Phase::Live;
                self.wrote(now)
            }
            Input::Wrote => self.wrote(now),
            Input::Appended { id, outcome, sent } => answer(id, outcome, sent).into_iter().map(Action::Send).collect(),
            Input::RoomEnded => self.close(CloseCode::RoomEnded),
            Input::SeatFreed { by_choice } => self.close(if by_choice { CloseCode::Left } else { CloseCode::NoSeat }),
            Input::Shutdown => self.close(CloseCode::Restarting),
            Input::Tick => self.tick(now),
        }
    }

    fn text(&mut self, now: Instant, text: &str) -> Vec<Action> {
        self.hear(now);
        if text.len() > self.frame_limit {
            return self.close(CloseCode::TooLarge);
        }
        let Ok(frame) = codec::decode::<ClientFrame>(text) else { return self.close(CloseCode::BadFrame) };
        match (self.phase, frame) {
            (Phase::Greeting, ClientFrame::Hello { v: VERSION, position }) => {
                self.phase = Phase::Opening;
                vec![Action::Open(position)]
            }
            (Phase::Greeting, ClientFrame::Hello { .. }) => self.close(CloseCode::Version),
            (Phase::Live, ClientFrame::Append { id, event }) => vec![propose(id, event)],
            (Phase::Live, ClientFrame::Signal { typing }) => vec![Action::Typing(typing)],
            (Phase::Live, ClientFrame::Unknown) => Vec::new(),
            (Phase::Live, ClientFrame::Leave) => vec![Action::Leave],
            (Phase::Live, ClientFrame::Ping { n }) => vec![Action::Send(ServerFrame::Pong { n })],
            // A second hello, or anything before the first.
            _ => self.close(CloseCode::BadFrame),
        }
    }

    fn tick(&mut self, now: Instant) -> Vec<Action> {
        if self.phase == Phase::Greeting {
            return if now >= self.began + GREETING { self.close(CloseCode::BadFrame) } else { Vec::new() };
        }
        if self.pinged.is_some_and(|pinged| now >= pinged + PATIENCE) {
            return self.close(CloseCode::NoPong);
        }
        let mut actions = Vec::new();
        if self.pinged.is_none() && now >= self.heard.min(self.said) + HEARTBEAT {
            self.pinged = Some(now);
            actions.push(Action::Ping);
        }
        if now >= self.said + HEARTBEAT {
            self.said = now;
            actions.push(Action::Send(ServerFrame::Events { events: Vec::new(), names: Names::new(), more: false }));
        }
        actions
    }

    fn hear(&mut self, now: Instant) -> Vec<Action> {
        self.heard = now;
        self.pinged = None;
        Vec::new()
    }

    fn wrote(&mut self, now: Instant) -> Vec<Action> {
        self.said = now;
        Vec::new()
    }

    fn close(&mut self, code: CloseCode) -> Vec<Action> {
        self.phase = Phase::Closed;
        vec![Action::Close(code)]
    }
}

/// What to do with what a client asks to append. A bad one costs the client this message, not the connection.
fn propose(id: EventId, event: Proposal) -> Action {
    let refuse = |code| Action::Send(ServerFrame::Rejected { id, code, retry_ms: None });
    if !id.is_v7() {
        return refuse(Code::NotAllowed);
    }
    match parse(event) {
        Ok(kind) => Action::Append { id, kind },
        Err(code) => refuse(code),
    }
}

fn parse(event: Proposal) -> Result<EventKind, Code> {
    let body = |body: String| body.parse::<MessageBody>().map_err(BodyError::code);
    Ok(match event {
        Proposal::Message { body: text, reply_to } => {
            EventKind::Message { body: Some(body(text)?), reply_to, edited: false }
        }
        Proposal::Edited { target, body: text } => EventKind::Edited { target, body: Some(body(text)?) },
        Proposal::Deleted { target } => EventKind::Deleted { target },
        Proposal::Reacted { target, emoji, on } => {
            EventKind::Reacted { target, emoji: emoji.parse().map_err(EmojiError::code)?, on }
        }
        Proposal::Forbidden => return Err(Code::NotAllowed),
        Proposal::Other => return Err(Code::Unsupported),
        Proposal::Unsendable => return Err(Code::BadText),
    })
}

/// What the sender alone is told. A stored event needs no word: its echo comes with everybody else's copy, and so does
/// a repeated one that this connection has not been told yet.
fn answer(id: EventId, outcome: Result<Appended, Fault>, sent: Seq) -> Option<ServerFrame> {
    let again = |item| ServerFrame::Events { events: vec![item], names: Names::new(), more: false };
    match outcome {
        Ok(Appended::Stored(_)) => None,
        Ok(Appended::Repeat(event)) => (event.seq <= sent).then(|| again(Delivered::Event(event))),
        Ok(Appended::Trimmed(seq)) => Some(again(Delivered::Trimmed { id, seq })),
        Err(Fault { code, retry_ms }) => Some(ServerFrame::Rejected { id, code, retry_ms }),
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
    fn what_is_out_of_place_ends_the_connection() {
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
    fn a_bad_append_costs_the_message_and_not_the_connection() {
        let id = EventId::mint(1, [7; 10]);
        let v4 = "9f3c1d1e-6d0a-4b0e-9c1e-2f6d3a4b5c6d";
        let own = format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"left","member":"{v4}"}}}}"#);
        let other = format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"removed","member":"{v4}"}}}}"#);
        for (text, code) in [
            (append(&id.to_string(), "  \n "), Code::Empty),
            (append(&id.to_string(), &"é".repeat(4_001)), Code::TooLong),
            (append(&id.to_string(), "a\\ud83db").replace("\\\\u", "\\u"), Code::BadText),
            (append(v4, "hi"), Code::NotAllowed),
            (own, Code::NotAllowed),
            (other, Code::Unsupported),
        ] {
            let (mut machine, now) = live();
            let actions = machine.step(now, Input::Text(&text));
            assert!(
                matches!(&actions[..], [Action::Send(ServerFrame::Rejected { code: said, .. })] if *said == code),
                "{code:?}: {actions:?}"
            );
            assert_eq!(machine.phase, Phase::Live);
        }
    }

    #[test]
    fn a_frame_of_a_later_version_is_passed_over() {
        let (mut machine, now) = live();
        assert_eq!(machine.step(now, Input::Text(r#"{"type":"shout","body":"x"}"#)), []);
        assert_eq!(machine.phase, Phase::Live);
    }

    #[test]
    fn silence_is_broken_and_then_ended() {
        let (mut machine, now) = live();
        let later = machine.wake();
        assert_eq!(later, now + HEARTBEAT);
        let actions = machine.step(later, Input::Tick);
        assert!(matches!(&actions[..], [Action::Ping, Action::Send(ServerFrame::Events { .. })]));
        let answered = later + Duration::from_secs(1);
        assert_eq!(machine.step(answered, Input::Heard), []);
        assert_eq!(machine.step(later + PATIENCE, Input::Tick), [], "a pong came");
        let next = machine.wake();
        machine.step(next, Input::Tick);
        assert_eq!(machine.step(next + PATIENCE, Input::Tick), [Action::Close(CloseCode::NoPong)]);
    }

    #[test]
    fn nobody_waits_for_ever_at_the_door() {
        let (mut machine, now) = machine();
        assert_eq!(machine.step(now + GREETING - Duration::from_millis(1), Input::Tick), []);
        assert_eq!(machine.step(now + GREETING, Input::Tick), [Action::Close(CloseCode::BadFrame)]);
    }

    #[test]
    fn a_repeat_is_told_once() {
        let (mut machine, now) = live();
        let id = EventId::mint(1, [7; 10]);
        let trimmed = |sent| Input::Appended { id, outcome: Ok(Appended::Trimmed(Seq(3))), sent };
        assert_eq!(machine.step(now, trimmed(Seq(9))).len(), 1);
        let event = protocol::Event {
            seq: Seq(5),
            prev: Seq(4),
            id,
            at: 1,
            by: protocol::MemberId(id.0),
            kind: protocol::EventKind::Unknown,
        };
        let mut repeat =
            |sent| machine.step(now, Input::Appended { id, outcome: Ok(Appended::Repeat(event.clone())), sent }).len();
        assert_eq!(repeat(Seq(5)), 1, "already passed: the log will not bring it again");
        assert_eq!(repeat(Seq(4)), 0, "not passed: its echo is still to come");
    }
}
