//! Clients: a browser with one cookie, and sockets that check the order of what they receive.

use std::collections::VecDeque;
use std::net::SocketAddr;

use ::server::entropy;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body;
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use protocol::{
    ClientFrame, Code, Delivered, Event, EventId, EventKind, LeaveReason, MemberId, Names, Position, Proposal,
    RoomCode, SUBPROTOCOL, ServerFrame, VERSION, Welcome, codec,
};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::server::Server;
use super::within;

/// A whole HTTP response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends one request over a connection of its own.
pub(crate) async fn send<B>(address: SocketAddr, request: Request<B>) -> Answer
where
    B: Body<Error: std::error::Error + Send + Sync, Data: Send> + Send + 'static,
{
    within(async {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        connection.abort();
        Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    })
    .await
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// An HTTP client that keeps the session cookie and nothing else.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) address: SocketAddr,
    pub(crate) cookie: Option<String>,
}

impl Browser {
    pub(crate) fn new(server: &Server) -> Self {
        Self { address: server.address, cookie: None }
    }

    /// Requests a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "text/html", &[], String::new()).await
    }

    /// Posts a form as a browser without script does.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask("POST", path, "text/html", &[], form(fields)).await
    }

    /// Posts a form as a program does, for an answer in JSON.
    pub(crate) async fn call(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask("POST", path, "application/json", &[], form(fields)).await
    }

    /// Sends a request with these headers in addition.
    pub(crate) async fn ask(
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
        let answer = send(self.address, request.body(Full::new(Bytes::from(body))).unwrap()).await;
        let given: Vec<_> = answer.headers.get_all(header::SET_COOKIE).iter().collect();
        assert!(given.len() <= 1, "one cookie at a time (RFC 6265 section 4.1.1): {given:?}");
        if let Some(given) = given.first() {
            self.cookie = given.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        answer
    }

    /// Enters a room. Returns its code and the member id.
    pub(crate) async fn enter(&mut self, fields: &[(&str, &str)]) -> (RoomCode, MemberId) {
        let entry = self.call("/api/enter", fields).await.json();
        let read = |field| entry.get(field).unwrap_or_else(|| panic!("not entered: {entry}")).clone();
        (serde_json::from_value(read("code")).unwrap(), serde_json::from_value(read("member")).unwrap())
    }
}

/// A browser whose session has a seat in a room.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) browser: Browser,
    pub(crate) code: RoomCode,
    pub(crate) me: MemberId,
}

impl Person {
    /// Creates a room.
    pub(crate) async fn create(server: &Server, name: &str) -> Self {
        let mut browser = Browser::new(server);
        let (code, me) = browser.enter(&[("name", name)]).await;
        Self { browser, code, me }
    }

    /// Joins a room.
    pub(crate) async fn join(server: &Server, code: RoomCode, name: &str) -> Self {
        let mut browser = Browser::new(server);
        let (code, me) = browser.enter(&[("name", name), ("code", &code.to_string())]).await;
        Self { browser, code, me }
    }

    /// Path of the room's page.
    pub(crate) fn page(&self) -> String {
        format!("/room/{}", self.code)
    }

    /// Opens a socket, and sends no `hello`.
    pub(crate) async fn knock(&self) -> Socket {
        Handshake::of(self).open().await.unwrap()
    }

    /// Opens a socket, sends `hello`, and reads the welcome and the room's last events.
    pub(crate) async fn connect(&self) -> Socket {
        self.greet(None).await
    }

    /// Opens a socket that resumes from this position, and reads the replay.
    pub(crate) async fn resume(&self, position: Position) -> Socket {
        self.greet(Some(position)).await
    }

    async fn greet(&self, position: Option<Position>) -> Socket {
        let mut socket = self.knock().await;
        socket.greet(position).await;
        socket
    }

    /// Adapts the address and the cookie to a server on another port, which is part of the cookie's name.
    pub(crate) fn follow(&mut self, server: &Server) {
        self.browser.address = server.address;
        let value = self.browser.cookie.as_ref().and_then(|cookie| cookie.split_once('=')).unwrap().1;
        self.browser.cookie = Some(format!("flasky-{}={value}", server.address.port()));
    }
}

/// Parameters of a WebSocket handshake.
pub(crate) struct Handshake {
    pub(crate) address: SocketAddr,
    pub(crate) code: String,
    pub(crate) cookie: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) subprotocol: bool,
}

impl Handshake {
    /// The handshake of this person's page, without the `Origin`.
    pub(crate) fn of(person: &Person) -> Self {
        Self {
            address: person.browser.address,
            code: person.code.to_string(),
            cookie: person.browser.cookie.clone(),
            origin: None,
            subprotocol: true,
        }
    }

