//! The WebSocket of a session, with limits: on the size of a frame, on how much a peer may send, and on time.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{CloseCode, MemberId, ServerFrame, codec};
use store::Page;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::budget::Metered;
use super::shared_stream::{SharedStream, SharedWriter};
use crate::hub::{EncodedEvent, TextFrame, events_frame, fitting};
use crate::state::AppState;
use crate::telemetry::metrics::Metrics;

/// Maximum size of a message in bytes for tungstenite: above the protocol's own limit, so that a message which only
/// exceeds that one is closed with 4507.
const MAX_MESSAGE_BYTES: usize = 128 * 1024;
/// Size of the read buffer in bytes, which tungstenite allocates for every socket at once (its default is 128 KiB). Most
/// messages fit; a longer one takes more reads.
const READ_BUFFER: usize = 1024;
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
    /// Creates the WebSocket on an upgraded connection, from which `begun` has been read, with the inbound budget of this
    /// member.
    pub(super) async fn new(stream: TcpStream, begun: Bytes, state: &AppState, member: MemberId) -> Self {
        let metered = Metered::new(SharedStream::new(stream), &begun, state.inbound_rate.clone(), member);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let metrics = state.metrics.clone();
        // Copied, so that hyper's buffer is not kept.
        let socket = WebSocketStream::from_partially_read(metered, begun.to_vec(), Role::Server, Some(config)).await;
        Self { socket, metrics }
    }

    /// Returns the next message, as soon as the member's budget allows. Cancel safe.
    ///
    /// # Errors
    /// Fails if there will be no other message.
    pub(super) async fn read(&mut self) -> Result<Message, ReadError> {
        poll_fn(|context| self.socket.get_mut().poll_paid(context)).await;
        let message = self.socket.next().await.ok_or(ReadError::Gone)??;
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
        self.send_text(&codec::encode(frame).as_str().into()).await
    }

    /// Sends a frame that is already encoded, beside tungstenite, which would keep a buffer of its size.
    pub(super) async fn send_text(&mut self, frame: &TextFrame) -> Result<(), Disconnected> {
        let sending = async {
            // tungstenite may have begun to write an answer to a ping, which is to be whole before.
            self.socket.flush().await?;
            let stream = self.socket.get_mut();
            stream.write_all(frame.bytes()).await?;
            Ok::<(), Error>(stream.flush().await?)
        };
        match timeout(WRITE_TIMEOUT, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Disconnected),
        }
    }

    /// Writes what the feed has begun to write.
    pub(super) async fn flush(&mut self) -> Result<(), Disconnected> {
        match timeout(WRITE_TIMEOUT, self.socket.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Disconnected),
        }
    }

    /// Returns the feed's end of the connection.
    pub(super) fn writer(&self) -> &Arc<SharedWriter> {
        self.socket.get_ref().writer()
    }

    /// Sends a page of the log, in as many frames as its size needs. `more` is true if further pages follow.
    pub(super) async fn send_page(&mut self, page: Page, more: bool) -> Result<(), Disconnected> {
        let mut names = page.names;
        let events: Vec<_> = page.events.into_iter().map(EncodedEvent::from).collect();
        let mut rest = events.as_slice();
        loop {
            let (batch, later) = rest.split_at(fitting(rest));
            let more = more || !later.is_empty();
            self.send_text(&events_frame(batch, &std::mem::take(&mut names), more)).await?;
            if later.is_empty() {
                return Ok(());
            }
            rest = later;
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
