//! HTTP requests, and the forms of the server as a program sends them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body;
use hyper::header::{self, HeaderMap};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use protocol::{ErrorCode, EventId, MemberId, RoomCode, Snapshot};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// A whole HTTP response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Name and value of the cookie that the response sets.
    pub fn cookie(&self) -> Option<&str> {
        let given: Vec<_> = self.headers.get_all(header::SET_COOKIE).iter().collect();
        assert!(given.len() <= 1, "one cookie at a time (RFC 6265 section 4.1.1): {given:?}");
        given.first()?.to_str().unwrap().split(';').next()
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    fn read<T: DeserializeOwned>(&self) -> io::Result<T> {
        serde_json::from_str(&self.body).map_err(|error| io::Error::other(format!("{error}: {}", self.body)))
    }
}

/// Sends one request over a connection of its own.
///
/// # Errors
/// Fails if no whole response comes in time.
pub async fn send<B>(address: SocketAddr, request: Request<B>) -> io::Result<Answer>
where
    B: Body<Error: std::error::Error + Send + Sync, Data: Send> + Send + 'static,
{
    let exchange = async {
        let stream = TokioIo::new(TcpStream::connect(address).await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.map_err(io::Error::other)?;
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        connection.abort();
        let body = String::from_utf8(body.to_vec()).map_err(io::Error::other)?;
        Ok(Answer { status: head.status, headers: head.headers, body })
    };
    timeout(PATIENCE, exchange).await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// Body of a form with these fields.
pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A seat in a room, and the cookie that proves it.
#[derive(Clone, Debug)]
pub struct Seat {
    pub code: RoomCode,
    pub member: MemberId,
    pub cookie: String,
}

/// Answer to `enter`: the seat, or the reason why there is none.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Entry {
    pub code: Option<RoomCode>,
    pub member: Option<MemberId>,
    pub refused: Option<Refusal>,
}

/// Refusal of a form.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Refusal {
    pub error: ErrorCode,
}

/// Takes a seat in the room of this code; without a code, in a new room of this capacity.
pub async fn enter(server: SocketAddr, name: &str, code: Option<RoomCode>, capacity: u32) -> io::Result<Seat> {
    let (code, capacity) = (code.map(|code| code.to_string()), capacity.to_string());
    let fields = match &code {
        Some(code) => [("name", name), ("code", code), ("intent", "join")],
        None => [("name", name), ("capacity", &*capacity), ("intent", "create")],
    };
    let answer = post(server, "/api/enter", &fields, None).await?;
    match (answer.read()?, answer.cookie()) {
        (Entry { code: Some(code), member: Some(member), .. }, Some(cookie)) => {
            Ok(Seat { code, member, cookie: cookie.to_owned() })
        }
        _ => Err(io::Error::other(format!("could not enter: {}", answer.body))),
    }
}

/// Takes a seat with an existing cookie. The entry has the refusal, if there is one.
pub async fn join(server: SocketAddr, cookie: &str, name: &str, code: RoomCode) -> io::Result<Entry> {
    let code = code.to_string();
    post(server, "/api/enter", &[("name", name), ("code", &code), ("intent", "join")], Some(cookie)).await?.read()
}

/// Takes a seat in a new room with an existing cookie. The entry has the refusal, if there is one.
pub async fn create(server: SocketAddr, cookie: &str, name: &str) -> io::Result<Entry> {
    post(server, "/api/enter", &[("name", name), ("intent", "create")], Some(cookie)).await?.read()
}

/// Snapshot of the room as a new page has it; `None` without a seat or a room.
pub async fn snapshot(server: SocketAddr, seat: &Seat) -> io::Result<Option<Snapshot>> {
    #[derive(Deserialize)]
    struct Inside {
        snapshot: Snapshot,
    }
    #[derive(Deserialize)]
    enum Visit {
        Inside(Box<Inside>),
        Door(serde::de::IgnoredAny),
        Unknown(serde::de::IgnoredAny),
    }
    let code = seat.code.to_string();
    let answer = post(server, "/api/room_snapshot", &[("code", &code)], Some(&seat.cookie)).await?;
    Ok(match answer.read()? {
        Visit::Inside(inside) => Some(inside.snapshot),
        Visit::Door(_) | Visit::Unknown(_) => None,
    })
}

/// Sends a message as a page without JavaScript does.
pub async fn post_message(server: SocketAddr, seat: &Seat, id: EventId, body: &str) -> io::Result<()> {
    let (code, id) = (seat.code.to_string(), id.to_string());
    let fields = [("code", &*code), ("id", &*id), ("body", body)];
    granted(&post(server, "/api/post_message", &fields, Some(&seat.cookie)).await?)
}

/// Frees the seat.
pub async fn leave_room(server: SocketAddr, seat: Seat) -> io::Result<()> {
    let code = seat.code.to_string();
    granted(&post(server, "/api/leave_room", &[("code", &code)], Some(&seat.cookie)).await?)
}

fn granted(answer: &Answer) -> io::Result<()> {
    #[derive(Deserialize)]
    struct Posted {
        refused: Option<Refusal>,
    }
    match answer.read()? {
        Posted { refused: None } => Ok(()),
        Posted { refused: Some(refused) } => Err(io::Error::other(format!("refused: {refused:?}"))),
    }
}

/// Asks for what only the host may do. Returns the reason if it is refused.
///
/// # Errors
/// Fails if there is no answer.
pub async fn manage_room(
    server: SocketAddr,
    seat: &Seat,
    action: &str,
    member: Option<MemberId>,
    value: &str,
) -> io::Result<Option<ErrorCode>> {
    let (code, member) = (seat.code.to_string(), member.map(|member| member.to_string()).unwrap_or_default());
    let fields = [("code", &*code), ("action", action), ("member", &*member), ("value", value)];
    let answer = post(server, "/api/manage_room", &fields, Some(&seat.cookie)).await?;
    Ok(answer.read::<Entry>()?.refused.map(|refused| refused.error))
}

/// True if the server answers that it is ready.
pub async fn is_ready(server: SocketAddr) -> io::Result<bool> {
    Ok(get(server, "/readyz").await? == "ready\n")
}

/// The body of the answer to a GET.
pub async fn get(server: SocketAddr, path: &str) -> io::Result<String> {
    let request = Request::get(path).header(header::HOST, server.to_string());
    Ok(send(server, request.body(Full::<Bytes>::default()).unwrap()).await?.body)
}

/// Value of a series in the Prometheus text format; `None` if the series is not there.
pub async fn metric(metrics: SocketAddr, series: &str) -> io::Result<Option<u64>> {
    let text = get(metrics, "/metrics").await?;
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().map_err(io::Error::other)).transpose()
}

async fn post(server: SocketAddr, path: &str, fields: &[(&str, &str)], cookie: Option<&str>) -> io::Result<Answer> {
    post_form(server, path, form(fields), cookie).await
}

/// Posts a form for an answer in JSON.
///
/// # Errors
/// As [`send`].
pub async fn post_form(server: SocketAddr, path: &str, form: String, cookie: Option<&str>) -> io::Result<Answer> {
    let mut request = Request::post(path)
        .header(header::HOST, server.to_string())
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    send(server, request.body(Full::new(Bytes::from(form))).unwrap()).await
}
