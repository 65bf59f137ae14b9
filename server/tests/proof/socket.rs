//! One WebSocket that behaves like a browser's.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::Pin;

use client::Input;
use futures_util::stream::SplitStream;
use futures_util::{SinkExt, StreamExt};
use protocol::{ClientFrame, SUBPROTOCOL, codec};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::http::Seat;

/// Close code of a socket that could not be opened, or broke.
const BROKEN: u16 = 1006;

pub(crate) type Web = WebSocketStream<TcpStream>;

/// One socket, identified by its connection id. Dropping it closes it.
pub(crate) struct Socket {
    pub(crate) connection_id: u32,
    wire: Wire,
    outgoing: mpsc::UnboundedSender<Message>,
    to_write: Option<mpsc::UnboundedReceiver<Message>>,
    writer: Option<JoinHandle<()>>,
}

enum Wire {
    Opening(Pin<Box<dyn Future<Output = Option<Web>> + Send>>),
    Open(SplitStream<Web>),
    Closed,
}

impl Socket {
    pub(crate) fn connect(connection_id: u32, door: SocketAddr, seat: &Seat) -> Self {
        let (outgoing, to_write) = mpsc::unbounded_channel();
        let wire = Wire::Opening(Box::pin(connect(door, seat.clone())));
        Self { connection_id, wire, outgoing, to_write: Some(to_write), writer: None }
    }

    /// Queues a frame. Never waits, as in a browser.
    pub(crate) fn transmit(&self, frame: &ClientFrame) {
        let _ = self.outgoing.send(Message::text(codec::encode(frame)));
    }

    /// The next input for the client; pending for ever after the close.
    async fn next(&mut self) -> Input {
        let connection_id = self.connection_id;
        let code = match &mut self.wire {
            Wire::Closed => pending().await,
            Wire::Opening(opening) => match opening.await {
                Some(web) => {
                    self.open(web);
                    return Input::Opened(connection_id);
                }
                None => BROKEN,
            },
            Wire::Open(stream) => loop {
                match stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return codec::decode(&text)
                            .map_or(Input::InvalidFrame(connection_id), |frame| Input::Frame(connection_id, frame));
                    }
                    Some(Ok(Message::Binary(_))) => return Input::InvalidFrame(connection_id),
                    Some(Ok(Message::Close(close))) => break close.map_or(1005, |close| close.code.into()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break BROKEN,
                }
            },
        };
        self.wire = Wire::Closed;
        Input::Closed(connection_id, code)
    }

    fn open(&mut self, web: Web) {
        let (mut sink, stream) = web.split();
        self.wire = Wire::Open(stream);
        self.writer = self.to_write.take().map(|mut to_write| {
            tokio::spawn(async move {
                while let Some(message) = to_write.recv().await {
                    if sink.send(message).await.is_err() {
                        return;
                    }
                }
            })
        });
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(writer) = &self.writer {
            writer.abort();
        }
    }
}

/// The next input from the newest socket; pending for ever while there is none.
pub(crate) async fn next(socket: &mut Option<Socket>) -> Input {
    match socket {
        Some(socket) => socket.next().await,
        None => pending().await,
    }
}

pub(crate) async fn connect(door: SocketAddr, seat: Seat) -> Option<Web> {
    let stream = TcpStream::connect(door).await.ok()?;
    stream.set_nodelay(true).ok()?;
    upgrade(stream, door, &seat).await
}

/// Opens the WebSocket of a seat over an open TCP connection.
pub(crate) async fn upgrade(stream: TcpStream, door: SocketAddr, seat: &Seat) -> Option<Web> {
    let mut request = format!("ws://{door}/ws/{}", seat.code).into_client_request().ok()?;
    request.headers_mut().insert("cookie", seat.cookie.parse().ok()?);
    request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().ok()?);
    let (web, _) = tokio_tungstenite::client_async(request, stream).await.ok()?;
    Some(web)
}
