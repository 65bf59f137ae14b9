//! A terminal client: joins a room by its link, sends each line of standard input, and prints the messages.
//! `cargo run -p client --example talk -- http://127.0.0.1:3000/room/CODE NAME`
//!
//! [`Client`] decides everything; this driver has the socket, the clock and the entropy. `https` needs TLS features.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a driver has a clock, and this one a terminal")]

use std::collections::HashSet;
use std::error::Error;
use std::time::{Duration, Instant, SystemTime};

use client::{Action, Client, Input, MessageRow, Outbox, Row, RowState, Status};
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{EventId, MessageBody, SUBPROTOCOL, codec};
use tokio::{net::TcpStream, sync::mpsc, time::sleep};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _, handshake::client::Request};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [link, name] = &*arguments else { return Err("usage: talk LINK NAME".into()) };
    let request = join(link, name)?;
    let (say, mut said) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut bodies =
            std::io::stdin().lines().map_while(Result::ok).filter_map(|line| line.parse::<MessageBody>().ok());
        bodies.try_for_each(|body| say.blocking_send(body))
    });
    let (mut client, mut input) = (Client::new(getrandom::u64()?, None, Outbox::default()), Input::Start);
    let (start, mut socket, mut wake, mut printed) = (Instant::now(), None, u64::MAX, HashSet::new());
    loop {
        let (mut opened, now) = (None, start.elapsed().as_millis() as u64);
        for action in client.step(now, input) {
            match (action, &mut socket) {
                (Action::Connect(id), _) => match connect_async(request.clone()).await {
                    Ok((web, _)) => (socket, opened) = (Some((id, web)), Some(Input::Opened(id))),
                    Err(_) => opened = Some(Input::Closed(id, 1006)),
                },
                (Action::Disconnect(_), _) => socket = None,
                // A socket that is broken is noticed when it is read.
                (Action::Transmit(frame), Some((_, web))) => drop(web.send(Message::text(codec::encode(&frame))).await),
                (Action::Wake(at), _) => wake = at,
                _ => {}
            }
        }
        for row in client.rows() {
            if let Row::Message(MessageRow { id, name: Some(name), body: Some(body), state: RowState::Sent, .. }) = row
                && printed.insert(id)
            {
                println!("{name}: {}", body.as_str());
            }
        }
        if let Status::Ended(ending) = client.status() {
            return Err(format!("the stay has ended: {ending:?}").into());
        }
        input = tokio::select! {
            input = async { opened.unwrap_or(Input::Tick) }, if opened.is_some() => input,
            input = receive(&mut socket) => input,
            Some(body) = said.recv() => {
                let (at, mut entropy) = (SystemTime::UNIX_EPOCH.elapsed()?.as_millis() as u64, [0; 10]);
                getrandom::fill(&mut entropy)?;
                Input::Send { id: EventId::mint(at, entropy), body, reply_to: None, at }
            }
            () = sleep(Duration::from_millis(wake.saturating_sub(now))) => {
                wake = u64::MAX;
                Input::Tick
            }
        };
    }
}

/// Takes a seat in the room. Returns the request that opens its socket.
fn join(link: &str, name: &str) -> Result<Request, Box<dyn Error>> {
    let (site, code) = link.split_once("/room/").ok_or("this is no link to a room")?;
    let mut answer = ureq::post(format!("{site}/api/enter")).send_form([("name", name), ("code", code)])?;
    let entry = answer.body_mut().read_to_string()?;
    let cookie = answer.headers().get("set-cookie").filter(|_| entry.contains("member")).ok_or(entry)?;
    let mut request = format!("{}/ws/{code}", site.replacen("http", "ws", 1)).into_client_request()?;
    let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
    request.headers_mut().insert("cookie", cookie.parse()?);
    request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse()?);
    Ok(request)
}

/// Waits for the next input from the socket; forever while there is none.
async fn receive(socket: &mut Option<(u32, WebSocketStream<MaybeTlsStream<TcpStream>>)>) -> Input {
    let Some((id, web)) = socket else { return std::future::pending().await };
    let (id, message) = (*id, web.next().await);
    let code = match message {
        Some(Ok(Message::Text(text))) => {
            return codec::decode(&text).map_or(Input::InvalidFrame(id), |frame| Input::Frame(id, frame));
        }
        Some(Ok(Message::Close(close))) => close.map_or(1005, |close| close.code.into()),
        Some(Ok(_)) => return Input::Tick,
        Some(Err(_)) | None => 1006,
    };
    *socket = None;
    Input::Closed(id, code)
}
