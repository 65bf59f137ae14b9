//! One connection: the loop that does what [`machine::Machine`] decides.
//!
//! It has no queue of its own. Its place in the room's log is a cursor, what comes next is the hub's word, and one
//! buffer at a time is being written.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::time::{Duration, Instant};

use app::protocol::{
    CloseCode, Code, Delivered, Epoch, EventId, EventKind, Fault, LeaveReason, MemberId, MessageBody, Position, RoomCode,
    RoomInfo, SUBPROTOCOL, Seq, ServerFrame, Welcome, codec,
};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use tokio::time::{interval, timeout};

use crate::backend::{Appended, Backend, BackendError, Draft, From, Lease, Page, Room};
use crate::hub::{AttachError, Attachment, FRAME_BYTES, Splice};
use crate::state::AppState;
use crate::{clock, entropy, identity};

pub mod machine;
pub mod rate;

use machine::{Action, Input, Machine};

/// Events read from the log at once: as many as a frame may hold.
const READ: usize = 200;
/// A peer that takes no frame for this long is gone or too slow.
const WRITE: Duration = Duration::from_secs(10);
/// After our Close the peer's is awaited: dropping the socket earlier can lose the code, and the peer sees 1006.
const LINGER: Duration = Duration::from_secs(2);
/// A reader overtaken by the room this often within [`OVERTAKEN_IN`] does not keep up.
const OVERTAKEN: usize = 3;
const OVERTAKEN_IN: Duration = Duration::from_secs(60);
/// When a store that refused an append is worth asking again.
const STORE_RETRY_MS: u64 = 1_000;

/// Serves one socket to its end. What a person should read is accepted first and said with `bye`.
pub async fn run(state: AppState, socket: WebSocket, code: String, session: Option<identity::Session>) {
    let speaks = socket.protocol().is_some_and(|protocol| protocol == SUBPROTOCOL);
    let place = match (speaks, code.parse::<RoomCode>(), session) {
        (false, ..) => Err(CloseCode::Version),
        (_, Err(_), _) => Err(CloseCode::NoSuchRoom),
        (_, _, None) => Err(CloseCode::NoSeat),
        (_, Ok(code), Some(session)) => Ok((code, state.identity.member(session, code))),
    };
    match place {
        Ok((code, member)) => Connection::new(state, socket, code, member).run().await,
        Err(refused) => drop(close(Wire(socket), refused).await),
    }
}

/// The connection is over; whatever there was to say has been said.
#[derive(Debug)]
struct Over;

type Pending = Pin<Box<dyn Future<Output = (EventId, Result<Appended, Fault>)> + Send>>;

struct Connection {
    state: AppState,
    wire: Option<Wire>,
    machine: Machine,
    lease: Lease,
    live: Option<Live>,
    /// The append being decided. While there is one, nothing more is read: that is the sender's back-pressure.
    append: Option<Pending>,
}

/// Where a greeted connection stands in the room's log.
struct Live {
    attachment: Attachment,
    epoch: Epoch,
    sent: Seq,
    /// Whether the cursor is where only the log can continue it: at first, and after the room has overtaken it.
    behind: bool,
    overtaken: Vec<Instant>,
}

impl Connection {
    fn new(state: AppState, socket: WebSocket, code: RoomCode, member: MemberId) -> Self {
        let machine = Machine::new(Instant::now(), &state.limits);
        let lease = Lease { code, member, id: entropy::uuid() };
        Self { state, wire: Some(Wire(socket)), machine, lease, live: None, append: None }
    }

    async fn run(mut self) {
        let grace = Duration::from_millis(self.state.limits.grace_ms);
        let mut renewal = interval((grace / 3).max(Duration::from_millis(10)));
        while self.turn(&mut renewal).await.is_ok() {}
        if self.live.take().is_some() {
            // The grace begins now, not at the last renewal. A seat that is gone needs none.
            let _ = self.hold().await;
        }
    }

