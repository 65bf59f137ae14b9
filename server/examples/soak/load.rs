//! Members that cost little, so that the server is what is measured: text is looked through and not parsed.

use std::net::SocketAddr;
use std::time::Duration;

use app::protocol::{ClientFrame, EventId, Proposal, VERSION, codec};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::proof::client::upgrade;
use crate::proof::http::Seat;

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Light {
    web: WebSocketStream<TcpStream>,
}

impl Light {
    /// Connects and is welcomed. A small `receive_buffer` makes that one who stops reading is noticed soon.
    pub(crate) async fn connect(server: SocketAddr, seat: &Seat, receive_buffer: Option<u32>) -> Self {
        let connecting = async {
            let socket = TcpSocket::new_v4().unwrap();
            if let Some(bytes) = receive_buffer {
                socket.set_recv_buffer_size(bytes).unwrap();
            }
            let stream = socket.connect(server).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut light = Self { web: upgrade(stream, server, seat).await.expect("a socket") };
            light.say(&ClientFrame::Hello { v: VERSION, position: None }).await;
            let welcome = light.hear().await.expect("a welcome");
            assert!(welcome.starts_with(r#"{"type":"welcome""#), "{welcome}");
            light
        };
        tokio::time::timeout(PATIENCE, connecting).await.expect("a connection in time")
    }

    pub(crate) async fn append(&mut self, id: EventId, body: String) {
        self.say(&ClientFrame::Append { id, event: Proposal::Message { body } }).await;
    }

    /// The next text; None when the connection is over. Cancel safe.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        loop {
            match self.web.next().await? {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The port of this end.
    pub(crate) fn port(&self) -> u16 {
        self.web.get_ref().local_addr().unwrap().port()
    }

    async fn say(&mut self, frame: &ClientFrame) {
        self.web.send(Message::text(codec::encode(frame))).await.expect("an open socket");
    }
}
