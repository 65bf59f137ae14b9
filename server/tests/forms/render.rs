//! Rendering of pages: blocked threads, concurrent pages, the deadline, and panics.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use testkit::faulty::StoreFault;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::Server;
use testkit::browser::{Browser, Person};

/// Maximum number of threads that render pages (src/render.rs).
const THREADS: usize = 4;
/// Maximum time that a request waits for its page (src/render.rs).
const DEADLINE: Duration = Duration::from_secs(10);

/// Requests this person's room page. Returns the whole response, with status line and headers.
async fn page(person: &Person) -> String {
    let (server, page, cookie) = (person.browser.address, person.page(), person.browser.cookie.as_ref().unwrap());
    let mut stream = TcpStream::connect(server).await.unwrap();
    let request = format!("GET {page} HTTP/1.0\r\nHost: {server}\r\nCookie: {cookie}\r\nAccept: text/html\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE * 2, stream.read_to_string(&mut answer)).await.expect("an answer in time").unwrap();
    answer
}

async fn late_metric(metrics: SocketAddr) -> String {
    let text = Browser { address: metrics, cookie: None }.get("/metrics").await.body;
    text.lines().find(|line| line.starts_with("flasky_late_total ")).unwrap().to_owned()
}

#[tokio::test]
async fn health_and_sockets_answer_while_every_rendering_thread_is_blocked() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut socket = ana.connect().await;
    let mut block = store.block("room");
    let threads = std::thread::available_parallelism().unwrap().get().min(THREADS);
    let pages: Vec<_> = (0..threads)
        .map(|_| {
            let ana = ana.clone();
            tokio::spawn(async move { page(&ana).await })
        })
        .collect();
    block.came(threads).await;
    assert_eq!(Browser::new(&server).get("/healthz").await.body, "alive\n");
    socket.said("still here").await;
    assert!(!pages.iter().any(|page| page.is_finished()), "no page was blocked");
    drop(block);
    for page in join_all(pages).await {
        let page = page.unwrap();
        assert!(page.starts_with("HTTP/1.0 200 ") && page.contains("still here"), "{page}");
    }
}

#[tokio::test]
async fn concurrently_rendered_pages_never_deadlock() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let (seen, unknown) = (ana.page(), "/room/0000-0000".to_owned());
    let readers = (0..16).map(|reader| {
        let paths = ["/".to_owned(), seen.clone(), unknown.clone()];
        let mut browser = if reader % 2 == 0 { ana.browser.clone() } else { Browser::new(&server) };
        tokio::spawn(async move {
            for nth in 0..60 {
                let answer = browser.get(&paths[(reader + nth) % paths.len()]).await;
                assert!(!answer.status.is_server_error(), "{}", answer.status);
            }
        })
    });
    for reader in join_all(readers).await {
        reader.expect("every page came");
    }
}

#[tokio::test]
async fn page_that_takes_longer_than_ten_seconds_is_answered_with_503_and_counted() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    assert_eq!(late_metric(server.metrics).await, "flasky_late_total 0");
    let block = store.block("room");
    let answer = page(&ana).await.to_lowercase();
    assert!(answer.starts_with("http/1.0 503 ") && answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert_eq!(late_metric(server.metrics).await, "flasky_late_total 1");
    drop(block);
    let answer = page(&ana).await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
}

#[tokio::test]
async fn panic_in_a_page_fails_only_that_request() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    store.make(StoreFault::Panics("room"));
    let answer = page(&ana).await;
    assert!(answer.starts_with("HTTP/1.0 500 "), "{answer}");
    assert_eq!(Browser::new(&server).get("/healthz").await.body, "alive\n");
    store.heal();
    let answer = page(&ana).await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
}
