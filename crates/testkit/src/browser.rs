//! Clients without script: a browser with one cookie, and sockets that check the order of what they receive.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::Full;
use hyper::Request;
use hyper::header::{self, HeaderName};
use protocol::{
    ClientFrame, Code, Delivered, Event, EventId, EventKind, LeaveReason, MemberId, Names, Position, Proposal,
    RoomCode, ServerFrame, VERSION, Welcome, codec,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::clock::within;
use super::http::{self, Answer, form};
use super::ids::event_id;
use super::socket::{Handshake, Web};

/// A server that a browser can open.
pub trait Site {
    fn address(&self) -> SocketAddr;
}

/// An HTTP client that keeps the session cookie and nothing else.
#[derive(Clone)]
pub struct Browser {
    pub address: SocketAddr,
    pub cookie: Option<String>,
}

impl Browser {
    pub fn new(server: &impl Site) -> Self {
        Self { address: server.address(), cookie: None }
    }

    /// Requests a page.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "text/html", &[], String::new()).await
    }

    /// Posts a form as a browser without script does.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask("POST", path, "text/html", &[], form(fields)).await
    }

    /// Posts a form as a program does, for an answer in JSON.
    pub async fn call(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask("POST", path, "application/json", &[], form(fields)).await
    }

    /// Sends a request with these headers in addition.
    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        accept: &str,
        more: &[(HeaderName, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.to_string())
            .header(header::ACCEPT, accept);
        if method == "POST" {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        for (name, value) in more {
            request = request.header(name, *value);
        }
        let answer = http::send(self.address, request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
        if let Some(cookie) = answer.cookie() {
            self.cookie = Some(cookie.to_owned());
        }
        answer
    }

    /// Enters a room. Returns its code and the member id.
    pub async fn enter(&mut self, fields: &[(&str, &str)]) -> (RoomCode, MemberId) {
        let entry = self.call("/api/enter", fields).await.json();
        let read = |field| entry.get(field).unwrap_or_else(|| panic!("not entered: {entry}")).clone();
        (serde_json::from_value(read("code")).unwrap(), serde_json::from_value(read("member")).unwrap())
    }
}

/// A browser whose session has a seat in a room.
#[derive(Clone)]
pub struct Person {
    pub browser: Browser,
    pub code: RoomCode,
    pub me: MemberId,
}

impl Person {
    /// Creates a room.
    pub async fn create(server: &impl Site, name: &str) -> Self {
        let mut browser = Browser::new(server);
        let (code, me) = browser.enter(&[("name", name)]).await;
        Self { browser, code, me }
    }

    /// Joins a room.
    pub async fn join(server: &impl Site, code: RoomCode, name: &str) -> Self {
        let mut browser = Browser::new(server);
        let (code, me) = browser.enter(&[("name", name), ("code", &code.to_string())]).await;
        Self { browser, code, me }
    }

    /// Path of the room's page.
    pub fn page(&self) -> String {
        format!("/room/{}", self.code)
    }

    /// The handshake of this person's page, without the `Origin`.
    pub fn handshake(&self) -> Handshake {
        Handshake {
            address: self.browser.address,
            code: self.code.to_string(),
            cookie: self.browser.cookie.clone(),
            origin: None,
            subprotocol: true,
        }
    }

    /// Opens a socket, and sends no `hello`.
    pub async fn knock(&self) -> Socket {
        self.handshake().open().await.unwrap()
    }

    /// Opens a socket, sends `hello`, and reads the welcome and the room's last events.
    pub async fn connect(&self) -> Socket {
        self.greet(None).await
    }

    /// Opens a socket that resumes from this position, and reads the replay.
    pub async fn resume(&self, position: Position) -> Socket {
        self.greet(Some(position)).await
    }

    async fn greet(&self, position: Option<Position>) -> Socket {
        let mut socket = self.knock().await;
        socket.greet(position).await;
        socket
    }

    /// Adapts the address and the cookie to a server on another port, which is part of the cookie's name.
    pub fn follow(&mut self, server: &impl Site) {
        self.browser.address = server.address();
        let value = self.browser.cookie.as_ref().and_then(|cookie| cookie.split_once('=')).unwrap().1;
        self.browser.cookie = Some(format!("flasky-{}={value}", server.address().port()));
    }
}

impl Handshake {
    /// Opens a socket, and sends no `hello`.
    ///
    /// # Errors
    /// With the HTTP status when the handshake is refused.
    pub async fn open(self) -> Result<Socket, u16> {
        let stream = within(TcpStream::connect(self.address)).await.unwrap();
        match within(self.upgrade(stream)).await {
            Ok(stream) => Ok(Socket {
                stream,
                welcome: None,
                names: Names::new(),
                position: None,
                replay: Vec::new(),
                frames: Vec::new(),
                waiting: VecDeque::new(),
                signals: VecDeque::new(),
            }),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A client that checks that each event continues the one before (`prev` and `seq`).
pub struct Socket {
    pub stream: Web,
    welcome: Option<Welcome>,
    /// Names that came with events.
    pub names: Names,
    /// Position of the last event received.
    position: Option<Position>,
    /// Events of the replay that followed the welcome.
    pub replay: Vec<Event>,
    /// Number of events and of bytes in each frame of the replay.
    pub frames: Vec<(usize, usize)>,
    waiting: VecDeque<Delivered>,
    /// Signals that were received and not read by the test yet.
    signals: VecDeque<ServerFrame>,
}

impl Socket {
    pub async fn send(&mut self, frame: &ClientFrame) {
        self.send_text(codec::encode(frame)).await;
    }

    pub async fn send_text(&mut self, text: String) {
        within(self.stream.send(Message::Text(text.into()))).await.unwrap();
    }

    /// Next text message. `None` when the connection was cut.
    async fn text(&mut self) -> Option<String> {
        loop {
            match within(self.stream.next()).await {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Err(_)) | None => return None,
                Some(Ok(other)) => panic!("not a frame: {other:?}"),
            }
        }
    }

    /// Next frame that is no signal. Signals have no order relative to other frames, and are queued.
    pub async fn frame(&mut self) -> ServerFrame {
        loop {
            match self.any_frame().await.0 {
                signal @ ServerFrame::Signal { .. } => self.signals.push_back(signal),
                frame => return frame,
            }
        }
    }

    /// Next signal. Events are queued.
    pub async fn signal(&mut self) -> ServerFrame {
        while self.signals.is_empty() {
            match self.any_frame().await.0 {
                signal @ ServerFrame::Signal { .. } => self.signals.push_back(signal),
                ServerFrame::Events { events, .. } => self.waiting.extend(events),
                other => panic!("no signal: {other:?}"),
            }
        }
        self.signals.pop_front().unwrap()
    }

    /// Fails unless the next signal says that this member is away. Returns the time until which the seat is kept, in UTC
    /// milliseconds.
    pub async fn away(&mut self, who: MemberId) -> u64 {
        match self.signal().await {
            ServerFrame::Signal { member, typing: None, away: Some(true), until: Some(until) } if member == who => {
                until
            }
            other => panic!("not away: {other:?}"),
        }
    }

    /// Members whom the welcome shows as away.
    pub fn away_members(&self) -> Vec<MemberId> {
        self.welcome().members.iter().filter(|seated| seated.away).map(|seated| seated.member).collect()
    }

    async fn any_frame(&mut self) -> (ServerFrame, usize) {
        let text = self.text().await.expect("the connection was cut");
        let frame = codec::decode(&text).unwrap();
        assert_ne!(frame, ServerFrame::Unknown, "{text}");
        (frame, text.len())
    }

    /// Sends `hello` without a position and reads the replay.
    pub async fn greet_anew(&mut self) {
        self.greet(None).await;
    }

    /// Sends `hello` and reads the replay. Fails on holes in it.
    async fn greet(&mut self, position: Option<Position>) {
        self.send(&ClientFrame::Hello { v: VERSION, position }).await;
        let ServerFrame::Welcome(welcome) = self.frame().await else { panic!("no welcome") };
        // Without a position that was recovered the chain begins with the first event that the server sends.
        let mut before = position.filter(|_| welcome.recovered).map(|position| position.seq);
        loop {
            let (frame, length) = self.any_frame().await;
            if let ServerFrame::Signal { .. } = frame {
                self.signals.push_back(frame);
                continue;
            }
            let ServerFrame::Events { events, names, more } = frame else { panic!("no replay: {frame:?}") };
            self.frames.push((events.len(), length));
            self.names.extend(names);
            for delivered in events {
                let Delivered::Event(event) = delivered else { panic!("a resend's answer in a replay") };
                assert_eq!(before.unwrap_or(event.prev), event.prev, "a hole in the replay");
                assert!(event.prev < event.seq);
                before = Some(event.seq);
                self.replay.push(event);
            }
            if !more {
                break;
            }
        }
        let epoch = welcome.position.epoch;
        self.position = Some(Position { epoch, seq: before.unwrap_or(welcome.position.seq) });
        assert!(self.position().seq >= welcome.position.seq, "the replay ends before the position of the roster");
        self.welcome = Some(*welcome);
    }

    pub fn welcome(&self) -> &Welcome {
        self.welcome.as_ref().unwrap()
    }

    pub fn position(&self) -> Position {
        self.position.unwrap()
    }

    /// Next delivery. Fails on any other frame, and on holes.
    pub async fn delivered(&mut self) -> Delivered {
        while self.waiting.is_empty() {
            match self.frame().await {
                ServerFrame::Events { events, names, .. } => {
                    self.names.extend(names);
                    self.waiting.extend(events);
                }
                other => panic!("no events: {other:?}"),
            }
        }
        let delivered = self.waiting.pop_front().unwrap();
        if let (Delivered::Event(event), Some(position)) = (&delivered, &mut self.position)
            && event.seq > position.seq
        {
            assert_eq!(event.prev, position.seq, "a hole");
            position.seq = event.seq;
        }
        delivered
    }

    /// Next event.
    pub async fn event(&mut self) -> Event {
        match self.delivered().await {
            Delivered::Event(event) => event,
            Delivered::Trimmed { .. } => panic!("trimmed"),
        }
    }

    /// Body of the next event, which must be a message.
    pub async fn message(&mut self) -> String {
        body(&self.event().await).to_owned()
    }

    /// Member and reason of the next event, which must be `left`.
    pub async fn left(&mut self) -> (MemberId, LeaveReason) {
        match self.event().await.kind {
            EventKind::Left { member, why } => (member, why),
            other => panic!("nobody left: {other:?}"),
        }
    }

    /// Member and name of the next event, which must be `joined`.
    pub async fn joined(&mut self) -> (MemberId, String) {
        match self.event().await.kind {
            EventKind::Joined { member, name } => (member, name.to_string()),
            other => panic!("nobody joined: {other:?}"),
        }
    }

    /// Sends a message and does not wait for its echo.
    pub async fn say(&mut self, body: &str) -> EventId {
        let id = event_id();
        self.append(id, body).await;
        id
    }

    pub async fn append(&mut self, id: EventId, body: &str) {
        self.propose(id, Proposal::Message { body: body.to_owned(), reply_to: None }).await;
    }

    /// Sends an append of any event, under this id.
    pub async fn propose(&mut self, id: EventId, event: Proposal) {
        self.send(&ClientFrame::Append { id, event }).await;
    }

    /// Appends any event, and reads its echo or its refusal.
    pub async fn asked(&mut self, event: Proposal) -> Result<Event, Code> {
        let id = event_id();
        self.propose(id, event).await;
        self.answer(id).await.map_err(|(code, _)| code)
    }

    /// Sends a message and reads its echo, which must be the next event.
    pub async fn said(&mut self, body: &str) -> Event {
        let id = self.say(body).await;
        let event = self.event().await;
        assert_eq!(event.id, id);
        event
    }

    /// Outcome of an append: its echo, or the code and retry time of its refusal. Other events are queued.
    pub async fn answer(&mut self, id: EventId) -> Result<Event, (Code, Option<u64>)> {
        loop {
            if let Some(at) = self.waiting.iter().position(|delivered| delivered.id() == id) {
                let Some(Delivered::Event(event)) = self.waiting.remove(at) else { panic!("trimmed") };
                if let Some(position) = self.position.as_mut().filter(|position| position.seq == event.prev) {
                    position.seq = event.seq;
                }
                return Ok(event);
            }
            match self.frame().await {
                ServerFrame::Rejected { id: refused, code, retry_ms } => {
                    assert_eq!(refused, id, "refusals come in order");
                    return Err((code, retry_ms));
                }
                ServerFrame::Events { events, .. } => self.waiting.extend(events),
                other => panic!("no answer: {other:?}"),
            }
        }
    }

    /// Fails unless the connection answers a ping, and no frame but signals comes before the answer.
    pub async fn is_well(&mut self, n: u64) {
        self.send(&ClientFrame::Ping { n }).await;
        assert_eq!(self.frame().await, ServerFrame::Pong { n });
    }

    /// Reads to the end of the connection, which must be `bye` and a Close of the same code. Returns the code.
    pub async fn end(&mut self) -> u16 {
        let code = loop {
            match self.frame().await {
                ServerFrame::Bye { code, .. } => break code,
                ServerFrame::Events { .. } => {}
                other => panic!("no bye: {other:?}"),
            }
        };
        match within(self.stream.next()).await {
            Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), code),
            other => panic!("no close after bye: {other:?}"),
        }
        code
    }
}

/// Body of a message.
pub fn body(event: &Event) -> &str {
    match &event.kind {
        EventKind::Message { body: Some(body), .. } => body.as_str(),
        other => panic!("no message: {other:?}"),
    }
}
