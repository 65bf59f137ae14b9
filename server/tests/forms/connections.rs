//! HTTP connections: keep-alive, header timeout, header size, and shutdown.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Server;

/// Maximum time for a request's header (PROTOCOL.md, Getting in).
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Delay that a busy machine may add.
const SLACK: Duration = Duration::from_secs(5);

/// An HTTP connection of raw bytes, kept alive between requests.
struct Raw(TcpStream);

impl Raw {
    async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends text and ignores errors: the server may stop reading before the end.
    async fn send(&mut self, text: &str) {
        let _ = self.0.write_all(text.as_bytes()).await;
    }

    /// Requests `/healthz` and reads the answer. Returns false if the connection has ended.
    async fn is_answered(&mut self) -> bool {
        self.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"alive\n") {
            if !matches!(self.0.read_buf(&mut answer).await, Ok(1..)) {
                return false;
            }
        }
        true
    }

    /// Reads to the end of the connection. Returns the text and the time that took.
    async fn rest(&mut self) -> (String, Duration) {
        let (begun, mut answer) = (Instant::now(), Vec::new());
        while matches!(self.0.read_buf(&mut answer).await, Ok(1..)) {}
        (String::from_utf8(answer).unwrap(), begun.elapsed())
    }
}

fn is_about(took: Duration, expected: Duration) -> bool {
    (expected.mul_f64(0.9)..expected + SLACK).contains(&took)
}

#[tokio::test]
async fn idle_connection_outlives_the_header_timeout() {
    let server = Server::start(&[]).await;
    let mut pooled = Raw::open(server.address).await;
    for _ in 0..2 {
        assert!(pooled.is_answered().await, "a proxy's pooled connection was closed");
        tokio::time::sleep(HEADER_TIMEOUT + Duration::from_secs(1)).await;
    }
    assert!(pooled.is_answered().await, "a proxy's pooled connection was closed");
}

#[tokio::test]
async fn keep_alive_ms_ends_an_idle_connection() {
    for seconds in [1, 3] {
        let server = Server::start(&[&format!("--keep-alive-ms={}", seconds * 1_000)]).await;
        let mut idle = Raw::open(server.address).await;
        let begun = Instant::now();
        assert!(idle.is_answered().await);
        let (rest, _) = idle.rest().await;
        let took = begun.elapsed();
        assert_eq!(rest, "", "a proxy would read this as the answer to its next request");
        assert!(is_about(took, Duration::from_secs(seconds)), "{took:?}");
    }
}

#[tokio::test]
async fn shutdown_does_not_wait_for_idle_connections() {
    let server = Server::start(&[]).await;
    let (mut new, mut idle) = (Raw::open(server.address).await, Raw::open(server.address).await);
    assert!(idle.is_answered().await);
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < SLACK, "the shutdown took {:?}", begun.elapsed());
    assert_eq!((new.rest().await.0, idle.rest().await.0), (String::new(), String::new()));
}

#[tokio::test]
async fn header_timeout_is_ten_seconds_from_the_first_byte() {
    let server = Server::start(&[]).await;
    for listener in [server.address, server.metrics] {
        let silent = async {
            let (_, took) = Raw::open(listener).await.rest().await;
            assert!(is_about(took, HEADER_TIMEOUT), "a silent connection ended after {took:?}");
        };
        let first = async {
            let mut slow = Raw::open(listener).await;
            slow.send("GET /healthz HTTP/1.1\r\nHo").await;
            let (_, took) = slow.rest().await;
            assert!(is_about(took, HEADER_TIMEOUT), "a first header ended after {took:?}");
        };
        let trickling = async {
            let mut slow = Raw::open(server.address).await;
            assert!(slow.is_answered().await);
            tokio::time::sleep(Duration::from_secs(2)).await;
            let begun = Instant::now();
            slow.send("GET /healthz HTTP/1.1\r\n").await;
            // Single bytes do not extend the timeout.
            while slow.0.write_all(b"x").await.is_ok() && begun.elapsed() < HEADER_TIMEOUT + SLACK {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            assert!(is_about(begun.elapsed(), HEADER_TIMEOUT), "a later header ended after {:?}", begun.elapsed());
        };
        futures_util::join!(silent, first, trickling);
    }
}

#[tokio::test]
async fn header_above_64_kib_is_answered_with_431() {
    let server = Server::start(&[]).await;
    for listener in [server.address, server.metrics] {
        for fields in [
            format!("X-Long: {}\r\n", "x".repeat(100 * 1024)),
            format!("Cookie: {}\r\n", "flasky=x; ".repeat(7_000)),
            (0..90).map(|n| format!("X-{n}: {}\r\n", "x".repeat(1_000))).collect(),
        ] {
            let mut long = Raw::open(listener).await;
            long.send(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")).await;
            let (answer, _) = long.rest().await;
            assert!(answer.starts_with("HTTP/1.1 431 "), "{} bytes: {answer:.40}", fields.len());
        }
        let mut fits = Raw::open(listener).await;
        fits.send(&format!("GET /healthz HTTP/1.0\r\nX-Long: {}\r\n\r\n", "x".repeat(60_000))).await;
        let (answer, _) = fits.rest().await;
        // The metrics listener has no `/healthz`.
        let status = if listener == server.address { "HTTP/1.0 200 " } else { "HTTP/1.0 404 " };
        assert!(answer.starts_with(status), "{answer:.40}");
    }
}
