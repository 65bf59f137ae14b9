//! A chat server as short as it can be, with the same messages: the yardstick of `soak compare`.
//!
//! Rooms are channels in memory. Nothing is stored, nobody is checked, and a member who is slow loses messages.

#![allow(clippy::unwrap_used, reason = "it is compared with, and used by nobody")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::ws::{Message, WebSocket};
use axum::extract::{Form, Path, State, WebSocketUpgrade};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{MemberId, RoomCode, SUBPROTOCOL};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use uuid::Uuid;

/// Number of messages that may wait for a member.
const QUEUE: usize = 1_024;

/// Channels of the rooms.
type Rooms = Arc<Mutex<HashMap<RoomCode, broadcast::Sender<String>>>>;

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").unwrap().parse::<u16>().unwrap();
    let router = Router::new().route("/api/enter", post(enter)).route("/ws/{code}", get(connect));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, router.with_state(Rooms::default())).await.unwrap();
}

async fn enter(Form(fields): Form<HashMap<String, String>>) -> Response {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let code = fields.get("code").map(|code| code.parse().unwrap());
    let code = code.unwrap_or_else(|| RoomCode::from_entropy(number.to_be_bytes()[3..].try_into().unwrap()));
    let member = MemberId(Uuid::from_u128(number.into()));
    ([(header::SET_COOKIE, "member=1")], Json(json!({ "code": code, "member": member }))).into_response()
}

async fn connect(upgrade: WebSocketUpgrade, Path(code): Path<RoomCode>, State(rooms): State<Rooms>) -> Response {
    upgrade.protocols([SUBPROTOCOL]).on_upgrade(move |socket| talk(socket, code, rooms))
}

async fn talk(socket: WebSocket, code: RoomCode, rooms: Rooms) {
    let room = rooms.lock().unwrap().entry(code).or_insert_with(|| broadcast::Sender::new(QUEUE)).clone();
    let (mut sink, mut messages) = socket.split();
    let mut heard = room.subscribe();
    let _hello = messages.next().await;
    if sink.send(Message::text(r#"{"type":"welcome"}"#)).await.is_err() {
        return;
    }
    let sending = tokio::spawn(async move {
        while let Ok(text) = heard.recv().await {
            if sink.send(Message::text(text)).await.is_err() {
                break;
            }
        }
    });
    let mut seq = 0;
    while let Some(Ok(Message::Text(text))) = messages.next().await {
        let Ok(mut frame) = serde_json::from_str::<Value>(&text) else { break };
        seq += 1;
        let event = json!({ "seq": seq, "id": frame["id"].take(), "kind": frame["event"]["kind"].take(), "body": frame["event"]["body"].take() });
        drop(room.send(json!({ "type": "events", "events": [event] }).to_string()));
    }
    sending.abort();
}
