//! A TCP proxy that fails on purpose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// Number of bytes that is never used up.
const UNLIMITED: i64 = i64::MAX / 2;

/// Manner in which a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// With RST: bytes in flight are lost.
    Reset,
    /// With FIN.
    Close,
}

/// Direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    ToServer,
    ToClient,
}

/// Present state of the simulated network.
#[derive(Clone, Debug)]
struct Weather {
    upstream: SocketAddr,
    /// Number of cuts. Each ends the connections that began before it.
    cuts: u64,
    how: Cut,
    /// Time until which no bytes pass.
    stalled: Option<Instant>,
    /// Bytes per second, each way.
    rate: Option<u64>,
}

/// Network between one user and the server.
pub struct Proxy {
    pub address: SocketAddr,
    weather: Arc<watch::Sender<Weather>>,
    left: Arc<Left>,
    accepting: tokio::task::JoinHandle<()>,
}

/// Bytes that may still pass, each way, before the connection that carries them is reset.
struct Left {
    to_server: AtomicI64,
    to_client: AtomicI64,
}

impl Proxy {
    pub async fn start(upstream: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let weather = Weather { upstream, cuts: 0, how: Cut::Close, stalled: None, rate: None };
        let weather = Arc::new(watch::Sender::new(weather));
        let left = Arc::new(Left { to_server: AtomicI64::new(UNLIMITED), to_client: AtomicI64::new(UNLIMITED) });
        let accepting = tokio::spawn(accept(listener, weather.clone(), left.clone()));
        Ok(Self { address, weather, left, accepting })
    }

    /// Sets the server's address for later connections.
    pub fn point_to(&self, upstream: SocketAddr) {
        self.weather.send_modify(|weather| weather.upstream = upstream);
    }

    /// Ends every connection.
    pub fn cut(&self, how: Cut) {
        self.weather.send_modify(|weather| {
            weather.cuts += 1;
            weather.how = how;
        });
    }

    /// Resets the connection that carries the byte after this many.
    pub fn cut_after(&self, way: Way, bytes: u64) {
        self.left.of(way).store(bytes.cast_signed(), Ordering::Relaxed);
    }

    /// True if [`Proxy::cut_after`] has reset a connection, or was never called.
    pub fn has_cut(&self, way: Way) -> bool {
        self.left.of(way).load(Ordering::Relaxed) > UNLIMITED / 2
    }

    /// Holds all bytes back for this time.
    pub fn stall(&self, time: Duration) {
        self.weather.send_modify(|weather| weather.stalled = Some(Instant::now() + time));
    }

    pub fn slow(&self, bytes_per_second: u64) {
        self.weather.send_modify(|weather| weather.rate = Some(bytes_per_second.max(1)));
    }

    /// Ends all limits and stalls. Open connections stay open.
    pub fn heal(&self) {
        for way in [Way::ToServer, Way::ToClient] {
            self.cut_after(way, UNLIMITED.cast_unsigned());
        }
        self.weather.send_modify(|weather| {
            weather.stalled = None;
            weather.rate = None;
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut(Cut::Close);
    }
}

impl Left {
    fn of(&self, way: Way) -> &AtomicI64 {
        match way {
            Way::ToServer => &self.to_server,
            Way::ToClient => &self.to_client,
        }
    }

    /// Counts these bytes and returns how many of them may pass.
    fn take(&self, way: Way, bytes: usize) -> usize {
        let before = self.of(way).fetch_sub(bytes as i64, Ordering::Relaxed);
        bytes.min(before.max(0) as usize)
    }

    /// Removes the limit, which is for one connection only.
    fn spent(&self, way: Way) {
        self.of(way).store(UNLIMITED, Ordering::Relaxed);
    }
}

async fn accept(listener: TcpListener, weather: Arc<watch::Sender<Weather>>, left: Arc<Left>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(connection(client, weather.subscribe(), left.clone()));
    }
}

async fn connection(mut client: TcpStream, weather: watch::Receiver<Weather>, left: Arc<Left>) {
    let upstream = weather.borrow().upstream;
    let Ok(mut server) = TcpStream::connect(upstream).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let how = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            how = pump(from_client, to_server, Way::ToServer, weather.clone(), &left) => how,
            how = pump(from_server, to_client, Way::ToClient, weather.clone(), &left) => how,
            how = cut(weather) => how,
        }
    };
    if how == Cut::Reset {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Waits for the next cut.
async fn cut(mut weather: watch::Receiver<Weather>) -> Cut {
    let cuts = weather.borrow().cuts;
    match weather.wait_for(|weather| weather.cuts > cuts).await {
        Ok(weather) => weather.how,
        Err(_) => Cut::Close,
    }
}

/// Carries bytes one way until either side ends.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    mut weather: watch::Receiver<Weather>,
    left: &Left,
) -> Cut {
    let mut buffer = [0; 4096];
    loop {
        calm(&mut weather).await;
        let rate = weather.borrow().rate;
        // A slow network carries at most what takes 50 ms at a time.
        let most = rate.map_or(buffer.len(), |rate| (rate as usize / 20).clamp(16, buffer.len()));
        let Ok(read @ 1..) = from.read(&mut buffer[..most]).await else { return Cut::Close };
        calm(&mut weather).await;
        if let Some(rate) = rate {
            sleep(Duration::from_secs_f64(read as f64 / rate as f64)).await;
        }
        let pass = left.take(way, read);
        if to.write_all(&buffer[..pass]).await.is_err() {
            return Cut::Close;
        }
        if pass < read {
            left.spent(way);
            return Cut::Reset;
        }
    }
}

/// Waits until the network is not stalled.
async fn calm(weather: &mut watch::Receiver<Weather>) {
    loop {
        let Some(until) = weather.borrow_and_update().stalled.filter(|until| *until > Instant::now()) else { return };
        tokio::select! {
            () = sleep_until(until) => {}
            changed = weather.changed() => if changed.is_err() { return },
        }
    }
}