    /// Waits for one thing to happen, or writes one frame.
    async fn turn(&mut self, renewal: &mut tokio::time::Interval) -> Result<(), Over> {
        let more = self.write_next().await?;
        let Some(wire) = &mut self.wire else { return Err(Over) };
        let shutdown = self.state.shutdown.clone();
        let wake = tokio::time::Instant::from_std(self.machine.wake());
        let happened = tokio::select! {
            biased;
            () = shutdown.cancelled() => Happened::Input(Input::Shutdown),
            (id, outcome) = until(&mut self.append) => Happened::Appended(id, outcome),
            message = wire.0.recv(), if self.append.is_none() => Happened::Message(message),
            _ = renewal.tick(), if self.live.is_some() => Happened::Renewal,
            () = tokio::time::sleep_until(wake) => Happened::Input(Input::Tick),
            () = ready(()), if more => return Ok(()),
            lost = changed(&mut self.live) => if lost { Happened::Lost } else { return Ok(()) },
        };
        match happened {
            Happened::Input(input) => self.step(input).await,
            Happened::Appended(id, outcome) => {
                self.append = None;
                let sent = self.live.as_ref().map_or(Seq(0), |live| live.sent);
                self.step(Input::Appended { id, outcome, sent }).await
            }
            Happened::Message(Some(Ok(Message::Text(text)))) => self.step(Input::Text(&text)).await,
            Happened::Message(Some(Ok(Message::Binary(_)))) => self.step(Input::Binary).await,
            Happened::Message(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => self.step(Input::Heard).await,
            Happened::Message(Some(Ok(Message::Close(_)) | Err(_)) | None) => Err(Over),
            Happened::Renewal => self.renew().await,
            Happened::Lost => self.close(CloseCode::ContinuityLost).await,
        }
    }

    async fn step(&mut self, input: Input<'_>) -> Result<(), Over> {
        for action in self.machine.step(Instant::now(), input) {
            match action {
                Action::Open(position) => match self.open(position).await {
                    Ok(()) => drop(self.machine.step(Instant::now(), Input::Opened)),
                    Err(Refused::Close(code)) => return self.close(code).await,
                    Err(Refused::Over) => return Err(Over),
                },
                Action::Append { id, body } => self.append = Some(self.append(id, body)),
                Action::Leave => self.append = Some(self.leave()),
                Action::Send(frame) => self.send(&frame).await?,
                Action::Ping => self.write(Message::Ping(Default::default())).await?,
                Action::Close(code) => return self.close(code).await,
            }
        }
        Ok(())
    }

    /// Joins the room's feed, takes the connection's lease, and says where the client stands. From here on everything
    /// after the cursor follows, whether it was there before or comes now.
    async fn open(&mut self, position: Option<Position>) -> Result<(), Refused> {
        let Lease { code, member, .. } = self.lease;
        let attachment = self.state.hub.attach(code, member).await?;
        self.hold().await?;
        let page_lease = Lease { id: uuid::Uuid::nil(), ..self.lease };
        self.state.backend.release(page_lease).await?;
        let room = self.state.backend.room(code).await?;
        let (recovered, page) = window(&*self.state.backend, code, position, self.state.limits.page).await?;
        let epoch = room.position.epoch;
        let start = position.filter(|_| recovered).map_or(room.position.seq, |position| position.seq);
        let sent = page.events.last().map_or(start, |last| last.seq);
        self.send(&self.welcome(room, recovered)).await?;
        // A page is followed by what the log has after it; `more` says so where that is part of the replay.
        let more = has_more(&attachment, sent);
        self.replay(page, more).await?;
        self.live = Some(Live { attachment, epoch, sent, behind: true, overtaken: Vec::new() });
        Ok(())
    }

    fn welcome(&self, room: Room, recovered: bool) -> ServerFrame {
        ServerFrame::Welcome(Box::new(Welcome {
            member: self.lease.member,
            position: room.position,
            recovered,
            room: RoomInfo { code: room.code, capacity: room.capacity },
            members: room.members,
            oldest: room.oldest,
            limits: (*self.state.limits).clone(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
        }))
    }

    /// Writes what the log has next for this connection. True: there may be more.
    async fn write_next(&mut self) -> Result<bool, Over> {
        let Some(live) = &mut self.live else { return Ok(false) };
        if let Some(why) = live.attachment.seat_freed() {
            self.step(Input::SeatFreed { by_choice: why == LeaveReason::Choice }).await?;
            return Ok(false);
        }
        let next = live.attachment.after(live.sent);
        if next != Splice::Read {
            live.behind = false;
        }
        match next {
            Splice::Wait => Ok(false),
            Splice::Ended => self.step(Input::RoomEnded).await.map(|()| false),
            Splice::Frame(frame) => {
                live.sent = frame.sent;
                // The hub writes JSON, so this is UTF-8.
                let Ok(text) = Utf8Bytes::try_from(frame.text) else { return Err(Over) };
                self.write(Message::Text(text)).await?;
                Ok(true)
            }
            Splice::Read => self.catch_up().await,
        }
    }

    /// The room has gone on without this connection: what it missed is in the log.
    async fn catch_up(&mut self) -> Result<bool, Over> {
        let Some(live) = &mut self.live else { return Ok(false) };
        if !std::mem::replace(&mut live.behind, true) {
            let now = Instant::now();
            live.overtaken.retain(|at| now - *at < OVERTAKEN_IN);
            live.overtaken.push(now);
            if live.overtaken.len() >= OVERTAKEN {
                return self.close(CloseCode::SlowReader).await.map(|()| false);
            }
        }
        let after = Position { epoch: live.epoch, seq: live.sent };
        match self.state.backend.read(self.lease.code, From::After(after), READ).await {
            Ok(page) => {
                let Some(last) = page.events.last() else { return Ok(false) };
                live.sent = last.seq;
                let more = has_more(&live.attachment, live.sent);
                self.replay(page, more).await?;
                Ok(true)
            }
            Err(error) => self.close(close_code(&error)).await.map(|()| false),
        }
    }

    fn append(&self, id: EventId, body: MessageBody) -> Pending {
        let Lease { code, member, .. } = self.lease;
        match self.state.appends.take(code, member) {
            Ok(()) => self.commit(Draft { id, at: clock::unix_ms(), by: member, kind: EventKind::Message { body } }),
            Err(wait) => {
                let fault = Fault { code: Code::RateLimited, retry_ms: Some(wait.as_millis() as u64 + 1) };
                Box::pin(ready((id, Err(fault))))
            }
        }
    }

    fn leave(&self) -> Pending {
        let member = self.lease.member;
        let kind = EventKind::Left { member, why: LeaveReason::Choice };
        self.commit(Draft { id: entropy::event_id(), at: clock::unix_ms(), by: member, kind })
    }

    fn commit(&self, draft: Draft) -> Pending {
        let (backend, code) = (self.state.backend.clone(), self.lease.code);
        Box::pin(async move {
            let id = draft.id;
            (id, backend.append(code, draft).await.map_err(|error| fault(&error)))
        })
    }

    /// Borrows nothing: a socket cannot be shared between threads, so no `&self` may live across an await.
    fn hold(&self) -> impl Future<Output = Result<(), BackendError>> + Send + use<> {
        let (backend, lease) = (self.state.backend.clone(), self.lease);
        let grace = Duration::from_millis(self.state.limits.grace_ms);
        async move { backend.hold(lease, grace).await }
    }

    async fn renew(&mut self) -> Result<(), Over> {
        match self.hold().await {
            Ok(()) => Ok(()),
            Err(BackendError::NotFound) => self.step(Input::SeatFreed { by_choice: false }).await,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "could not renew a lease");
                Ok(())
            }
        }
    }

