//! Session: the loop of one WebSocket connection, which performs what [`machine::Machine`] decides.
//!
//! It has no queue: it keeps a cursor into the room's log, asks the hub what comes next, and writes one buffer at a
//! time. While it waits, the room's feed writes to its socket.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{CloseCode, Epoch, LeaveReason, MemberId, Position, RoomCode, RoomId, Seq, ServerFrame, Welcome};
use store::{Lease, Page, ReadFrom, Room, Store, StoreError};
use tokio::time::{Sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::address_limits::SocketPlace;
use crate::hub::{AttachError, Attachment, FeedLost, NextBatch, Notification, Sink, TextFrame};
use crate::state::AppState;
use crate::telemetry::metrics::{Overflow, Socket};
use crate::{assets, entropy};

pub mod budget;
mod errors;
mod framed_socket;
pub mod machine;
mod pending;
mod shared_stream;
pub mod upgrade;

use errors::{OpenError, close_code};
use framed_socket::{Disconnected, FramedSocket, ReadError};
use machine::{Action, Input, Machine};
use pending::{AppendDone, Pending};

/// Maximum number of events per read from the log: as many as a frame may hold.
const READ_EVENTS: usize = 200;
/// Number of times within [`FALL_BEHIND_WINDOW`] at which a session that falls behind the replay buffer is closed as
/// too slow.
const MAX_FALL_BEHINDS: usize = 3;
const FALL_BEHIND_WINDOW: Duration = Duration::from_secs(60);

struct Connection {
    state: AppState,
    socket: FramedSocket,
    machine: Machine,
    lease: Lease,
    /// Code by which the room was asked for.
    code: RoomCode,
    /// Time of the lease's next renewal.
    renew_at: Instant,
    /// Timer of the machine and of renewals, which may be early: it is not moved for each frame.
    timer: Pin<Box<Sleep>>,
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
    live: Option<Subscribed>,
    /// Append or leave in progress. Until it is done, nothing more is read: backpressure on the sender.
    append: Option<Pending>,
    open: Socket,
    place: SocketPlace,
    /// Code with which the server closed the connection. `None` if the other side ended it.
    closed: Option<CloseCode>,
}

/// State of a welcomed connection: its cursor in the room's log, and how it follows.
struct Subscribed {
    attachment: Attachment,
    epoch: Epoch,
    cursor: Seq,
    /// True while this session must read from the log because its cursor is older than the replay buffer. True
    /// initially.
    reads_log: bool,
    fell_behind_at: Vec<Instant>,
    /// True if the last renewal of the lease found no seat.
    seat_missing: bool,
    /// True once the session has sent everything, until it has to read from the log again. Only what is sent meanwhile
    /// counts for the latency of delivery.
    is_caught_up: bool,
}

impl Connection {
    fn new(
        state: AppState,
        socket: FramedSocket,
        (code, room): (RoomCode, RoomId),
        member: MemberId,
        (open, place): (Socket, SocketPlace),
    ) -> Self {
        let machine = Machine::new(Instant::now(), &state.limits);
        let lease = Lease { room, member, id: entropy::uuid() };
        let renew_at = Instant::now() + renewal_interval(&state);
        let timer = Box::pin(sleep_until(machine.wake().into()));
        let shutdown = Box::pin(state.shutdown.clone().cancelled_owned());
        let (live, append, closed) = (None, None, None);
        Self { state, socket, machine, lease, code, renew_at, timer, shutdown, live, append, open, place, closed }
    }

    async fn run(&mut self) {
        let began = Instant::now();
        while self.turn().await.is_ok() {}
        let (conn, seconds) = (self.open.number, began.elapsed().as_secs());
        match self.closed {
            Some(code) => tracing::info!(conn, seconds, code = code.number(), reason = code.reason(), "closed"),
            None => tracing::info!(conn, seconds, "gone"),
        }
    }

    /// Writes the next frame, if any, and handles one wake-up. Waits for it only if nothing more is to be written.
    async fn turn(&mut self) -> Result<(), Disconnected> {
        let more = self.write_next().await?;
        if let Some(live) = self.live.as_ref().filter(|_| !more) {
            live.attachment.hand_over(live.cursor);
        }
        let wake =
            if self.live.is_some() { self.machine.wake().min(self.renew_at) } else { self.machine.wake() }.into();
        if wake < self.timer.deadline() || self.timer.is_elapsed() {
            self.timer.as_mut().reset(wake);
        }
        let wakeup = tokio::select! {
            biased;
            () = self.shutdown.as_mut() => Wakeup::Input(Input::Shutdown),
            done = pending::completed(&mut self.append) => Wakeup::AppendDone(done),
            message = self.socket.read(), if self.append.is_none() => Wakeup::Message(message),
            () = self.timer.as_mut() => {
                if self.renewal_is_due() { Wakeup::Renewal } else { Wakeup::Input(Input::Tick) }
            }
            () = ready(()), if more => return Ok(()),
            notification = next_notification(&mut self.live) => Wakeup::Notification(notification),
        };
        if let Some(live) = &mut self.live
            && let Some(cursor) = live.attachment.take_back()
        {
            live.cursor = cursor;
        }
        match wakeup {
            Wakeup::Input(input) => {
                if let Some(sent) = self.socket.writer().sent_by_feed() {
                    drop(self.machine.step(sent, Input::Sent));
                }
                self.step(input).await
            }
            Wakeup::AppendDone(AppendDone::Left) => {
                self.append = None;
                self.step(Input::LeaveDone).await
            }
            Wakeup::AppendDone(AppendDone::Unavailable(error)) => self.close(close_code(&error)).await,
            Wakeup::AppendDone(AppendDone::Append(id, outcome)) => {
                self.append = None;
                let cursor = self.live.as_ref().map_or(Seq(0), |live| live.cursor);
                self.step(Input::Appended { id, outcome, cursor }).await
            }
            Wakeup::Message(Ok(message)) => self.message(message).await,
            Wakeup::Message(Err(ReadError::Violation(code))) => self.close(code).await,
            Wakeup::Message(Err(ReadError::Gone)) => Err(Disconnected),
            Wakeup::Renewal => Box::pin(self.renew()).await,
            Wakeup::Notification(Ok(Notification::LogAdvanced)) => self.socket.flush().await,
            Wakeup::Notification(Ok(Notification::Signal(frame))) => self.write_text(&frame).await,
            Wakeup::Notification(Err(FeedLost)) => self.close(CloseCode::ContinuityLost).await,
        }
    }

    async fn message(&mut self, message: Message) -> Result<(), Disconnected> {
        match message {
            Message::Text(text) => self.step(Input::Text(&text)).await,
            Message::Binary(_) => self.step(Input::Binary).await,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => self.step(Input::Control).await,
            Message::Close(_) => {
                self.socket.answer_close().await;
                Err(Disconnected)
            }
        }
    }

    async fn step(&mut self, input: Input<'_>) -> Result<(), Disconnected> {
        for action in self.machine.step(Instant::now(), input) {
            match action {
                // Boxed, as is all that is rare: a connection would keep the place for it.
                Action::Open(position) => match Box::pin(self.open(position)).await {
                    Ok(()) => drop(self.machine.step(Instant::now(), Input::Opened)),
                    Err(OpenError::Close(code)) => {
                        let (code, retry_ms) = upgrade::refusal(&self.state, self.place.network, code);
                        return self.close_until(code, retry_ms).await;
                    }
                    Err(OpenError::Disconnected) => return Err(Disconnected),
                },
                Action::Append { id, change } => {
                    let restriction = self.live.as_ref().and_then(|live| live.attachment.restriction());
                    self.append = Some(pending::append(&self.state, self.lease, restriction, id, change));
                }
                Action::Leave => self.append = Some(pending::leave(&self.state, self.lease)),
                Action::Typing(typing) => {
                    // Dropped above the member's rate limit.
                    if let Some(live) = &self.live
                        && self.state.typing_rate.take(self.lease.member).is_ok()
                    {
                        live.attachment.typing(typing).await;
                    }
                }
                Action::Send(frame) => {
                    if let ServerFrame::Rejected { error, .. } = frame {
                        self.state.metrics.rejected(error);
                        // Debug level, because a client can cause as many lines as it can send frames.
                        tracing::debug!(conn = self.open.number, ?error, "append refused");
                    }
                    Box::pin(self.send(&frame)).await?;
                }
                Action::Ping => Box::pin(self.socket.write(Message::Ping(Default::default()))).await?,
                Action::Close(code) => return self.close(code).await,
            }
        }
        Ok(())
    }

    /// Attaches to the room's feed, and writes the welcome and the first events. From here on every event after the
    /// cursor follows, committed before or after.
    async fn open(&mut self, position: Option<Position>) -> Result<(), OpenError> {
        let id = self.lease.room;
        let sink = Arc::clone(self.socket.writer());
        let mut attachment = match self.state.hub.attach(self.lease, Some(sink as Arc<dyn Sink>)).await {
            Err(AttachError::NoSeat) => return Err(self.refusal().await.into()),
            attached => attached?,
        };
        self.renew_at = Instant::now() + renewal_interval(&self.state);
        let (recovered, mut room, page) = window(&*self.state.store, id, position, self.state.limits.page).await?;
        if !attachment.welcome(&mut room) {
            return Err(self.refusal().await.into());
        }
        let epoch = room.position.epoch;
        let start = position.filter(|_| recovered).map_or(room.position.seq, |position| position.seq);
        let cursor = page.events.last().map_or(start, |last| last.seq);
        if position.is_some() {
            self.state.metrics.resumed(recovered);
        }
        let (conn, resumes, missed) = (self.open.number, position.is_some(), page.events.len());
        tracing::info!(conn, resumes, recovered, missed, "connected");
        self.send(&self.welcome(room, recovered)).await?;
        self.send_page(page).await?;
        let fell_behind_at = Vec::new();
        self.live = Some(Subscribed {
            attachment,
            epoch,
            cursor,
            reads_log: true,
            fell_behind_at,
            seat_missing: false,
            is_caught_up: false,
        });
        Ok(())
    }

    fn welcome(&self, room: Room, recovered: bool) -> ServerFrame {
        ServerFrame::Welcome(Box::new(Welcome {
            member: self.lease.member,
            position: room.position,
            recovered,
            room: room.info(),
            members: room.members,
            oldest: room.oldest,
            limits: (*self.state.limits).clone(),
            build: assets::BUILD.clone(),
        }))
    }

    /// Writes the next events for this connection. Returns true if there may be more.
    async fn write_next(&mut self) -> Result<bool, Disconnected> {
        let Some(live) = &mut self.live else { return Ok(false) };
        let next = live.attachment.next_batch(live.cursor);
        // Events before it are written first, so that the member's last message is echoed too.
        if let Some((left, why)) = live.attachment.seat_freed()
            && (live.cursor >= left || matches!(next, NextBatch::ReadLog { .. } | NextBatch::Ended))
        {
            let ended = why == LeaveReason::Vanished && self.room_is_gone().await;
            self.step(if ended { Input::RoomEnded } else { Input::SeatFreed { why } }).await?;
            return Ok(false);
        }
        if !matches!(next, NextBatch::ReadLog { .. }) {
            live.reads_log = false;
        }
        match next {
            NextBatch::Wait => {
                live.is_caught_up = true;
                Ok(false)
            }
            NextBatch::Ended => self.step(Input::RoomEnded).await.map(|()| false),
            NextBatch::Frame(frame) => {
                live.cursor = frame.cursor;
                let since = live.is_caught_up.then_some(frame.first_received_at);
                self.write_text(&frame.frame).await?;
                self.state.metrics.delivered(frame.events, since);
                Ok(true)
            }
            NextBatch::ReadLog { evicted } => Box::pin(self.catch_up(evicted)).await,
        }
    }

    /// Writes the next events from the log, because the replay buffer no longer has them. Returns true if there may be
    /// more. Closes the connection if it fell behind too often.
    async fn catch_up(&mut self, evicted: bool) -> Result<bool, Disconnected> {
        let Some(live) = &mut self.live else { return Ok(false) };
        live.is_caught_up = false;
        if !std::mem::replace(&mut live.reads_log, true) && evicted {
            let now = Instant::now();
            self.state.metrics.overflowed(Overflow::ReplayBuffer);
            tracing::info!(conn = self.open.number, "overtaken");
            live.fell_behind_at.retain(|at| now - *at < FALL_BEHIND_WINDOW);
            live.fell_behind_at.push(now);
            if live.fell_behind_at.len() >= MAX_FALL_BEHINDS {
                return self.close(CloseCode::SlowReader).await.map(|()| false);
            }
        }
        let after = Position { epoch: live.epoch, seq: live.cursor };
        match self.state.store.read(self.lease.room, ReadFrom::After(after), READ_EVENTS).await {
            Ok(page) => {
                let Some(last) = page.events.last() else { return Ok(false) };
                live.cursor = last.seq;
                self.send_page(page).await?;
                Ok(true)
            }
            Err(error) => self.close(close_code(&error)).await.map(|()| false),
        }
    }

    /// Returns true if the room has ended. The future borrows nothing: the socket is not `Sync`, so no `&self` may live
    /// across an await.
    fn room_is_gone(&self) -> impl Future<Output = bool> + Send + use<> {
        let (store, room) = (self.state.store.clone(), self.lease.room);
        async move { matches!(store.room(room).await, Err(StoreError::NotFound)) }
    }

    /// Returns the close code for a member without a seat. A former code of the room leads nobody else to it. The future
    /// borrows nothing, as that of [`Connection::room_is_gone`].
    fn refusal(&self) -> impl Future<Output = CloseCode> + Send + use<> {
        let (store, Lease { room, member, .. }, code) = (self.state.store.clone(), self.lease, self.code);
        async move {
            match store.room(room).await {
                Ok(room) if room.settings.code != code => CloseCode::NoSuchRoom,
                Ok(room) if room.settings.removed.contains(&member) => CloseCode::Removed,
                _ => CloseCode::NoSeat,
            }
        }
    }

    fn renewal_is_due(&self) -> bool {
        self.live.is_some() && self.renew_at <= Instant::now()
    }

    async fn renew(&mut self) -> Result<(), Disconnected> {
        // From now on: after a renewal that finds no seat, the feed needs time to deliver the reason.
        self.renew_at = Instant::now() + renewal_interval(&self.state);
        match pending::acquire_lease(&self.state, self.lease).await {
            Ok(()) => {
                if let Some(live) = &mut self.live {
                    live.seat_missing = false;
                }
                Ok(())
            }
            Err(StoreError::NotFound) => {
                // The feed delivers the event that freed the seat, and with it the reason. If it has not by the next
                // renewal, it has missed the event.
                let again = self.live.as_mut().is_none_or(|live| std::mem::replace(&mut live.seat_missing, true));
                if again { self.step(Input::SeatFreed { why: LeaveReason::Vanished }).await } else { Ok(()) }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "could not renew a lease");
                Ok(())
            }
        }
    }

    /// Writes a frame that the hub has encoded.
    async fn write_text(&mut self, frame: &TextFrame) -> Result<(), Disconnected> {
        self.socket.send_text(frame).await?;
        self.on_sent();
        Ok(())
    }

    async fn send(&mut self, frame: &ServerFrame) -> Result<(), Disconnected> {
        self.socket.send(frame).await?;
        self.on_sent();
        Ok(())
    }

    /// Writes a page of the log. Its `more` announces that the replay continues.
    async fn send_page(&mut self, page: Page) -> Result<(), Disconnected> {
        let (events, more) = (page.events.len(), page.more);
        self.socket.send_page(page, more).await?;
        self.state.metrics.delivered(events, None);
        self.on_sent();
        Ok(())
    }

    fn on_sent(&mut self) {
        // The machine only notes the time, and returns no action.
        drop(self.machine.step(Instant::now(), Input::Sent));
    }

    async fn close(&mut self, code: CloseCode) -> Result<(), Disconnected> {
        let retry_ms = self.state.reconnect_delay.after(code, &self.state.metrics);
        self.close_until(code, retry_ms).await
    }

    /// Closes the connection. `retry_ms` says when to come back.
    async fn close_until(&mut self, code: CloseCode, retry_ms: Option<u64>) -> Result<(), Disconnected> {
        self.state.metrics.closed(code);
        self.closed = Some(code);
        Box::pin(self.socket.close(code, retry_ms)).await;
        Err(Disconnected)
    }
}

