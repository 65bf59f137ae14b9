//! A minimal HTTP client for the server's forms, readiness and metrics.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use app::api::{Entry, Posted, Visit};
use protocol::{EventId, MemberId, RoomCode, Snapshot};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// A seat in a room, and the cookie that proves it.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) code: RoomCode,
    pub(crate) member: MemberId,
    pub(crate) cookie: String,
}

struct Answer {
    cookie: Option<String>,
    body: String,
}

/// Takes a seat in the room of this code; without a code, in a new room of this capacity.
pub(crate) async fn enter(server: SocketAddr, name: &str, code: Option<RoomCode>, capacity: u32) -> io::Result<Seat> {
    let form = match code {
        Some(code) => format!("name={name}&code={code}&intent=join"),
        None => format!("name={name}&capacity={capacity}&intent=create"),
    };
    let answer = post(server, "/api/enter", &form, None).await?;
    match (serde_json::from_str(&answer.body), answer.cookie) {
        (Ok(Entry { code: Some(code), member: Some(member), .. }), Some(cookie)) => Ok(Seat { code, member, cookie }),
        (other, _) => Err(io::Error::other(format!("could not enter: {other:?} {}", answer.body))),
    }
}

/// Takes a seat with an existing cookie. The entry has the refusal, if there is one.
pub(crate) async fn join(server: SocketAddr, cookie: &str, name: &str, code: RoomCode) -> io::Result<Entry> {
    entry(server, cookie, &format!("name={name}&code={code}&intent=join")).await
}

/// The same, in a new room.
pub(crate) async fn create(server: SocketAddr, cookie: &str, name: &str) -> io::Result<Entry> {
    entry(server, cookie, &format!("name={name}&intent=create")).await
}

async fn entry(server: SocketAddr, cookie: &str, form: &str) -> io::Result<Entry> {
    let answer = post(server, "/api/enter", form, Some(cookie)).await?;
    serde_json::from_str(&answer.body).map_err(io::Error::other)
}

/// Snapshot of the room as a new page has it; `None` without a seat or a room.
pub(crate) async fn snapshot(server: SocketAddr, seat: &Seat) -> io::Result<Option<Snapshot>> {
    let form = format!("code={}", seat.code);
    let answer = post(server, "/api/room_snapshot", &form, Some(&seat.cookie)).await?;
    match serde_json::from_str(&answer.body) {
        Ok(Visit::Inside(inside)) => Ok(Some(inside.snapshot)),
        Ok(Visit::Unavailable) | Err(_) => Err(io::Error::other(format!("no page: {}", answer.body))),
        Ok(Visit::JoinPage(_) | Visit::Unknown(_)) => Ok(None),
    }
}

/// Sends a message as a page without JavaScript does.
pub(crate) async fn post_message(server: SocketAddr, seat: &Seat, id: EventId, body: &str) -> io::Result<()> {
    let form = format!("code={}&id={id}&body={body}", seat.code);
    let answer = post(server, "/api/post_message", &form, Some(&seat.cookie)).await?;
    match serde_json::from_str(&answer.body) {
        Ok(Posted { refused: None }) => Ok(()),
        _ => Err(io::Error::other(format!("not posted: {}", answer.body))),
    }
}

/// Frees the seat.
pub(crate) async fn leave_room(server: SocketAddr, seat: Seat) -> io::Result<()> {
    let answer = post(server, "/api/leave_room", &format!("code={}", seat.code), Some(&seat.cookie)).await?;
    match serde_json::from_str(&answer.body) {
        Ok(Posted { refused: None }) => Ok(()),
        _ => Err(io::Error::other(format!("not left: {}", answer.body))),
    }
}

/// True if the server answers that it is ready.
pub(crate) async fn is_ready(server: SocketAddr) -> io::Result<bool> {
    Ok(get(server, "/readyz").await? == "ready\n")
}

/// The body of the answer to a GET.
pub(crate) async fn get(server: SocketAddr, path: &str) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n");
    Ok(ask(server, &request).await?.body)
}

/// Value of a series in the Prometheus text format; `None` if the series is not there.
pub(crate) async fn metric(metrics: SocketAddr, series: &str) -> io::Result<Option<u64>> {
    let text = get(metrics, "/metrics").await?;
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().map_err(io::Error::other)).transpose()
}

/// Posts a form whose text needs no escapes.
async fn post(server: SocketAddr, path: &str, form: &str, cookie: Option<&str>) -> io::Result<Answer> {
    let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: {server}\r\n{cookie}Accept: application/json\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    ask(server, &request).await
}

/// Sends an HTTP/1.0 request, so that the answer is neither chunked nor kept alive.
async fn ask(server: SocketAddr, request: &str) -> io::Result<Answer> {
    let exchange = async {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        io::Result::Ok(answer)
    };
    let answer = timeout(PATIENCE, exchange).await.map_err(|_| io::ErrorKind::TimedOut)??;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let cookie = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let pair = name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())??;
        Some(pair.to_owned())
    });
    Ok(Answer { cookie, body: body.to_owned() })
}