    /// Opens the socket.
    ///
    /// # Errors
    /// With the HTTP status when the handshake is refused.
    pub(crate) async fn open(self) -> Result<Socket, u16> {
        let mut request = format!("ws://{}/ws/{}", self.address, self.code).into_client_request().unwrap();
        let headers = request.headers_mut();
        if self.subprotocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL.parse().unwrap());
        }
        if let Some(cookie) = self.cookie {
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        if let Some(origin) = self.origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let stream = within(TcpStream::connect(self.address)).await.unwrap();
        match within(client_async(request, stream)).await {
            Ok((stream, _)) => Ok(Socket {
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
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<TcpStream>,
    welcome: Option<Welcome>,
    /// Names that came with events.
    pub(crate) names: Names,
    /// Position of the last event received.
    position: Option<Position>,
    /// Events of the replay that followed the welcome.
    pub(crate) replay: Vec<Event>,
    /// Number of events and of bytes in each frame of the replay.
    pub(crate) frames: Vec<(usize, usize)>,
    waiting: VecDeque<Delivered>,
    /// Signals that were received and not read by the test yet.
    signals: VecDeque<ServerFrame>,
}

impl Socket {
    pub(crate) async fn send(&mut self, frame: &ClientFrame) {
        self.send_text(codec::encode(frame)).await;
    }

    pub(crate) async fn send_text(&mut self, text: String) {
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
    pub(crate) async fn frame(&mut self) -> ServerFrame {
        loop {
            match self.any_frame().await.0 {
                signal @ ServerFrame::Signal { .. } => self.signals.push_back(signal),
                frame => return frame,
            }
        }
    }

    /// Next signal. Events are queued.
    pub(crate) async fn signal(&mut self) -> ServerFrame {
        while self.signals.is_empty() {
            match self.any_frame().await.0 {
                signal @ ServerFrame::Signal { .. } => self.signals.push_back(signal),
                ServerFrame::Events { events, .. } => self.waiting.extend(events),
                other => panic!("no signal: {other:?}"),
            }
        }
        self.signals.pop_front().unwrap()
    }

    async fn any_frame(&mut self) -> (ServerFrame, usize) {
        let text = self.text().await.expect("the connection was cut");
        let frame = codec::decode(&text).unwrap();
        assert_ne!(frame, ServerFrame::Unknown, "{text}");
        (frame, text.len())
    }

    /// Sends `hello` without a position and reads the replay.
    pub(crate) async fn greet_anew(&mut self) {
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

    pub(crate) fn welcome(&self) -> &Welcome {
        self.welcome.as_ref().unwrap()
    }

    pub(crate) fn position(&self) -> Position {
        self.position.unwrap()
    }

    /// Next delivery. Fails on any other frame, and on holes.
    pub(crate) async fn delivered(&mut self) -> Delivered {
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
    pub(crate) async fn event(&mut self) -> Event {
        match self.delivered().await {
            Delivered::Event(event) => event,
            Delivered::Trimmed { .. } => panic!("trimmed"),
        }
    }

    /// Body of the next event, which must be a message.
    pub(crate) async fn message(&mut self) -> String {
        body(&self.event().await).to_owned()
    }

    /// Member and reason of the next event, which must be `left`.
    pub(crate) async fn left(&mut self) -> (MemberId, LeaveReason) {
        match self.event().await.kind {
            EventKind::Left { member, why } => (member, why),
            other => panic!("nobody left: {other:?}"),
        }
    }

    /// Member and name of the next event, which must be `joined`.
    pub(crate) async fn joined(&mut self) -> (MemberId, String) {
        match self.event().await.kind {
            EventKind::Joined { member, name } => (member, name.to_string()),
            other => panic!("nobody joined: {other:?}"),
        }
    }

    /// Sends a message and does not wait for its echo.
    pub(crate) async fn say(&mut self, body: &str) -> EventId {
        let id = entropy::event_id();
        self.append(id, body).await;
        id
    }

    pub(crate) async fn append(&mut self, id: EventId, body: &str) {
        self.propose(id, Proposal::Message { body: body.to_owned(), reply_to: None }).await;
    }

    /// Sends an append of any event, under this id.
    pub(crate) async fn propose(&mut self, id: EventId, event: Proposal) {
        self.send(&ClientFrame::Append { id, event }).await;
    }

    /// Appends any event, and reads its echo or its refusal.
    pub(crate) async fn asked(&mut self, event: Proposal) -> Result<Event, Code> {
        let id = entropy::event_id();
        self.propose(id, event).await;
        self.answer(id).await.map_err(|(code, _)| code)
    }

    /// Sends a message and reads its echo, which must be the next event.
    pub(crate) async fn said(&mut self, body: &str) -> Event {
        let id = self.say(body).await;
        let event = self.event().await;
        assert_eq!(event.id, id);
        event
    }

    /// Outcome of an append: its echo, or the code and retry time of its refusal. Other events are queued.
    pub(crate) async fn answer(&mut self, id: EventId) -> Result<Event, (Code, Option<u64>)> {
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
    pub(crate) async fn is_well(&mut self, n: u64) {
        self.send(&ClientFrame::Ping { n }).await;
        assert_eq!(self.frame().await, ServerFrame::Pong { n });
    }

    /// Reads to the end of the connection, which must be `bye` and a Close of the same code. Returns the code.
    pub(crate) async fn end(&mut self) -> u16 {
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
pub(crate) fn body(event: &Event) -> &str {
    match &event.kind {
        EventKind::Message { body: Some(body), .. } => body.as_str(),
        other => panic!("no message: {other:?}"),
    }
}
