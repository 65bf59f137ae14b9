//! Session: the loop of one WebSocket connection, which performs what [`machine::Machine`] decides.
//!
//! It has no queue: it keeps a cursor into the room's log, asks the hub what comes next, and writes one buffer at a
//! time.

use std::future::{Future, pending, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use protocol::{
    CloseCode, Epoch, LeaveReason, MemberId, Position, RoomCode, RoomId, RoomInfo, Seq, ServerFrame, Welcome,
};
use store::{Backend, BackendError, From, Lease, Page, Room};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::hub::{Attachment, Lost, News, Splice};
use crate::state::AppState;
use crate::telemetry::metrics::{Overflow, Socket};
use crate::{assets, entropy, identity};

pub mod budget;
pub mod machine;
mod pending;
mod presence;
pub mod rate;
pub mod reconnect_delay;
mod refused;
pub mod upgrade;
mod wire;

use machine::{Action, Input, Machine};
use pending::{Decided, Pending};
use refused::{Refused, close_code};
use wire::{Over, Unreadable, Wire};

/// Maximum number of events per read from the log: as many as a frame may hold.
const READ: usize = 200;
/// Number of times within [`OVERTAKEN_IN`] at which a session that falls behind the replay buffer is closed as too
/// slow.
const OVERTAKEN: usize = 3;
const OVERTAKEN_IN: Duration = Duration::from_secs(60);

/// Serves one socket until it ends. A refusal that a user should see is sent as `bye` on the accepted socket. `speaks`
/// is true if the client offered the subprotocol.
pub async fn run(state: AppState, socket: Upgraded, code: String, session: Option<identity::Session>, speaks: bool) {
    let open = state.metrics.socket();
    let place = match (speaks, code.parse::<RoomCode>(), session) {
        (false, ..) => Err(CloseCode::Version),
        (_, Err(_), _) => Err(CloseCode::NoSuchRoom),
        (_, _, None) => Err(CloseCode::NoSeat),
        (_, Ok(code), Some(session)) => {
            resolve(&state, code).await.map(|room| (room, state.identity.member(session, room)))
        }
    };
    match place {
        Ok((room, member)) => {
            let wire = Wire::new(socket, &state, member).await;
            Connection::new(state, wire, room, member, open).run().await;
        }
        Err(refused) => {
            state.metrics.closed(refused);
            tracing::info!(conn = open.number, code = refused.number(), reason = refused.reason(), "refused");
            let retry_ms = state.reconnect_delay.after(refused, &state.metrics);
            // A random member, so that it uses nobody's budget.
            Wire::new(socket, &state, MemberId(entropy::uuid())).await.close(refused, retry_ms).await;
        }
    }
}

/// Returns the room with this code, or the close code for a connection that cannot be opened.
async fn resolve(state: &AppState, code: RoomCode) -> Result<RoomId, CloseCode> {
    tokio::select! {
        () = state.shutdown.cancelled() => Err(CloseCode::Restarting),
        room = state.backend.resolve(code) => room.map_err(|error| match error {
            BackendError::NotFound => CloseCode::NoSuchRoom,
            error => close_code(&error),
        }),
    }
}

struct Connection {
    state: AppState,
    wire: Wire,
    machine: Machine,
    lease: Lease,
    /// True once the lease was taken.
    held: bool,
    /// Timer of the lease's renewals.
    renewal: Interval,
    live: Option<Live>,
    /// Append or leave in progress. Until it is done, nothing more is read: backpressure on the sender.
    append: Option<Pending>,
    open: Socket,
    /// Code with which the server closed the connection. `None` if the other side ended it.
    closed: Option<CloseCode>,
}

/// State of a welcomed connection: its cursor in the room's log, and how it follows.
struct Live {
    attachment: Attachment,
    epoch: Epoch,
    sent: Seq,
    /// True while this session must read from the log because its cursor is older than the replay buffer. True
    /// initially.
    behind: bool,
    overtaken: Vec<Instant>,
    /// True if the last renewal of the lease found no seat.
    seatless: bool,
    /// True once the session has sent everything, until it has to read from the log again. Only what is sent meanwhile
    /// counts for the latency of delivery.
    following: bool,
}

impl Connection {
    fn new(state: AppState, wire: Wire, room: RoomId, member: MemberId, open: Socket) -> Self {
        let machine = Machine::new(Instant::now(), &state.limits);
        let lease = Lease { room, member, id: entropy::uuid() };
        let mut renewal = interval(Duration::from_millis((state.limits.grace_ms / 3).max(10)));
        // No burst after a stall: after a renewal that finds no seat, the feed needs time to deliver the reason.
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { state, wire, machine, lease, held: false, renewal, live: None, append: None, open, closed: None }
    }

    async fn run(mut self) {
        let began = Instant::now();
        while self.turn().await.is_ok() {}
        let (conn, seconds) = (self.open.number, began.elapsed().as_secs());
        match self.closed {
            Some(code) => tracing::info!(conn, seconds, code = code.number(), reason = code.reason(), "closed"),
            None => tracing::info!(conn, seconds, "gone"),
        }
        if self.held {
            self.live = None;
            // The grace period begins now, not at the last renewal. Fails if there is no seat any more.
            let held = pending::hold(&self.state, self.lease).await.is_ok();
            presence::departed(&self.state, self.lease, held).await;
        }
    }

    /// Writes the next frame, if any, and handles one wake-up. Waits for it only if nothing more is to be written.
    async fn turn(&mut self) -> Result<(), Over> {
        let more = self.write_next().await?;
        let shutdown = self.state.shutdown.clone();
        let wake = tokio::time::Instant::from_std(self.machine.wake());
        let happened = tokio::select! {
            biased;
            () = shutdown.cancelled() => Happened::Input(Input::Shutdown),
            decided = pending::decided(&mut self.append) => Happened::Decided(decided),
            message = self.wire.read(), if self.append.is_none() => Happened::Message(message),
            _ = self.renewal.tick(), if self.live.is_some() => Happened::Renewal,
            () = tokio::time::sleep_until(wake) => Happened::Input(Input::Tick),
            () = ready(()), if more => return Ok(()),
            news = news(&mut self.live) => Happened::News(news),
        };
        match happened {
            Happened::Input(input) => self.step(input).await,
            Happened::Decided(Decided::Left) => {
                self.append = None;
                self.step(Input::LeaveDone).await
            }
            Happened::Decided(Decided::Silence(error)) => self.close(close_code(&error)).await,
            Happened::Decided(Decided::Append(id, outcome)) => {
                self.append = None;
                let sent = self.live.as_ref().map_or(Seq(0), |live| live.sent);
                self.step(Input::Appended { id, outcome, sent }).await
            }
            Happened::Message(Ok(message)) => self.message(message).await,
            Happened::Message(Err(Unreadable::Violation(code))) => self.close(code).await,
            Happened::Message(Err(Unreadable::Gone)) => Err(Over),
            Happened::Renewal => self.renew().await,
            Happened::News(Ok(News::Log)) => Ok(()),
            Happened::News(Ok(News::Signal(text))) => self.write_text(text).await,
            Happened::News(Err(Lost)) => self.close(CloseCode::ContinuityLost).await,
        }
    }

    async fn message(&mut self, message: Message) -> Result<(), Over> {
        match message {
            Message::Text(text) => self.step(Input::Text(&text)).await,
            Message::Binary(_) => self.step(Input::Binary).await,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => self.step(Input::Heard).await,
            Message::Close(_) => {
                self.wire.answer_close().await;
                Err(Over)
            }
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
                Action::Append { id, kind } => self.append = Some(pending::append(&self.state, self.lease, id, kind)),
                Action::Leave => self.append = Some(pending::leave(&self.state, self.lease)),
                Action::Typing(typing) => presence::typing(&self.state, self.lease, typing).await,
                Action::Send(frame) => {
                    if let ServerFrame::Rejected { code, .. } = frame {
                        self.state.metrics.rejected(code);
                        // Debug level, because a client can cause as many lines as it can send frames.
                        tracing::debug!(conn = self.open.number, ?code, "append refused");
                    }
                    self.send(&frame).await?;
                }
                Action::Ping => self.wire.write(Message::Ping(Default::default())).await?,
                Action::Close(code) => return self.close(code).await,
            }
        }
        Ok(())
    }

    /// Attaches to the room's feed, takes the connection's lease, and writes the welcome and the first events. From
    /// here on every event after the cursor follows, committed before or after.
    async fn open(&mut self, position: Option<Position>) -> Result<(), Refused> {
        let Lease { room: id, member, .. } = self.lease;
        let attachment = self.state.hub.attach(id, member).await?;
        match pending::hold(&self.state, self.lease).await {
            // The room existed when its feed was joined. Either it has ended since, or the member has no seat.
            Err(BackendError::NotFound) if self.room_is_gone().await => return Err(CloseCode::NoSuchRoom.into()),
            Err(BackendError::NotFound) => return Err(CloseCode::NoSeat.into()),
            held => held?,
        }
        self.held = true;
        self.renewal.reset();
        let page_lease = Lease { id: uuid::Uuid::nil(), ..self.lease };
        self.state.backend.release(page_lease).await?;
        if attachment.arrive() {
            presence::back(&self.state, self.lease).await;
        }
        let (recovered, mut room, page) = window(&*self.state.backend, id, position, self.state.limits.page).await?;
        self.state.hub.see(id, &mut room.members);
        let epoch = room.position.epoch;
        let start = position.filter(|_| recovered).map_or(room.position.seq, |position| position.seq);
        let sent = page.events.last().map_or(start, |last| last.seq);
        if position.is_some() {
            self.state.metrics.resumed(recovered);
        }
        let (conn, resumes, missed) = (self.open.number, position.is_some(), page.events.len());
        tracing::info!(conn, resumes, recovered, missed, "connected");
        self.send(&self.welcome(room, recovered)).await?;
        self.send_page(page).await?;
        let overtaken = Vec::new();
        self.live = Some(Live { attachment, epoch, sent, behind: true, overtaken, seatless: false, following: false });
        Ok(())
    }

    fn welcome(&self, room: Room, recovered: bool) -> ServerFrame {
        ServerFrame::Welcome(Box::new(Welcome {
            member: self.lease.member,
            position: room.position,
            recovered,
            room: RoomInfo { id: Some(room.id), code: room.code, capacity: room.capacity, locked: false },
            members: room.members,
            oldest: room.oldest,
            limits: (*self.state.limits).clone(),
            build: assets::BUILD.clone(),
        }))
    }

    /// Writes the next events for this connection. Returns true if there may be more.
    async fn write_next(&mut self) -> Result<bool, Over> {
        let Some(live) = &mut self.live else { return Ok(false) };
        let next = live.attachment.after(live.sent);
        // Events before it are written first, so that the member's last message is echoed too.
        if let Some((left, why)) = live.attachment.seat_freed()
            && (live.sent >= left || matches!(next, Splice::Read { .. } | Splice::Ended))
        {
            let by_choice = why == LeaveReason::Choice;
            let ended = !by_choice && self.room_is_gone().await;
            self.step(if ended { Input::RoomEnded } else { Input::SeatFreed { by_choice } }).await?;
            return Ok(false);
        }
        if !matches!(next, Splice::Read { .. }) {
            live.behind = false;
        }
        match next {
            Splice::Wait => {
                live.following = true;
                Ok(false)
            }
            Splice::Ended => self.step(Input::RoomEnded).await.map(|()| false),
            Splice::Frame(frame) => {
                live.sent = frame.sent;
                let since = live.following.then_some(frame.since);
                self.write_text(frame.text).await?;
                self.state.metrics.delivered(frame.events, since);
                Ok(true)
            }
            Splice::Read { overtaken } => self.catch_up(overtaken).await,
        }
    }

    /// Writes the next events from the log, because the replay buffer no longer has them. Returns true if there may be
    /// more. Closes the connection if it fell behind too often.
    async fn catch_up(&mut self, overtaken: bool) -> Result<bool, Over> {
        let Some(live) = &mut self.live else { return Ok(false) };
        live.following = false;
        if !std::mem::replace(&mut live.behind, true) && overtaken {
            let now = Instant::now();
            self.state.metrics.overflowed(Overflow::Ring);
            tracing::info!(conn = self.open.number, "overtaken");
            live.overtaken.retain(|at| now - *at < OVERTAKEN_IN);
            live.overtaken.push(now);
            if live.overtaken.len() >= OVERTAKEN {
                return self.close(CloseCode::SlowReader).await.map(|()| false);
            }
        }
        let after = Position { epoch: live.epoch, seq: live.sent };
        match self.state.backend.read(self.lease.room, From::After(after), READ).await {
            Ok(page) => {
                let Some(last) = page.events.last() else { return Ok(false) };
                live.sent = last.seq;
                self.send_page(page).await?;
                Ok(true)
            }
            Err(error) => self.close(close_code(&error)).await.map(|()| false),
        }
    }

    /// Returns true if the room has ended. The future borrows nothing: the socket is not `Sync`, so no `&self` may live
    /// across an await.
    fn room_is_gone(&self) -> impl Future<Output = bool> + Send + use<> {
        let (backend, room) = (self.state.backend.clone(), self.lease.room);
        async move { matches!(backend.room(room).await, Err(BackendError::NotFound)) }
    }

    async fn renew(&mut self) -> Result<(), Over> {
        match pending::hold(&self.state, self.lease).await {
            Ok(()) => Ok(()),
            Err(BackendError::NotFound) => {
                // The feed delivers the event that freed the seat, and with it the reason. If it has not by the next
                // renewal, it has missed the event.
                let again = self.live.as_mut().is_none_or(|live| std::mem::replace(&mut live.seatless, true));
                if again { self.step(Input::SeatFreed { by_choice: false }).await } else { Ok(()) }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "could not renew a lease");
                Ok(())
            }
        }
    }

    /// Writes a frame that the hub has encoded.
    async fn write_text(&mut self, text: Bytes) -> Result<(), Over> {
        // The hub writes JSON, so this is UTF-8.
        let Ok(text) = Utf8Bytes::try_from(text) else { return Err(Over) };
        self.wire.write(Message::Text(text)).await?;
        self.wrote();
        Ok(())
    }

    async fn send(&mut self, frame: &ServerFrame) -> Result<(), Over> {
        self.wire.send(frame).await?;
        self.wrote();
        Ok(())
    }

    /// Writes a page of the log. Its `more` announces that the replay continues.
    async fn send_page(&mut self, page: Page) -> Result<(), Over> {
        let (events, more) = (page.events.len(), page.more);
        self.wire.send_page(page, more).await?;
        self.state.metrics.delivered(events, None);
        self.wrote();
        Ok(())
    }

    fn wrote(&mut self) {
        // The machine only notes the time, and returns no action.
        drop(self.machine.step(Instant::now(), Input::Wrote));
    }

    async fn close(&mut self, code: CloseCode) -> Result<(), Over> {
        self.state.metrics.closed(code);
        self.closed = Some(code);
        let retry_ms = self.state.reconnect_delay.after(code, &self.state.metrics);
        self.wire.close(code, retry_ms).await;
        Err(Over)
    }
}

/// Reads the room, and the events after the client's position (true) or, if that cannot be continued, the `latest` last
/// ones (false).
async fn window(
    backend: &dyn Backend,
    room: RoomId,
    position: Option<Position>,
    latest: usize,
) -> Result<(bool, Room, Page), BackendError> {
    if let Some(position) = position {
        match backend.snapshot(room, From::After(position), READ).await {
            Ok((room, page)) => return Ok((true, room, page)),
            Err(BackendError::Reset) => {}
            Err(error) => return Err(error),
        }
    }
    let (room, page) = backend.snapshot(room, From::Latest, latest).await?;
    Ok((false, room, page))
}

/// Reason why a turn woke up.
enum Happened {
    Input(Input<'static>),
    Decided(Decided),
    Message(Result<Message, Unreadable>),
    Renewal,
    News(Result<News, Lost>),
}

async fn news(live: &mut Option<Live>) -> Result<News, Lost> {
    match live {
        Some(live) => live.attachment.news().await,
        None => pending().await,
    }
}
