//! One WebSocket that behaves like a browser's.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::Pin;

use client::Input;
use futures_util::stream::SplitStream;
use futures_util::{SinkExt, StreamExt};
use hyper::header;
use protocol::{ClientFrame, SUBPROTOCOL, codec};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::http::Seat;

/// Close code of a socket that could not be opened, or broke.
const BROKEN: u16 = 1006;

pub type Web = WebSocketStream<TcpStream>;

/// One socket, identified by its connection id. Dropping it closes it.
pub struct Socket {
    pub connection_id: u32,
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
    pub fn connect(connection_id: u32, door: SocketAddr, seat: &Seat) -> Self {
        let (outgoing, to_write) = mpsc::unbounded_channel();
        let wire = Wire::Opening(Box::pin(connect(door, seat.clone())));
        Self { connection_id, wire, outgoing, to_write: Some(to_write), writer: None }
    }

    /// Queues a frame. Never waits, as in a browser.
    pub fn transmit(&self, frame: &ClientFrame) {
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
pub async fn next(socket: &mut Option<Socket>) -> Input {
    match socket {
        Some(socket) => socket.next().await,
        None => pending().await,
    }
}

pub async fn connect(door: SocketAddr, seat: Seat) -> Option<Web> {
    let stream = TcpStream::connect(door).await.ok()?;
    stream.set_nodelay(true).ok()?;
    Handshake::of(door, &seat).upgrade(stream).await.ok()
}

/// Parameters of a WebSocket handshake.
#[derive(Clone, Debug)]
pub struct Handshake {
    pub address: SocketAddr,
    pub code: String,
    pub cookie: Option<String>,
    pub origin: Option<String>,
    pub subprotocol: bool,
}

impl Handshake {
    /// The handshake of a seat's page, without the `Origin`.
    pub fn of(address: SocketAddr, seat: &Seat) -> Self {
        let (code, cookie) = (seat.code.to_string(), Some(seat.cookie.clone()));
        Self { address, code, cookie, origin: None, subprotocol: true }
    }

    /// Opens the WebSocket over an open TCP connection.
    ///
    /// # Errors
    /// Fails if the connection breaks, and with the HTTP response if the handshake is refused.
    pub async fn upgrade(self, stream: TcpStream) -> Result<Web, tungstenite::Error> {
        let mut request = format!("ws://{}/ws/{}", self.address, self.code).into_client_request()?;
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
        Ok(client_async(request, stream).await?.0)
    }
}
