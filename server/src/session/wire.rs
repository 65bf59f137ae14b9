//! The socket, with bounds: on what one frame holds and on how long a peer may take.

use std::time::Duration;

use app::protocol::{CloseCode, Delivered, ServerFrame, codec};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::time::timeout;

use crate::backend::Page;
use crate::hub::FRAME_BYTES;

/// A peer that takes no frame for this long is gone or too slow.
const WRITE: Duration = Duration::from_secs(10);
/// After our Close the peer's is awaited: dropping the socket earlier can lose the code, and the peer sees 1006.
const LINGER: Duration = Duration::from_secs(2);

/// The connection is over; whatever there was to say has been said.
#[derive(Debug)]
pub(super) struct Over;

/// One socket.
pub(super) struct Wire(WebSocket);

impl Wire {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self(socket)
    }

    /// The next message; `None` when there will be none. Cancel safe.
    pub(super) async fn read(&mut self) -> Option<Result<Message, axum::Error>> {
        self.0.recv().await
    }

    pub(super) async fn write(&mut self, message: Message) -> Result<(), Over> {
        match timeout(WRITE, self.0.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over),
        }
    }

    pub(super) async fn send(&mut self, frame: &ServerFrame) -> Result<(), Over> {
        self.write(Message::Text(codec::encode(frame).into())).await
    }

    /// A page of the log, in as many frames as its size needs. `more`: whether further pages follow.
    pub(super) async fn send_page(&mut self, page: Page, more: bool) -> Result<(), Over> {
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

    /// Says bye, and when to come back, closes, and waits for the peer to close too.
    pub(super) async fn close(&mut self, code: CloseCode, retry_ms: Option<u64>) {
        let bye = ServerFrame::Bye { code: code.number(), reason: code.reason().to_owned(), retry_ms };
        let close = Message::Close(Some(CloseFrame { code: code.number(), reason: code.reason().into() }));
        if self.send(&bye).await.is_ok() && self.write(close).await.is_ok() {
            let peer_closes = async { while let Some(Ok(_)) = self.0.recv().await {} };
            let _ = timeout(LINGER, peer_closes).await;
        }
    }
}