    /// Writes what the log answered.
    async fn replay(&mut self, page: Page, more: bool) -> Result<(), Over> {
        for frame in frames(page, more) {
            self.send(&frame).await?;
        }
        Ok(())
    }

    async fn send(&mut self, frame: &ServerFrame) -> Result<(), Over> {
        self.write(Message::Text(codec::encode(frame).into())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), Over> {
        let Some(wire) = &mut self.wire else { return Err(Over) };
        wire.write(message).await?;
        drop(self.machine.step(Instant::now(), Input::Wrote));
        Ok(())
    }

    async fn close(&mut self, code: CloseCode) -> Result<(), Over> {
        match self.wire.take() {
            Some(wire) => close(wire, code).await,
            None => Err(Over),
        }
    }
}

/// What follows the client's position, or the last events when it has none that can be continued.
async fn window(
    backend: &dyn Backend,
    code: RoomCode,
    position: Option<Position>,
    latest: usize,
) -> Result<(bool, Page), BackendError> {
    if let Some(position) = position {
        match backend.read(code, From::After(position), READ).await {
            Ok(page) => return Ok((true, page)),
            Err(BackendError::Reset) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((false, backend.read(code, From::Latest, latest).await?))
}

/// What a turn waited for.
enum Happened {
    Input(Input<'static>),
    Appended(EventId, Result<Appended, Fault>),
    Message(Option<Result<Message, axum::Error>>),
    Renewal,
    Lost,
}

async fn until(append: &mut Option<Pending>) -> (EventId, Result<Appended, Fault>) {
    match append {
        Some(append) => append.await,
        None => pending().await,
    }
}

/// Whether the feed stopped, once there is something new to ask it.
async fn changed(live: &mut Option<Live>) -> bool {
    match live {
        Some(live) => live.attachment.changed().await.is_err(),
        None => pending().await,
    }
}

fn has_more(attachment: &Attachment, sent: Seq) -> bool {
    matches!(attachment.after(sent), Splice::Frame(_) | Splice::Read)
}

/// A page of the log as frames, none larger than [`FRAME_BYTES`] of events unless one alone is: a page of long messages
/// is more than the transport takes at once. At least one, for what follows a welcome says when the replay is over.
/// The names come first, and `more` says whether the log goes on after the page.
fn frames(page: Page, more: bool) -> Vec<ServerFrame> {
    let mut names = page.names;
    let mut pieces = vec![Vec::new()];
    let mut length = 0;
    for event in page.events {
        let bytes = codec::encode(&event).len() + 1;
        length += bytes;
        match pieces.last_mut() {
            Some(piece) if length <= FRAME_BYTES || piece.is_empty() => piece.push(Delivered::Event(event)),
            _ => {
                pieces.push(vec![Delivered::Event(event)]);
                length = bytes;
            }
        }
    }
    let last = pieces.len() - 1;
    let frame = |(n, events)| ServerFrame::Events { events, names: std::mem::take(&mut names), more: more || n < last };
    pieces.into_iter().enumerate().map(frame).collect()
}

/// A socket that gives up on a peer which takes nothing.
struct Wire(WebSocket);

impl Wire {
    async fn write(&mut self, message: Message) -> Result<(), Over> {
        match timeout(WRITE, self.0.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over),
        }
    }
}

/// Says bye, closes, and waits for the peer to close too.
async fn close(mut wire: Wire, code: CloseCode) -> Result<(), Over> {
    let bye = ServerFrame::Bye { code: code.number(), reason: code.reason().to_owned(), retry_ms: None };
    wire.write(Message::Text(codec::encode(&bye).into())).await?;
    wire.write(Message::Close(Some(CloseFrame { code: code.number(), reason: code.reason().into() }))).await?;
    let peer_closes = async { while let Some(Ok(_)) = wire.0.recv().await {} };
    let _ = timeout(LINGER, peer_closes).await;
    Err(Over)
}

/// Why a connection is not opened.
enum Refused {
    Close(CloseCode),
    Over,
}

impl std::convert::From<Over> for Refused {
    fn from(_: Over) -> Self {
        Self::Over
    }
}

impl std::convert::From<AttachError> for Refused {
    fn from(error: AttachError) -> Self {
        Self::Close(match error {
            AttachError::NoSuchRoom => CloseCode::NoSuchRoom,
            AttachError::TooManyTabs => CloseCode::TooManyTabs,
            AttachError::Unavailable => CloseCode::EngineUnavailable,
        })
    }
}

impl std::convert::From<BackendError> for Refused {
    fn from(error: BackendError) -> Self {
        Self::Close(match error {
            // The room is there: its feed was joined. What is not found is the seat.
            BackendError::NotFound => CloseCode::NoSeat,
            error => close_code(&error),
        })
    }
}

fn close_code(error: &BackendError) -> CloseCode {
    match error {
        BackendError::Reset => CloseCode::ContinuityLost,
        BackendError::NotFound => CloseCode::RoomEnded,
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "the store failed a connection");
            CloseCode::EngineUnavailable
        }
    }
}

/// What the sender of a refused append is told.
fn fault(error: &BackendError) -> Fault {
    match error {
        BackendError::NotFound => Code::NoSuchRoom.into(),
        BackendError::Conflict => Code::NoSeat.into(),
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "the store refused an append");
            Fault { code: Code::Unavailable, retry_ms: Some(STORE_RETRY_MS) }
        }
    }
}
