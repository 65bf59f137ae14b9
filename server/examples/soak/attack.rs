//! Measures the worst-case cost of each kind of request per byte sent, and the cost of clients that do not read.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join;
use testkit::dice::Dice;
use testkit::ids::mint;
use testkit::node::{Program, free_address};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use testkit::http::{self, Seat};
use testkit::kernel::{cpu_time, descriptors, resident};
use testkit::raw_client::{RawClient, TINY};

/// Time for which each kind of request is repeated. Each is sent at least once.
const DURATION: Duration = Duration::from_secs(2);
/// Number of messages in a page, and of characters in each.
const PAGE: usize = 100;
const LONG: usize = 4_000;
/// Time after which the server must have released its memory, and the MiB that it may keep. The allocator releases
/// memory that has been unused for ten seconds.
const RETURNED: Duration = Duration::from_secs(15);
const KEPT: f64 = 30.0;
/// Maximum time of a health check: probes commonly give up after a second.
const HEALTH: Duration = Duration::from_secs(1);
/// Maximum time of a request.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Connections that request a page and do not read it.
    #[arg(long, default_value_t = 20)]
    pages: usize,
    /// Connections that request the largest file and do not read it.
    #[arg(long, default_value_t = 120)]
    files: usize,
}

pub(crate) async fn run(server: PathBuf, arguments: &Arguments) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let metrics = free_address();
    let environment = [
        ("APPENDS_PER_SECOND", "100000".to_owned()),
        ("APPEND_BURST", "100000".to_owned()),
        ("ARRIVAL_MS", "600000".to_owned()),
        ("METRICS", metrics.to_string()),
    ];
    let environment = environment.into();
    let mut program = Program::new(server, directory.path().join("flasky.db"), environment);
    program.start().await;
    let (script, faults) = requests(&program).await;
    for fault in &faults {
        println!("    {fault}");
    }
    let pages = measure_unread(&program, "page of short quotes", &script.quotes, arguments.pages).await;
    let files = measure_unread(&program, "file of the largest size", &script.file, arguments.files).await;
    let panics = http::metric(metrics, "flasky_panics_total").await.unwrap().unwrap_or_default();
    println!("{panics} panics");
    pages && files && faults.is_empty() && panics == 0
}

/// Requests that are sent again without reading the response.
struct Script {
    quotes: String,
    file: String,
}

/// Prints a row for each kind of request. Returns also the faults found.
async fn requests(program: &Program) -> (Script, Vec<String>) {
    let server = program.address;
    let mut rows = Rows { program, faults: Vec::new() };
    println!(
        "{:<40} {:>8} {:>9} {:>6} {:>9} {:>9} {:>8} {:>11}",
        "request", "sent, B", "answer, B", "status", "wall, ms", "CPU, ms", "CPU/KB", "/healthz, ms"
    );
    let mut dice = Dice::new(1);
    let noise = |dice: &mut Dice| (0..LONG / 16).map(|_| format!("{:016x}", dice.draw())).collect::<String>();
    let mut quotes = String::new();
    for (what, seats, name, body) in [
        ("one short message", 1, "A", "hello".to_owned()),
        ("50 names that begin with @, all @", 50, "@", "@".repeat(LONG)),
        ("1 000 names, messages of @M", 1_000, "M", "@M ".repeat(LONG / 3)),
        ("quotes", 1, "A", ">a\n\n".repeat(LONG / 4)),
        ("nested quotes", 1, "A", format!("{}a\n\n", ">".repeat(18)).repeat(LONG / 21)),
        ("emphasis", 1, "A", "*_a_* ".repeat(LONG / 6)),
        ("open emphasis", 1, "A", "*a _b ".repeat(LONG / 6)),
        ("links", 1, "A", "http://a.b ".repeat(LONG / 11)),
        ("brackets", 1, "A", "[](a:b)".repeat(LONG / 7)),
        ("noise", 1, "A", noise(&mut dice)),
    ] {
        let (seat, before) = room(program, seats, name, &body).await;
        let page = get(server, &format!("/room/{}", seat.code), &format!("Cookie: {}\r\n", seat.cookie));
        rows.row(&format!("page, {what}"), &page).await;
        let older = post(server, "/api/older_page", &format!("code={}&before={before}", seat.code), &seat.cookie);
        rows.row(&format!("older page, {what}"), &older).await;
        match what {
            "quotes" => quotes = page,
            _ if seats == 50 => rows.concurrent_row("the same page, two at once", &page).await,
            "noise" => {
                let compressed = page.replacen("\r\n\r\n", "\r\nAccept-Encoding: gzip, br\r\n\r\n", 1);
                rows.row("page, noise, compressed", &compressed).await;
                rows.frames(&seat).await;
            }
            _ => {}
        }
    }
    let home = rows.row("home page", &get(server, "/", "")).await;
    rows.row("home page, 60 KB of cookies", &get(server, "/", &format!("Cookie: {}\r\n", "a=b; ".repeat(12_000))))
        .await;
    rows.row("no such page, 60 KB of address", &get(server, &format!("/{}", "x".repeat(60_000)), "")).await;
    rows.row("page of an unknown room", &get(server, "/room/ZZZZ-ZZZZ", "")).await;
    rows.row("QR code", &get(server, "/room/ZZZZ-ZZZZ/qr.svg", "")).await;
    let host = get(server, "/room/ZZZZ-ZZZZ/qr.svg", "").replacen(&server.to_string(), &"x".repeat(2_000), 1);
    rows.row("QR code, host of 2 000 characters", &host).await;
    for (what, field) in [("name", "name=%F0%9F%91%A9"), ("code", "intent=join&name=A&code=%20")] {
        let form = field.to_owned() + &"%F0%9F%91%A9".repeat(21_000);
        rows.row(&format!("form, 252 KB of {what}"), &post(server, "/api/enter", &form, "")).await;
    }
    rows.row("form, new room", &post(server, "/api/enter", "name=A&intent=create", "")).await;
    let file = home.split(['"', '\'']).find(|part| part.starts_with("/pkg/") && part.ends_with(".wasm"));
    let file = get(server, file.expect("a release with the browser's half"), "");
    rows.row("largest file, not compressed", &file).await;
    (Script { quotes, file }, rows.faults)
}

