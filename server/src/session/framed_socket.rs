//! The WebSocket of a session, with limits: on the size of a frame, on how much a peer may send, and on time.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use protocol::{CloseCode, Delivered, MemberId, ServerFrame, codec};
use store::Page;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::budget::Metered;
use crate::hub::FRAME_BYTES;
use crate::state::AppState;
use crate::telemetry::metrics::Metrics;

/// Maximum size of a message in bytes for tungstenite: above the protocol's own limit, so that a message which only
/// exceeds that one is closed with 4507.
const MAX_MESSAGE_BYTES: usize = 128 * 1024;
/// Size of the read buffer in bytes, which tungstenite allocates for every socket at once (its default is 128 KiB).
const READ_BUFFER: usize = 4 * 1024;
/// Maximum size of the write buffer in bytes (tungstenite's default is unlimited). The largest frame has 0.6 MB: a
/// welcome to 1 000 members with the longest names.
const MAX_WRITE_BUFFER: usize = 1024 * 1024;
/// Maximum time for writing a frame: a peer that takes longer is disconnected or too slow.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time from our Close to the connection's end.
const LINGER: Duration = Duration::from_secs(2);
/// Maximum bytes of a message above [`MAX_MESSAGE_BYTES`] that are still read and discarded after our Close, so that
/// the Close reaches a peer that is sending.
const MAX_DISCARDED_BYTES: u64 = 16 * 1024 * 1024;

/// The connection has ended; no frame can be written any more.
#[derive(Debug)]
pub(super) struct Disconnected;

/// Reason why nothing more can be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The peer violated the WebSocket protocol, and is to be closed with this code.
    Violation(CloseCode),
    /// The connection is closed, or broke.
    Gone,
}

/// Maps errors to the close codes of RFC 6455 section 7.4.1.
impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        match error {
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Error::Protocol(_) => Self::Violation(CloseCode::ProtocolError),
            Error::Utf8(_) => Self::Violation(CloseCode::NotUtf8),
            Error::Capacity(_) => Self::Violation(CloseCode::MessageTooBig),
            _ => Self::Gone,
        }
    }
}

/// WebSocket of one session.
pub(super) struct FramedSocket {
    socket: WebSocketStream<Metered>,
    metrics: Arc<Metrics>,
}

impl FramedSocket {
    /// Creates the WebSocket on an upgraded connection, with the inbound budget of this member.
    pub(super) async fn new(upgraded: Upgraded, state: &AppState, member: MemberId) -> Self {
        let metered = Metered::new(upgraded, state.inbound_rate.clone(), member);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let metrics = state.metrics.clone();
        Self { socket: WebSocketStream::from_raw_socket(metered, Role::Server, Some(config)).await, metrics }
    }

    /// Returns the next message, as soon as the member's budget allows. Cancel safe.
    ///
    /// # Errors
    /// Fails if there will be no other message.
    pub(super) async fn read(&mut self) -> Result<Message, ReadError> {
        poll_fn(|context| self.socket.get_mut().poll_paid(context)).await;
        let message = self.socket.next().await.ok_or(ReadError::Gone)??;
        self.socket.get_mut().charge_frame();
        self.metrics.frame();
        Ok(message)
    }

    pub(super) async fn write(&mut self, message: Message) -> Result<(), Disconnected> {
        match timeout(WRITE_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Disconnected),
        }
    }

    pub(super) async fn send(&mut self, frame: &ServerFrame) -> Result<(), Disconnected> {
        self.write(Message::Text(codec::encode(frame).into())).await
    }

    /// Sends a page of the log, in as many frames as its size needs. `more` is true if further pages follow.
    pub(super) async fn send_page(&mut self, page: Page, more: bool) -> Result<(), Disconnected> {
        let mut names = page.names;
        let mut rest = page.events.into_iter().map(|event| (codec::encode(&event).len(), event)).peekable();
        loop {
            let (mut events, mut bytes) = (Vec::new(), 0);
            while let Some((length, event)) = rest.next_if(|(length, _)| bytes == 0 || bytes + length <= FRAME_BYTES) {
                bytes += length;
                events.push(Delivered::Event(event));
            }
            let last = rest.peek().is_none();
            self.send(&ServerFrame::Events { events, names: std::mem::take(&mut names), more: more || !last }).await?;
            if last {
                return Ok(());
            }
        }
    }

    /// Sends `bye`, with the delay before a reconnect if any, then a Close, and waits for the peer to close too.
    pub(super) async fn close(&mut self, code: CloseCode, retry_ms: Option<u64>) {
        let bye = ServerFrame::Bye { code: code.number(), reason: code.reason().to_owned(), retry_ms };
        let close = Message::Close(Some(CloseFrame { code: code.number().into(), reason: code.reason().into() }));
        if self.send(&bye).await.is_ok() && self.write(close).await.is_ok() {
            self.linger().await;
        }
    }

    /// Answers the Close that was read, with its code (RFC 6455 section 5.5.1).
    pub(super) async fn answer_close(&mut self) {
        // tungstenite has queued the answer.
        if let Ok(Ok(())) = timeout(WRITE_TIMEOUT, self.socket.flush()).await {
            self.linger().await;
        }
    }

    /// Waits for the peer's Close and then for the end of its half of the connection, at most [`LINGER`]. Dropping a
    /// connection with unread data resets it, and the peer may lose what was sent and see 1006 (RFC 6455 section
    /// 7.1.1). After a violation there are no frames to look for, and the rest is discarded.
    async fn linger(&mut self) {
        let end = async {
            while self.read().await.is_ok() {}
            let stream = self.socket.get_mut().unmetered();
            if stream.shutdown().await.is_ok() {
                let _ = copy(&mut stream.take(MAX_DISCARDED_BYTES), &mut sink()).await;
            }
        };
        let _ = timeout(LINGER, end).await;
    }
}
