//! The browser's WebSocket as a source of inputs.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use client::Input;
use futures_util::{Sink, SinkExt, StreamExt};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, State, WebSocketError};
use protocol::{ClientFrame, RoomCode, SUBPROTOCOL, codec};

use super::browser;

/// Close code of a socket that could not be opened, or broke (RFC 6455 section 7.4.1).
pub(super) const ABNORMAL_CLOSURE: u16 = 1006;

thread_local! {
    static BEGUN: Cell<Option<web_sys::WebSocket>> = const { Cell::new(None) };
}

/// Keeps a socket that was begun before the program ran, for the first room that is opened.
pub fn adopt_early_socket(socket: Option<web_sys::WebSocket>) {
    BEGUN.set(socket);
}

/// One socket with its connection id. Dropping it closes it.
pub(super) struct Socket {
    connection_id: u32,
    web: WebSocket,
    opened: bool,
    closed: bool,
}

impl Socket {
    /// Begins to open a socket to the room, or takes the one that was begun. `None` when the browser refuses at once.
    pub(super) fn open(connection_id: u32, code: RoomCode) -> Option<Self> {
        let address = browser::socket_address(&format!("/ws/{code}"))?;
        let is_usable =
            |begun: &web_sys::WebSocket| begun.url() == address && begun.ready_state() <= web_sys::WebSocket::OPEN;
        let web = match BEGUN.take().filter(is_usable) {
            Some(begun) => WebSocket::try_from(begun),
            None => WebSocket::open_with_protocol(&address, SUBPROTOCOL),
        };
        let web = web.ok()?;
        Some(Self { connection_id, web, opened: false, closed: false })
    }

    /// The connection id.
    pub(super) fn connection_id(&self) -> u32 {
        self.connection_id
    }

    /// Writes a frame. What a closing socket swallows is sent again on the next one: the outbox waits for the echo.
    pub(super) fn transmit(&mut self, frame: &ClientFrame) {
        let _ = self.web.start_send_unpin(Message::Text(codec::encode(frame)));
    }

    /// Waits for the next input. Never resolves after the close.
    pub(super) async fn next(&mut self) -> Input {
        poll_fn(|context| {
            if self.closed {
                return Poll::Pending;
            }
            if !self.opened && Pin::new(&mut self.web).poll_ready(context).is_ready() {
                self.opened = true;
                if matches!(self.web.state(), State::Open) {
                    return Poll::Ready(Input::Opened(self.connection_id));
                }
            }
            loop {
                let Poll::Ready(message) = self.web.poll_next_unpin(context) else { return Poll::Pending };
                let code = match message {
                    Some(Ok(Message::Text(text))) => {
                        return Poll::Ready(match codec::decode(&text) {
                            Ok(frame) => Input::Frame(self.connection_id, frame),
                            Err(_) => Input::InvalidFrame(self.connection_id),
                        });
                    }
                    Some(Ok(Message::Bytes(_))) => return Poll::Ready(Input::InvalidFrame(self.connection_id)),
                    // An error is always followed by its close, which is the one to report.
                    Some(Err(WebSocketError::ConnectionClose(close))) => close.code,
                    Some(Err(_)) => continue,
                    None => ABNORMAL_CLOSURE,
                };
                self.closed = true;
                return Poll::Ready(Input::Closed(self.connection_id, code));
            }
        })
        .await
    }
}
