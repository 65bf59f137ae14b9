//! Slowloris: headers and forms that never end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use testkit::browser::Browser;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::beside::Beside;
use crate::{BOUND, PATIENCE, Target};

/// Maximum time of a header, and of a form (PROTOCOL.md, Getting in).
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of a form in bytes (PROTOCOL.md, Getting in).
const FORM: usize = 256 * 1024;
/// Connections of each kind.
const SLOW: usize = 300;
/// Connections with a large form: as many times [`FORM`] is more than [`HELD`] MiB.
const LARGE: usize = 800;
/// MiB that large forms may add to the server's memory.
const HELD: f64 = 96.0;

fn post(address: SocketAddr, bytes: usize) -> String {
    format!(
        "POST /api/enter HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {bytes}\r\n\r\nname="
    )
}

/// Sends this, and then a byte a second. Returns what is answered until the end, and when that comes.
async fn trickle(address: SocketAddr, begin: String) -> (String, Duration) {
    let (begun, mut answer) = (Instant::now(), Vec::new());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(begin.as_bytes()).await.unwrap();
    loop {
        tokio::select! {
            read = stream.read_buf(&mut answer) => if !matches!(read, Ok(1..)) { break },
            () = sleep(Duration::from_secs(1)) => drop(stream.write_all(b"x").await),
        }
    }
    (String::from_utf8(answer).unwrap(), begun.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_headers_and_slow_forms_are_cut_after_ten_seconds() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let address = server.program.address;
    let header = format!("GET / HTTP/1.1\r\nHost: {address}\r\nX-Slow: ");
    let mut slow = JoinSet::new();
    for (begin, status) in [(header, None), (post(address, 9_999), Some("408"))] {
        for _ in 0..SLOW {
            let trickle = trickle(address, begin.clone());
            slow.spawn(async move { (trickle.await, status) });
        }
    }
    for ((answer, took), status) in beside.during("slow headers and forms", slow.join_all()).await {
        assert_eq!(answer.split(' ').nth(1), status, "{answer}");
        assert!((TIMEOUT.mul_f64(0.9)..TIMEOUT + PATIENCE).contains(&took), "{status:?} after {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_forms_that_never_end_hold_bounded_memory_and_small_ones_are_answered() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let address = server.program.address;
    let almost = post(address, FORM) + &"x".repeat(FORM - 1_000);
    let before = server.mebibytes();
    let attack = async {
        let mut forms = Vec::new();
        for _ in 0..LARGE {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // Ends early where the server refuses it.
            let _ = timeout(PATIENCE, stream.write_all(almost.as_bytes())).await.expect("a server that reads");
            forms.push(stream);
        }
        let begun = Instant::now();
        let mut eve = Browser::new(&server);
        eve.enter(&[("name", "Eve")]).await;
        assert!(begun.elapsed() < BOUND, "a small form took {:?}", begun.elapsed());
        let more = server.mebibytes() - before;
        println!("{LARGE} large forms that never end: {more:.0} MiB");
        assert!(more < HELD, "{more:.0} MiB more");
        let mut statuses = Vec::new();
        for mut form in [forms.swap_remove(0), forms.pop().unwrap()] {
            let mut answer = Vec::new();
            timeout(TIMEOUT + PATIENCE, form.read_to_end(&mut answer)).await.expect("in time").unwrap();
            statuses.push(String::from_utf8(answer).unwrap()[9..12].to_owned());
        }
        statuses
    };
    assert_eq!(beside.during("large forms that never end", attack).await, ["408", "503"]);
}
