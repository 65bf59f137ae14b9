//! Lightweight clients, which pass frames on as text and parse nothing, so that measurements see the server's cost.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::{ClientFrame, EventId, Proposal, VERSION, codec};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::http::Seat;
use super::socket::{Handshake, Web};

/// Time limit for a connection to open and be answered.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct RawClient {
    web: Web,
}

/// The kernel's smallest receive buffer, in bytes: the server soon notices a client that stops reading.
pub const TINY: u32 = 2_304;

/// Next item of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Text(String),
    /// The server's Close frame, with its code.
    Close(Option<u16>),
    /// The connection broke.
    Broken,
}

impl RawClient {
    /// Connects and waits for the welcome. With a small `receive_buffer` (bytes), the server soon notices a client that
    /// stops reading.
    pub async fn connect(server: SocketAddr, seat: &Seat, receive_buffer: Option<u32>) -> Self {
        let connecting = async {
            let socket = TcpSocket::new_v4().unwrap();
            if let Some(bytes) = receive_buffer {
                socket.set_recv_buffer_size(bytes).unwrap();
            }
            let stream = socket.connect(server).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut client = Self { web: Handshake::of(server, seat).upgrade(stream).await.expect("a socket") };
            client.say(&ClientFrame::Hello { v: VERSION, position: None }).await;
            let welcome = client.next_text().await.expect("a welcome");
            assert!(welcome.starts_with(r#"{"type":"welcome""#), "{welcome}");
            client
        };
        tokio::time::timeout(PATIENCE, connecting).await.expect("a connection in time")
    }

    /// First frame on a connection that is refused.
    pub async fn refused(server: SocketAddr, seat: &Seat) -> String {
        let connecting = async {
            let stream = TcpStream::connect(server).await.unwrap();
            let mut client = Self { web: Handshake::of(server, seat).upgrade(stream).await.unwrap() };
            client.next_text().await.expect("a frame")
        };
        tokio::time::timeout(PATIENCE, connecting).await.expect("an answer in time")
    }

    pub async fn append(&mut self, id: EventId, body: String) {
        self.propose(id, Proposal::Message { body, reply_to: None }).await;
    }

    /// Sends an event.
    pub async fn propose(&mut self, id: EventId, event: Proposal) {
        self.say(&ClientFrame::Append { id, event }).await;
    }

    /// Sends a ping, whose `pong` has the same number.
    pub async fn ping(&mut self, n: u64) {
        self.say(&ClientFrame::Ping { n }).await;
    }

    /// Closes the socket with this reason, and waits for the answer.
    pub async fn close(mut self, reason: &str) {
        let frame = CloseFrame { code: CloseCode::Library(4000), reason: reason.into() };
        self.web.close(Some(frame)).await.unwrap();
        while self.web.next().await.is_some_and(|message| message.is_ok()) {}
    }

    /// The next text; `None` once the connection is over. Cancel safe.
    pub async fn next_text(&mut self) -> Option<String> {
        match self.listen().await {
            Said::Text(text) => Some(text),
            Said::Close(_) | Said::Broken => None,
        }
    }

    /// The next text, or the end of the connection. Cancel safe.
    pub async fn listen(&mut self) -> Said {
        loop {
            match self.web.next().await {
                Some(Ok(Message::Text(text))) => return Said::Text(text.as_str().to_owned()),
                Some(Ok(Message::Close(close))) => return Said::Close(close.map(|close| close.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Said::Broken,
            }
        }
    }

    /// The port of this end.
    pub fn port(&self) -> u16 {
        self.web.get_ref().local_addr().unwrap().port()
    }

    async fn say(&mut self, frame: &ClientFrame) {
        // A connection that has ended reports it to `listen`.
        let _ = self.web.send(Message::text(codec::encode(frame))).await;
    }
}