/// Reads the room, and the events after the client's position (true) or, if that cannot be continued, the `latest` last
/// ones (false).
async fn window(
    store: &dyn Store,
    room: RoomId,
    position: Option<Position>,
    latest: usize,
) -> Result<(bool, Room, Page), StoreError> {
    if let Some(position) = position {
        match store.snapshot(room, ReadFrom::After(position), READ_EVENTS).await {
            Ok((room, page)) => return Ok((true, room, page)),
            Err(StoreError::Reset) => {}
            Err(error) => return Err(error),
        }
    }
    let (room, page) = store.snapshot(room, ReadFrom::Latest, latest).await?;
    Ok((false, room, page))
}

/// Interval between two renewals of a lease.
fn renewal_interval(state: &AppState) -> Duration {
    Duration::from_millis((state.limits.grace_ms / 3).max(10))
}

/// Reason why a turn woke up.
enum Wakeup {
    Input(Input<'static>),
    AppendDone(AppendDone),
    Message(Result<Message, ReadError>),
    Renewal,
    Notification(Result<Notification, FeedLost>),
}

async fn next_notification(live: &mut Option<Subscribed>) -> Result<Notification, FeedLost> {
    match live {
        Some(live) => live.attachment.next_notification().await,
        None => pending().await,
    }
}
