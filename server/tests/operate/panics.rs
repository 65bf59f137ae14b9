//! A panic ends the process, with a message. A panic in a request or a connection ends only that one.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use hyper::StatusCode;
use protocol::EventId;
use server::telemetry::{log, panics};
use testkit::browser::Browser;
use testkit::dice::Dice;
use testkit::within;
use testkit::{http, ids};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::Server;
use testkit::faulty::{StoreFault, TREASURE};
use testkit::raw_client::{RawClient, Said};

/// Environment variable that names what panics in the process of [`panicking_server`].
const PANICS: &str = "FLASKY_TEST_PANICS";
/// Operations of the store that can be made to panic, and "thread" for a thread of its own.
const PLACES: [&str; 5] = ["room", "append", "subscribe", "expire", "thread"];

/// Runs the server that panics, set up as `main` does it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the other tests, in a process of its own"]
async fn panicking_server() {
    // Without the variable all ignored tests are being run, and this one does nothing.
    let Ok(place) = std::env::var(PANICS) else { return };
    let place = PLACES.into_iter().find(|known| *known == place).unwrap();
    panics::set_hook();
    log::start("off,flasky=info").unwrap();
    let (server, store) = Server::troubled(&[]).await;
    println!("\nat {} {}", server.address, server.metrics);
    // The parent closes standard input once its clients are connected.
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    store.make(StoreFault::Panics(place));
    println!("\nnow");
    if place == "thread" {
        std::thread::Builder::new().name("store".to_owned()).spawn(|| panic!("a thread")).unwrap();
    }
    std::future::pending::<()>().await;
}

/// A process that runs [`panicking_server`].
struct Panicking {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    /// The lines of its standard error.
    log: UnboundedReceiver<String>,
    address: SocketAddr,
    metrics: SocketAddr,
}

impl Panicking {
    fn start(place: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["panics::panicking_server", "--exact", "--ignored", "--nocapture"]).env(PANICS, place);
        let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (logs, log) = unbounded_channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().for_each(|line| drop(logs.send(line.unwrap() + "\n"))));
        let at = lines.find_map(|line| line.unwrap().strip_prefix("at ").map(ToOwned::to_owned)).unwrap();
        let (address, metrics) = at.split_once(' ').unwrap();
        Self { child, lines, log, address: address.parse().unwrap(), metrics: metrics.parse().unwrap() }
    }

    /// Makes the operation panic from now on.
    fn begin(&mut self) {
        drop(self.child.stdin.take());
        assert!(self.lines.any(|line| line.unwrap() == "now"));
    }

    /// Reads the log up to the line with these words, and returns the lines.
    async fn logged(&mut self, words: &str) -> String {
        let mut text = String::new();
        while !text.contains(words) {
            text += &within(self.log.recv()).await.unwrap_or_else(|| panic!("no {words:?} in: {text}"));
        }
        text
    }

    /// Waits until the process has ended. Returns its exit code and the rest of the log.
    async fn ended(mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        while let Some(line) = within(self.log.recv()).await {
            text += &line;
        }
        (self.child.wait().unwrap().code(), text)
    }

    async fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.ended().await.1
    }
}

/// Ends the process with its test, also when that fails.
impl Drop for Panicking {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panic_in_a_background_task_or_thread_ends_the_process() {
    for place in ["expire", "subscribe", "thread"] {
        let mut server = Panicking::start(place);
        let seat = http::enter(server.address, "Ana", None, 50).await.unwrap();
        server.begin();
        if place == "subscribe" {
            // A room's feed starts with its first connection.
            let address = server.address;
            tokio::spawn(async move { RawClient::connect(address, &seat, None).await });
        }
        let (code, text) = server.ended().await;
        assert_eq!(code, Some(101), "{place}: {text}");
        let told = text.lines().last().unwrap();
        let file = if place == "thread" { "server/tests/" } else { "crates/testkit/" };
        assert!(told.starts_with(&format!("flasky: panicked at {file}")), "{place}: {text}");
        assert!(!text.contains(TREASURE), "{place}: {text}");
        assert!(place != "thread" || told.ends_with(": a thread"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panic_in_a_server_function_fails_only_that_request() {
    for (place, path) in [("append", "/api/post_message"), ("room", "/api/room_snapshot")] {
        let mut server = Panicking::start(place);
        let ana = http::enter(server.address, "Ana", None, 50).await.unwrap();
        server.begin();
        let mut browser = Browser { address: server.address, cookie: Some(ana.cookie.clone()) };
        let (code, id): (String, EventId) = (ana.code.to_string(), ids::mint(&mut Dice::new(1)));
        let form = [("code", code.as_str()), ("id", &id.to_string()), ("body", "hello")];
        let answer = within(browser.call(path, &form)).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{place}");
        assert_eq!(answer.body, "Something broke while this was answered. Please try again.");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(http::get(server.address, "/healthz").await.unwrap(), "alive\n");
        assert_counted_and_logged_without_texts(server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panic_in_a_socket_ends_only_that_connection() {
    let mut server = Panicking::start("append");
    let ana = http::enter(server.address, "Ana", None, 50).await.unwrap();
    let bo = http::enter(server.address, "Bo", Some(ana.code), 50).await.unwrap();
    let mut at_ana = RawClient::connect(server.address, &ana, None).await;
    let mut at_bo = RawClient::connect(server.address, &bo, None).await;
    server.begin();
    at_ana.append(ids::mint(&mut Dice::new(1)), "hello".to_owned()).await;
    let end = async {
        loop {
            match at_ana.listen().await {
                Said::Text(_) => {}
                end => return end,
            }
        }
    };
    assert_eq!(within(end).await, Said::Broken);
    // Bo's connection still answers.
    at_bo.ping(7).await;
    within(async { while at_bo.next_text().await.expect("a connection that holds") != r#"{"type":"pong","n":7}"# {} })
        .await;
    // Ana can connect again.
    drop(RawClient::connect(server.address, &ana, None).await);
    assert!(http::is_ready(server.address).await.unwrap());
    assert_counted_and_logged_without_texts(server).await;
}

async fn assert_counted_and_logged_without_texts(mut server: Panicking) {
    const WORDS: &str = "a request or a connection panicked";
    assert_eq!(http::metric(server.metrics, "flasky_panics_total").await.unwrap(), Some(1));
    let text = server.logged(WORDS).await + &server.kill().await;
    assert_eq!(text.matches(WORDS).count(), 1, "{text}");
    assert!(!text.contains(TREASURE), "{text}");
}
