//! A standard error that is closed, full or not read loses log lines, and has no other effect.

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use protocol::EventId;
use serde_json::Value;
use testkit::dice::Dice;
use testkit::http;
use testkit::ids;
use testkit::raw_client::RawClient;
use testkit::within;
use tokio::sync::mpsc::unbounded_channel;

use testkit::node::{Program, free_address};

/// Maximum time for a shutdown with connected clients.
const STOP: Duration = Duration::from_secs(5);
/// Number of refused forms whose log lines, more than 150 bytes each, exceed what a pipe holds (64 KiB).
const FORMS: usize = 600;
const AT_ONCE: usize = 16;
const DROPPED: &str = "flasky_log_lines_dropped_total";

/// A server that logs at `debug` and has a grace period of one second.
struct Logging {
    program: Program,
    metrics: SocketAddr,
    _store: tempfile::TempDir,
}

impl Logging {
    fn new(launcher: &'static [&'static str]) -> Self {
        let (store, metrics) = (tempfile::tempdir().unwrap(), free_address());
        let environment =
            [("RUST_LOG", "debug".to_owned()), ("METRICS", metrics.to_string()), ("GRACE_MS", "1000".to_owned())];
        let program =
            Program::new(env!("CARGO_BIN_EXE_server").into(), store.path().join("flasky.db"), environment.into());
        Self { program: program.through(launcher), metrics, _store: store }
    }

    async fn dropped(&self) -> u64 {
        http::metric(self.metrics, DROPPED).await.unwrap().expect("a counter")
    }

    async fn log_more_than_a_pipe_holds(&self) {
        let refused = async |_| assert!(http::enter(self.program.address, "", None, 50).await.is_err());
        stream::iter(0..FORMS).for_each_concurrent(AT_ONCE, refused).await;
    }

    /// Fails unless members can enter, send, vanish and enter again, health checks answer, and SIGTERM ends the server
    /// in time with 0. Returns the number of dropped log lines.
    async fn serves_and_stops(&mut self) -> u64 {
        let server = self.program.address;
        let ana = http::enter(server, "Ana", None, 50).await.unwrap();
        let mut at_ana = RawClient::connect(server, &ana, None).await;
        send_message(&mut at_ana, 1).await;
        self.log_more_than_a_pipe_holds().await;
        let bo = http::enter(server, "Bo", Some(ana.code), 50).await.unwrap();
        drop(RawClient::connect(server, &bo, None).await);
        within(wait_for_text(&mut at_ana, r#""kind":"left""#)).await;
        let cleo = http::enter(server, "Cleo", Some(ana.code), 50).await.unwrap();
        let mut at_cleo = RawClient::connect(server, &cleo, None).await;
        send_message(&mut at_cleo, 2).await;
        assert_eq!(http::get(server, "/healthz").await.unwrap(), "alive\n");
        assert!(http::is_ready(server).await.unwrap());
        let dropped = self.dropped().await;
        assert_eq!(self.program.terminate(STOP).await.code(), Some(0));
        dropped
    }
}

/// Sends a message, and waits for the echo.
async fn send_message(client: &mut RawClient, seed: u64) {
    let id: EventId = ids::mint(&mut Dice::new(seed));
    client.append(id, "hello".to_owned()).await;
    within(wait_for_text(client, &id.to_string())).await;
}

async fn wait_for_text(client: &mut RawClient, what: &str) {
    while !client.next_text().await.expect("a connection that holds").contains(what) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_stderr_has_no_effect() {
    let mut server = Logging::new(&["sh", "-c", "exec \"$0\" 2>&-"]);
    server.program.start().await;
    server.serves_and_stops().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_log_disk_drops_and_counts_lines() {
    let mut server = Logging::new(&["sh", "-c", "exec \"$0\" 2>/dev/full"]);
    server.program.start().await;
    assert!(server.serves_and_stops().await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_log_pipe_drops_and_counts_lines() {
    let (reader, writer) = pipe().unwrap();
    let mut server = Logging::new(&[]);
    server.program.start_writing_to(writer).await;
    let mut line = String::new();
    BufReader::new(reader).read_line(&mut line).unwrap();
    assert!(line.ends_with('\n'));
    assert!(server.serves_and_stops().await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_log_reader_does_not_delay_the_server() {
    let (reader, writer) = pipe().unwrap();
    let mut server = Logging::new(&[]);
    server.program.start_writing_to(writer).await;
    server.serves_and_stops().await;
    assert!(is_full(reader), "it logged less than the pipe holds");
}

/// True if the pipe is full. Its writers have ended, so that what can be read is all it held.
fn is_full(mut reader: PipeReader) -> bool {
    let mut held = Vec::new();
    reader.read_to_end(&mut held).unwrap();
    // Linux pipes hold 16 pages of 4 KiB; a short line (up to `PIPE_BUF`) is written whole or not at all.
    held.len() > 60 * 1024
}

/// A non-blocking descriptor, which answers `EAGAIN` instead of waiting, cuts no line either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resumed_log_reader_gets_whole_lines_and_the_number_of_dropped_ones() {
    for nonblocking in [false, true] {
        let (reader, writer) = pipe().unwrap();
        rustix::io::ioctl_fionbio(&writer, nonblocking).unwrap();
        let mut server = Logging::new(&[]);
        server.program.start_writing_to(writer).await;
        while server.dropped().await == 0 {
            server.log_more_than_a_pipe_holds().await;
        }
        let (reads, mut lines) = unbounded_channel();
        let reading = tokio::task::spawn_blocking(move || {
            BufReader::new(reader).lines().for_each(|line| drop(reads.send(line.unwrap())));
        });
        // Queued lines are written before the report.
        let mut reported = 0;
        within(async {
            while reported == 0 || reported < server.dropped().await {
                let line: Value = serde_json::from_str(&lines.recv().await.unwrap()).unwrap();
                if line["message"] == "log lines were dropped" {
                    reported = line["since_start"].as_u64().unwrap();
                }
            }
        })
        .await;
        assert_eq!(server.dropped().await, reported);
        assert_eq!(server.program.terminate(STOP).await.code(), Some(0));
        reading.await.unwrap();
        while let Some(line) = lines.recv().await {
            serde_json::from_str::<Value>(&line).expect(&line);
        }
    }
}

/// A program that cannot start ends even when nobody reads its last line.
#[tokio::test]
async fn failed_start_ends_although_stderr_is_full() {
    let (_reader, mut writer) = pipe().unwrap();
    fill(&mut writer);
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.env_clear().args(["check", "--store", "sqlite:///nowhere/flasky.db"]);
    let mut child = command.stdin(Stdio::null()).stderr(writer).spawn().unwrap();
    let status = within(tokio::task::spawn_blocking(move || child.wait().unwrap())).await.unwrap();
    assert_eq!(status.code(), Some(1));
}

fn fill(writer: &mut PipeWriter) {
    rustix::io::ioctl_fionbio(&*writer, true).unwrap();
    while writer.write(&[b'\n'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&*writer, false).unwrap();
}