/// Creates a room with all its members and a page of equal messages. Returns the first seat, and the seq after the
/// page.
async fn room(program: &Program, seats: usize, name: &str, body: &str) -> (Seat, usize) {
    let named = |n: usize| if name == "@" { format!("{n:@>31}") } else { format!("{name}{n}") };
    wait_until_idle(program).await;
    let server = program.address;
    let first = http::enter(server, &named(0), None, seats.max(2) as u32).await.unwrap();
    for n in 1..seats {
        http::enter(server, &named(n), Some(first.code), 0).await.unwrap();
    }
    let (mut client, mut dice) = (RawClient::connect(server, &first, None).await, Dice::new(2));
    for _ in 0..PAGE {
        let id = mint(&mut dice);
        client.append(id, body.to_owned()).await;
        while !client.next_text().await.expect("a connection that holds").contains(&id.to_string()) {}
    }
    (first, seats + PAGE + 1)
}

fn get(server: SocketAddr, path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.0\r\nHost: {server}\r\nAccept: text/html\r\n{headers}\r\n")
}

fn post(server: SocketAddr, path: &str, form: &str, cookie: &str) -> String {
    format!(
        "POST {path} HTTP/1.0\r\nHost: {server}\r\nCookie: {cookie}\r\nAccept: application/json\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

async fn exchange(server: SocketAddr, request: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut stream = TcpStream::connect(server).await.unwrap();
    // The server may respond, and close, before it has read the whole request.
    let _ = stream.write_all(request.as_bytes()).await;
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer");
    answer
}

/// Returns the status code of a response, `cut` if there is none.
fn status(answer: &[u8]) -> &str {
    answer.split(|byte| *byte == b' ').nth(1).and_then(|status| str::from_utf8(status).ok()).unwrap_or("cut")
}

/// Rows of the table, and the faults found in them.
struct Rows<'a> {
    program: &'a Program,
    faults: Vec<String>,
}

impl Rows<'_> {
    /// Sends a request repeatedly, one at a time, and prints its cost. Returns the last response.
    async fn row(&mut self, what: &str, request: &str) -> String {
        let mut answer = Vec::new();
        let cost = Cost::of(self.program, async || answer = exchange(self.program.address, request).await).await;
        self.put(&cost, what, request.len(), answer.len(), status(&answer));
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends two requests at a time, repeatedly, and prints the cost.
    async fn concurrent_row(&mut self, what: &str, request: &str) {
        let (server, mut answer) = (self.program.address, Vec::new());
        let two = async || answer = join(exchange(server, request), exchange(server, request)).await.1;
        let cost = Cost::of(self.program, two).await;
        self.put(&cost, what, 2 * request.len(), answer.len(), status(&answer));
    }

    /// Sends frames on one socket, each after the echo of the previous one, and prints the cost.
    async fn frames(&mut self, seat: &Seat) {
        let mut dice = Dice::new(3);
        for (what, body) in
            [("frame, short message", "a".to_owned()), ("frame, message of 4 000 emoji", "🧪".repeat(LONG))]
        {
            let mut client = RawClient::connect(self.program.address, seat, None).await;
            let length = body.len() + 100;
            let append = async || {
                let id = mint(&mut dice);
                client.append(id, body.clone()).await;
                while !client.next_text().await.expect("a connection that holds").contains(&id.to_string()) {}
            };
            let cost = Cost::of(self.program, append).await;
            self.put(&cost, what, length, length, "");
        }
    }

    /// Prints a row. It is a fault if a request overloads the server or delays its health checks.
    fn put(&mut self, cost: &Cost, what: &str, sent: usize, answer: usize, status: &str) {
        cost.print(what, sent, answer, status);
        if matches!(status, "503" | "cut") {
            self.faults.push(format!("{what}: {status}"));
        }
        if cost.health > HEALTH {
            self.faults.push(format!("{what}: /healthz took {:?}", cost.health));
        }
    }
}

/// Mean cost of one request in milliseconds, and the slowest health check meanwhile.
struct Cost {
    wall: f64,
    cpu_time: f64,
    health: Duration,
}

impl Cost {
    async fn of(program: &Program, mut ask: impl AsyncFnMut()) -> Self {
        wait_until_idle(program).await;
        let (worst, mut probing) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
        probing.spawn(probe(program.address, worst.clone()));
        let (begun, before, mut count) = (Instant::now(), cpu_time(&[program.pid()]), 0.0);
        while count == 0.0 || begun.elapsed() < DURATION {
            ask().await;
            count += 1.0;
        }
        let wall = begun.elapsed().as_secs_f64() * 1e3 / count;
        let cpu_time = (cpu_time(&[program.pid()]) - before).as_secs_f64() * 1e3 / count;
        // Leaves time for a delayed health check to finish, so that it counts.
        sleep(Duration::from_millis(50)).await;
        Self { wall, cpu_time, health: Duration::from_micros(worst.load(Ordering::Relaxed)) }
    }

    fn print(&self, what: &str, sent: usize, answer: usize, status: &str) {
        let per_kb = self.cpu_time * 1_024.0 / sent as f64;
        let health = self.health.as_secs_f64() * 1e3;
        println!(
            "{what:<40} {sent:>8} {answer:>9} {status:>6} {:>9.2} {:>9.2} {per_kb:>8.2} {health:>11.1}",
            self.wall, self.cpu_time
        );
    }
}

/// Waits until the server is idle: it may still work on requests that have timed out.
async fn wait_until_idle(program: &Program) {
    const PAUSE: Duration = Duration::from_millis(200);
    let used = || cpu_time(&[program.pid()]);
    let mut before = used();
    loop {
        sleep(PAUSE).await;
        if used() - before < PAUSE / 4 {
            break;
        }
        before = used();
    }
}

/// Sends health checks in an endless loop, and records the longest time in microseconds.
async fn probe(server: SocketAddr, worst: Arc<AtomicU64>) {
    loop {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all(get(server, "/healthz", "").as_bytes()).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
        worst.fetch_max(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
        sleep(Duration::from_millis(5)).await;
    }
}

/// Prints the memory and the number of open descriptors of the server while clients do not read its responses, and
/// afterwards. True if the server has released both.
async fn measure_unread(program: &Program, what: &str, request: &str, count: usize) -> bool {
    wait_until_idle(program).await;
    let megabytes = || resident(program.pid()) / 1024.0;
    let (before, open) = (megabytes(), descriptors(program.pid()));
    let mut readers = Vec::new();
    for _ in 0..count {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(TINY).unwrap();
        let mut stream = socket.connect(program.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        readers.push(stream);
    }
    let (begun, mut most) = (Instant::now(), (before, open));
    while begun.elapsed() < PATIENCE && (begun.elapsed() < PATIENCE / 4 || descriptors(program.pid()) > open) {
        most = (megabytes().max(most.0), descriptors(program.pid()).max(most.1));
        sleep(Duration::from_millis(100)).await;
    }
    let (took, left) = (begun.elapsed(), descriptors(program.pid()));
    drop(readers);
    sleep(RETURNED).await;
    let after = megabytes();
    println!(
        "\n{count} who ask for a {what} and do not read: {before:.0} MiB before, {:.0} at most, {after:.0} after; \
         {open} descriptors before, {} at most, {left} after {took:.0?} of their waiting",
        most.0, most.1,
    );
    left <= open && after < before + KEPT
}
