//! Connections that begin and do not go on.

use std::time::{Duration, Instant};

use testkit::browser::Person;
use testkit::event_id;
use testkit::kernel::descriptors;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::beside::Beside;
use crate::raw::{FIN, HANDSHAKE, HELLO, TEXT, frame, handshake};
use crate::{PATIENCE, Target, join, until_within};
use testkit::raw_client::TINY;

/// Connections of each kind.
const EACH: usize = 100;
/// Maximum time for a header, a `hello`, and a frame to be taken (PROTOCOL.md, Getting in and Codes).
const TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that are not read: all that a member may have.
const TABS: u64 = 8;
/// Members who say as much at once as they may: more than the kernel holds for somebody who does not read.
const TALKERS: usize = 40;
const AT_ONCE: usize = 10;

/// Opens a connection with a small receive buffer and sends this.
async fn begin(person: &Person, text: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(TINY).unwrap();
    let mut stream = socket.connect(person.browser.address).await.unwrap();
    stream.write_all(text).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_do_not_go_on_are_cut_after_ten_seconds() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let eve = Person::create(&server, "Eve").await;
    let whole = handshake(&eve, &HANDSHAKE) + "\r\n\r\n";
    let open = descriptors(server.program.pid());
    let attack = async {
        // Upgraded, and gone: without a reset, and with one.
        for n in 0..2 * EACH {
            let stream = begin(&eve, whole.as_bytes()).await;
            if n % 2 == 0 {
                stream.set_zero_linger().unwrap();
            }
        }
        let mut cut = JoinSet::new();
        for (begun, answer) in [("", ""), (&*handshake(&eve, &HANDSHAKE), ""), (&whole, "4500")] {
            for _ in 0..EACH {
                let (eve, begun) = (eve.clone(), begun.to_owned());
                cut.spawn(async move {
                    let (since, mut stream, mut said) =
                        (Instant::now(), begin(&eve, begun.as_bytes()).await, Vec::new());
                    let read = async { while matches!(stream.read_buf(&mut said).await, Ok(1..)) {} };
                    timeout(TIMEOUT + PATIENCE, read).await.expect("cut in time");
                    let said = String::from_utf8_lossy(&said).into_owned();
                    assert!(said.contains(answer) && said.is_empty() == answer.is_empty(), "{begun}: {said}");
                    since.elapsed()
                });
            }
        }
        for took in cut.join_all().await {
            assert!((TIMEOUT.mul_f64(0.9)..TIMEOUT + PATIENCE).contains(&took), "cut after {took:?}");
        }
        until_within(PATIENCE, "all are cut", async || descriptors(server.program.pid()) <= open).await;
    };
    beside.during("half-open upgrades", attack).await;
    assert_eq!(server.metric("flasky_sockets").await, beside.sockets());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_are_not_read_are_cut_after_ten_seconds() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let eve = Person::create(&server, "Eve").await;
    let talkers = join(&server, eve.code, TALKERS).await;
    let open = beside.sockets();
    let hello = [handshake(&eve, &HANDSHAKE).as_bytes(), b"\r\n\r\n", &frame(FIN | TEXT, HELLO.as_bytes())].concat();
    let before = server.mebibytes();
    let attack = async {
        let mut unread = Vec::new();
        for _ in 0..TABS {
            unread.push(begin(&eve, &hello).await);
        }
        let sockets = async || server.metric("flasky_sockets").await;
        until_within(PATIENCE, "all are open", async || sockets().await == open + TABS).await;
        let begun = Instant::now();
        for mut talker in talkers {
            for _ in 0..AT_ONCE {
                let (code, id) = (talker.code.to_string(), event_id().to_string());
                let form = [("code", &*code), ("id", &*id), ("body", &*"🧪".repeat(4_000))];
                assert_eq!(talker.browser.call("/api/post_message", &form).await.body, "{}");
            }
        }
        until_within(TIMEOUT + PATIENCE, "all are cut", async || sockets().await == open).await;
        assert!(begun.elapsed() >= TIMEOUT, "cut after {:?}", begun.elapsed());
        unread
    };
    beside.during("sockets that are not read", attack).await;
    println!("sockets that are not read: {:.0} MiB", server.mebibytes() - before);
}
